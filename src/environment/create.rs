//! From facts to a plan to an environment: the part that `add` and `adopt` share.

use crate::environment::apply::{self, Outcome, Site};
use crate::environment::compose::Project;
use crate::environment::context::Context;
use crate::environment::data::template::Templates;
use crate::environment::occupancy::Before;
use crate::environment::workspace::Workspace;
use crate::environment::{adopt, checkout, hooks, mains, nested, occupancy, overflow, reclaim};
use crate::error;
use crate::model::lease::{Lease, Phase};
use crate::model::plan::{self, Facts, Plan, Request};
use crate::model::slot::{Holder, Slot, Taken};
use crate::service::Server;
use crate::service::creation::Servers;
use crate::sys::fs::{self, Stands};
use crate::sys::lock::Lock;
use crate::sys::store::Store;
use crate::sys::{failpoint, repo};
use crate::ui::Ui;
use anyhow::{Result, anyhow};

/// How many times a slot is chosen that other commands have planned on, too.
const RIVALS: usize = 8;

/// Creates one environment.
///
/// # Errors
/// When it cannot be made; nothing of it is left then.
pub fn one(workspace: &Workspace<'_>, request: Request) -> Result<Lease> {
    let made = all(workspace, vec![request])?.into_iter().next();
    made.unwrap_or_else(|| Err(anyhow!("no environment was planned")))
}

/// An environment that is asked for, and what came of it.
struct Job<'a> {
    request: Request,
    templates: Templates<'a>,
    made: Option<Result<Lease>>,
}

/// Creates environments side by side; gives what came of each, in their order. Tries another slot
/// when a chosen one turns out to be in use.
///
/// # Errors
/// When nothing was made of any; of each, when it cannot be made. Nothing of it is left then.
pub fn all(workspace: &Workspace<'_>, requests: Vec<Request>) -> Result<Vec<Result<Lease>>> {
    let job = |request| {
        let templates = Templates::of(workspace, &workspace.config, &request)?;
        Ok(Job { request, templates, made: None })
    };
    hooks::require_trusted_services(workspace.context, &workspace.config)?;
    let mut jobs: Vec<Job<'_>> = requests.into_iter().map(job).collect::<Result<_>>()?;
    let servers = Servers::begin(jobs.iter().flat_map(|job| job.fresh_databases(workspace)));
    let mut before = Before::ask(workspace);
    while jobs.iter().any(|job| job.made.is_none()) {
        attempt(workspace, &servers, &mut jobs, &mut before)?;
    }
    if jobs.iter().any(|job| matches!(job.made, Some(Err(_)))) {
        overflow::sweep_aloud(workspace.ui, &workspace.context.store);
    }
    if let Some(job) = jobs.iter().find(|job| matches!(job.made, Some(Ok(_)))) {
        job.templates.begin_spares();
    }
    Ok(jobs.into_iter().filter_map(|job| job.made).collect())
}

/// Tries to make those that are not made yet.
fn attempt(
    workspace: &Workspace<'_>,
    servers: &Servers,
    jobs: &mut [Job<'_>],
    before: &mut Before,
) -> Result<()> {
    let ui = workspace.ui;
    let is_first = jobs.iter().all(|job| job.made.is_none());
    let open: Vec<usize> = (0..jobs.len()).filter(|&at| jobs[at].made.is_none()).collect();
    let requests: Vec<Request> = open.iter().map(|&at| jobs[at].request.clone()).collect();
    let reserved = match reserve(workspace, requests, before) {
        Err(error) if is_first => return Err(error),
        Err(error) => open.iter().map(|_| Err(error::again(&error))).collect(),
        Ok(reserved) => reserved,
    };
    let (mut places, mut plans, mut working) = (Vec::new(), Vec::new(), Vec::new());
    for (at, reserved) in open.into_iter().zip(reserved) {
        match reserved {
            Err(error) => jobs[at].made = Some(Err(error)),
            Ok((plan, lock)) => {
                places.push(at);
                plans.push(plan);
                working.push(lock);
            }
        }
    }
    let project = Project::of(workspace);
    let site = Site { ui, store: &workspace.context.store, project: &project, servers };
    let works = places.iter().zip(&plans).map(|(&at, plan)| (plan, &jobs[at].templates));
    let outcomes = apply::make(site, &works.collect::<Vec<_>>());
    drop(working);
    // What another one of them has planned on, too, is chosen again.
    let tried: Vec<Slot> = before.occupied.iter().map(|(slot, _)| *slot).collect();
    for ((at, plan), outcome) in places.into_iter().zip(&plans).zip(outcomes) {
        let ui = &ui.about(&plan.lease.name);
        jobs[at].made = match outcome {
            Ok(Outcome::Ready(lease)) => {
                mains::warn(ui, &before.mains, &lease);
                Some(Ok(*lease))
            }
            Ok(Outcome::Occupied(slots)) => {
                match choose_again(ui, &workspace.context.store, &tried, &slots) {
                    Ok(()) => {
                        before.occupied.extend(slots);
                        None
                    }
                    Err(error) => Some(Err(error)),
                }
            }
            Err(error) => Some(Err(error)),
        };
    }
    Ok(())
}

/// Says that slots which are in use are chosen again.
///
/// # Errors
/// When one was in use before, and no other command that ends explains why it was chosen again.
fn choose_again(ui: &Ui, store: &Store, tried: &[Slot], slots: &[(Slot, Holder)]) -> Result<()> {
    for (slot, by) in slots {
        let times = tried.iter().filter(|one| *one == slot).count();
        if times > 0 && !(times < RIVALS && await_rivals(ui, store, *slot)?) {
            let message = format!("{slot} is used by {by}");
            let hint = "`git agentenv prune`, then try again";
            return Err(error::no_slot(message).hint(hint).into());
        }
        ui.say(format!("{slot} is used by {by}; trying the next"));
    }
    Ok(())
}

/// Waits for the commands that have planned on the port of a second Redis, too: while their leases
/// name it, it is chosen for all. `false`: one was killed, or the slot is no such port.
fn await_rivals(ui: &Ui, store: &Store, slot: Slot) -> Result<bool> {
    let Slot::Port(port) = slot else { return Ok(false) };
    for rival in overflow::planned_at(store, port)? {
        let _ended = store.lock_lease(&rival.id, || {
            ui.say(format!("waiting for another process that works on `{}`", rival.name));
        })?;
        match store.lease(&rival.id)? {
            Some(left) if left.phase == Phase::Creating => return Ok(false),
            Some(_) => {}
            None => store.forget_lock(&rival.id)?,
        }
    }
    Ok(true)
}

impl Job<'_> {
    /// The servers on which it gets an empty database.
    fn fresh_databases(&self, workspace: &Workspace<'_>) -> Vec<Server> {
        let main = &workspace.context.repo.main;
        let services = workspace.config.services.iter().filter(|(name, service)| {
            let source = self.request.data.of(name, service, main);
            source.is_none() && !self.templates.has(name)
        });
        services.filter_map(|(_, service)| Server::of_service(service)).collect()
    }
}

/// Chooses the slots of all and writes the leases, under the lock of the machine.
///
/// # Errors
/// When nothing could be chosen; of each, why it cannot have what it needs. Nothing is on record then.
fn reserve(
    workspace: &Workspace<'_>,
    requests: Vec<Request>,
    before: &Before,
) -> Result<Vec<Result<(Plan, Lock)>>> {
    let context = workspace.context;
    let store = &context.store;
    let (mut wanted, mut locks) = (Vec::new(), Vec::new());
    for request in requests {
        let id = store.new_id()?;
        locks.push((store.lock_lease(&id, || ())?, id.clone()));
        wanted.push((id, request));
    }
    let recorded: Result<Vec<Result<Plan>>> = context.lock(workspace.ui).and_then(|_lock| {
        let rival = |lease: &Lease, others: &[Lease]| {
            others.iter().try_for_each(|other| require_no_rival(context, lease, other))
        };
        let plans = decide(workspace, wanted, before, rival)?;
        store.remember(&context.repo.common)?;
        plans.iter().flatten().try_for_each(|plan| store.note_disks(&plan.lease))?;
        failpoint::point("before-lease")?;
        let leases: Vec<&Lease> = plans.iter().flatten().map(|plan| &plan.lease).collect();
        let mut saved = store.save_all(&leases).into_iter();
        let written = |plan: Result<Plan>| {
            let plan = plan?;
            saved.next().transpose()?;
            failpoint::point("lease-written")?;
            Ok(plan)
        };
        Ok(plans.into_iter().map(written).collect())
    });
    let keep = |(plan, (lock, id)): (Result<Plan>, (Lock, String))| {
        // Nothing was created yet, so nothing stays on record.
        if plan.is_err() {
            store.forget(&id).ok();
        }
        Ok((plan?, lock))
    };
    match recorded {
        Ok(plans) => Ok(plans.into_iter().zip(locks).map(keep).collect()),
        Err(error) => {
            locks.iter().for_each(|(_, id)| drop(store.forget(id)));
            Err(error)
        }
    }
}

/// Chooses slots for each, in order, that neither the leases nor those before it hold; `accept` looks at a plan and the leases
/// beside it.
fn decide(
    workspace: &Workspace<'_>,
    wanted: impl IntoIterator<Item = (String, Request)>,
    before: &Before,
    accept: impl Fn(&Lease, &[Lease]) -> Result<()>,
) -> Result<Vec<Result<Plan>>> {
    let Workspace { context, config, .. } = workspace;
    let (mut taken, mut leases): (Taken, Vec<Lease>) =
        occupancy::taken(&context.store, &context.repo, config)?;
    let trees = repo::worktrees(&context.repo.common)?;
    let places = nested::places_of(&context.store, &leases)?;
    before.count(&mut taken);
    let mut plan = |(id, request)| {
        let facts = Facts {
            path_free: &|path| {
                matches!(fs::stands(path), Ok(Stands::Nothing))
                    && leases.iter().all(|lease| lease.path != path)
            },
            ..context.facts(id, &taken)
        };
        let plan = plan::add(config, &facts, request)?;
        // What a user made inside of another is left where it is.
        if !plan.lease.adopted {
            nested::require_outside(&plan.lease.path, &plan.lease, &places, &trees)?;
        }
        accept(&plan.lease, &leases)?;
        occupancy::count(&mut taken, &plan.lease, &context.repo.common);
        leases.push(plan.lease.clone());
        Ok(plan)
    };
    Ok(wanted.into_iter().map(&mut plan).collect())
}

/// Refuses when another process took the same branch or worktree before this one had the lock.
fn require_no_rival(context: &Context, lease: &Lease, other: &Lease) -> Result<()> {
    let same_branch = lease.branch.is_some() && lease.branch == other.branch;
    if other.repository != lease.repository || !(same_branch || lease.path == other.path) {
        return Ok(());
    }
    let is_made =
        || Ok::<_, anyhow::Error>(adopt::tree_here(context)?.lease == Some(other.id.clone()));
    if other.phase == Phase::Creating || (lease.adopted && is_made()?) {
        return Err(reclaim::busy(other));
    }
    match &lease.branch {
        Some(branch) if !lease.adopted => checkout::require_free(&context.repo, branch),
        _ => Ok(()),
    }
}

/// The leases that `add` would write, in order. Nothing is created.
pub fn plan_only(
    workspace: &Workspace<'_>,
    requests: impl IntoIterator<Item = Request>,
) -> Result<Vec<Lease>> {
    let before = Before::ask(workspace);
    let store = &workspace.context.store;
    let wanted = requests.into_iter().map(|request| Ok((store.new_id()?, request)));
    let wanted: Vec<(String, Request)> = wanted.collect::<Result<_>>()?;
    let planned = decide(workspace, wanted, &before, |_, _| Ok(()))?;
    planned.into_iter().map(|plan| Ok(plan?.lease)).collect()
}
