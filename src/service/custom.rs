//! A thing of a kind that this program does not know, such as a virtual host of RabbitMQ: three commands of the
//! configuration create, find and drop it, in the server's container.
//!
//! The server keeps no mark of ours. The lease says whose the thing is, once the environment is complete. Before that a
//! file in the container does, which is written when nothing of that name existed, right before it is created.

use super::executor::{Site, Task, password};
use super::{Gone, Made, Server, State};
use crate::error;
use crate::model::resource::Custom;
use crate::sys::{exec, failpoint};
use anyhow::Result;
use std::time::Duration;

/// How long `create` or `drop` may take: one may fill what it creates.
const WORKING: Duration = Duration::from_secs(600);

/// Runs in the container: `$1` is what to do, `$2` the name, `$3` to `$5` the commands `create`, `exists` and `drop`, `$6` the
/// lease's own word; `$7` is not empty when the lease says that it is its own. The last line that it prints is the answer.
const SCRIPT: &str = include_str!("custom.sh");

/// Creates it, unless something of its name exists that is not this lease's.
///
/// # Errors
/// `Refused` when something of this name exists: nothing was done then.
pub fn create(custom: &Custom, id: &str) -> Result<Made> {
    failpoint::point("before-custom")?;
    let made = match ask("create", custom, id)?.as_str() {
        "ours" | "made" => Made::Ours(Some(custom.server.title())),
        _ => {
            let failure = error::refused(format!("{custom} exists and is not ours"));
            return Err(failure.hint("drop it, or choose another branch name").never_ran());
        }
    };
    failpoint::point("custom-made")?;
    Ok(made)
}

/// Looks at it.
pub fn state(custom: &Custom, id: &str) -> Result<State> {
    Ok(match ask("look", custom, id)?.as_str() {
        "ours" => State::Ours,
        "missing" => State::Missing,
        _ => State::NotOurs(NOT_OURS.to_owned()),
    })
}

/// Drops it, if it is this lease's.
pub fn release(custom: &Custom, id: &str) -> Result<Gone> {
    let gone = match ask("drop", custom, id)?.as_str() {
        "dropped" => Gone::Dropped,
        "missing" => Gone::Missing,
        _ => Gone::NotOurs(NOT_OURS.to_owned()),
    };
    failpoint::point("custom-released").map(|()| gone)
}

/// Checks that the server's container runs.
pub fn ping(server: &Server) -> Result<()> {
    let (site, mut task) = (Site::of(server), Task::new("sh"));
    task.args = vec!["-c", "exit 0"];
    let output = site.run(&task)?;
    if output.success() { Ok(()) } else { Err(site.explain(&task, &output)) }
}

const NOT_OURS: &str = "this environment did not create it";

/// `create` failed, and yet something of this name exists since.
const BESIDE: &str = "create beside";

/// `create` failed, and so did `exists` after it.
const UNSEEN: &str = "create unseen";

/// What the script answers: one word.
fn ask(what: &str, custom: &Custom, id: &str) -> Result<String> {
    let Custom { server, service, variable, name, commands, is_proven } = custom;
    let site = Site::of(server);
    let word = format!("{id}-{service}");
    // What creates it is found by this name in the container's processes, when nothing else is left of an `add`.
    let called = if what == "create" { format!("agentenv-create-{word}") } else { word.clone() };
    let proven = if *is_proven { "proven" } else { "" };
    let secret = server.password_env.as_ref().map(|_| password(server, "")).transpose()?.flatten();
    let mut task = Task::new("sh");
    task.args = vec!["-c", SCRIPT, &called, what, name];
    task.args.extend([&commands.create, &commands.exists, &commands.drop].map(String::as_str));
    task.args.extend([&word, proven]);
    task.vars.push((variable, name));
    task.patience = WORKING;
    if let (Some(password_env), Some(secret)) = (&server.password_env, &secret) {
        task.vars.push((password_env, secret));
    }
    let output = site.run(&task)?;
    let said = output.text();
    match said.lines().next_back().and_then(|line| line.strip_prefix("agentenv: ")) {
        Some("busy") => {
            let message = format!("the command `create` of {service} still runs for {name}");
            let hint = format!(
                "wait until it has ended, or restart container `{}`; then run `git agentenv prune`",
                server.title()
            );
            Err(error::service(message).hint(hint).into())
        }
        Some(answer) => match answer.strip_prefix("failed ") {
            Some(command) => Err(failed(custom, command, &output)),
            None => Ok(answer.to_owned()),
        },
        None => Err(site.explain(&task, &output)),
    }
}

fn failed(custom: &Custom, command: &str, output: &exec::Output) -> anyhow::Error {
    let said = output.stderr.trim();
    let said = if said.is_empty() { "no output" } else { said };
    if command == BESIDE {
        let message = format!("cannot create {custom}: {said}; it exists now, and stays");
        let hint = format!(
            "another client may have created it; if `create` did, drop it by hand in container `{}`",
            custom.server.title()
        );
        return error::service(message).hint(hint).into();
    }
    if command == UNSEEN {
        let message = format!("cannot create {custom}: {said}; cannot tell whether it exists");
        let hint = format!(
            "when `exists` of services.{} works again in container `{}`, run `git agentenv prune`: it drops what `create` left",
            custom.service,
            custom.server.title()
        );
        return error::service(message).hint(hint).into();
    }
    let message = format!("cannot {command} {custom}: {said}");
    let hint = match command {
        "mark" => "its container needs a directory /tmp that can be written to".to_owned(),
        "drop" => format!(
            "an environment keeps the commands of its `add`: drop it by hand in container `{}`, then run `git agentenv prune`",
            custom.server.title()
        ),
        "find" => format!("see `exists` of services.{} in .agentenv.yaml", custom.service),
        _ => format!("see `{command}` of services.{} in .agentenv.yaml", custom.service),
    };
    let failure = error::service(message).hint(hint);
    // Nothing was created when only looking for it failed.
    if matches!(command, "find" | "mark") { failure.never_ran() } else { failure.into() }
}
