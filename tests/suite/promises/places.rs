//! Every place and every kind of repository that git knows, and the versions of git.

use crate::common::{Outcome, Repo, Sandbox, write_program};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

fn small(sandbox: &Sandbox) -> Repo<'_> {
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo
}

/// The whole of the main job on one branch, from one directory; gives the worktree it had.
#[track_caller]
fn main_job(sandbox: &Sandbox, dir: &Path, branch: &str) -> PathBuf {
    let git = |args: &[&str]| {
        let mut git = sandbox.command("git");
        sandbox.outcome(git.args(args).current_dir(dir))
    };
    main_job_by(sandbox, &git, branch)
}

#[track_caller]
fn main_job_by(sandbox: &Sandbox, git: &dyn Fn(&[&str]) -> Outcome, branch: &str) -> PathBuf {
    let run = |args: &[&str]| git(&[&["agentenv"], args].concat());
    let said = run(&["add", branch, "--json"]).ok().json();
    let tree = PathBuf::from(said["path"].as_str().unwrap());
    assert_eq!(said["phase"], "ready");
    let head = sandbox
        .outcome(
            sandbox.command("git").args(["status", "--porcelain", "--branch"]).current_dir(&tree),
        )
        .ok();
    assert_eq!(head.stdout.lines().count(), 1, "{}", head.show());
    assert!(head.stdout.starts_with(&format!("## {branch}")), "{}", head.show());
    let listed = run(&["list", "--json"]).ok().json();
    let listed = listed["environments"].as_array().unwrap().clone();
    assert!(listed.iter().any(|one| one["branch"] == branch && one["state"] == "ready"));
    assert_eq!(run(&["path", branch]).ok().stdout.trim_end(), tree.to_str().unwrap());
    let ran = run(&["run", branch, "--", "git", "rev-parse", "--show-toplevel"]).ok();
    assert_eq!(ran.stdout.trim_end(), tree.to_str().unwrap(), "{}", ran.show());
    let port = run(&["run", branch, "--", "sh", "-c", "echo $DJANGO_PORT"]).ok().stdout;
    assert_eq!(port.trim_end(), said["variables"]["DJANGO_PORT"].as_str().unwrap());
    run(&["remove", branch]).ok();
    assert!(!tree.exists());
    tree
}

#[test]
fn any_directory_of_any_worktree_will_do() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    repo.agentenv(&["add", "base"]).ok();
    let base = sandbox.root.join("app-base");
    for (number, dir) in
        [repo.path.join("deep/er"), base.clone(), base.join("some where")].iter().enumerate()
    {
        fs::create_dir_all(dir).unwrap();
        let branch = format!("b{number}");
        // Beside the main checkout, whichever worktree it was called from.
        assert_eq!(main_job(&sandbox, dir, &branch), sandbox.root.join(format!("app-{branch}")));
    }
}

#[test]
fn git_c_git_dir_and_aliases_lead_to_the_same() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    repo.git(&["config", "alias.ae", "agentenv"]);
    repo.git(&["config", "alias.sae", "!git agentenv"]);
    repo.git(&["config", "alias.from-root", "!f() { git agentenv \"$@\"; }; f"]);
    let elsewhere = sandbox.root.join("else where");
    fs::create_dir(&elsewhere).unwrap();
    let inside = repo.path.join("inside");
    fs::create_dir(&inside).unwrap();
    let ways: [(&Path, &[&str]); 5] = [
        (&elsewhere, &["-C", "../app", "agentenv"]),
        (&elsewhere, &["--git-dir=../app/.git", "--work-tree=../app", "agentenv"]),
        (&inside, &["ae"]),
        (&inside, &["sae"]),
        (&inside, &["from-root"]),
    ];
    for (number, (dir, way)) in ways.iter().enumerate() {
        let git = |args: &[&str]| {
            let mut git = sandbox.command("git");
            sandbox.outcome(git.args(*way).args(&args[1..]).current_dir(dir))
        };
        let tree = main_job_by(&sandbox, &git, &format!("b{number}"));
        assert_eq!(tree, sandbox.root.join(format!("app-b{number}")), "{way:?}");
    }
}

#[test]
fn a_bare_repository_has_environments_too() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    for (name, wanted) in [("plain.git", "plain-x"), ("dotted/.bare", "dotted-x")] {
        let bare = sandbox.root.join(name);
        repo.git(&["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
        let tree = main_job(&sandbox, &bare, "x");
        assert_eq!(tree.file_name().unwrap(), wanted, "{name}");
        // From a worktree of a bare repository as well.
        let git =
            |args: &[&str]| sandbox.outcome(sandbox.command("git").args(args).current_dir(&bare));
        git(&["worktree", "add", "--quiet", "../w", "main"]).ok();
        main_job(&sandbox, &bare.parent().unwrap().join("w"), "y");
        git(&["worktree", "remove", "../w"]).ok();
    }
}

#[test]
fn a_database_file_can_be_in_a_directory_of_its_own() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers().replace("\"{name}", "\"data/{name}"));
    repo.agentenv(&["add", "x"]).ok();
    assert!(sandbox.root.join("app-x/data").is_dir());
    repo.agentenv(&["remove", "x"]).ok();
}

#[test]
fn paths_of_the_configuration_are_the_same_however_they_are_written() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let config = sandbox.config_without_servers().replace("\"{name}", "\"./data//{name}");
    repo.config(&format!("env_file: ./.env.worktree\n{config}"));
    let view = repo.agentenv(&["add", "x", "--json"]).ok().json();
    assert_eq!(view["variables"]["SQLITE_FILE"], "data/x.sqlite3");
    let tree = sandbox.root.join("app-x");
    assert_eq!(view["env_file"], tree.join(".env.worktree").to_str().unwrap());
    fs::write(tree.join("data/x.sqlite3"), "").unwrap();
    repo.agentenv(&["remove", "x"]).ok();
}

#[test]
fn submodules_are_neither_in_the_way_nor_lost() {
    let sandbox = Sandbox::new();
    let library = sandbox.repo("library");
    library.commit("code", "1\n");
    let repo = small(&sandbox);
    repo.git(&["submodule", "--quiet", "add", "../library", "lib"]);
    repo.git(&["commit", "--quiet", "--message", "library"]);
    main_job(&sandbox, &repo.path, "plain");

    // One that was filled in the worktree: git itself refuses to remove such a tree without force.
    repo.agentenv(&["add", "x"]).ok();
    let tree = sandbox.root.join("app-x");
    let git = |args: &[&str]| sandbox.outcome(sandbox.command("git").args(args).current_dir(&tree));
    git(&["submodule", "--quiet", "update", "--init"]).ok();
    assert!(tree.join("lib/code").exists());
    fs::write(tree.join("lib/code"), "changed\n").unwrap();
    let said = repo.agentenv(&["remove", "x"]).fails(7);
    assert!(said.stderr.contains("lib"), "{}", said.show());
    assert!(tree.join("lib/code").exists());
    repo.agentenv(&["remove", "x", "--force"]).ok();
    assert!(!tree.exists());
    // An environment inside the submodule is the submodule's.
    let inner = repo.path.join("lib");
    let said = sandbox.agentenv_in(&inner, &["add", "y", "--json"]).ok().json();
    assert_eq!(said["main"], inner.to_str().unwrap());
    sandbox.agentenv_in(&inner, &["remove", "y"]).ok();
}

#[test]
fn a_sparse_checkout_stays_sparse() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    repo.commit("wanted/a", "a\n");
    repo.commit("unwanted/b", "b\n");
    repo.git(&["sparse-checkout", "set", "wanted"]);
    main_job(&sandbox, &repo.path, "x");
    assert!(repo.path.join("wanted/a").exists() && !repo.path.join("unwanted").exists());
    let tree = sandbox.root.join("app-y");
    repo.agentenv(&["add", "y"]).ok();
    assert!(tree.join("wanted/a").exists());
    // As plain git does it: the new worktree has the patterns of the one it was made from.
    repo.git(&["worktree", "add", "--quiet", "../plain"]);
    assert_eq!(tree.join("unwanted").exists(), sandbox.root.join("plain/unwanted").exists());
}

#[test]
fn a_sha256_repository_works() {
    let sandbox = Sandbox::new();
    let path = sandbox.root.join("app");
    fs::create_dir(&path).unwrap();
    let git = |args: &[&str]| {
        sandbox.outcome(sandbox.command("git").args(args).current_dir(&path)).ok().stdout
    };
    git(&["init", "--quiet", "--object-format=sha256"]);
    fs::write(path.join(".agentenv.yaml"), sandbox.config_without_servers()).unwrap();
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "first"]);
    assert_eq!(git(&["rev-parse", "HEAD"]).trim().len(), 64);
    main_job(&sandbox, &path, "x");
    sandbox.agentenv_in(&path, &["add", "--detach"]).ok();
}

#[test]
fn directories_with_blanks_quotes_and_umlauts_are_directories() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("my \"äpp\" $(x)'s");
    repo.config(&sandbox.config_without_servers());
    main_job(&sandbox, &repo.path, "x");
}

/// Debian's own git, which is another version than the first one on PATH where a newer one was installed.
#[test]
fn the_system_s_git_does_it_as_well() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    let system = |args: &[&str]| {
        let mut git = sandbox.command("/usr/bin/git");
        sandbox.outcome(git.args(args).current_dir(&repo.path))
    };
    main_job_by(&sandbox, &system, "x");
    system(&["agentenv", "add", "y"]).ok();
    let seen = system(&["agentenv", "run", "y", "--", "git", "--version"]).ok().stdout;
    assert_eq!(seen, system(&["--version"]).ok().stdout, "the program used this git as well");
}

/// Debian's git has its words in German, too, where its packages are installed whole.
#[test]
fn a_git_that_speaks_another_language_is_understood() {
    let sandbox = Sandbox::new();
    let origin = small(&sandbox);
    origin.git(&["branch", "topic/german"]);
    let repo = origin.clone_as("clone");
    let lock = repo.path.join(".git/config.lock");
    fs::write(&lock, "").unwrap();
    let german = |args: &[&str]| {
        let mut git = sandbox.command("/usr/bin/git");
        git.args(args).env("LC_ALL", "C.UTF-8").env("LANGUAGE", "de").current_dir(&repo.path);
        sandbox.outcome(&mut git)
    };
    let refused = german(&["agentenv", "add", "topic/german"]).fails(1);
    assert!(refused.stderr.contains("could not lock config file"), "{}", refused.show());
    fs::remove_file(lock).unwrap();
    german(&["agentenv", "add", "topic/german"]).ok();
}

/// A script stands in for git before 2.34, which is not to be had here: as that one does, it answers 129 to
/// `worktree add --reason`. All else is the real git.
#[test]
fn a_git_that_knows_no_reason_for_a_lock_will_do() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    let bin = sandbox.root.join("old");
    let script = format!(
        "#!/bin/sh\ncase \" $* \" in *' worktree add '*' --reason '*) echo refused >>'{}'; exit 129;; esac\nexec {} \"$@\"\n",
        sandbox.root.join("log").display(),
        real_git().display(),
    );
    fs::create_dir(&bin).unwrap();
    write_program(&bin.join("git"), &script);
    // Called without git, which would put its own directory before ours.
    let old = |args: &[&str]| {
        let mut command = sandbox.command("git-agentenv");
        let path =
            command.get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap().to_owned();
        let dirs = std::iter::once(bin.clone()).chain(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(dirs).unwrap());
        sandbox.outcome(command.args(&args[1..]).current_dir(&repo.path))
    };
    main_job_by(&sandbox, &old, "x");
    assert_eq!(fs::read_to_string(sandbox.root.join("log")).unwrap(), "refused\n");
    old(&["agentenv", "add", "--detach"]).ok();
    assert!(!repo.git(&["worktree", "list", "--porcelain"]).contains("locked"));
}

fn real_git() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path).map(|dir| dir.join("git")).find(|git| git.exists()).unwrap()
}

/// A state directory on a disk of so many bytes, in a mount namespace of its own.
fn on_a_small_disk(sandbox: &Sandbox, repo: &Repo<'_>, script: &str) -> Outcome {
    let state = sandbox.root.join("state");
    fs::create_dir_all(&state).unwrap();
    let mount = format!("mount -t tmpfs -o size=400k tmpfs {} && {script}", state.display());
    // In a chroot, nobody may map users.
    let spaces = if rustix::process::geteuid().is_root() { "-m" } else { "-rm" };
    let mut unshare = sandbox.command("unshare");
    sandbox.outcome(unshare.args([spaces, "sh", "-ec", &mount]).current_dir(&repo.path))
}

#[test]
fn where_the_disk_of_the_state_directory_is_full_remove_still_frees_space() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    let script = "git agentenv add x
        while dd if=/dev/zero bs=1k count=1 status=none >>$AGENTENV_STATE_DIR/filler; do :; done
        ! git agentenv add y
        git agentenv remove x
        rm $AGENTENV_STATE_DIR/filler
        git agentenv add z
        git agentenv remove z";
    let said = on_a_small_disk(&sandbox, &repo, script).ok();
    assert!(!sandbox.root.join("app-x").exists(), "{}", said.show());
    assert_eq!(repo.git(&["worktree", "list"]).lines().count(), 1);
}

#[test]
fn a_state_directory_that_a_group_shares_is_open_to_the_group_whatever_the_umask() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let hooks = "hooks: { post_add: [\"true\"] }\n";
    repo.config(&(sandbox.config_without_servers() + hooks));
    let state = sandbox.root.join("state");
    fs::create_dir(&state).unwrap();
    fs::set_permissions(&state, fs::Permissions::from_mode(0o2770)).unwrap();
    let script = "umask 077; git agentenv trust --yes && git agentenv add x";
    let mut sh = sandbox.command("sh");
    sandbox.outcome(sh.args(["-ec", script]).current_dir(&repo.path)).ok();
    let mut closed = Vec::new();
    // An approval is its user's own.
    for dir in ["", "leases", "locks"] {
        for entry in fs::read_dir(state.join(dir)).unwrap().map(Result::unwrap) {
            let mode = entry.metadata().unwrap().permissions().mode();
            if mode & 0o060 != 0o060 || mode & 0o007 != 0 {
                closed.push((entry.path(), format!("{mode:o}")));
            }
        }
    }
    assert!(closed.is_empty(), "{closed:?}");
    // What is only the user's own stays so.
    let file = fs::metadata(sandbox.root.join("app-x/.env.worktree")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_directory_that_is_named_for_the_environment_goes_with_it() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&(sandbox.config_without_servers() + "worktree: \"../{name}/{repo}\"\n"));
    for branch in ["x", "y"] {
        repo.agentenv(&["add", branch]).ok();
        assert!(sandbox.root.join(branch).join("app").is_dir());
    }
    fs::write(sandbox.root.join("y/notes"), "mine").unwrap();
    repo.agentenv(&["remove", "x"]).ok();
    repo.agentenv(&["remove", "y"]).ok();
    assert!(!sandbox.root.join("x").exists());
    assert!(sandbox.root.join("y/notes").exists());
}

#[test]
fn no_environment_takes_one_that_lies_in_it() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    repo.agentenv(&["add", "outer"]).ok();
    let outer = sandbox.root.join("app-outer");
    let refused = |args: &[&str]| {
        let refused = repo.agentenv(args).fails(7);
        assert!(refused.stderr.contains("app-outer"), "{}", refused.show());
    };
    refused(&["add", "within", "--path", "../app-outer/within"]);
    repo.agentenv(&["add", "inner"]).ok();
    refused(&["move", "inner", "../app-outer"]);

    // Git allows both.
    let inner = outer.join("inner");
    repo.git(&["worktree", "move", "../app-inner", inner.to_str().unwrap()]);
    repo.git(&["worktree", "add", "--quiet", "../app-outer/plain", "-b", "plain"]);
    repo.agentenv(&["adopt", inner.to_str().unwrap()]).ok();
    fs::write(inner.join("work"), "unsaved").unwrap();
    for command in [
        &["remove", "outer"] as &[&str],
        &["remove", "outer", "--force"],
        &["remove", "outer", "--force", "--keep"],
        &["move", "outer", "../moved"],
    ] {
        let refused = repo.agentenv(command).fails(7);
        for place in ["app-outer/inner", "app-outer/plain", "git agentenv move inner"] {
            assert!(refused.stderr.contains(place), "{}", refused.show());
        }
    }
    assert_eq!(fs::read_to_string(inner.join("work")).unwrap(), "unsaved");
    // Killed while it was closed, it stands under another name.
    repo.killed(&["remove", "inner", "--force"], "worktree-closed");
    assert!(!inner.exists());
    repo.agentenv(&["remove", "outer", "--force"]).fails(7);
    repo.agentenv(&["prune"]).ok();
    assert_eq!(fs::read_to_string(inner.join("work")).unwrap(), "unsaved");
    repo.agentenv(&["move", "inner", "../app-inner"]).ok();
    repo.git(&["worktree", "remove", "../app-outer/plain"]);
    repo.agentenv(&["remove", "outer", "--force"]).ok();
    assert_eq!(fs::read_to_string(sandbox.root.join("app-inner/work")).unwrap(), "unsaved");
}

#[test]
fn a_worktree_that_was_moved_behind_a_link_is_not_removed_by_the_link() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    repo.agentenv(&["add", "x"]).ok();
    let (tree, moved) = (sandbox.root.join("app-x"), sandbox.root.join("disk"));
    fs::rename(&tree, &moved).unwrap();
    symlink(&moved, &tree).unwrap();
    repo.agentenv(&["run", "x", "--", "test", "-e", ".env.worktree"]).ok();
    for command in [&["remove", "x", "--force"][..], &["remove", "x", "--keep"]] {
        let refused = repo.agentenv(command).fails(7);
        let repair = format!("git worktree repair {}", moved.display());
        assert!(refused.stderr.contains(&repair), "{}", refused.show());
    }
    assert!(moved.join(".env.worktree").exists());
    repo.git(&["worktree", "repair", moved.to_str().unwrap()]);
    repo.agentenv(&["remove", "x", "--force"]).ok();
    assert!(!moved.exists());
    assert!(sandbox.leases().is_empty());
}
