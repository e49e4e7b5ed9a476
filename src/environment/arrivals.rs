//! Which databases and indexes an application connects to while it runs: its environment's, or the main checkout's.

use crate::environment::context::Context;
use crate::environment::hooks;
use crate::model::lease::{Lease, Part};
use crate::service::{self, Resource, Session};
use crate::sys::exec::Cmd;
use crate::sys::{interrupt, parallel, process};
use anyhow::{Context as _, Result};
use rustix::process::Signal;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// How often the servers are asked.
const PAUSE: Duration = Duration::from_millis(50);

/// How long an application that has connected to all its parts is watched on: it may connect to others later.
const SETTLE: Duration = Duration::from_secs(1);

/// How long it has to end by itself.
const GRACE: Duration = Duration::from_secs(5);

/// What tells a session from another one.
type Key = (Option<i64>, String, String);

/// A database or an index, and who connected to it.
pub struct Target {
    /// What it is.
    pub resource: Resource,
    /// Connections that were there before, and the server's count of all.
    before: service::Visits,
    seen: BTreeMap<Key, Session>,
    /// Connections that the server counted, some of which may never have been seen.
    counted: u64,
}

/// A part of the environment, and the main checkout's.
pub struct Watched {
    /// The service's name.
    pub service: String,
    /// The environment's.
    pub own: Target,
    /// The main checkout's; `None`: not configured.
    pub main: Option<Target>,
}

impl Target {
    fn of(resource: Resource) -> Result<Self> {
        let before = service::visits(&resource)?;
        Ok(Target { resource, before, seen: BTreeMap::new(), counted: 0 })
    }

    fn look(&mut self) -> Result<()> {
        let now = service::visits(&self.resource)?;
        let known: BTreeSet<Key> = self.before.sessions.iter().map(key).collect();
        let fresh = now.sessions.into_iter().filter(|session| !known.contains(&key(session)));
        self.seen.extend(fresh.map(|session| (key(&session), session)));
        let counted = now.total.zip(self.before.total).map(|(now, before)| now - before.min(now));
        self.counted = counted.unwrap_or(0);
        Ok(())
    }

    /// How many connections arrived.
    pub fn connections(&self) -> u64 {
        self.counted.max(self.seen.len() as u64)
    }

    /// Those that were seen.
    pub fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.seen.values()
    }
}

fn key(session: &Session) -> Key {
    (session.pid, session.application.clone(), session.client.clone())
}

/// Runs a command with the environment's variables until it ends, has connected to every part, or the time is over;
/// then ends it. What it prints goes to `log`.
///
/// # Errors
/// When it cannot be started, or a server does not answer.
pub fn watch(
    context: &Context,
    lease: &Lease,
    command: Cmd,
    limit: Duration,
    log: &Path,
) -> Result<Vec<Watched>> {
    let mut watched = targets(context, lease)?;
    let application = Application::start(lease, command, log)?;
    let begin = Instant::now();
    let mut complete = None;
    while application.is_running() && begin.elapsed() < limit {
        interrupt::check()?;
        look(&mut watched)?;
        if watched.iter().all(|one| one.own.connections() > 0) {
            let since = *complete.get_or_insert_with(Instant::now);
            if since.elapsed() > SETTLE {
                break;
            }
        }
        thread::sleep(PAUSE);
    }
    drop(application);
    // The server counts a connection when it is over.
    look(&mut watched)?;
    Ok(watched)
}

fn targets(context: &Context, lease: &Lease) -> Result<Vec<Watched>> {
    let config = context.config()?.unwrap_or_default();
    let with_server = lease.parts.iter().filter(|part| service::Server::of_part(part).is_some());
    let parts: Vec<&Part> = with_server.collect();
    let target = |part: &&Part| {
        let main = config.services.get(&part.service).map(|service| service.main.clone());
        let main =
            main.map(|holds| lease.resource(&Part { holds, ..(*part).clone() })).transpose()?;
        Ok(Watched {
            service: part.service.clone(),
            own: Target::of(lease.resource(part)?)?,
            main: main.map(Target::of).transpose()?,
        })
    };
    parallel::each(&parts, target).into_iter().collect()
}

fn look(watched: &mut [Watched]) -> Result<()> {
    thread::scope(|scope| {
        let targets =
            watched.iter_mut().flat_map(|one| std::iter::once(&mut one.own).chain(&mut one.main));
        let looks: Vec<_> = targets.map(|target| scope.spawn(|| target.look())).collect();
        looks.into_iter().try_for_each(|look| look.join().unwrap_or(Ok(())))
    })
}

/// A command that runs, and all that it starts. It ends when this is dropped.
struct Application {
    mark: String,
    pid: u32,
}

impl Application {
    fn start(lease: &Lease, command: Cmd, log: &Path) -> Result<Self> {
        // Not the environment's own mark: what `up` started goes on.
        let mark = format!("check-{}-{}", lease.id, std::process::id());
        let command = hooks::with_vars(command, lease).env(process::MARK, &mark);
        let pid = command.detach(log).context("cannot start the application")?;
        Ok(Application { mark, pid })
    }

    fn processes(&self) -> Vec<process::Process> {
        let marked = process::marked(&self.mark);
        let all = process::all().into_values();
        all.filter(|one| one.pid == self.pid || one.group == self.pid || marked.contains(&one.pid))
            .collect()
    }

    fn is_running(&self) -> bool {
        !self.processes().is_empty()
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        let begin = Instant::now();
        let mut signal = Signal::TERM;
        loop {
            let left = self.processes();
            if left.is_empty() || begin.elapsed() > 2 * GRACE {
                return;
            }
            left.iter().for_each(|process| process::signal(process, signal));
            if begin.elapsed() > GRACE {
                signal = Signal::KILL;
            }
            thread::sleep(PAUSE);
        }
    }
}

/// An empty file for what the command prints. It goes with the environment.
///
/// # Errors
/// When it cannot be made.
pub fn log(context: &Context, lease: &Lease) -> Result<PathBuf> {
    let log = context.store.logs(&lease.id).join("check.log");
    context.store.make_log(&lease.id, &log)?;
    Ok(log)
}
