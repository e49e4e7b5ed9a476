//! What the user is asked when an argument is missing and somebody is there.

use super::context::Context;
use super::losses::{self, Loss};
use super::select;
use crate::error::{Exit, Failure};
use crate::model::lease::Lease;
use crate::sys::parallel;
use crate::sys::repo::{self, Repo};
use crate::ui::{Choice, Item, Menu, Ui};
use anyhow::{Result, anyhow};
use std::collections::BTreeSet;

/// A branch that is not checked out anywhere, or the name of a new one.
///
/// # Errors
/// When nobody is there to be asked, or the user breaks it off.
pub fn branch(context: &Context, ui: &Ui, from: Option<&str>) -> Result<String> {
    if !ui.can_ask() {
        let failure = Failure::new(Exit::Usage, "the argument <BRANCH> is missing");
        return Err(failure.hint("`git agentenv add <branch>`").into());
    }
    let taken = checked_out(&context.repo)?;
    let items = branches(&context.repo, &taken)?;
    let judge = |typed: &str| judge(typed, &taken, from.unwrap_or("HEAD"));
    let menu = Menu { prompt: "Branch:", items: &items, new: Some(&judge), several: false };
    match ui.choose(&menu)? {
        Choice::New(name) => Ok(name),
        Choice::Items(chosen) => {
            let first = chosen.first().and_then(|&at| items.get(at));
            first.map(|item| item.label.clone()).ok_or_else(|| anyhow!("no branch was chosen"))
        }
    }
}

/// One or several environments; each with what would be lost with it, to which the user has agreed.
///
/// # Errors
/// When nobody is there to be asked, or the user breaks it off.
pub fn environments(
    context: &Context,
    ui: &Ui,
    with_branch: bool,
) -> Result<Vec<(Lease, Vec<Loss>)>> {
    if !ui.can_ask() {
        let message =
            "the argument <ENV> is missing, and the current directory is in no environment";
        let hint = "`git agentenv remove <env>`; `git agentenv list` shows the environments";
        return Err(Failure::new(Exit::Usage, message).hint(hint).into());
    }
    let leases = select::current(context)?;
    if leases.is_empty() {
        let failure = Failure::new(Exit::NotFound, "there are no environments");
        return Err(failure.hint("`git agentenv add <branch>` makes one").into());
    }
    let step = ui.step("looking at what would be lost");
    let items = parallel::each(&leases, |lease| item(lease, with_branch));
    step.nothing();
    let menu = Menu { prompt: "Remove:", items: &items, new: None, several: true };
    let Choice::Items(chosen) = ui.choose(&menu)? else {
        return Err(anyhow!("no environment was chosen"));
    };
    let chosen: Vec<&Lease> = chosen.iter().filter_map(|&at| leases.get(at)).collect();
    let losses = parallel::each(&chosen, |lease| losses::of(lease, with_branch));
    chosen.into_iter().cloned().zip(losses).map(|(lease, losses)| Ok((lease, losses?))).collect()
}

/// Goes on only with the user's word, once more, about all that was shown.
///
/// # Errors
/// When the answer is no, or the user breaks it off.
pub fn agree(ui: &Ui, about: &str, question: &str, default: bool) -> Result<()> {
    ui.present(about);
    if ui.confirm(question, default)? {
        return Ok(());
    }
    Err(Failure::new(Exit::Interrupted, "cancelled").into())
}

fn item(lease: &Lease, with_branch: bool) -> Item {
    let label = lease.branch.clone().unwrap_or_else(|| lease.name.clone());
    let note = match losses::of_worktree(lease, with_branch) {
        Ok(losses) if losses.is_empty() => String::new(),
        Ok(losses) => format!("would lose {}", losses::counted(&losses)),
        Err(error) => format!("{error:#}"),
    };
    Item { label, note }
}

/// Branches that a worktree has.
fn checked_out(repo: &Repo) -> Result<BTreeSet<String>> {
    let linked = repo::worktrees(&repo.common)?.into_iter().filter_map(|tree| tree.branch);
    Ok(linked.chain(repo.main_branch().filter(|_| !repo.bare)).collect())
}

fn branches(repo: &Repo, taken: &BTreeSet<String>) -> Result<Vec<Item>> {
    let free = repo.branches()?.into_iter().filter(|branch| !taken.contains(branch));
    let item = |label: String| {
        let note = if repo.branch(&label).is_some() {
            String::new()
        } else {
            let remotes = repo.remotes_with(&label).into_iter().map(|found| found.remote);
            remotes.collect::<Vec<_>>().join(", ")
        };
        Item { label, note }
    };
    Ok(free.map(item).collect())
}

fn judge(typed: &str, taken: &BTreeSet<String>, start: &str) -> Result<String, String> {
    if taken.contains(typed) {
        return Err(format!("`{typed}` is checked out already"));
    }
    if !Repo::is_branch_name(typed) {
        return Err(format!("`{typed}` cannot be a branch's name"));
    }
    Ok(format!("new branch `{typed}`, from {start}"))
}
