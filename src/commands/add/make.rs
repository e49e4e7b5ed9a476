//! Makes the environments that were asked for, and says what became of each.

use super::Args;
use crate::commands::output::environment::Environment;
use crate::commands::output::failed::{Failed, gravest, say};
use crate::commands::output::summary;
use crate::environment::workspace::Workspace;
use crate::environment::{create, hooks};
use crate::error::{Exit, exit_of};
use crate::model::lease::Lease;
use crate::model::plan::Request;
use crate::sys::parallel;
use crate::ui::{Ui, shell_cd};
use anyhow::Result;
use serde::Serialize;

/// What became of an environment that was asked for.
struct Ended {
    name: String,
    /// Its lease, if it is there. It stays when a hook fails.
    lease: Option<Lease>,
    failure: Option<anyhow::Error>,
}

/// Makes the environments side by side, then runs their hooks side by side. What fails for one stops no other.
pub(super) fn make(args: &Args, workspace: &Workspace<'_>, requests: Vec<Request>) -> Result<Exit> {
    let ui = workspace.ui;
    let names: Vec<String> = requests.iter().map(|one| one.target.named().to_owned()).collect();
    let made = create::all(workspace, requests)?;
    let mut ended: Vec<Ended> = names.into_iter().zip(made).map(Ended::of).collect();
    let waits = |lease: &&Lease| lease.hooks_pending && !args.no_hooks;
    let ready = ended.iter().filter_map(|one| one.lease.as_ref()).filter(|lease| !waits(lease));
    ready.for_each(|lease| ui.say(summary::made(lease)));
    if let [Ended { lease: Some(lease), .. }] = ended.as_slice() {
        shell_cd::to(ui, &lease.path);
    }
    if !args.no_hooks {
        run_hooks(workspace, &mut ended);
    }
    let exec = ended.first().and_then(|one| one.lease.clone()).zip(args.exec.as_ref());
    match (answer(ui, ended)?, exec) {
        (Exit::Done, Some((lease, command))) => execute(ui, &lease, command),
        (exit, _) => Ok(exit),
    }
}

impl Ended {
    fn of((name, made): (String, Result<Lease>)) -> Self {
        match made {
            Ok(lease) => Ended { name: lease.name.clone(), lease: Some(lease), failure: None },
            Err(error) => Ended { name, lease: None, failure: Some(error) },
        }
    }
}

fn run_hooks(workspace: &Workspace<'_>, ended: &mut [Ended]) {
    let (ui, store) = (workspace.ui, &workspace.context.store);
    let commands = &workspace.config.hooks.post_add;
    let leases = ended.iter().filter_map(|one| one.lease.clone());
    let waiting: Vec<Lease> = leases.filter(|lease| lease.hooks_pending).collect();
    let ran = parallel::each(&waiting, |lease| {
        let mut lease = lease.clone();
        let ran = hooks::run_post_add(&ui.about(&lease.name), store, commands, &mut lease);
        if ran.is_ok() {
            ui.say(summary::made(&lease));
        }
        (lease, ran)
    });
    for (lease, ran) in ran {
        let is_it = |one: &&mut Ended| one.lease.as_ref().is_some_and(|own| own.id == lease.id);
        if let Some(one) = ended.iter_mut().find(is_it) {
            (one.lease, one.failure) = (Some(lease), ran.err());
        }
    }
}

/// `add` of several branches.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Several {
    /// The environments that are there, in the order asked for.
    environments: Vec<Environment>,
    /// Those that failed; one whose hook failed is among the environments, too. Left out when there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<Failed>,
}

/// Prints environments: one as itself, several as a list.
pub(super) fn present(ui: &Ui, leases: &[Lease], text: impl Fn(&Lease) -> String) -> Result<Exit> {
    let environments: Vec<Environment> = leases.iter().map(Environment::from).collect();
    let text = || leases.iter().map(text).collect();
    match environments.as_slice() {
        [one] => ui.answer(one, text),
        _ => ui.answer(&Several { environments, failed: Vec::new() }, text),
    }
}

/// Prints the environments that are there, and what failed. The exit code is that of the gravest failure.
fn answer(ui: &Ui, mut ended: Vec<Ended>) -> Result<Exit> {
    let text = |lease: &Lease| match ui.is_heard() {
        // On a terminal the summary has just said it.
        true => String::new(),
        false => format!("{}\n", lease.path.display()),
    };
    if let [Ended { lease, failure, .. }] = ended.as_mut_slice() {
        let failure = failure.take();
        // The environment stays, so print where it is; in JSON the one document is the error.
        if let Some(lease) = lease.as_ref().filter(|_| failure.is_none() || !ui.is_json()) {
            ui.answer(&Environment::from(lease), || text(lease))?;
        }
        return failure.map_or(Ok(Exit::Done), Err);
    }
    let leases: Vec<&Lease> = ended.iter().filter_map(|one| one.lease.as_ref()).collect();
    let failed: Vec<(&str, &anyhow::Error)> =
        ended.iter().filter_map(|one| Some((one.name.as_str(), one.failure.as_ref()?))).collect();
    if !ui.is_json() {
        say(ui, &failed);
    }
    let answer = Several {
        environments: leases.iter().map(|lease| Environment::from(*lease)).collect(),
        failed: failed.iter().map(|(name, error)| Failed::of(name, error)).collect(),
    };
    ui.answer(&answer, || leases.iter().map(|lease| text(lease)).collect())?;
    Ok(gravest(failed.into_iter().map(|(_, error)| error)))
}

/// Runs a command on this terminal; beside a JSON answer its output goes to stderr.
fn execute(ui: &Ui, lease: &Lease, command: &str) -> Result<Exit> {
    let command = hooks::shell(lease, command);
    if !ui.is_json() {
        return command.take_over().map(Exit::Command);
    }
    match command.narrate() {
        Ok(code) => Ok(Exit::Command(u8::try_from(code).unwrap_or(1))),
        // The JSON document is already printed.
        Err(error) => {
            ui.warn(format!("{error:#}"));
            Ok(exit_of(&error))
        }
    }
}
