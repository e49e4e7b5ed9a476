//! What commands start from: the repository, its configuration and the leases.

use crate::error;
use crate::model::config::Config;
use crate::model::lease::Lease;
use crate::sys::fs;
use crate::sys::repo::Repo;
use crate::sys::store::Store;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// The configuration's file, in the main checkout.
pub const FILE: &str = ".agentenv.yaml";

/// The repository that the command runs in, and this machine's leases.
pub struct Context {
    /// The repository around the current directory.
    pub repo: Repo,
    /// This user's leases.
    pub store: Store,
}

impl Context {
    /// The repository around the current directory.
    pub fn here() -> Result<Context> {
        Context::at(&current_dir()?)
    }

    /// The repository around another directory.
    pub fn at(dir: &Path) -> Result<Context> {
        let store = Store::open()?;
        Ok(Context { repo: Repo::discover(&fs::canonical(dir))?, store })
    }

    /// The project's configuration, from the main checkout only; `None` when it has none.
    pub fn config(&self) -> Result<Option<Config>> {
        let file = self.repo.main.join(FILE);
        let content = match fs::read(&file)? {
            None if self.repo.bare => self.repo.committed(FILE),
            content => content,
        };
        let Some(content) = content else {
            return Ok(None);
        };
        let text = String::from_utf8(content)
            .map_err(|_| error::config(format!("{} is not UTF-8 text", file.display())))?;
        Config::parse(FILE, &text).map(Some)
    }

    /// The leases of this repository.
    pub fn leases(&self) -> Result<Vec<Lease>> {
        let mut leases = self.store.leases()?;
        leases.retain(|lease| lease.repository == self.repo.common);
        Ok(leases)
    }
}

/// The current directory.
pub fn current_dir() -> Result<PathBuf> {
    std::env::current_dir().map_err(|cause| {
        let failure = error::not_found("the current directory no longer exists")
            .hint("change to an existing directory: `cd <dir>`");
        anyhow::Error::new(cause).context(failure)
    })
}
