//! What commands start from: the repository, its configuration and the leases.

use crate::error;
use crate::model::config::Config;
use crate::model::lease::Lease;
use crate::model::name;
use crate::model::plan::Facts;
use crate::model::slot::Taken;
use crate::sys::lock::Lock;
use crate::sys::repo::Repo;
use crate::sys::store::{Broken, Store};
use crate::sys::{fs, net};
use crate::ui::Ui;
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

    /// The configuration for what is only shown beside a lease: one that cannot be read is named, and none then.
    pub fn config_seen(&self, ui: &Ui) -> Config {
        let config = self.config().unwrap_or_else(|error| {
            ui.warn(format!("{error:#}; it is taken for empty"));
            None
        });
        config.unwrap_or_default()
    }

    /// The leases of this repository.
    pub fn leases(&self) -> Result<Vec<Lease>> {
        let mut leases = self.store.leases()?;
        leases.retain(|lease| lease.repository == self.repo.common);
        Ok(leases)
    }

    /// Those that can be read, and those that cannot and are or may be of this repository.
    pub fn survey(&self) -> Result<(Vec<Lease>, Vec<Broken>)> {
        let (mut leases, mut broken) = self.store.survey()?;
        leases.retain(|lease| lease.repository == self.repo.common);
        broken.retain(|one| {
            one.repository.as_ref().is_none_or(|repository| *repository == self.repo.common)
        });
        Ok((leases, broken))
    }

    /// The repository's name as names of databases and Compose projects have it.
    pub fn slug(&self) -> String {
        name::repo_slug(&self.repo.name())
    }

    /// What a plan starts from in this repository; any path is free.
    pub fn facts<'a>(&'a self, id: String, taken: &'a Taken) -> Facts<'a> {
        Facts {
            id,
            repository: &self.repo.common,
            main: &self.repo.main,
            repo_name: self.slug(),
            taken,
            port_free: &net::is_free,
            path_free: &|_| true,
        }
    }

    /// The lock under which slots are chosen; says when it waits.
    pub fn lock(&self, ui: &Ui) -> Result<Lock> {
        self.store.lock(|| ui.say("waiting for another git-agentenv to choose its slots"))
    }

    /// The lock of the one process that works on an environment; says when it waits.
    pub fn lock_lease(&self, ui: &Ui, lease: &Lease) -> Result<Lock> {
        self.store.lock_lease(&lease.id, waiting(ui, lease))
    }

    /// As [`Context::lock_lease`], with the lease as it is then.
    ///
    /// # Errors
    /// `NotFound` when it was removed meanwhile.
    pub fn lock_current(&self, ui: &Ui, lease: &Lease) -> Result<(Lock, Lease)> {
        self.store.lock_current(lease, waiting(ui, lease))
    }
}

fn waiting(ui: &Ui, lease: &Lease) -> impl FnOnce() {
    || ui.say(format!("waiting for another process that works on `{}`", lease.name))
}

/// The current directory.
pub fn current_dir() -> Result<PathBuf> {
    std::env::current_dir().map_err(|cause| {
        let failure = error::not_found("the current directory no longer exists")
            .hint("change to an existing directory: `cd <dir>`");
        anyhow::Error::new(cause).context(failure)
    })
}
