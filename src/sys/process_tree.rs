//! The processes that a process started, and their end.

use rustix::process::{Pid, Signal, kill_process};

/// Sends a signal to a process and its descendants, parents first: a dead parent starts no more children.
pub fn signal(pid: u32, signal: Signal) {
    let mut family = vec![pid];
    let mut at = 0;
    while let Some(&member) = family.get(at) {
        family.extend(children(member));
        at += 1;
    }
    family.into_iter().for_each(|member| signal_one(member, signal));
}

/// Sends a signal to a process alone.
pub fn signal_one(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.map(|pid| kill_process(pid, signal).ok());
}

#[cfg(not(target_os = "linux"))]
fn children(pid: u32) -> Vec<u32> {
    let all = super::process::all().into_iter();
    all.filter(|(_, process)| process.parent == pid).map(|(child, _)| child).collect()
}

#[cfg(target_os = "linux")]
fn children(pid: u32) -> Vec<u32> {
    use crate::sys::fs;
    let tasks =
        fs::entries(&std::path::PathBuf::from(format!("/proc/{pid}/task"))).unwrap_or_default();
    let listed = tasks.iter().filter_map(|task| fs::word(&task.join("children")));
    listed
        .flat_map(|line| line.split(' ').filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}
