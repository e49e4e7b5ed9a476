//! `check` and `run`: a shell that has another environment's variables.

use crate::common::{Outcome, Sandbox};
use std::path::Path;

/// Runs the program with an environment's variables, as a shell has them after `eval`.
fn with_vars(sandbox: &Sandbox, of: &Path, dir: &Path, args: &str) -> Outcome {
    let script = format!("eval \"$(git -C '{}' agentenv env -f shell)\" && {args}", of.display());
    sandbox.outcome(sandbox.command("sh").args(["-c", &script]).current_dir(dir))
}

#[test]
fn variables_of_another_environment_are_found_and_refused() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["add", "x", "y"]).ok();
    let (x, y) = (sandbox.root.join("app-x"), sandbox.root.join("app-y"));

    sandbox.agentenv_in(&x, &["check"]).ok();
    with_vars(&sandbox, &x, &x, "git agentenv check").ok();
    let said = with_vars(&sandbox, &x, &y, "git agentenv check --json").fails(7).json();
    assert_eq!((said["environment"].as_str(), said["ok"].as_bool()), (Some("y"), Some(false)));
    let port =
        said["strays"].as_array().unwrap().iter().find(|stray| stray["variable"] == "DJANGO_PORT");
    assert_eq!(port.unwrap()["belongs_to"], "x");

    let said = with_vars(&sandbox, &x, &y, "git agentenv run -- touch ran").fails(125);
    assert!(
        said.stderr.contains("belongs to `x`") && said.stderr.contains("hint: "),
        "{}",
        said.show()
    );
    assert!(said.stderr.contains("agentenv env y --format shell"), "{}", said.show());
    assert!(!y.join("ran").exists());
    with_vars(&sandbox, &x, &y, "git agentenv run --force -- sh -c 'echo $DJANGO_PORT >ran'").ok();
    let own = sandbox.agentenv_in(&y, &["env", "--json"]).ok().json();
    let ran = std::fs::read_to_string(y.join("ran")).unwrap();
    assert_eq!(Some(ran.trim()), own["variables"]["DJANGO_PORT"].as_str());
}

#[test]
fn in_the_main_checkout_an_environments_variables_are_strays() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["check"]).ok();
    repo.agentenv(&["add", "x"]).ok();
    let x = sandbox.root.join("app-x");
    let said = with_vars(&sandbox, &x, &repo.path, "git agentenv check").fails(7);
    assert!(said.stdout.contains("DJANGO_PORT") && said.stdout.contains("`x`"), "{}", said.show());
    assert!(said.stderr.contains("open a new shell"), "{}", said.show());
    // From there a command can still be run in the environment whose variables these are.
    with_vars(&sandbox, &x, &repo.path, "git agentenv run x -- touch ran").ok();
    assert!(x.join("ran").exists());
}

#[test]
fn the_main_checkouts_values_are_strays_in_an_environment() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["add", "x"]).ok();
    let x = sandbox.root.join("app-x");
    let main = sandbox.ports().start().to_string();
    let said = |args: &[&str]| {
        let mut command = sandbox.command("git");
        sandbox
            .outcome(command.arg("agentenv").args(args).env("DJANGO_PORT", &main).current_dir(&x))
    };
    let checked = said(&["check", "--json"]).fails(7);
    assert_eq!(
        checked.json()["strays"][0]["belongs_to"],
        "the main checkout",
        "{}",
        checked.show()
    );
    let ran = said(&["run", "--", "sh", "-c", "echo $DJANGO_PORT"]).ok();
    assert_eq!(checked.json()["strays"][0]["expected"], ran.stdout.trim(), "it gets its own");
}
