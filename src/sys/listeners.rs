//! Which processes listen on a port, as far as the system shows them (Linux: `/proc`).

use super::fs;
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// A process that listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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

/// The processes of this user that listen on a TCP port.
pub fn on(port: u16) -> Vec<Listener> {
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

/// The sockets that listen on a port: `proc_net_tcp(5)`, state 0A.
fn inodes(port: u16) -> Vec<String> {
    let mut inodes = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let Ok(text) = std::fs::read_to_string(table) else {
            continue;
        };
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (Some(local), Some(&"0A"), Some(inode)) =
                (fields.get(1), fields.get(3), fields.get(9))
            else {
                continue;
            };
            if local.ends_with(&format!(":{port:04X}")) {
                inodes.push(format!("socket:[{inode}]"));
            }
        }
    }
    inodes
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
