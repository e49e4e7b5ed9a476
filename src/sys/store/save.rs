//! How leases are written.

use super::Store;
use crate::error;
use crate::model::lease::{Lease, Phase};
use crate::sys::{failpoint, fs, parallel, state_dir};
use anyhow::{Context, Result};

impl Store {
    /// Writes a lease; when this returns, it is on the disk.
    pub fn save(&self, lease: &Lease) -> Result<()> {
        self.save_all(&[lease]).into_iter().collect()
    }

    /// As [`Store::save`], of several side by side; one sync of their directory makes all of them last.
    pub fn save_all(&self, leases: &[&Lease]) -> Vec<Result<()>> {
        let written = parallel::each(leases, |lease| self.put(lease));
        let dir = self.dir.join("leases");
        let synced = match written.iter().any(Result::is_ok) {
            true => state_dir::or_use_reserve(&self.dir, &dir, || fs::sync_dirs([dir.as_path()])),
            false => Ok(()),
        };
        let last = |written: Result<()>| {
            written?;
            synced.as_ref().map_err(error::again)?;
            failpoint::point("file-replaced")
        };
        written.into_iter().map(last).collect()
    }

    fn put(&self, lease: &Lease) -> Result<()> {
        let text = serde_yaml::to_string(lease).context("cannot write a lease")?;
        require_readable(lease, &text)?;
        let (file, text) = (self.file(&lease.id), text.as_bytes());
        state_dir::or_use_reserve(&self.dir, &file, || self.access.put(&file, text))
    }
}

/// Refuses a lease that could not be read again: no command of any repository would work then. A new one leaves room for what
/// is written to it later.
fn require_readable(lease: &Lease, text: &str) -> Result<()> {
    let limit = if lease.phase == Phase::Creating { fs::LIMIT / 2 } else { fs::LIMIT };
    if text.len() as u64 <= limit {
        return Ok(());
    }
    let message = format!("the lease of `{}` would be longer than {limit} bytes", lease.name);
    let hint = "shorten the lists and values in .agentenv.yaml";
    Err(error::config(message).hint(hint).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Exit, exit_of};

    #[test]
    fn a_lease_that_could_not_be_read_is_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path()).unwrap();
        let text = format!(
            "{{ version: 1, id: '{}', phase: creating, repository: /r, main: /r, name: x, path: /x, admin: null, \
             branch: x, branch_created_at: null, project: x, ports: {{}}, parts: [], env_file: e, vars: {{}} }}",
            store.new_id().unwrap()
        );
        let mut lease: Lease = serde_yaml::from_str(&text).unwrap();
        lease.vars.insert("V".to_owned(), "v".repeat(1 << 20));
        assert_eq!(exit_of(&store.save(&lease).unwrap_err()), Exit::Config);
        assert_eq!(store.leases().unwrap(), []);
        // What is made keeps room for what is written to it later.
        lease.vars.insert("V".to_owned(), "v".repeat(600 << 10));
        store.save(&lease).unwrap_err();
        lease.phase = Phase::Ready;
        store.save(&lease).unwrap();
        assert_eq!(store.leases().unwrap(), [lease]);
    }

    #[test]
    fn of_several_leases_one_that_cannot_be_written_keeps_no_other_from_it() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path()).unwrap();
        let lease = |name: &str| Lease {
            id: store.new_id().unwrap(),
            name: name.to_owned(),
            ..Lease::example()
        };
        let mut leases = [lease("a"), lease("b"), lease("c")];
        leases[1].vars.insert("V".to_owned(), "v".repeat(1 << 20));
        let saved = store.save_all(&leases.iter().collect::<Vec<_>>());
        assert_eq!(saved.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(store.leases().unwrap(), [leases[0].clone(), leases[2].clone()]);
        assert!(store.save_all(&[]).is_empty());
    }
}
