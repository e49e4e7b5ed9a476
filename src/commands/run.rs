//! `git agentenv run`: runs a command in an environment, or in all of them.

use super::check;
use crate::commands::completions::candidates;
use crate::environment::context::Context;
use crate::environment::{hooks, resolve};
use crate::error::Exit;
use crate::model::lease::Lease;
use crate::sys::exec::Cmd;
use crate::sys::{interrupt, parallel};
use crate::ui::{Tone, Ui};
use anyhow::{Context as _, Result};
use clap_complete::ArgValueCandidates;
use rustix::process::Signal;
use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};

/// The arguments of `run`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Environment [default: the current one]
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub env: Option<String>,
    /// Run it in every environment of this repository, side by side
    #[arg(short, long, conflicts_with = "env")]
    pub all: bool,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub command: Vec<OsString>,
    /// Run even if this shell has another environment's variables
    #[arg(long)]
    pub force: bool,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv run -- python manage.py migrate
  git agentenv run feature-x -- npm run dev
  git agentenv run --all -- git pull --rebase
  git agentenv run feature-x -- sh -c 'curl localhost:$DJANGO_PORT'";

/// The exit code when the command never ran.
const NEVER_RAN: Exit = Exit::Command(125);

/// The exit code when the reader of the output has gone: that of a command that SIGPIPE ended.
const READER_GONE: Exit = Exit::Command(141);

/// Runs the command and exits as it does. Every other problem is printed and exits 125.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let ran = if args.all { everywhere(args, ui) } else { attempt(args).map(Exit::Command) };
    ran.or_else(|error| {
        ui.error_ending(&error, NEVER_RAN);
        Ok(NEVER_RAN)
    })
}

fn attempt(args: &Args) -> Result<u8> {
    let context = Context::here()?;
    let lease = resolve::named_or_here(&context, args.env.as_deref())?;
    if !args.force {
        check::require_own(&context, &lease)?;
    }
    resolve::require_present(&lease)?;
    command(args, &lease)?.take_over()
}

fn command(args: &Args, lease: &Lease) -> Result<Cmd> {
    let (program, rest) = args.command.split_first().context("no command")?;
    Ok(hooks::with_vars(Cmd::new(program).args(rest), lease))
}

/// Runs it in every environment, each line of output after the environment's name. Exits with the worst code.
fn everywhere(args: &Args, ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    let (leases, broken) = resolve::readable(&context)?;
    if leases.is_empty() && broken.is_empty() {
        return Err(resolve::none());
    }
    broken.iter().for_each(|one| ui.warn(one.what()));
    let width = leases.iter().map(|lease| lease.name.len()).max().unwrap_or(0);
    let gone = AtomicBool::new(false);
    let codes = parallel::each_at_once(&leases, |lease| {
        let place = leases.iter().position(|one| one.id == lease.id).unwrap_or_default();
        let name = Tone::One(place).paint(&format!("{:<width$}", lease.name));
        let prefix = format!("{name} | ");
        let print = |line: &str| {
            if !ui.stream(&format!("{prefix}{line}\n"))? && !gone.swap(true, Ordering::SeqCst) {
                interrupt::interrupt();
            }
            Ok(())
        };
        let ran = resolve::require_present(lease)
            .and_then(|()| command(args, lease)?.ended_with_this(Signal::KILL)?.each_line(&print));
        ran.unwrap_or_else(|error| {
            if !gone.load(Ordering::SeqCst) {
                ui.warn(format!("{}: {error:#}", lease.name));
            }
            125
        })
    });
    if gone.into_inner() {
        return Ok(READER_GONE);
    }
    let failed = leases.iter().zip(&codes).filter(|(_, code)| **code != 0);
    failed.for_each(|(lease, code)| ui.say(format!("{} exited with {code}", lease.name)));
    let unread = broken.first().map(|_| 125);
    let worst = codes.into_iter().chain(unread).max().unwrap_or(0);
    Ok(Exit::Command(u8::try_from(worst).unwrap_or(u8::MAX)))
}
