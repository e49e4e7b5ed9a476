//! Completion candidates. On any error there are none.

use crate::environment::context::{Context, current_dir};
use crate::environment::{data, resolve, trash};
use crate::model::measure;
use crate::model::trash::Record;
use crate::sys::repo::Repo;
use clap_complete::CompletionCandidate;
use std::collections::BTreeSet;

/// Branches that `add` can check out: local ones, and those that only a remote has.
pub fn branches() -> Vec<CompletionCandidate> {
    let Some(repo) = repository() else {
        return Vec::new();
    };
    let trees = repo.worktrees().unwrap_or_default();
    let mut taken: Vec<String> = trees.into_iter().filter_map(|tree| tree.branch).collect();
    taken.extend(repo.main_branch().filter(|_| !repo.bare));
    let branches = repo.branches().unwrap_or_default();
    branches
        .into_iter()
        .filter(|branch| !taken.contains(branch))
        .map(CompletionCandidate::new)
        .collect()
}

/// Values of `--from`: local and remote branches, tags.
pub fn revisions() -> Vec<CompletionCandidate> {
    let found = repository().and_then(|repo| repo.revisions().ok());
    found.unwrap_or_default().into_iter().map(CompletionCandidate::new).collect()
}

/// This repository's environments, by branch, else by name.
pub fn environments() -> Vec<CompletionCandidate> {
    let found = Context::here().and_then(|context| resolve::readable(&context));
    let candidate = |lease: crate::model::lease::Lease| {
        let path = lease.path.display().to_string();
        CompletionCandidate::new(lease.branch.unwrap_or(lease.name)).help(Some(path.into()))
    };
    found.unwrap_or_default().0.into_iter().map(candidate).collect()
}

/// What `--data` takes: the two words, environments, and snapshots as far as the servers answer.
pub fn data() -> Vec<CompletionCandidate> {
    let mut found = vec![word(data::EMPTY, "an empty database")];
    found.extend(sources());
    found
}

/// What `db copy --from` takes: as [`data()`], without an empty database.
pub fn sources() -> Vec<CompletionCandidate> {
    let mut found = vec![word(data::MAIN, "a copy of the main checkout's")];
    found.extend(environments());
    let snapshots = Context::here().and_then(|context| data::snapshots::names(&context));
    found.extend(snapshots.unwrap_or_default().into_iter().map(CompletionCandidate::new));
    found
}

fn word(word: &str, help: &'static str) -> CompletionCandidate {
    CompletionCandidate::new(word.to_owned()).help(Some(help.into()))
}

/// What can be restored, by branch where there is one.
pub fn trashed() -> Vec<CompletionCandidate> {
    let found = Context::here().and_then(|context| trash::of_repository(&context));
    let mut seen = BTreeSet::new();
    let candidate = |record: Record| {
        let name = record.lease.branch.unwrap_or(record.lease.name);
        let help = format!("removed {}", measure::date(record.removed_at));
        seen.insert(name.clone()).then(|| CompletionCandidate::new(name).help(Some(help.into())))
    };
    found.unwrap_or_default().into_iter().filter_map(candidate).collect()
}

fn repository() -> Option<Repo> {
    Repo::discover(&current_dir().ok()?).ok()
}
