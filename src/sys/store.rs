//! The leases on this machine: one YAML file each, the locks around them, and what outlives them.

mod broken;
mod created;
mod locks;
mod repositories;
mod save;
mod servers;
mod spares;

pub use broken::Broken;
pub use servers::Remembered;
pub use spares::SparesFailed;

use super::state_dir::{self, Access};
use super::{fs, lock, mounts, parallel};
use crate::error::{self, Exit};
use crate::model::hash;
use crate::model::lease::{Lease, VERSION};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Where the leases are kept.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
    id: String,
    access: Access,
}

impl Store {
    /// Opens the store of this user, making it on first use.
    pub fn open() -> Result<Store> {
        let dir = state_dir::path()?;
        Self::at(&dir).map_err(|cause| {
            let message = format!("cannot use the state directory {}", dir.display());
            cause.context(error::failed(message).hint(lock::WRITABLE))
        })
    }

    pub(crate) fn at(dir: &Path) -> Result<Store> {
        fs::make_private_dir(dir)?;
        let access = Access::of(dir);
        for part in ["leases", "locks"] {
            access.make_dir(&dir.join(part))?;
        }
        let file = dir.join("store-id");
        let id = match fs::word(&file).filter(|id| is_hex(id, 8)) {
            Some(id) => id,
            None => first_id(dir, &file, access)?,
        };
        Ok(Store { dir: dir.to_owned(), id, access })
    }

    /// Who may read and write what is in the store.
    pub fn access(&self) -> Access {
        self.access
    }

    /// Whether another user wrote this lease, into a state directory that a group shares: it is that user's to release.
    pub fn is_foreign(&self, lease: &Lease) -> bool {
        self.access == Access::Group && fs::is_foreign(&self.file(&lease.id))
    }

    /// The directory of the store.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What the ids of all its leases begin with.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// An id for a new lease.
    pub fn new_id(&self) -> Result<String> {
        Ok(format!("{}{}", self.id, random_hex(8)?))
    }

    /// A lease as it is now, for those who hold its lock.
    ///
    /// # Errors
    /// `NotFound` when it was removed meanwhile.
    pub fn current(&self, lease: &Lease) -> Result<Lease> {
        let removed =
            || error::not_found(format!("no environment `{}`: it was just removed", lease.name));
        self.lease(&lease.id)?.ok_or_else(|| removed().into())
    }

    /// All leases.
    pub fn leases(&self) -> Result<Vec<Lease>> {
        let (leases, broken) = self.survey()?;
        broken.first().map_or(Ok(leases), |first| Err(first.failure(Exit::Failed).into()))
    }

    /// All leases that can be understood, and those that cannot.
    pub fn survey(&self) -> Result<(Vec<Lease>, Vec<Broken>)> {
        let (mut leases, mut broken) = (Vec::new(), Vec::new());
        let mut files = fs::entries(&self.dir.join("leases"))?;
        files.retain(|file| {
            file.extension().is_some_and(|extension| extension == "yaml") && !is_hidden(file)
        });
        let loaded = parallel::each_by_cpu(&files, |file| load(file));
        for (file, loaded) in files.into_iter().zip(loaded) {
            match loaded {
                Ok(Some(lease)) => leases.push(lease),
                Ok(None) => {}
                Err(why) => broken.push(Broken::of(file, &why)),
            }
        }
        // File names are random; output needs a stable order.
        leases.sort_by(|a, b| (&a.repository, &a.name).cmp(&(&b.repository, &b.name)));
        Ok((leases, broken))
    }

    /// The files of a directory of the store that were written whole, with what is in them.
    fn records(&self, dir: &str) -> Result<Vec<(PathBuf, Vec<u8>)>> {
        let mut found = Vec::new();
        for file in fs::entries(&self.dir.join(dir))? {
            let content = fs::read(&file)?.filter(|_| !fs::is_unfinished(&file));
            found.extend(content.map(|content| (file, content)));
        }
        Ok(found)
    }

    /// The lease of this id as it is now. What a worktree's mark says may be no id.
    pub fn lease(&self, id: &str) -> Result<Option<Lease>> {
        if !is_hex(id, id.len()) {
            return Ok(None);
        }
        let file = self.file(id);
        load(&file).map_err(|why| Broken::of(file, &why).failure(Exit::Failed).into())
    }

    /// Deletes a lease: its slots are free.
    pub fn forget(&self, id: &str) -> Result<()> {
        fs::remove(&self.file(id))?;
        fs::remove_dir(&self.logs(id))?;
        fs::remove(&self.hooks_file(id))?;
        fs::remove(&self.lock_file(id))?;
        mounts::forget(&self.dir, Path::new(id))?;
        // What was removed leaves room for it. Where it does not yet, a later one will.
        self.access.keep_reserve(&self.dir).ok();
        Ok(())
    }

    /// The file of a lease.
    pub fn file(&self, id: &str) -> PathBuf {
        file_in(&self.dir, id)
    }

    /// The directory of the logs of a lease's processes.
    pub fn logs(&self, id: &str) -> PathBuf {
        self.dir.join("logs").join(id)
    }

    /// Makes an empty file among the logs of a lease, for the users of the store alone: applications print passwords.
    pub fn make_log(&self, id: &str, log: &Path) -> Result<()> {
        self.access.make_dir(&self.dir.join("logs"))?;
        self.access.make_dir(&self.logs(id))?;
        fs::remove(log)?;
        fs::make_empty(log, self.access.of_file())
    }
}

/// When the lease of this id was written last; `None`: there is none.
pub fn written(id: &str) -> Result<Option<SystemTime>> {
    fs::modified(&file_in(&state_dir::path()?, id))
}

fn file_in(dir: &Path, id: &str) -> PathBuf {
    dir.join("leases").join(format!("{id}.yaml"))
}

/// Under the lock, so that two first processes agree.
fn first_id(dir: &Path, file: &Path, access: Access) -> Result<String> {
    let _lock = lock::take(&dir.join("lock"), || ())?;
    if let Some(id) = fs::word(file).filter(|id| is_hex(id, 8)) {
        return Ok(id);
    }
    let id = random_hex(4)?;
    access.keep_reserve(dir)?;
    access.replace(file, format!("{id}\n").as_bytes())?;
    Ok(id)
}

fn load(file: &Path) -> Result<Option<Lease>> {
    let Some(content) = fs::read(file)? else {
        return Ok(None);
    };
    #[derive(serde::Deserialize)]
    struct Version {
        version: u32,
    }
    let lease = match serde_yaml::from_slice::<Lease>(&content) {
        Ok(lease) if lease.version <= VERSION => lease,
        unclear => {
            // Read for itself only here: it would double the time that all leases together take.
            let Version { version } =
                serde_yaml::from_slice(&content).context("it has no version")?;
            if version > VERSION {
                anyhow::bail!("it was written by a newer git-agentenv (version {version})");
            }
            unclear?
        }
    };
    let stem = file.file_stem().unwrap_or_default();
    anyhow::ensure!(stem == lease.id.as_str(), "it is named for another id");
    Ok(Some(lease))
}

/// Random digits: two of each byte.
///
/// # Errors
/// When the system has no random numbers.
pub fn random_hex(bytes: usize) -> Result<String> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
    Ok(hash::hex(&random))
}

/// The word that stands for a path in the name of a file of the store.
pub fn short_hash(path: &Path) -> String {
    hash::sha256(path.as_os_str().as_encoded_bytes())[..16].to_owned()
}

fn is_hex(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_hidden(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_of_a_lost_lease_leaves_no_file_that_was_not_there() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path()).unwrap();
        let id = store.new_id().unwrap();
        let file = store.lock_file(&id);
        let lock = store.try_lock_lost(&id).unwrap();
        assert!(lock.is_some() && file.exists());
        assert!(store.try_lock_lost(&id).unwrap().is_none());
        drop(lock);
        assert!(!file.exists());
        drop(store.try_lock_lease(&id).unwrap());
        drop(store.try_lock_lost(&id).unwrap());
        assert!(file.exists());
    }
}
