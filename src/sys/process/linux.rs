//! Linux: `/proc`.

use super::{Mark, Process};
use crate::sys::fs;
use rustix::process::{Pid, PidfdFlags, Signal, geteuid, pidfd_open, pidfd_send_signal};
use std::collections::BTreeMap;
use std::ffi::{CStr, OsStr};
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

pub(super) fn all() -> Vec<Process> {
    pids().filter_map(one).collect()
}

pub(super) fn one(pid: u32) -> Option<Process> {
    parse(pid, &fs::word(&Path::new("/proc").join(pid.to_string()).join("stat"))?)
}

pub(super) fn marks() -> BTreeMap<u32, Mark> {
    // One buffer for all: into a new one, each is read in five parts.
    let mut environment = Vec::with_capacity(1 << 14);
    let mark = |pid: u32| {
        environment.clear();
        File::open(of(pid, "environ")).ok()?.read_to_end(&mut environment).ok()?;
        Some((pid, Mark::among(assignments(&environment))?))
    };
    pids().filter_map(mark).collect()
}

/// What an environment assigns. The standard library searches for the ends, which is quick in a debug build, too.
fn assignments(environment: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    let mut rest = environment;
    std::iter::from_fn(move || {
        let one = CStr::from_bytes_until_nul(rest).map_or(rest, CStr::to_bytes);
        let is_last = rest.is_empty();
        rest = rest.get(one.len() + 1..).unwrap_or_default();
        (!is_last).then_some(one)
    })
}

pub(super) fn dirs() -> BTreeMap<u32, PathBuf> {
    let me = geteuid().as_raw();
    let is_own = |pid: &u32| {
        let of_process = Path::new("/proc").join(pid.to_string());
        of_process.metadata().is_ok_and(|process| process.uid() == me)
    };
    pids().filter(is_own).filter_map(|pid| Some((pid, dir(pid)?))).collect()
}

/// The directory of a process, also one that was deleted, whose path another one may have by now; `None`: a container has
/// another one under this path, or has it alone.
fn dir(pid: u32) -> Option<PathBuf> {
    let link = of(pid, "cwd");
    let mut target = link.read_link().ok()?;
    loop {
        if let Some(deleted) = deleted(&target) {
            return Some(deleted);
        }
        match target.metadata() {
            Ok(at) => return is_same(&at, &link.metadata().ok()?).then_some(target),
            Err(error) if error.kind() != ErrorKind::NotFound => return Some(target),
            // It was renamed since it was read.
            Err(_) => match link.read_link().ok()? {
                now if now == target => return None,
                now => target = now,
            },
        }
    }
}

/// The path that a deleted directory had, of what a link in `/proc` says.
fn deleted(link: &Path) -> Option<PathBuf> {
    let path = link.as_os_str().as_bytes().strip_suffix(b" (deleted)")?;
    (!link.exists()).then(|| PathBuf::from(OsStr::from_bytes(path)))
}

pub(super) fn is_at(pid: u32, below: &Path, inode: (u64, u64)) -> bool {
    let mut above = of(pid, "cwd");
    above.extend(below.components().map(|_| ".."));
    above.metadata().is_ok_and(|at| (at.dev(), at.ino()) == inode)
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

pub(super) fn program(pid: u32) -> String {
    fs::word(&of(pid, "comm")).unwrap_or_default()
}

/// Through a descriptor of the process, so that its id cannot change hands between the look and the signal.
pub(super) fn signal(pid: Pid, identity: &str, signal: Signal) {
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { return };
    if one(pid.as_raw_nonzero().get().unsigned_abs()).is_some_and(|now| now.identity == identity) {
        pidfd_send_signal(process, signal).ok();
    }
}

fn pids() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn of(pid: u32, file: &str) -> PathBuf {
    Path::new("/proc").join(pid.to_string()).join(file)
}

/// `proc_pid_stat(5)`: the program's name, in parentheses, can hold anything; the fields are counted from behind it.
fn parse(pid: u32, stat: &str) -> Option<Process> {
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let field = |number: usize| fields.get(number - 3).copied();
    if matches!(field(3)?, "Z" | "X") {
        return None;
    }
    let pages: u64 = field(24)?.parse().ok()?;
    Some(Process {
        pid,
        parent: field(4)?.parse().ok()?,
        group: field(5)?.parse().ok()?,
        identity: format!("{}@{}", field(22)?, boot()),
        memory: pages * u64::try_from(rustix::param::page_size()).ok()?,
    })
}

/// Start times count from the boot, so they only tell processes of one boot apart.
fn boot() -> &'static str {
    static BOOT: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    BOOT.get_or_init(|| fs::word(Path::new("/proc/sys/kernel/random/boot_id")).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::exec::Cmd;

    #[test]
    fn a_program_may_be_called_anything() {
        let stat = "7 (a) R (b) S 3 5 5 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 1000 2 0";
        let process = parse(7, stat).unwrap();
        assert_eq!((process.parent, process.group), (3, 5));
        assert!(process.identity.starts_with("4711@"));
        assert_eq!(process.memory, 2 * u64::try_from(rustix::param::page_size()).unwrap());
        assert_eq!(parse(7, &stat.replace(") S", ") Z")), None);
    }

    #[test]
    fn an_environment_is_read_to_its_last_assignment() {
        let of = |environment| assignments(environment).collect::<Vec<_>>();
        assert_eq!(of(b"A=1\0B=\0\0C=3\0"), [&b"A=1"[..], b"B=", b"", b"C=3"]);
        assert_eq!(of(b"A=1\0B"), [&b"A=1"[..], b"B"]);
        assert_eq!(of(b""), [&b""[..]; 0]);
    }

    #[test]
    fn a_process_is_in_its_directory_after_that_was_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap();
        let sleep = Cmd::new("sleep").arg("60").dir(&path).detach(Path::new("/dev/null")).unwrap();
        drop(dir);
        let found = dirs().remove(&sleep);
        let sleep = one(sleep).unwrap();
        super::super::signal(&sleep, Signal::KILL);
        assert_eq!(found, Some(path));
    }

    #[test]
    fn a_process_stays_above_its_directory_when_that_is_made_again() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let built = root.join("dist");
        std::fs::create_dir(&built).unwrap();
        let sleep = Cmd::new("sleep").arg("60").dir(&built).detach(Path::new("/dev/null")).unwrap();
        std::fs::remove_dir(&built).unwrap();
        std::fs::create_dir(&built).unwrap();
        let found = [&root, &built].map(|dir| super::super::inside(dir).contains(&sleep));
        let sleep = one(sleep).unwrap();
        super::super::signal(&sleep, Signal::KILL);
        assert_eq!(found, [true, false]);
    }

    #[test]
    fn this_process_is_found_by_all_its_signs() {
        let me = std::process::id();
        let all = super::super::all();
        assert_eq!(super::super::identity(me).as_ref(), Some(&all[&me].identity));
        assert!(super::super::ancestors(&all).contains(&all[&me].parent));
        assert_eq!(dirs().get(&me), std::env::current_dir().ok().as_ref());
    }
}
