//! Hook commands: what runs, when, and only once it was approved.

use crate::common::{Outcome, Repo, Sandbox, write_program};
use std::fs;
use std::path::PathBuf;

/// A project that needs no server, with these hooks.
fn project<'a>(sandbox: &'a Sandbox, hooks: &str) -> Repo<'a> {
    let repo = sandbox.repo("app");
    set_hooks(sandbox, &repo, hooks);
    repo
}

fn set_hooks(sandbox: &Sandbox, repo: &Repo, hooks: &str) {
    repo.config(&format!("{}hooks: {{ {hooks} }}\n", sandbox.config_without_servers()));
}

fn tree(sandbox: &Sandbox, name: &str) -> PathBuf {
    sandbox.root.join(format!("app-{name}"))
}

fn pending(said: &Outcome) -> bool {
    said.json()["hooks_pending"].as_bool().unwrap()
}

#[test]
fn untrusted_commands_stop_add_before_anything_is_made() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, "post_add: [\"touch ran\"]");
    let said = repo.agentenv(&["add", "x"]).fails(7);
    assert!(
        said.stderr.contains("\n  touch ran\n") && said.stderr.contains("git agentenv trust"),
        "{}",
        said.show()
    );
    assert!(!tree(&sandbox, "x").exists());
    assert_eq!(repo.git(&["branch", "--list", "x"]), "");
    assert!(sandbox.leases().is_empty());

    repo.agentenv(&["add", "x", "--no-hooks"]).ok();
    assert!(tree(&sandbox, "x").exists() && !tree(&sandbox, "x").join("ran").exists());
}

#[test]
fn approval_needs_a_word_and_is_for_exactly_these_commands() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, "post_add: [\"touch ran\"]");
    let said = repo.agentenv(&["trust"]).fails(2);
    assert!(said.stderr.contains("--yes") && said.stderr.contains("touch ran"), "{}", said.show());
    repo.agentenv(&["add", "x"]).fails(7);

    let said = repo.agentenv(&["trust", "--yes", "--json"]).ok().json();
    assert_eq!(said["post_add"][0], "touch ran");
    repo.agentenv(&["add", "x"]).ok();
    assert!(tree(&sandbox, "x").join("ran").exists());

    for changed in ["post_add: [\"touch run\"]", "post_add: [\"touch ran\", \"true\"]"] {
        set_hooks(&sandbox, &repo, changed);
        repo.agentenv(&["add", "y"]).fails(7);
    }
    set_hooks(&sandbox, &repo, "post_add: [\"touch ran\"]");
    repo.agentenv(&["add", "y"]).ok();

    let said = repo.agentenv(&["trust", "--revoke"]).ok();
    assert!(said.stderr.starts_with("revoked"), "{}", said.show());
    let said = repo.agentenv(&["trust", "--revoke"]).ok();
    assert!(said.stderr.starts_with("nothing to revoke"), "{}", said.show());
    repo.agentenv(&["add", "z"]).fails(7);
    let said = repo.agentenv(&["trust", "--yes", "--quiet"]).ok();
    assert_eq!((&*said.stdout, &*said.stderr), ("", ""), "{}", said.show());
    repo.agentenv(&["trust", "--revoke"]).ok();
    // Another repository with the same commands has not been approved.
    repo.agentenv(&["trust", "--yes"]).ok();
    repo.clone_as("clone").agentenv(&["add", "z"]).fails(7);
}

/// A compose file may run anything, with any directory of the machine.
#[test]
fn servers_of_a_file_of_the_project_start_only_once_it_was_approved() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.commit("servers.yml", "services: { db: { image: 'postgres:16' } }\n");
    repo.config(&(sandbox.config_without_servers() + "infra: { file: servers.yml }\n"));
    let up = || {
        let mut command = sandbox.command("git");
        command.args(["agentenv", "infra", "up"]).current_dir(&repo.path);
        sandbox.outcome(command.env("DOCKER_HOST", "unix:///nonexistent/docker.sock"))
    };
    let said = up().fails(7);
    assert!(said.stderr.contains("approve it: `git agentenv trust`"), "{}", said.show());
    let said = repo.agentenv(&["trust", "--yes", "--json"]).ok().json();
    assert!(said["infra"][0].as_str().unwrap().starts_with("compose servers.yml (sha256 "));
    up().fails(6);
    repo.commit("servers.yml", "services: { db: { image: '${IMAGE:-postgres:17}' } }\n");
    up().fails(7);
    // Compose puts what is in the `.env` beside it into the file.
    repo.agentenv(&["trust", "--yes"]).ok();
    repo.commit(".env", "DEBUG=1\n");
    up().fails(6);
    repo.commit(".env", "DEBUG=1\nIMAGE=another\n");
    up().fails(7);
    let said = repo.agentenv(&["trust", "--yes", "--json"]).ok().json();
    let approved = said["infra"][0].as_str().unwrap();
    assert!(approved.starts_with("compose servers.yml with its .env (sha256 "), "{approved}");
    repo.commit(".env", "DEBUG=2\nIMAGE=another\n");
    up().fails(6);
}

#[test]
fn compose_gets_the_file_that_was_approved_and_nothing_that_it_became() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.commit("servers.yml", "include: [../app/db.yml]\n");
    repo.commit("db.yml", "services: { db: { image: good } }\n");
    repo.config(&(sandbox.config_without_servers() + "infra: { file: servers.yml }\n"));
    repo.agentenv(&["trust", "--yes"]).ok();
    // Both files change after they were judged, when the engine is asked for the containers.
    let programs = sandbox.root.join("programs");
    fs::create_dir(&programs).unwrap();
    let docker = "#!/bin/sh
        case \"$*\" in
            'compose version') ;;
            *' -f - '*' up -d') cat >../started ;;
            *' up -d') cat servers.yml db.yml >../started ;;
            *) echo 'services: { db: { image: bad } }' | tee servers.yml >db.yml ;;
        esac\n";
    write_program(&programs.join("docker"), docker);
    let mut up = repo.command(&["infra", "up"]);
    let path = up.get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap().to_owned();
    let path = std::env::join_paths([programs].into_iter().chain(std::env::split_paths(&path)));
    sandbox.outcome(up.env("PATH", path.unwrap())).ok();
    let started = fs::read_to_string(sandbox.root.join("started")).unwrap();
    assert!(started.contains("image: good") && !started.contains("bad"), "{started}");
    assert!(fs::read_to_string(repo.path.join("db.yml")).unwrap().contains("bad"));
    // What a file that is included has become needs a new approval.
    repo.git(&["checkout", "--quiet", "servers.yml"]);
    sandbox.outcome(&mut up).fails(7);
}

#[test]
fn hooks_run_once_also_when_two_processes_want_them() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, "post_add: [\"echo begin >>ran; sleep 0.5; echo end >>ran\"]");
    repo.agentenv(&["trust", "--yes"]).ok();
    repo.agentenv(&["add", "x", "--no-hooks"]).ok();
    let tree = tree(&sandbox, "x");
    let adopt = || {
        let mut command = sandbox.command("git");
        sandbox.start(command.args(["agentenv", "adopt"]).current_dir(&tree))
    };
    let both = [adopt(), adopt()].map(|running| running.outcome().ok());
    let waits = "waiting for another git-agentenv that runs the hooks of `x`";
    assert_eq!(fs::read_to_string(tree.join("ran")).unwrap(), "begin\nend\n");
    assert!(both.iter().any(|said| said.stderr.contains(waits)), "{}", both[1].show());
    let locks = || fs::read_dir(sandbox.root.join("state/locks")).unwrap();
    let of_hooks =
        || locks().any(|file| file.unwrap().path().display().to_string().contains("-hooks"));
    assert!(of_hooks());
    repo.agentenv(&["remove", "x", "--force", "--yes"]).ok();
    assert!(!of_hooks());
}

#[test]
fn commands_run_in_the_worktree_with_its_variables() {
    let sandbox = Sandbox::new();
    let repo =
        project(&sandbox, "post_add: [\"pwd >where; echo $PWD $DJANGO_PORT >>where; echo noise\"]");
    repo.agentenv(&["trust", "--yes"]).ok();
    let said = repo.agentenv(&["add", "x", "--json"]).ok();
    let tree = tree(&sandbox, "x");
    let port = said.json()["ports"]["DJANGO_PORT"].as_u64().unwrap();
    let place = tree.display();
    assert_eq!(
        fs::read_to_string(tree.join("where")).unwrap(),
        format!("{place}\n{place} {port}\n")
    );
    assert!(!pending(&said), "{}", said.show());
    assert!(said.stderr.contains("noise"), "a hook's output is narration: {}", said.show());
}

#[test]
fn the_branch_that_is_added_has_no_say() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.git(&["switch", "-qc", "evil"]);
    set_hooks(&sandbox, &repo, "post_add: [\"touch ran\"]");
    repo.git(&["switch", "-q", "main"]);
    repo.agentenv(&["add", "evil"]).ok();
    let evil = tree(&sandbox, "evil");
    assert!(evil.join(".agentenv.yaml").exists() && !evil.join("ran").exists());
    // Nor from inside it.
    let said = sandbox.agentenv_in(&evil, &["trust", "--yes"]).ok();
    assert!(said.stdout.contains("no commands to approve"), "{}", said.show());
    sandbox.agentenv_in(&evil, &["adopt"]).ok();
    sandbox.agentenv_in(&evil, &["add", "y"]).ok();
    assert!(!evil.join("ran").exists() && !tree(&sandbox, "y").join("ran").exists());
}

#[test]
fn a_failing_post_add_keeps_the_environment_and_says_how_to_go_on() {
    let sandbox = Sandbox::new();
    let hooks = "post_add: [\"echo 1 >>ran\", \"test -e repaired\", \"echo 2 >>ran\"]";
    let repo = project(&sandbox, hooks);
    repo.agentenv(&["trust", "--yes"]).ok();
    let said = repo.agentenv(&["add", "x"]).fails(8);
    assert!(
        said.stderr.contains("test -e repaired") && said.stderr.contains("git agentenv adopt"),
        "{}",
        said.show()
    );
    assert!(!said.stderr.contains("is ready"), "{}", said.show());
    let tree = tree(&sandbox, "x");
    let hint = format!("git agentenv adopt {}", tree.display());
    assert!(said.stderr.contains(&hint), "it is there, so it is named: {}", said.show());
    assert_eq!(fs::read_to_string(tree.join("ran")).unwrap(), "1\n");

    fs::write(tree.join("repaired"), "").unwrap();
    let said = sandbox.agentenv_in(&tree, &["adopt", "--json"]).ok();
    assert!(!pending(&said), "{}", said.show());
    assert_eq!(fs::read_to_string(tree.join("ran")).unwrap(), "1\n1\n2\n");
    sandbox.agentenv_in(&tree, &["adopt"]).ok();
    assert_eq!(fs::read_to_string(tree.join("ran")).unwrap(), "1\n1\n2\n", "they succeeded once");
}

#[test]
fn a_failing_pre_remove_stops_the_removal() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, "pre_remove: [\"echo $DJANGO_PORT >../port\", \"false\"]");
    repo.agentenv(&["add", "x"]).ok();
    let port =
        repo.agentenv(&["env", "x", "--json"]).ok().json()["variables"]["DJANGO_PORT"].clone();

    let said = repo.agentenv(&["remove", "x"]).fails(7);
    assert!(said.stderr.contains("not trusted"), "{}", said.show());
    repo.agentenv(&["trust", "--yes"]).ok();
    let said = repo.agentenv(&["remove", "x"]).fails(1);
    assert!(said.stderr.contains("false") && said.stderr.contains("--no-hooks"), "{}", said.show());
    assert!(tree(&sandbox, "x").join(".env.worktree").exists());
    let ran = fs::read_to_string(sandbox.root.join("port")).unwrap();
    assert_eq!(Some(ran.trim()), port.as_str());
    repo.agentenv(&["env", "x"]).ok();

    let said = repo.agentenv(&["remove", "x", "--force"]).ok();
    assert!(said.stderr.contains("warning: "), "{}", said.show());
    assert!(!tree(&sandbox, "x").exists());

    repo.agentenv(&["add", "y"]).ok();
    repo.agentenv(&["remove", "y", "--no-hooks"]).ok();
}
