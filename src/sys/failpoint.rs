//! Named points at which the tests make this program fail. Without debug assertions they are nothing.

use crate::sys::{env, fs, interrupt};
use anyhow::Result;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often a point that hangs looks whether the user interrupted.
const PAUSE: Duration = Duration::from_millis(5);

/// A point that `AGENTENV_FAULT=<name>:<kill|error|hang>` can hit, in debug builds only. Several faults are
/// separated by commas. What hangs first makes the file that `AGENTENV_FAULT_MARK` names, and goes on when that is removed.
pub fn point(name: &str) -> Result<()> {
    if cfg!(debug_assertions) {
        strike(name)?;
    }
    Ok(())
}

fn strike(name: &str) -> Result<()> {
    let Some(faults) = env::var("AGENTENV_FAULT") else {
        return Ok(());
    };
    let here = |fault: &&str| fault.split_once(':').is_some_and(|(at, _)| at == name);
    match faults.split(',').find(here).and_then(|fault| fault.split_once(':')) {
        Some((_, "kill")) => {
            let me = rustix::process::getpid();
            Ok(rustix::process::kill_process(me, rustix::process::Signal::KILL)?)
        }
        Some((_, "error")) => anyhow::bail!("fault injected at {name}"),
        Some((_, "hang")) => hang(),
        _ => Ok(()),
    }
}

fn hang() -> Result<()> {
    static LET_GO: AtomicBool = AtomicBool::new(false);
    let mark = env::path("AGENTENV_FAULT_MARK");
    if let Some(mark) = mark.as_ref().filter(|_| !LET_GO.load(Ordering::SeqCst)) {
        fs::append(mark, b"hanging\n")?;
    }
    while !mark.as_ref().is_some_and(|mark| LET_GO.load(Ordering::SeqCst) || !mark.exists()) {
        interrupt::check()?;
        std::thread::sleep(PAUSE);
    }
    LET_GO.store(true, Ordering::SeqCst);
    Ok(())
}
