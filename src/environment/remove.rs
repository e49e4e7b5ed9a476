//! Removes environments: every refusal first, then the teardown.

use crate::environment::context::Context;
use crate::environment::removal_risks::{self, Loss};
use crate::environment::{hooks, teardown, trash, worktree};
use crate::error::{self, Failure};
use crate::model::config::Trash;
use crate::model::lease::{Lease, Phase};
use crate::sys::failpoint;
use crate::sys::lock::Lock;
use crate::ui::Ui;
use anyhow::Result;
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
    /// What is lost with it.
    pub losses: Vec<Loss>,
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
}

/// Removes one environment, after every check.
pub fn one(context: &Context, ui: &Ui, options: RemoveOptions, lease: &Lease) -> Result<Removed> {
    let _working = lock(context, ui, std::iter::once(lease))?;
    carry_out(context, ui, options, check(context, options, lease, &[])?)
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
    let take = |lease: &Lease| {
        let waiting =
            || ui.say(format!("waiting for another process that works on `{}`", lease.name));
        context.store.lock_lease(&lease.id, waiting)
    };
    leases.into_iter().map(take).collect()
}

/// Every refusal, before anything is destroyed. `agreed` are the losses that the user confirmed at a prompt.
pub fn check(
    context: &Context,
    options: RemoveOptions,
    lease: &Lease,
    agreed: &[Loss],
) -> Result<Removal> {
    let recorded = context.store.current(lease)?;
    let lease = Lease { path: lease.path.clone(), branch: lease.branch.clone(), ..recorded };
    let losses = removal_risks::of(&lease, options.delete_branch)?;
    let mut serious = losses.iter().filter(|loss| loss.needs_force).peekable();
    let given_up = serious.peek().is_some() && serious.all(|loss| agreed.contains(loss));
    let force = options.force || given_up;
    if !options.dry_run {
        if let Some(tree) = worktree::of(&lease)? {
            worktree::require_unlocked(&lease, &tree)?;
            worktree::require_in_place(&lease, &tree)?;
        }
        removal_risks::require_none(&lease, &losses, force)?;
    }
    let removed = Removed {
        name: lease.name.clone(),
        branch: lease.branch.clone(),
        path: lease.path.clone(),
        losses,
        branch_deleted: false,
        kept_until: None,
    };
    Ok(Removal { lease, removed, force })
}

/// Removes one environment that was checked.
pub fn carry_out(
    context: &Context,
    ui: &Ui,
    options: RemoveOptions,
    removal: Removal,
) -> Result<Removed> {
    let Removal { mut lease, mut removed, force } = removal;
    if lease.phase == Phase::Ready && !options.no_hooks {
        pre_remove(context, ui, options, &lease)?;
    }
    if options.delete_branch {
        let tip = |branch: &String| context.repo.branch(branch);
        lease.delete_branch_at = lease.branch.as_ref().and_then(tip);
    }
    if lease.phase == Phase::Ready {
        require_nothing_new(options, &lease, &removed.losses)?;
    }
    match (lease.phase, trash_of(context, options)?) {
        (Phase::Keeping, _) => trash::finish_keeping(ui, &context.store, &lease, force)?,
        (Phase::Ready, Some(wish)) => {
            let wish = trash::Wish { trash: wish, force };
            let record = trash::keep(ui, &context.store, &lease, wish)?;
            removed.kept_until = Some(record.expires_at());
            trash::empty_in_background(&context.store)?;
        }
        _ => destroy(context, ui, &lease, force)?,
    }
    let gone = |branch: &String| context.repo.branch(branch).is_none();
    removed.branch_deleted = options.delete_branch && lease.branch.as_ref().is_some_and(gone);
    ui.say(format!("removed environment `{}`", lease.name));
    Ok(removed)
}

/// Looks at the worktree again: a hook, or the removal of another environment, may have changed what would be lost.
fn require_nothing_new(options: RemoveOptions, lease: &Lease, known: &[Loss]) -> Result<()> {
    let mut losses = removal_risks::of_worktree(lease, options.delete_branch)?;
    losses.retain(|loss| !known.contains(loss));
    removal_risks::require_none(lease, &losses, options.force)
}

/// Deletes everything of an environment for good.
fn destroy(context: &Context, ui: &Ui, lease: &Lease, force: bool) -> Result<()> {
    let lease = lease.clone().into_removing();
    context.store.save(&lease)?;
    failpoint::point("removing")?;
    let force =
        teardown::Force { work: force, sessions: force, unmarked: force && lease.was_whole() };
    teardown::remove(ui, &context.store, &lease, force)
}

/// How long and how much the trash keeps; `None`: the removal is final.
fn trash_of(context: &Context, options: RemoveOptions) -> Result<Option<Trash>> {
    Ok(match options.keep {
        Keep::No => None,
        Keep::Yes => Some(context.config()?.and_then(|config| config.trash).unwrap_or_default()),
        Keep::AsConfigured => context.config()?.and_then(|config| config.trash),
    })
}

fn pre_remove(context: &Context, ui: &Ui, options: RemoveOptions, lease: &Lease) -> Result<()> {
    let Some(config) = context.config()? else {
        return Ok(());
    };
    if config.hooks.pre_remove.is_empty() || !lease.path.is_dir() {
        return Ok(());
    }
    let ran = hooks::require_trusted(context, &config.hooks.pre_remove)
        .and_then(|()| hooks::run(ui, lease, &config.hooks.pre_remove));
    match ran {
        Err(error) if options.force => {
            ui.warn(format!("{error:#}; removing `{}` anyway", lease.name));
        }
        Err(error) => {
            let exit = error::exit_of(&error);
            let failure = Failure::new(
                exit,
                format!("cannot remove `{}`: a pre_remove hook failed", lease.name),
            );
            let hint = "fix the hook, or skip the hooks with `--no-hooks`";
            return Err(error.context(failure.hint(hint)));
        }
        Ok(()) => {}
    }
    Ok(())
}
