//! The environment file reads the same in every program that reads such files.

use crate::common::{Outcome, Repo, Sandbox};
use crate::stories::article::venv;
use std::collections::BTreeMap;
use std::path::Path;

#[test]
fn bash_compose_python_and_node_read_the_same() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("shop");
    let env = "env:\n  ODD: \"a%40b:{POSTGRES_DB}@c/x,y=1+2-_.?z=1\"\n  STRING: \"Host=h;User Id=me;Database={POSTGRES_DB}?a=1&b=2\"\n";
    repo.config(&(sandbox.config() + env));
    let view = repo.agentenv(&["add", "feature/x", "--json"]).ok().json();
    let dir = Path::new(view["path"].as_str().unwrap());
    let expected: Variables = serde_json::from_value(view["variables"].clone()).unwrap();

    assert_eq!(in_bash(&sandbox, dir, "set -a; . ./.env.worktree", &expected), expected, "bash");
    let eval = "eval \"$(git agentenv env --format shell)\"";
    assert_eq!(in_bash(&sandbox, dir, eval, &expected), expected, "eval");
    assert_eq!(in_python(&sandbox, dir), expected, "python-dotenv");
    assert_eq!(in_node(&sandbox, dir, &expected), expected, "node");
    assert_eq!(in_compose(&sandbox, dir, &expected), expected, "compose");
    assert_eq!(through_run(&repo, &expected), expected, "run");
}

type Variables = BTreeMap<String, String>;

fn in_bash(sandbox: &Sandbox, dir: &Path, load: &str, names: &Variables) -> Variables {
    let script = format!("{load}; printenv {}", words(names));
    values(names, &sandbox.outcome(sandbox.command("bash").args(["-c", &script]).current_dir(dir)))
}

fn in_python(sandbox: &Sandbox, dir: &Path) -> Variables {
    let script = "import json, dotenv; print(json.dumps(dotenv.dotenv_values('.env.worktree')))";
    let python = venv().join("bin/python");
    let outcome =
        sandbox.outcome(sandbox.command(python).args(["-c", script]).current_dir(dir)).ok();
    serde_json::from_str(&outcome.stdout).unwrap()
}

fn in_node(sandbox: &Sandbox, dir: &Path, names: &Variables) -> Variables {
    let script = "process.argv.slice(1).forEach(name => console.log(process.env[name]))";
    let mut node = sandbox.command(venv().join("bin/node"));
    node.args(["--env-file=.env.worktree", "-e", script, "--"]).args(names.keys()).current_dir(dir);
    values(names, &sandbox.outcome(&mut node))
}

/// Compose shows what it would give to a container that has the file.
fn in_compose(sandbox: &Sandbox, dir: &Path, names: &Variables) -> Variables {
    let file = "services:\n  app:\n    image: agentenv-test/app\n    env_file: .env.worktree\n";
    std::fs::write(dir.join("compose.yml"), file).unwrap();
    let compose = venv().join("bin/docker-compose");
    let args = ["-f", "compose.yml", "config", "--format", "json"];
    let shown: serde_json::Value =
        sandbox.outcome(sandbox.command(compose).args(args).current_dir(dir)).ok().json();
    let environment = &shown["services"]["app"]["environment"];
    names
        .keys()
        .map(|name| (name.clone(), environment[name].as_str().unwrap().to_owned()))
        .collect()
}

fn through_run(repo: &Repo<'_>, names: &Variables) -> Variables {
    let mut args = vec!["run", "feature/x", "--", "printenv"];
    args.extend(names.keys().map(String::as_str));
    values(names, &repo.agentenv(&args))
}

fn words(names: &Variables) -> String {
    names.keys().cloned().collect::<Vec<_>>().join(" ")
}

fn values(names: &Variables, outcome: &Outcome) -> Variables {
    assert_eq!(outcome.code, 0, "{}", outcome.show());
    names.keys().cloned().zip(outcome.stdout.lines().map(str::to_owned)).collect()
}
