//! The shell function that changes directory, in the three real shells.

use std::path::Path;

use crate::common::{Outcome, Repo, Sandbox};

const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

#[test]
fn add_path_and_remove_lead_there_and_back_also_through_blanks() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    for shell in SHELLS {
        let there = sandbox.root.join(format!("my trees/{shell} x"));
        let steps = format!(
            "agentenv add {shell} --path '{}'; pwd; cd ../../app; agentenv -q path {shell}; pwd; agentenv remove; pwd",
            there.display()
        );
        let said = with_function(&sandbox, shell, &repo.path, "", &steps).ok();
        let there = there.display().to_string();
        let main = repo.path.display().to_string();
        // `add` and `path` print the path as well, as they do without the function.
        let wanted = [&there, &there, &there, &there, &main].map(String::as_str);
        assert_eq!(said.stdout.lines().collect::<Vec<_>>(), wanted, "{shell}: {}", said.show());
        assert!(!said.stderr.contains("is gone"), "the shell went along: {}", said.show());
    }
}

#[test]
fn the_exit_code_and_everything_else_pass_through() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    repo.agentenv(&["add", "x"]).ok();
    for shell in SHELLS {
        let run = |steps: &str| with_function(&sandbox, shell, &repo.path, "", steps);
        run("agentenv path no-such").fails(4);
        run("agentenv run x -- sh -c 'exit 9'").fails(9);
        assert_eq!(run("agentenv list --json").ok().json()["environments"][0]["name"], "x");
        let here = repo.path.display().to_string();
        let said =
            run("agentenv add y --dry-run >/dev/null; pwd; agentenv remove no-such; pwd").ok();
        assert_eq!(said.stdout.lines().collect::<Vec<_>>(), [&here, &here], "{}", said.show());
    }
}

#[test]
fn an_agent_in_the_environment_does_not_move_the_shell_it_was_started_from() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    let steps = "agentenv -q add outer -x 'git agentenv -q add inner >/dev/null' >/dev/null; pwd";
    let said = with_function(&sandbox, "bash", &repo.path, "", steps).ok();
    assert_eq!(Path::new(said.stdout.trim()), sandbox.root.join("app-outer"), "{}", said.show());
}

#[test]
fn a_removal_that_is_done_in_part_leaves_no_shell_in_a_directory_that_is_gone() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config());
    let steps = "agentenv -q add x >/dev/null; AGENTENV_FAULT=database-released:error agentenv remove; echo $?; pwd";
    let said = with_function(&sandbox, "bash", &repo.path, "", steps).ok();
    assert_eq!(said.stdout, format!("8\n{}\n", repo.path.display()), "{}", said.show());
}

#[test]
fn the_function_has_the_name_that_was_asked_for() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    repo.agentenv(&["add", "x"]).ok();
    for shell in SHELLS {
        let steps = "ae path x >/dev/null; pwd";
        let said = with_function(&sandbox, shell, &repo.path, "--name ae", steps).ok();
        assert_eq!(Path::new(said.stdout.trim()), sandbox.root.join("app-x"), "{}", said.show());
    }
    repo.agentenv(&["shell-init", "bash", "--name", "x; rm -r /"]).fails(2);
}

#[test]
fn nothing_is_left_in_the_temporary_directory() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    repo.agentenv(&["add", "x"]).ok();
    let scratch = sandbox.root.join("my scratch");
    std::fs::create_dir(&scratch).unwrap();
    for shell in SHELLS {
        let set = if shell == "fish" { "set -gx TMPDIR " } else { "export TMPDIR=" };
        let steps = format!("{set}'{}'; agentenv path x", scratch.display());
        with_function(&sandbox, shell, &repo.path, "", &steps).ok();
        assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 0, "{shell}");
    }
}

fn project(sandbox: &Sandbox) -> Repo<'_> {
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo
}

/// Runs commands in a shell that has the function.
fn with_function(sandbox: &Sandbox, shell: &str, dir: &Path, args: &str, steps: &str) -> Outcome {
    let load = match shell {
        "fish" => format!("git agentenv shell-init fish {args} | source"),
        shell => format!("eval \"$(git agentenv shell-init {shell} {args})\""),
    };
    let mut command = sandbox.command(shell);
    let flag: &[&str] = if shell == "zsh" { &["-f"] } else { &[] };
    sandbox.outcome(command.args(flag).args(["-c", &format!("{load}\n{steps}")]).current_dir(dir))
}
