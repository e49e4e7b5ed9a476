//! Ctrl-C and SIGTERM: running commands are ended, and their callers get the exit "interrupted".

use crate::error;
use crate::sys::parallel::locked;
use crate::sys::process_tree;
use anyhow::{Context, Result};
use rustix::process::Signal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, Weak};
use std::time::Duration;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
/// Set by the handler of a signal itself, while the thread that listens may not have been woken yet.
static SIGNALLED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
/// How many rollbacks are running.
static UNDOING: AtomicUsize = AtomicUsize::new(0);
static ENDING: Mutex<()> = Mutex::new(());
static CHOOSING: Mutex<()> = Mutex::new(());
static ENDED: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());
static RUNNING: Mutex<Vec<(Weak<duct::Handle>, Ending)>> = Mutex::new(Vec::new());

/// How long commands have to end after SIGTERM: git deletes its lock files first.
const GRACE: Duration = Duration::from_secs(5);

/// How long one that takes a moment has to end by itself, on a disk that is busy with other work.
const MOMENT: Duration = Duration::from_secs(30);

/// How an interruption ends a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// At once.
    AtOnce,
    /// It gets half a minute to end by itself first: it takes a moment, and could leave a lock file behind.
    Whole,
}

/// A running command that an interruption ends, for as long as this lives.
pub struct Registered(Weak<duct::Handle>);

/// Listens for SIGINT, SIGTERM and SIGHUP from now on.
pub fn listen() -> Result<()> {
    const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];
    for signal in SIGNALS {
        signal_hook::flag::register(signal, SIGNALLED.clone()).context("cannot handle signals")?;
    }
    let mut signals = Signals::new(SIGNALS).context("cannot handle signals")?;
    std::thread::spawn(move || {
        for _ in signals.forever() {
            interrupt();
            *locked(&ENDED.0) = true;
            ENDED.1.notify_all();
        }
    });
    Ok(())
}

/// Does what a signal does: ends the commands that run.
pub fn interrupt() {
    INTERRUPTED.store(true, Ordering::SeqCst);
    end_all(&interruptible());
}

/// Fails with exit 130 after a signal, unless a rollback is running.
pub fn check() -> Result<()> {
    if INTERRUPTED.load(Ordering::SeqCst) && UNDOING.load(Ordering::SeqCst) == 0 {
        return Err(error::interrupted("interrupted").into());
    }
    Ok(())
}

/// Whether a signal has come. What it ends may still run: this is for those who would wait for a key.
pub fn has_come() -> bool {
    SIGNALLED.load(Ordering::SeqCst)
}

/// Blocks until a signal has come and the commands that it ends have ended.
pub fn wait() {
    let ended = locked(&ENDED.0);
    drop(ENDED.1.wait_while(ended, |ended| !*ended));
}

/// Ignores signals from now on: a rollback must finish.
pub fn undoing() {
    // What a signal has chosen to end was started before, so it is no part of the rollback.
    let _one = locked(&CHOOSING);
    UNDOING.fetch_add(1, Ordering::SeqCst);
}

/// That rollback has finished: signals count again, unless another one is running.
pub fn undone() {
    UNDOING.fetch_sub(1, Ordering::SeqCst);
}

/// Makes a running command one that an interruption ends.
///
/// # Errors
/// When the interruption came first; the command is ended then.
pub fn register(handle: &Arc<duct::Handle>, ending: Ending) -> Result<Registered> {
    let weak = Arc::downgrade(handle);
    running().push((weak.clone(), ending));
    let registered = Registered(weak);
    if let Err(error) = check() {
        end(handle, ending);
        return Err(error);
    }
    Ok(registered)
}

/// Ends a command with all that it started, which would keep its pipes open and write on.
pub fn end(handle: &duct::Handle, ending: Ending) {
    if ending == Ending::Whole {
        handle.wait_timeout(MOMENT).ok();
    }
    {
        // The waiting thread must not return, and end this program, before the children got their signal too.
        let _one = locked(&ENDING);
        if matches!(handle.try_wait(), Ok(Some(_))) {
            return;
        }
        handle.pids().into_iter().for_each(|pid| process_tree::signal(pid, Signal::TERM));
    }
    if !matches!(handle.wait_timeout(GRACE), Ok(Some(_))) {
        handle.pids().into_iter().for_each(|pid| process_tree::signal(pid, Signal::KILL));
    }
}

/// Ends a command of this program as Ctrl-C does: it gets time to roll back.
pub fn cancel(handle: &duct::Handle) {
    for pid in handle.pids() {
        process_tree::signal_one(pid, Signal::INT);
    }
    end(handle, Ending::Whole);
}

impl Drop for Registered {
    fn drop(&mut self) {
        running().retain(|(other, _)| !other.ptr_eq(&self.0));
    }
}

/// The commands that a signal ends: none of a rollback.
fn interruptible() -> Vec<(Arc<duct::Handle>, Ending)> {
    let _one = locked(&CHOOSING);
    if UNDOING.load(Ordering::SeqCst) > 0 {
        return Vec::new();
    }
    running().iter().filter_map(|(one, ending)| Some((one.upgrade()?, *ending))).collect()
}

fn end_all(commands: &[(Arc<duct::Handle>, Ending)]) {
    std::thread::scope(|scope| {
        commands.iter().for_each(|(one, ending)| drop(scope.spawn(|| end(one, *ending))));
    });
}

fn running() -> std::sync::MutexGuard<'static, Vec<(Weak<duct::Handle>, Ending)>> {
    locked(&RUNNING)
}
