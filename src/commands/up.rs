//! `git agentenv up`: starts the application of an environment.

use super::wait;
use crate::commands::completions::candidates;
use crate::commands::output::failed::Each;
use crate::commands::output::processes::Processes;
use crate::environment::context::{Context, FILE};
use crate::environment::workspace::Workspace;
use crate::environment::{hooks, processes, resolve};
use crate::error::{self, Exit};
use crate::model::config::Config;
use crate::model::lease::Lease;
use crate::sys::store::Broken;
use crate::ui::Ui;
use anyhow::Result;
use clap_complete::ArgValueCandidates;
use std::time::Duration;

/// The arguments of `up`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Which ones
    #[command(flatten)]
    pub chosen: Chosen,
    /// Wait until the application is ready
    #[arg(short, long)]
    pub wait: bool,
    /// How long to wait, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "wait")]
    pub timeout: u64,
}

/// The environments that a command is about.
#[derive(Debug, clap::Args)]
pub struct Chosen {
    /// Environments [default: the current one]
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    envs: Vec<String>,
    /// Every environment of this repository
    ///
    /// A lease that cannot be read is named beside them, and the exit code is 8.
    #[arg(short, long, conflicts_with = "envs")]
    all: bool,
}

/// Those that are meant, and those of them whose leases cannot be read.
type Meant = (Vec<Lease>, Vec<Broken>);

/// The help of `--help`.
pub const ABOUT: &str = "\
Start the application of an environment

Starts the containers of the environment's compose file, where `.agentenv.yaml` names one under `compose`, and the \
commands under `processes`, in the background, in the worktree and with its variables. Both need the approval of \
`git agentenv trust`; a changed compose file needs it again. What runs already stays; what an earlier start of a \
process left is ended before its next one. `--wait` waits as `git agentenv wait` does.

The compose file itself stays as it is. `compose.agentenv.yaml` beside it is what each environment starts, with any \
version of Compose, and names the same except:

- a published port that a variable of `ports` has in the main checkout is the environment's own; others are not \
published;

- container names, fixed addresses, and names of networks, volumes and built images are left to Compose, which makes \
them of the project's name;

- a server that stays, such as MySQL, gets a volume of the environment's own where it would keep its data in a directory \
outside of the worktree, or in a volume that is not the project's: two servers on one directory destroy it. Other such \
mounts are named: all environments share them;

- a Postgres or Redis service that `keep` does not name is off. A forwarder takes its name and leads to the shared \
server, so that no stack is on a network with another one;

- variables that name a database, an index or a URL of such a service, also in an `env_file`, lead to the \
environment's own. An `http` address that containers use among themselves stays.

An ignored `env_file` comes along from the main checkout if the compose file there names it, too; one that is missing \
is named. Files that are included or \
extended, and `docker-compose.override.yml`, are part of it. A killed `up` leaves nothing that `down` and `remove` \
do not find. A daemon that clears its environment variables counts as one that `up` did not start: `remove` names it, and \
ends it with `--force`.";

const EXAMPLES: &str = "\
Examples:
  git agentenv up
  git agentenv up feature-x --wait
  git agentenv up a b c
  git agentenv up --all --wait";

/// Starts what does not run yet.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    let (leases, broken) = args.chosen.some(&context, ui, "started")?;
    let workspace = configured(&context, ui, &leases)?;
    let mut each = Each::of(ui, &leases, &broken);
    let config = &workspace.config;
    let leases = each.run(&leases, |ui, lease| start(config, ui, lease))?;
    if args.wait {
        let timeout = limit(args.timeout);
        each.wait(&leases, |ui, lease| wait::until_ready(ui, lease, config, timeout))?;
    }
    let (failed, exit) = each.end();
    let answer = Processes::of(ui, &leases, config).beside(failed);
    ui.answer(&answer, || answer.text())?;
    Ok(exit)
}

/// Starts one of several: git's data is not shared between threads.
pub(super) fn start(config: &Config, ui: &Ui, lease: &Lease) -> Result<Lease> {
    let workspace = Workspace { context: &Context::here()?, config: config.clone(), ui };
    processes::start(&workspace, lease)
}

/// The configuration, when it names something to start and that was approved, also the compose file of each environment.
pub(super) fn configured<'a>(
    context: &'a Context,
    ui: &'a Ui,
    leases: &[Lease],
) -> Result<Workspace<'a>> {
    let Some(config) = context.config()? else {
        let failure = error::config(format!("nothing to start: there is no {FILE}"));
        return Err(failure.hint("write it: `git agentenv init`").into());
    };
    if config.processes.is_empty() && config.compose.is_none() {
        let failure = error::config(format!(
            "nothing to start: {FILE} names no processes and no compose file"
        ));
        let hint = "name them under `processes:`, for example `web: \"npm run dev -- --port $PORT\"`, or the compose \
                    file under `compose:`";
        return Err(failure.hint(hint).into());
    }
    hooks::require_trusted_processes(context, &config)?;
    let workspace = Workspace { context, config, ui };
    processes::require_trusted(&workspace, leases)?;
    Ok(workspace)
}

/// A century: a longer time is as good as none, and no clock can count all of it.
const LONGEST: u64 = 100 * 365 * 24 * 60 * 60;

/// A time that the user gave in seconds.
pub(super) fn limit(seconds: u64) -> Duration {
    Duration::from_secs(seconds.min(LONGEST))
}

impl Chosen {
    /// The environments that are meant, each once, and of all those whose leases cannot be read. One wrong name of several:
    /// says of the others that nothing was `done`.
    pub(super) fn leases(&self, context: &Context, ui: &Ui, done: &str) -> Result<Meant> {
        if self.all {
            return resolve::readable(context);
        }
        if self.envs.is_empty() {
            return Ok((vec![resolve::named_or_here(context, None)?], Vec::new()));
        }
        let mut leases = Vec::<Lease>::new();
        for env in &self.envs {
            let lease = resolve::named(context, env).inspect_err(|_| {
                if self.envs.len() > 1 {
                    ui.say(format!("nothing was {done}"));
                }
            })?;
            if leases.iter().all(|known| known.id != lease.id) {
                leases.push(lease);
            }
        }
        Ok((leases, Vec::new()))
    }

    /// The same where there has to be one.
    pub(super) fn some(&self, context: &Context, ui: &Ui, done: &str) -> Result<Meant> {
        let meant = self.leases(context, ui, done)?;
        if meant.0.is_empty() && meant.1.is_empty() { Err(resolve::none()) } else { Ok(meant) }
    }
}
