//! macOS and the BSDs: `ps(1)` and `lsof(8)`.

use super::{Mark, Process};
use crate::sys::exec::Cmd;
use rustix::process::{Pid, Signal, geteuid, kill_process};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const COLUMNS: &str = "pid=,ppid=,pgid=,rss=,stat=,lstart=";

pub(super) fn all() -> Vec<Process> {
    ps(&["-axo", COLUMNS]).lines().filter_map(parse).collect()
}

pub(super) fn one(pid: u32) -> Option<Process> {
    ps(&["-o", COLUMNS, "-p", &pid.to_string()]).lines().find_map(parse)
}

pub(super) fn marks() -> BTreeMap<u32, Mark> {
    let mark = |line: &str| {
        let mut words = line.split_whitespace();
        let pid = words.next()?.parse().ok()?;
        Some((pid, Mark::among(words.map(str::as_bytes))?))
    };
    ps(&["-xEwwo", "pid=,command="]).lines().filter_map(mark).collect()
}

pub(super) fn dirs() -> BTreeMap<u32, PathBuf> {
    let me = geteuid().as_raw().to_string();
    let shown = Cmd::new("lsof").args(["-a", "-u", &me, "-d", "cwd", "-Fpn"]).output();
    let shown = shown.map(|output| output.text()).unwrap_or_default();
    let (mut found, mut pid) = (BTreeMap::new(), None::<u32>);
    for line in shown.lines() {
        match line.split_at_checked(1) {
            Some(("p", number)) => pid = number.parse().ok(),
            Some(("n", cwd)) => found.extend(pid.map(|pid| (pid, PathBuf::from(cwd)))),
            _ => {}
        }
    }
    found
}

pub(super) fn is_at(_: u32, _: &Path, _: (u64, u64)) -> bool {
    true
}

pub(super) fn program(pid: u32) -> String {
    ps(&["-o", "comm=", "-p", &pid.to_string()]).trim().to_owned()
}

pub(super) fn signal(pid: Pid, identity: &str, signal: Signal) {
    if one(pid.as_raw_nonzero().get().unsigned_abs()).is_some_and(|now| now.identity == identity) {
        kill_process(pid, signal).ok();
    }
}

fn ps(args: &[&str]) -> String {
    Cmd::new("ps").args(args).output().map(|output| output.text()).unwrap_or_default()
}

fn parse(line: &str) -> Option<Process> {
    let mut fields = line.split_whitespace();
    let mut number = || fields.next()?.parse::<u32>().ok();
    let (pid, parent, group, kilobytes) = (number()?, number()?, number()?, number()?);
    if fields.next()?.starts_with('Z') {
        return None;
    }
    let identity = fields.collect::<Vec<_>>().join(" ");
    Some(Process { pid, parent, group, identity, memory: u64::from(kilobytes) * 1024 })
}
