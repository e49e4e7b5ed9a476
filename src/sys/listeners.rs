//! Which processes listen on a port: from `/proc` on Linux, from `lsof(8)` elsewhere.

use super::fs;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

/// A process that listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Listener {
    /// Its process id.
    pub pid: u32,
    /// Its program.
    pub program: String,
    /// The directory it runs in.
    pub dir: Option<PathBuf>,
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {})", self.program, self.pid)?;
        match &self.dir {
            Some(dir) => write!(f, " in {}", dir.display()),
            None => Ok(()),
        }
    }
}

/// Every TCP port that a process listens on; `None` where the system does not show them.
pub fn ports() -> Option<BTreeSet<u16>> {
    #[cfg(target_os = "linux")]
    if let Some(ports) = super::sock_diag::listening() {
        return Some(ports);
    }
    let tables: Vec<String> = TABLES.iter().filter_map(|table| read(table)).collect();
    let port = |local: &str| u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok();
    let listening = |text: &String| sockets(text).filter_map(|(local, _)| port(local)).collect();
    let found: Vec<Vec<u16>> = tables.iter().map(listening).collect();
    (!found.is_empty()).then(|| found.into_iter().flatten().collect())
}

/// The processes of this user that listen on a TCP port.
pub fn on(port: u16) -> Vec<Listener> {
    if cfg!(target_os = "linux") { of_proc(port) } else { super::lsof::on(port) }
}

fn of_proc(port: u16) -> Vec<Listener> {
    let inodes = inodes(port);
    if inodes.is_empty() {
        return Vec::new();
    }
    let processes = fs::entries(Path::new("/proc")).unwrap_or_default();
    processes
        .iter()
        .filter(|process| holds(process, &inodes))
        .filter_map(|process| listener(process))
        .collect()
}

/// The processes of this user that have one of these files open.
pub fn with_open(files: &[PathBuf]) -> Vec<Listener> {
    if !cfg!(target_os = "linux") {
        return super::lsof::with_open(files);
    }
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let processes = fs::entries(Path::new("/proc")).unwrap_or_default();
    let open = processes.iter().filter(|process| holds(process, &names));
    open.filter_map(|process| listener(process)).collect()
}

/// Where Linux lists its TCP sockets.
const TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

fn read(table: &str) -> Option<String> {
    std::fs::read_to_string(table).ok()
}

/// The sockets that listen on a port.
fn inodes(port: u16) -> Vec<String> {
    let suffix = format!(":{port:04X}");
    let tables: Vec<String> = TABLES.iter().filter_map(|table| read(table)).collect();
    let sockets = tables.iter().flat_map(|text| sockets(text));
    let own = sockets.filter(|(local, _)| local.ends_with(&suffix));
    own.map(|(_, inode)| format!("socket:[{inode}]")).collect()
}

/// Address and inode of each socket that listens: `proc_net_tcp(5)`, state 0A.
fn sockets(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().skip(1).filter_map(|line| {
        let mut fields = line.split_whitespace();
        let (local, state) = (fields.nth(1)?, fields.nth(1)?);
        (state == "0A").then(|| Some((local, fields.nth(5)?))).flatten()
    })
}

fn holds(process: &Path, inodes: &[String]) -> bool {
    let Ok(descriptors) = std::fs::read_dir(process.join("fd")) else {
        return false;
    };
    descriptors
        .filter_map(|descriptor| descriptor.ok()?.path().read_link().ok())
        .any(|target| inodes.iter().any(|inode| target.as_os_str() == inode.as_str()))
}

fn listener(process: &Path) -> Option<Listener> {
    let pid = process.file_name()?.to_str()?.parse().ok()?;
    let program =
        std::fs::read_to_string(process.join("comm")).unwrap_or_default().trim().to_owned();
    Some(Listener { pid, program, dir: process.join("cwd").read_link().ok() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_sockets_is_read_by_its_columns() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1\n\
            1: 0100007F:1F91 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1\n";
        assert_eq!(sockets(table).collect::<Vec<_>>(), [("0100007F:1F90", "4711")]);
    }
}
