//! Carries out a plan: creates the worktree and each resource side by side.

use crate::environment::data::template::Templates;
use crate::environment::{files, include, teardown, worktree};
use crate::error::{self, never_ran};
use crate::model::config::Kind;
use crate::model::lease::{Lease, Part};
use crate::model::plan::Plan;
use crate::service::Made;
use crate::sys::store::Store;
use crate::sys::{failpoint, interrupt};
use crate::ui::{Step, Ui};
use anyhow::{Result, anyhow};
use std::path::PathBuf;
use std::thread;

/// How creating an environment ended.
pub enum Outcome {
    /// It is ready; this is its lease.
    Ready(Box<Lease>),
    /// A Redis index is in use. Everything was rolled back; another index may be free.
    Occupied {
        /// The index.
        index: u32,
        /// Who uses it, as far as known.
        by: String,
    },
}

/// Creates everything of a plan whose lease is written, or nothing.
///
/// # Errors
/// When a part fails. The rest is rolled back; what cannot be rolled back stays on the lease and is named.
pub fn make(ui: &Ui, store: &Store, plan: &Plan, templates: &Templates<'_>) -> Result<Outcome> {
    let attempt = side_by_side(ui, store, plan, templates);
    let failed = match attempt.result {
        Ok(admin) if attempt.occupied.is_none() => {
            match finish(store, plan, admin, &attempt.made) {
                Ok(lease) => return Ok(Outcome::Ready(Box::new(lease))),
                Err(error) => Some(error),
            }
        }
        Ok(_) => None,
        Err(error) => Some(error),
    };
    interrupt::undoing();
    if failed.is_some() {
        ui.say("failed; rolling back");
    }
    let lease = Lease { parts: attempt.reached, ..plan.lease.clone() };
    let undone = teardown::undo(ui, store, &lease);
    match (failed, attempt.occupied) {
        (Some(error), _) => Err(explain(error, undone)),
        (None, Some((index, by))) => {
            interrupt::undone();
            undone.map(|()| Outcome::Occupied { index, by })
        }
        (None, None) => Err(anyhow!("nothing failed, and nothing was made")),
    }
}

/// What came of creating the parts.
struct Attempt {
    /// The worktree's admin directory, or the first thing that failed.
    result: Result<PathBuf>,
    /// A Redis index that is in use, and by whom.
    occupied: Option<(u32, String)>,
    /// Parts whose servers may have done something.
    reached: Vec<Part>,
    /// Parts that were created, with the identity of their server.
    made: Vec<Part>,
}

/// Creates the databases beside the worktree. Redis answers in a moment, but finding it takes a process: it follows
/// when git is done, while the databases still are not. An SQLite file lies in the worktree: created first, its
/// directory would be in git's way.
fn side_by_side(ui: &Ui, store: &Store, plan: &Plan, templates: &Templates<'_>) -> Attempt {
    let lease = &plan.lease;
    let (quick, slow): (Vec<_>, Vec<_>) =
        lease.parts.iter().partition(|part| matches!(part.kind, Kind::Redis | Kind::Sqlite));
    // Steps begin here and not in their threads, so that their lines always come in the same order.
    let first = ui.step(if lease.adopted { "environment file" } else { "worktree" });
    thread::scope(|scope| {
        let start = |part| {
            let step = begin(ui, part);
            (part, scope.spawn(move || provide(step, lease, part, templates)))
        };
        let mut started: Vec<_> = slow.into_iter().map(start).collect();
        let result = worktree(ui, first, store, plan);
        let mut attempt = Attempt { result, occupied: None, reached: Vec::new(), made: Vec::new() };
        started.extend(quick.into_iter().filter(|_| attempt.result.is_ok()).map(start));
        for (part, made) in started {
            attempt.count(part, made.join().unwrap_or_else(|_| Err(anyhow!("a thread panicked"))));
        }
        attempt
    })
}

impl Attempt {
    fn count(&mut self, part: &Part, made: Result<Made>) {
        if !made.as_ref().is_err_and(never_ran) {
            self.reached.push(part.clone());
        }
        match made {
            Ok(Made::Ours(server_id)) => {
                self.made.push(Part { server_id, ..part.clone() });
            }
            Ok(Made::Occupied(by)) => {
                self.occupied = part.holds.parse().ok().map(|index| (index, by));
            }
            Err(error) if self.result.is_ok() => self.result = Err(error),
            Err(_) => {}
        }
    }
}

fn worktree(ui: &Ui, step: Step<'_>, store: &Store, plan: &Plan) -> Result<PathBuf> {
    files::ignore_worktrees(store, &plan.lease)?;
    let admin = worktree::make(store, plan)?;
    files::write_env(store, &plan.lease)?;
    step.done();
    include::bring(ui, store, &plan.lease, &plan.include)?;
    Ok(admin)
}

fn begin<'a>(ui: &'a Ui, part: &Part) -> Step<'a> {
    let from = part.from.as_ref().map_or_else(String::new, |from| format!(" from {from}"));
    ui.step(format!("{} {}{from}", part.service, part.holds))
}

fn provide(step: Step<'_>, lease: &Lease, part: &Part, templates: &Templates<'_>) -> Result<Made> {
    let made = templates.create(lease, part)?;
    match made {
        Made::Ours(_) => step.done(),
        Made::Occupied(_) => step.nothing(),
    }
    Ok(made)
}

/// From here on only `remove` deletes the environment.
fn finish(store: &Store, plan: &Plan, admin: PathBuf, made: &[Part]) -> Result<Lease> {
    interrupt::check()?;
    let mut lease = plan.lease.clone().into_ready(admin);
    for part in &mut lease.parts {
        let made = made.iter().find(|made| made.service == part.service);
        part.server_id = made.and_then(|made| made.server_id.clone());
    }
    failpoint::point("before-ready")?;
    store.save(&lease)?;
    failpoint::point("ready")?;
    Ok(lease)
}

/// The error, with what could not be rolled back.
fn explain(error: anyhow::Error, undone: Result<()>) -> anyhow::Error {
    let Err(left) = undone else { return error };
    let message = format!("{error:#}; rolling back: {left:#}");
    let hint = "`git agentenv prune` finishes the rest";
    error::partial(message).hint(hint).into()
}
