//! `git agentenv db reset|copy|snapshot` for an SQLite file. Its snapshots are in the worktree's admin directory: they go
//! with the worktree, and git does not see them.

use super::{copy, reset, snapshot};
use crate::environment::context::Context;
use crate::environment::data::snapshots::{self, Origin};
use crate::environment::resolve;
use crate::error::{self, Exit};
use crate::model::config::embedded;
use crate::model::lease::{Lease, Part};
use crate::model::resource::File;
use crate::model::source::Source;
use crate::service::copy::{Dump, Means};
use crate::service::growth;
use crate::service::sqlite::{self, Snapshots};
use crate::sys::lock::Lock;
use crate::ui::Ui;
use anyhow::{Result, anyhow};
use std::path::PathBuf;

/// An SQLite file that a command works on.
pub struct Target {
    pub(super) context: Context,
    pub(super) lease: Lease,
    pub(super) part: Part,
    pub(super) file: File,
}

impl Target {
    /// Locks the environment against other processes.
    fn lock(&self, ui: &Ui) -> Result<Lock> {
        let (working, lease) = self.context.lock_current(ui, &self.lease)?;
        resolve::require_complete(&lease)?;
        resolve::require_present(&self.lease)?;
        Ok(working)
    }

    fn snapshots(&self) -> Result<Snapshots> {
        let admin = self.lease.admin.as_ref();
        let admin = admin.ok_or_else(|| anyhow::anyhow!("the lease names no admin directory"))?;
        Ok(Snapshots::of(admin, &self.part.service))
    }
}

/// Empties it.
pub fn reset(args: &reset::Args, ui: &Ui, target: &Target) -> Result<Exit> {
    let name = &target.part.holds;
    super::agree(
        ui,
        args.before.yes,
        args.before.no_snapshot,
        &format!("empties `{name}`"),
        "Empty it?",
    )?;
    let _working = target.lock(ui)?;
    let step = ui.step(format!("emptying {name}"));
    let before = (!args.before.no_snapshot).then_some("reset");
    let kept = sqlite::overwrite(&target.file, None, &target.snapshots()?, args.force, before)?;
    step.done();
    reset::answer(ui, (&target.lease, &target.part.service), (name, None), kept)
}

/// Copies another file to it.
pub fn copy(args: &copy::Args, ui: &Ui, target: &Target) -> Result<Exit> {
    if args.dump() != Dump::default() {
        let message = "an SQLite file is copied whole";
        let hint = "omit `--schema-only`, `--exclude-table-data` and `--jobs`";
        return Err(error::usage(message).hint(hint).into());
    }
    let source = source(args, target)?;
    let (name, from) = (&target.part.holds, source.display().to_string());
    let what = format!("replaces `{name}` by a copy of {from}");
    super::agree(ui, args.before.yes, args.before.no_snapshot, &what, "Replace it?")?;
    let _working = target.lock(ui)?;
    let step = ui.step(format!("copying {from} to {name}"));
    let before = (!args.before.no_snapshot).then_some("copy");
    let (file, snapshots) = (&target.file, target.snapshots()?);
    let growth = growth::of_file(file.full(), source.clone());
    let overwrite = || sqlite::overwrite(file, Some(&source), &snapshots, args.force, before);
    let kept = step.during(growth, overwrite)?;
    step.done();
    super::say_way_back(ui, (&target.lease, &target.part.service), kept.as_deref());
    copy::answer(ui, copy::Answer { database: name, from, means: Means::File, snapshot: kept })
}

fn source(args: &copy::Args, target: &Target) -> Result<PathBuf> {
    if args.from == copy::MAIN {
        // A project without a configuration has the file that `add` copies.
        let config = target.context.config()?.unwrap_or_else(embedded);
        let service = config.services.get(&target.part.service);
        return service.map(|service| target.context.repo.main.join(&service.main)).ok_or_else(
            || {
                let service = &target.part.service;
                error::config(format!("the configuration no longer has the service `{service}`"))
                    .into()
            },
        );
    }
    let of = (target.part.service.as_str(), None);
    let other = match snapshots::origin(&target.context, of, &args.from, &target.lease.id)? {
        Origin::Environment(other) => other,
        Origin::Snapshot(Source::File(snapshot)) => return Ok(snapshot),
        Origin::Snapshot(_) => return Err(anyhow!("snapshot `{}` is of another kind", args.from)),
    };
    let same =
        |other: &&Part| (other.kind, &other.service) == (target.part.kind, &target.part.service);
    let part = other.parts.iter().find(same).ok_or_else(|| {
        let message = format!("`{}` has no `{}`", other.name, target.part.service);
        error::not_found(message)
    })?;
    Ok(File::new(&other.path, &part.holds)?.full())
}

/// Saves, restores, lists and deletes its snapshots.
pub fn snapshot(what: &snapshot::What, ui: &Ui, target: &Target) -> Result<Exit> {
    let snapshots = target.snapshots()?;
    let file = &target.file;
    if let snapshot::What::List { .. } = what {
        let listed = snapshots.list()?.into_iter();
        let listed = listed.map(|(name, path)| (name, path.display().to_string())).collect();
        return snapshot::answer_list(ui, listed);
    }
    if let snapshot::What::Restore(restore) = what {
        restore.agree(ui, &target.part.holds)?;
    }
    let _working = target.lock(ui)?;
    let mut kept = None;
    let name = match what {
        snapshot::What::Save(snapshot::Save { named, force }) => {
            let step = ui.step(format!("saving {} as {}", target.part.holds, named.name));
            let growth = growth::of_file(snapshots.file(&named.name), file.full());
            step.during(growth, || snapshots.save(file, &named.name, *force))?;
            step.done();
            &named.name
        }
        snapshot::What::Restore(named) => {
            let saved = snapshots.path(&named.name)?;
            let before = named.before();
            let step = ui.step(format!("restoring {} from {}", target.part.holds, named.name));
            let growth = growth::of_file(file.full(), saved.clone());
            let restore = || sqlite::overwrite(file, Some(&saved), &snapshots, named.force, before);
            kept = step.during(growth, restore)?;
            step.done();
            &named.name
        }
        snapshot::What::Delete(named) => {
            snapshots.delete(&named.name)?;
            &named.name
        }
        snapshot::What::List { .. } => return Ok(Exit::Done),
    };
    snapshot::answer(ui, (&target.lease, &target.part.service), (name, &target.part.holds), kept)
}
