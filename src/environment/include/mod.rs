//! Brings ignored files of the main checkout into a new worktree: copies, and links.
//!
//! `.worktreeinclude` and the configuration's `copy:` and `link:` say which, in gitignore syntax. Only what git ignores
//! in the main checkout and in the worktree comes along: everything else is a matter of commits.

mod select;

use crate::environment::files;
use crate::model::lease::Lease;
use crate::model::plan::Include;
use crate::sys::copy::{self, Copier};
use crate::sys::fs::{self, Stands};
use crate::sys::git::{self, Patterns};
use crate::sys::store::Store;
use crate::sys::{failpoint, interrupt, parallel};
use crate::ui::{Reached, Ui};
use anyhow::Result;
use select::Selection;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The patterns of the main checkout that other tools read, too.
pub const FILE: &str = ".worktreeinclude";

/// Copies and links what the patterns select. Existing files of the worktree stay as they are.
pub fn bring(ui: &Ui, store: &Store, lease: &Lease, include: &Include) -> Result<()> {
    let has_file = fs::stands(&lease.main.join(FILE))? == Stands::File;
    if !has_file && include.copy.is_empty() && include.link.is_empty() {
        return Ok(());
    }
    if lease.main == lease.repository {
        ui.say("not copying ignored files: the repository is bare");
        return Ok(());
    }
    let step = ui.step("ignored files");
    link_all(store, lease, include)?;
    let patterns = Patterns { file: has_file.then_some(FILE), list: &include.copy };
    let selection = Arc::new(selected(lease, patterns)?);
    let copier = Arc::new(Copier::default());
    let (main, chosen, counter) = (lease.main.clone(), selection.clone(), copier.clone());
    let mut all = None;
    let growth = move || {
        let of = || chosen.files.iter().map(|file| fs::size(&main.join(file))).sum();
        Some(Reached { done: counter.copied(), of: Some(*all.get_or_insert_with(of)) })
    };
    step.during(growth, || copy_all(lease, &selection.files, &copier))?;
    failpoint::point("files-copied")?;
    step.done();
    for venv in &selection.venvs {
        ui.warn(format!(
            "skipped {venv}: a Python virtual environment works only at its own path\n\
             hint: create one with a post_add hook, such as `uv sync`"
        ));
    }
    Ok(())
}

fn selected(lease: &Lease, patterns: Patterns<'_>) -> Result<Selection> {
    if patterns.file.is_none() && patterns.list.is_empty() {
        return Ok(Selection::default());
    }
    let matching = git::matching(&lease.main, patterns)?;
    let ignored = git::ignored_among(&lease.main, &matching)?;
    let selection = Selection::of(ignored, &files::own(lease));
    let files = git::ignored_among(&lease.path, &selection.files)?;
    Ok(Selection { files, ..selection })
}

fn link_all(store: &Store, lease: &Lease, include: &Include) -> Result<()> {
    if include.link.is_empty() {
        return Ok(());
    }
    let patterns = Patterns { file: None, list: &include.link };
    let matching = git::matching_whole(&lease.main, patterns)?;
    let own = files::own(lease);
    for entry in git::ignored_among(&lease.main, &matching)? {
        let entry = entry.trim_end_matches('/');
        // A directory that holds our own files is the worktree's.
        let holds_ours = own.iter().any(|own| Path::new(own).starts_with(entry));
        let mut directories = Directories::default();
        if holds_ours || !directories.prepare(lease, Path::new(entry).parent())? {
            continue;
        }
        let at = lease.path.join(entry);
        if fs::stands(&at)? == Stands::Nothing {
            // First the rule: `dir/` in a .gitignore does not match a link, and what is not ignored is work.
            files::ensure_ignored(store, lease, entry, "link")?;
            copy::link(&lease.main.join(entry), &at)?;
        }
    }
    Ok(())
}

fn copy_all(lease: &Lease, files: &[String], copier: &Copier) -> Result<()> {
    let mut directories = Directories::default();
    let mut wanted = Vec::with_capacity(files.len());
    for file in files {
        if directories.prepare(lease, Path::new(file).parent())? {
            wanted.push(file);
        }
    }
    let copy = |file: &&String| {
        interrupt::check()?;
        copier.copy(&lease.main.join(file), &lease.path.join(file))?;
        failpoint::point("file-copied")
    };
    parallel::each_by_cpu(&wanted, copy).into_iter().collect()
}

/// The directories of the worktree that were prepared; `false`: something else is there.
#[derive(Default)]
struct Directories<'a>(BTreeMap<&'a Path, bool>);

impl<'a> Directories<'a> {
    /// Creates a directory of the worktree and those above it. `false` when a link or a file is in the way: a link
    /// that a branch tracks may lead anywhere.
    fn prepare(&mut self, lease: &Lease, dir: Option<&'a Path>) -> Result<bool> {
        let Some(dir) = dir.filter(|dir| !dir.as_os_str().is_empty()) else { return Ok(true) };
        if let Some(&prepared) = self.0.get(dir) {
            return Ok(prepared);
        }
        let prepared = self.prepare(lease, dir.parent())?
            && copy::directory(&lease.main.join(dir), &lease.path.join(dir))?;
        self.0.insert(dir, prepared);
        Ok(prepared)
    }
}
