//! Ignored files of the main checkout come along: `.worktreeinclude`, `copy:` and `link:`.

use crate::common::{Repo, Sandbox};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

const IGNORED: &str = "*.pem\n*.log\n.env\n/cache/\nnode_modules/\nvenv/\n";

fn project<'a>(sandbox: &'a Sandbox, more: &str) -> Repo<'a> {
    let repo = sandbox.repo("app");
    repo.config(&(sandbox.config_without_servers() + more));
    repo.commit(".gitignore", IGNORED);
    for file in [
        ".env",
        "cache/big",
        "certs/a.pem",
        "certs/b.log",
        "node_modules/x/index.js",
        "sub/node_modules/y",
        "venv/bin/python",
        "venv/pyvenv.cfg",
    ] {
        write(&repo.path.join(file), "main's");
    }
    write(&repo.path.join("plain"), "not ignored");
    repo
}

fn write(file: &Path, content: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, content).unwrap();
}

/// Ignored files, but for those of ours.
fn ignored(tree: &Path) -> BTreeSet<String> {
    let args = ["ls-files", "--others", "--ignored", "--exclude-standard"];
    let listed = std::process::Command::new("git").arg("-C").arg(tree).args(args).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let ours = [".env.worktree", "x.sqlite3"];
    listed.lines().filter(|file| !ours.contains(file)).map(str::to_owned).collect()
}

#[test]
fn what_the_patterns_match_and_git_ignores_is_copied() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, "copy: [certs/*.pem, .env.worktree]\n");
    repo.commit(
        ".worktreeinclude",
        "node_modules\n.env\n.env.worktree\nplain\nvenv\n!sub/\n*.sqlite3\n",
    );
    symlink("x", repo.path.join("node_modules/link")).unwrap();
    write(&repo.path.join(".env.worktree"), "OWN=1\n");
    let said = repo.agentenv(&["add", "x"]).ok();
    let tree = sandbox.root.join("app-x");
    let args = ["ls-files", "-oi", "-X", ".worktreeinclude", "-x", "certs/*.pem"];
    let mut expected: BTreeSet<String> = repo.git(&args).lines().map(str::to_owned).collect();
    expected
        .retain(|file| !file.starts_with("venv/") && file != "plain" && file != ".env.worktree");
    assert!(
        expected.contains("sub/node_modules/y") && expected.contains("certs/a.pem"),
        "{expected:?}"
    );
    assert_eq!(ignored(&tree), expected);
    assert_eq!(fs::read_to_string(tree.join(".env")).unwrap(), "main's");
    assert_eq!(fs::read_link(tree.join("node_modules/link")).unwrap(), Path::new("x"));
    assert!(!fs::read_to_string(tree.join(".env.worktree")).unwrap().contains("OWN"));
    assert!(said.stderr.contains("skipped venv"), "{}", said.show());
}

#[test]
fn nothing_comes_along_unasked_and_a_tracked_file_wins() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, "");
    repo.agentenv(&["add", "y"]).ok();
    assert!(ignored(&sandbox.root.join("app-y")).iter().all(|file| file == "y.sqlite3"));
    repo.commit(".worktreeinclude", "cache/\n.env\n");
    repo.git(&["switch", "-qc", "x"]);
    repo.git(&["rm", "-q", ".gitignore"]);
    fs::remove_dir_all(repo.path.join("cache")).unwrap();
    symlink("/tmp", repo.path.join("cache")).unwrap();
    repo.git(&["add", "cache"]);
    repo.git(&["commit", "-qm", "a link where main has a directory"]);
    repo.git(&["switch", "-q", "-"]);
    write(&repo.path.join("cache/agentenv-escape"), "main's");
    repo.agentenv(&["add", "x"]).ok();
    let tree = sandbox.root.join("app-x");
    assert!(!Path::new("/tmp/agentenv-escape").exists(), "a link of the branch is not followed");
    assert!(!tree.join(".env").exists(), "this branch does not ignore it");
}

#[test]
fn links_lead_to_the_main_checkout_and_are_no_work() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, "link: [/cache, '*.pem', .env, 'data[[]1[]]/']\ncopy: [cache]\n");
    // As a pattern, its name would mean other files.
    write(&repo.path.join("data[1]/big"), "main's");
    repo.commit(".gitignore", &format!("{IGNORED}data*/\n"));
    repo.agentenv(&["add", "x"]).ok();
    let tree = sandbox.root.join("app-x");
    for link in ["cache", "certs/a.pem", ".env", "data[1]"] {
        assert_eq!(fs::read_link(tree.join(link)).unwrap(), repo.path.join(link), "{link}");
    }
    assert!(!fs::symlink_metadata(tree.join("certs")).unwrap().is_symlink());
    let said =
        sandbox.outcome(sandbox.command("git").arg("-C").arg(&tree).args(["status", "--short"]));
    assert_eq!(said.stdout, "");
    repo.agentenv(&["remove", "x", "--force"]).ok();
    assert!(repo.path.join("cache/big").exists() && repo.path.join(".env").exists());
}

#[test]
fn a_template_may_name_the_main_checkout() {
    let sandbox = Sandbox::new();
    let repo = project(
        &sandbox,
        "worktree: '{main}.trees/{name}'\nenv: { SOURCE: '{main}/data' }\nhooks: { post_add: ['echo $AGENTENV_MAIN >main.log'] }\n",
    );
    repo.agentenv(&["trust", "--yes"]).ok();
    let made = repo.agentenv(&["add", "x", "--json"]).ok().json();
    let tree = sandbox.root.join("app.trees/x");
    assert_eq!(made["path"], tree.to_str().unwrap());
    assert_eq!(made["variables"]["SOURCE"], repo.path.join("data").to_str().unwrap());
    let main = fs::read_to_string(tree.join("main.log")).unwrap();
    assert_eq!(main.trim(), repo.path.to_str().unwrap());
}

#[test]
fn what_a_compose_file_needs_comes_along_where_main_names_it_too() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, "compose: { file: compose.yml }\n");
    repo.commit(".gitignore", &format!("{IGNORED}/private\n/*.env\n"));
    repo.commit("compose.yml", "services: { web: { image: x, env_file: [a.env] } }\n");
    for file in ["a.env", "b.env", "private/prod.key"] {
        write(&repo.path.join(file), "main's");
    }
    repo.git(&["switch", "-qc", "evil"]);
    let evil = "services: { web: { image: x, env_file: [a.env, b.env, private, node_modules] } }\n";
    repo.commit("compose.yml", evil);
    repo.git(&["switch", "-q", "main"]);
    let said = repo.agentenv(&["add", "evil"]).ok();
    let came = ignored(&sandbox.root.join("app-evil"));
    let mut came: Vec<&str> = came.iter().map(String::as_str).collect();
    came.retain(|file| !["evil.sqlite3", "compose.agentenv.yaml"].contains(file));
    assert_eq!(came, [".env", "a.env"], "{}", said.show());
    assert!(said.stderr.contains("b.env is missing"), "{}", said.show());
    let hint = "compose.yml in the main checkout does not name it";
    assert!(said.stderr.contains(hint), "{}", said.show());
}

#[test]
fn of_a_bare_repository_nothing_comes_along() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.commit("compose.yml", "services: { web: { image: x } }\n");
    repo.config(
        &(sandbox.config_without_servers()
            + "compose: { file: compose.yml }\ncopy: [.env]\nlink: [cache]\n"),
    );
    repo.git(&["clone", "-q", "--bare", ".", "../bare.git"]);
    let said = sandbox.agentenv_in(sandbox.root.join("bare.git"), &["add", "x", "--json"]).ok();
    let tree = Path::new(said.json()["path"].as_str().unwrap()).to_owned();
    assert!(tree.join("compose.agentenv.yaml").exists());
    assert!(
        said.stderr.contains("not copying ignored files: the repository is bare"),
        "{}",
        said.show()
    );
}
