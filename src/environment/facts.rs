//! What takes longer to find out of worktrees: what git says, when they were used last, how large they are.

use crate::environment::{parts, unused};
use crate::model::lease::Lease;
use crate::service::removal::{Look, Servers};
use crate::sys::docker::Projects;
use crate::sys::git::status::{self, Status};
use crate::sys::parallel::locked;
use crate::sys::{fs, parallel};
use anyhow::Result;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// What takes longer to find out of a worktree. Each is missing when it was not asked for or could not be read.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Facts {
    /// What git says of its files and commits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// When HEAD moved, the index or a changed file changed last, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_activity: Option<u64>,
    /// How many containers of its Compose project run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub containers: Option<usize>,
    /// The bytes that its directory takes on the disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worktree_bytes: Option<u64>,
    /// The bytes that its databases take, where the server says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_bytes: Option<u64>,
}

impl Facts {
    /// Takes over what the other knows.
    pub fn learn(&mut self, other: Facts) {
        self.status = other.status.or(self.status.take());
        self.last_activity = other.last_activity.or(self.last_activity);
        self.containers = other.containers.or(self.containers);
        self.worktree_bytes = other.worktree_bytes.or(self.worktree_bytes);
        self.database_bytes = other.database_bytes.or(self.database_bytes);
    }
}

/// Where to look for them.
#[derive(Debug, Clone)]
pub struct Place {
    /// The worktree's directory.
    pub path: PathBuf,
    /// Its git admin directory.
    pub admin: PathBuf,
    /// The branch that its commits are compared with when it has no upstream.
    pub beside: Option<String>,
}

/// What git says, and the last activity.
pub fn of(place: &Place) -> Facts {
    let status = status::of(&place.path, place.beside.as_deref()).ok();
    let last_activity = last_activity(place, status.as_ref()).ok();
    Facts { status, last_activity, ..Facts::default() }
}

/// What is known so far, by the path of the worktree. It may be read while it grows.
#[derive(Default)]
pub struct Known(Mutex<BTreeMap<PathBuf, Facts>>);

impl Known {
    /// Asks git about each of these worktrees.
    pub fn ask_git(&self, places: &[Place]) {
        parallel::each(places, |place| self.learn(&place.path, of(place)));
    }

    /// Counts the containers of these environments; the engine is asked once for all of them.
    pub fn count_containers(&self, leases: &[Lease]) {
        let Ok(projects) = Projects::list() else { return };
        for lease in leases {
            let all = projects.of(&lease.project, &lease.path);
            let containers = Some(all.iter().filter(|one| one.is_up()).count());
            self.learn(&lease.path, Facts { containers, ..Facts::default() });
        }
    }

    /// Measures the directory of each of these worktrees, after the databases of these environments. Each server is asked
    /// once for all of them.
    pub fn measure(&self, places: &[Place], leases: &[Lease]) {
        for (lease, database_bytes) in leases.iter().zip(databases(leases)) {
            self.learn(&lease.path, Facts { database_bytes, ..Facts::default() });
        }
        parallel::each(places, |place| {
            let worktree_bytes = Some(fs::size(&place.path));
            self.learn(&place.path, Facts { worktree_bytes, ..Facts::default() });
        });
    }

    /// What is known of the worktree at this path.
    pub fn of(&self, path: &Path) -> Option<Facts> {
        locked(&self.0).get(path).cloned()
    }

    fn learn(&self, path: &Path, facts: Facts) {
        let mut known = locked(&self.0);
        known.entry(path.to_owned()).or_default().learn(facts);
    }
}

fn databases(leases: &[Lease]) -> Vec<Option<u64>> {
    let leases: Vec<&Lease> = leases.iter().collect();
    let servers = Servers::of(&leases);
    let sum = |looks: Vec<Result<Look>>| {
        looks.into_iter().flatten().filter_map(|look| look.size).reduce(|a, b| a + b)
    };
    parts::look(&servers, &leases).into_iter().map(sum).collect()
}

/// Ignored files do not count: programs write them while no one works.
fn last_activity(place: &Place, status: Option<&Status>) -> Result<u64> {
    let files = status.iter().flat_map(|status| &status.files);
    // A deleted file has no time of its own.
    let times = files.filter_map(|file| fs::newest(&place.path.join(file), u64::MAX).ok());
    Ok(times.max().unwrap_or(0).max(unused::moved_or_staged(&place.admin)?))
}
