//! Asks for a branch where `add` got none.

use crate::environment::checkout;
use crate::environment::context::Context;
use crate::error;
use crate::sys::repo::Repo;
use crate::ui::{Item, Menu, Ui};
use anyhow::Result;
use std::collections::BTreeSet;

/// Lets the user choose a branch that is not checked out anywhere, or name a new one.
///
/// # Errors
/// Usage, where it cannot prompt; interrupted, if the user cancels.
pub fn branch(context: &Context, ui: &Ui, from: Option<&str>) -> Result<String> {
    if !ui.can_ask() {
        let failure = error::usage("the argument <BRANCH> is missing");
        return Err(failure.hint("`git agentenv add <branch>`").into());
    }
    let taken: BTreeSet<String> = checkout::taken(&context.repo)?.into_keys().collect();
    let items = branches(&context.repo, &taken)?;
    let judge = |typed: &str| judge(typed, &taken, from.unwrap_or("HEAD"));
    let menu =
        Menu { prompt: "Branch:", items: &items, new: Some(&judge), several: false, preview: None };
    ui.choose_text(&menu)
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
        return Err(format!("`{typed}` is already checked out"));
    }
    if !Repo::is_branch_name(typed) {
        return Err(format!("`{typed}` is not a valid branch name"));
    }
    Ok(format!("new branch `{typed}`, from {start}"))
}
