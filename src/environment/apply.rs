//! Carries out plans: creates the worktrees and each resource side by side.

use crate::environment::compose::Project;
use crate::environment::data::privileges;
use crate::environment::data::template::Templates;
use crate::environment::overflow::PortInUse;
use crate::environment::{files, include, overflow, teardown, worktree};
use crate::error::{self, never_ran};
use crate::model::config::Kind;
use crate::model::lease::{Lease, Part};
use crate::model::plan::Plan;
use crate::model::slot::{Holder, Slot};
use crate::service::creation::Servers;
use crate::service::{Made, Server, growth, removal};
use crate::sys::store::Store;
use crate::sys::{failpoint, interrupt, parallel};
use crate::ui::{Step, Ui};
use anyhow::Result;
use std::path::PathBuf;
use std::thread;

/// How creating an environment ended.
pub enum Outcome {
    /// It is ready; this is its lease.
    Ready(Box<Lease>),
    /// Slots are in use, each by whom, as far as known. Everything was rolled back; others may be
    /// free.
    Occupied(Vec<(Slot, Holder)>),
}

/// Where environments are created.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    /// Where steps are reported.
    pub ui: &'a Ui,
    /// Where the leases are.
    pub store: &'a Store,
    /// What their compose files are made with.
    pub project: &'a Project<'a>,
    /// The sessions in which databases are created.
    pub servers: &'a Servers,
}

/// A plan whose lease is written, and the templates that its databases are copies of.
pub type Work<'a> = (&'a Plan, &'a Templates<'a>);

/// Creates everything of each plan, or nothing of it, side by side; gives what came of each, in their order.
///
/// # Errors
/// When a part fails. The rest of that plan is rolled back; what cannot be rolled back stays on the lease and is named.
pub fn make(site: Site<'_>, works: &[Work<'_>]) -> Vec<Result<Outcome>> {
    let attempts = parallel::each(works, |work| attempt(site, work));
    let attempts =
        works.iter().zip(attempts).map(|((plan, _), (outcome, reached))| match outcome {
            Ok(Outcome::Ready(_)) => Err(outcome),
            failed => Ok((failed, Lease { parts: reached, ..plan.lease.clone() })),
        });
    parallel::rest(attempts, |failed| {
        let undone = roll_back(site, &failed);
        let explained =
            failed.into_iter().zip(undone).map(|((outcome, _), undone)| match outcome {
                Ok(occupied) => undone.map(|()| occupied),
                Err(error) => Err(explain(error, undone)),
            });
        explained.collect()
    })
}

/// Deletes what was made of these, after all attempts have ended: a signal still has to reach those that are at work.
fn roll_back(site: Site<'_>, failed: &[(Result<Outcome>, Lease)]) -> Vec<Result<()>> {
    if failed.is_empty() {
        return Vec::new();
    }
    interrupt::undoing();
    if failed.iter().any(|(outcome, _)| outcome.is_err()) {
        site.ui.say("failed; rolling back");
    }
    let failed: Vec<&Lease> = failed.iter().map(|(_, lease)| lease).collect();
    let undone = teardown::undo_all(site.ui, site.store, &removal::Servers::of(&failed), &failed);
    interrupt::undone();
    undone
}

/// Creates everything of one plan. Gives the parts whose servers may have done something, too.
fn attempt(site: Site<'_>, (plan, templates): &Work<'_>) -> (Result<Outcome>, Vec<Part>) {
    let Attempt { result, occupied, reached, made } = side_by_side(site, plan, templates);
    let outcome = result.and_then(|admin| {
        if !occupied.is_empty() {
            return Ok(Outcome::Occupied(occupied));
        }
        // A worktree of the user's is not deleted with what came into it: first all that can fail.
        if plan.lease.adopted {
            bring(site, &site.ui.about(&plan.lease.name), plan)?;
        }
        let lease = finish(site.store, plan, admin, &made)?;
        Ok(Outcome::Ready(Box::new(lease)))
    });
    (outcome, reached)
}

/// What came of creating the parts.
struct Attempt {
    /// The worktree's admin directory, or the first thing that failed.
    result: Result<PathBuf>,
    /// The slots that are in use, each by whom.
    occupied: Vec<(Slot, Holder)>,
    /// Parts whose servers may have done something.
    reached: Vec<Part>,
    /// Parts that were created, with the identity of their server.
    made: Vec<Part>,
}

/// Creates the databases beside the worktree. Redis answers in a moment, but finding it takes a process: it follows
/// when git is done, while the databases still are not. An SQLite file lies in the worktree: created first, its
/// directory would be in git's way.
fn side_by_side(site: Site<'_>, plan: &Plan, templates: &Templates<'_>) -> Attempt {
    let lease = &plan.lease;
    let ui = &site.ui.about(&lease.name);
    let (quick, slow): (Vec<_>, Vec<_>) =
        lease.parts.iter().partition(|part| matches!(part.kind, Kind::Redis | Kind::Sqlite));
    // Steps begin here and not in their threads, so that their lines always come in the same order.
    let first = ui.step(if lease.adopted { "environment file" } else { "worktree" });
    thread::scope(|scope| {
        let start = |part| {
            let step = begin(ui, part);
            let create = move || {
                if let Some(server) = Server::of_part(part) {
                    overflow::start_new(ui, site.store, &server)?;
                }
                templates.create(site.servers, lease, part)
            };
            (part, scope.spawn(move || provide((ui, step), lease, part, create)))
        };
        let mut started: Vec<_> = slow.into_iter().map(start).collect();
        let result = worktree(site, ui, first, plan);
        let mut attempt =
            Attempt { result, occupied: Vec::new(), reached: Vec::new(), made: Vec::new() };
        started.extend(quick.into_iter().filter(|_| attempt.result.is_ok()).map(start));
        for (part, made) in started {
            attempt.count(part, parallel::joined(made));
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
                let index = part.holds.parse().ok();
                self.occupied.extend(index.map(|index| (Slot::Index(index), by)));
            }
            Err(error) if error.is::<PortInUse>() => {
                self.occupied.push((Slot::Port(part.port), "another process".to_owned()));
            }
            Err(error) if self.result.is_ok() => self.result = Err(error),
            Err(_) => {}
        }
    }
}

fn worktree(site: Site<'_>, ui: &Ui, step: Step, plan: &Plan) -> Result<PathBuf> {
    let store = site.store;
    files::ignore_worktrees(store, &plan.lease)?;
    let admin = worktree::make(store, plan)?;
    files::write_env(store, &plan.lease)?;
    worktree::unlock(&plan.lease, &admin)?;
    step.done();
    if !plan.lease.adopted {
        bring(site, ui, plan)?;
    }
    Ok(admin)
}

/// Brings ignored files of the main checkout, and makes the compose file over, which may name them.
fn bring(site: Site<'_>, ui: &Ui, plan: &Plan) -> Result<()> {
    let Site { store, project, .. } = site;
    let mut include = plan.include.clone();
    include.copy.extend(project.needed(&plan.lease));
    include::bring(ui, store, &plan.lease, &include)?;
    project.write(ui, &plan.lease)
}

fn begin(ui: &Ui, part: &Part) -> Step {
    let from = part.from.as_ref().map_or_else(String::new, |from| format!(" from {from}"));
    ui.step(format!("{part}{from}"))
}

/// Creates a part, as a step.
pub(super) fn provide(
    (ui, step): (&Ui, Step),
    lease: &Lease,
    part: &Part,
    create: impl FnOnce() -> Result<Made>,
) -> Result<Made> {
    let resource = lease.resource(part)?;
    let growth = growth::of(&resource, &lease.id, part.from.as_ref());
    let made = step.during(growth, create)?;
    match made {
        Made::Ours(_) => {
            step.done();
            privileges::warn_of_lacking(ui, &resource, part);
        }
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
