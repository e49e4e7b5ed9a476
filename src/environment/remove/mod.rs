//! Removes environments: every refusal first, then they are closed, looked at once more, and destroyed.

mod carry_out;
mod check;
mod last_look;
mod running;

pub use last_look::reopen;
pub use running::say as say_running;

use crate::environment::context::Context;
use crate::environment::processes::Stranger;
use crate::environment::removal_risks::{Loss, Taken};
use crate::model::config::{Config, Trash};
use crate::model::lease::Lease;
use crate::service::removal::Servers;
use crate::sys::lock::Lock;
use crate::ui::{ErrorReport, Ui};
use anyhow::{Result, anyhow};
use serde::Serialize;
use std::path::PathBuf;

/// How to remove an environment.
#[derive(Debug, Clone, Copy, Default)]
pub struct RemoveOptions {
    /// Remove it although something would be lost.
    pub force: bool,
    /// Delete its branch as well.
    pub delete_branch: bool,
    /// Only look.
    pub dry_run: bool,
    /// Do not run the `pre_remove` hooks.
    pub no_hooks: bool,
    /// Whether it goes to the trash.
    pub keep: Keep,
}

impl RemoveOptions {
    /// How the trash keeps it; `None`: it is destroyed.
    fn wish(self, config: Option<&Config>) -> Option<Trash> {
        let configured = config.and_then(|config| config.trash);
        match self.keep {
            Keep::No => None,
            Keep::Yes => Some(configured.unwrap_or_default()),
            Keep::AsConfigured => configured,
        }
    }

    /// Whether environments go to the trash in this repository.
    pub fn goes_to_trash(self, context: &Context) -> bool {
        self.wish(context.config().ok().flatten().as_ref()).is_some()
    }
}

/// Whether a removed environment goes to the trash.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Keep {
    /// Where the configuration has the key `trash`.
    #[default]
    AsConfigured,
    /// Always.
    Yes,
    /// Never.
    No,
}

/// What was, or would be, removed.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Removed {
    /// The environment.
    pub name: String,
    /// Its branch; null for a detached HEAD.
    pub branch: Option<String>,
    /// Its worktree.
    pub path: PathBuf,
    /// What it holds of the servers.
    pub services: Vec<Taken>,
    /// What is lost with it.
    pub losses: Vec<Loss>,
    /// A dry run: why it would not be removed. Missing: it would be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<ErrorReport>,
    /// What still runs in its worktree, or listens on its ports. Empty in a dry run: `losses` names it.
    pub running: Vec<Stranger>,
    /// Its branch was deleted, too.
    pub branch_deleted: bool,
    /// Until when it can be restored from the trash, in seconds since 1970; null: it is gone for good.
    pub kept_until: Option<u64>,
}

/// An environment that passed every check.
pub struct Removal {
    /// The environment.
    pub lease: Lease,
    /// What the answer says of it.
    pub removed: Removed,
    /// The user agreed to what is lost.
    pub force: bool,
    /// Something that `up` started was running.
    runs_own: bool,
}

/// A removal in which all environments take the same steps.
pub struct Run<'a> {
    context: &'a Context,
    ui: &'a Ui,
    options: RemoveOptions,
    config: Result<Option<Config>>,
    servers: Servers,
}

impl<'a> Run<'a> {
    /// Reads the configuration, and starts a session with each server of these leases.
    pub fn begin(
        context: &'a Context,
        ui: &'a Ui,
        options: RemoveOptions,
        leases: &[&Lease],
    ) -> Self {
        let servers = Servers::of(leases);
        Run { context, ui, options, config: context.config(), servers }
    }

    /// The configuration, where it can be read.
    fn config(&self) -> Option<&Config> {
        self.config.as_ref().ok()?.as_ref()
    }
}

/// Removes one environment, after every check.
pub fn one(context: &Context, ui: &Ui, options: RemoveOptions, lease: &Lease) -> Result<Removed> {
    let _working = lock(context, ui, std::iter::once(lease))?;
    let run = Run::begin(context, ui, options, &[lease]);
    let checked = run.check(&[(lease.clone(), Vec::new())]);
    let removals = checked.into_iter().collect::<Result<Vec<_>>>()?;
    let removed = run.carry_out(removals).into_iter().next();
    removed.unwrap_or_else(|| Err(anyhow!("no environment was removed")))
}

/// Makes this the one process that works on these environments. Every process locks in the order of the ids: in
/// different orders, two of them would wait for each other for ever.
pub fn lock<'a>(
    context: &Context,
    ui: &Ui,
    leases: impl Iterator<Item = &'a Lease>,
) -> Result<Vec<Lock>> {
    let mut leases: Vec<&Lease> = leases.collect();
    leases.sort_by_key(|lease| &lease.id);
    leases.into_iter().map(|lease| context.lock_lease(ui, lease)).collect()
}
