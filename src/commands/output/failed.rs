//! What failed for one of several environments of a command.

use crate::error::{Exit, exit_of, hint_of};
use crate::model::lease::Lease;
use crate::sys::parallel;
use crate::sys::store::Broken;
use crate::ui::{ErrorReport, Ui};
use indexmap::IndexMap;
use serde::Serialize;

/// An environment of several for which the command failed.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Failed {
    /// Its name; the branch, where there is no environment; the file, where the lease cannot be read.
    name: String,
    /// Why.
    error: ErrorReport,
}

impl Failed {
    /// What failed for the environment of this name.
    pub fn of(name: &str, error: &anyhow::Error) -> Self {
        Failed { name: name.to_owned(), error: ErrorReport::of(error) }
    }
}

/// Says what failed for environments of a command; what failed alike for several is said once. An
/// error that names its environment itself is said without another name.
pub fn say(ui: &Ui, failed: &[(&str, &anyhow::Error)]) {
    let mut alike: IndexMap<_, (Vec<&str>, &anyhow::Error)> = IndexMap::new();
    for &(name, error) in failed {
        let said = (format!("{error:#}"), hint_of(error));
        alike.entry(said).or_insert((Vec::new(), error)).0.push(name);
    }
    for ((text, _), (names, error)) in &alike {
        match names.as_slice() {
            [name] if text.contains(&format!("`{name}`")) => ui.error(error),
            names => ui.about_all(names).error(error),
        }
    }
}

/// The exit code of the gravest failure.
pub fn gravest<'a>(errors: impl IntoIterator<Item = &'a anyhow::Error>) -> Exit {
    let exits = errors.into_iter().map(exit_of);
    exits.max_by_key(|exit| exit.code()).unwrap_or(Exit::Done)
}

/// Does the same for each environment of a command, side by side; what fails for one stops no other.
pub struct Each {
    ui: Ui,
    is_one: bool,
    failed: Vec<(String, anyhow::Error)>,
}

impl Each {
    /// Of these environments, beside those whose leases cannot be read.
    pub fn of(ui: &Ui, meant: &[Lease], broken: &[Broken]) -> Self {
        let failed = broken.iter().map(|one| {
            let error = one.failure(Exit::Partial).into();
            if !ui.is_json() {
                ui.error(&error);
            }
            (one.file.display().to_string(), error)
        });
        let failed = failed.collect();
        Each {
            ui: ui.for_several(meant.len()),
            is_one: meant.len() == 1 && broken.is_empty(),
            failed,
        }
    }

    /// What this gives for each for which it succeeds.
    ///
    /// # Errors
    /// When it fails for the only one, or was interrupted.
    pub fn run<T: Send>(
        &mut self,
        leases: &[Lease],
        act: impl Fn(&Ui, &Lease) -> anyhow::Result<T> + Sync,
    ) -> anyhow::Result<Vec<T>> {
        let ended = parallel::each(leases, |lease| act(&self.ui.about(&lease.name), lease));
        self.keep(leases, ended)
    }

    /// The same for all of them at once, however many: for what waits for their processes.
    ///
    /// # Errors
    /// When it fails for the only one, or was interrupted.
    pub fn wait<T: Send>(
        &mut self,
        leases: &[Lease],
        act: impl Fn(&Ui, &Lease) -> anyhow::Result<T> + Sync,
    ) -> anyhow::Result<Vec<T>> {
        let ended = parallel::each_at_once(leases, |lease| act(&self.ui.about(&lease.name), lease));
        self.keep(leases, ended)
    }

    fn keep<T>(
        &mut self,
        leases: &[Lease],
        ended: Vec<anyhow::Result<T>>,
    ) -> anyhow::Result<Vec<T>> {
        let (mut done, mut failed, mut stopped) = (Vec::new(), Vec::new(), None);
        for (lease, ended) in leases.iter().zip(ended) {
            match ended {
                Ok(one) => done.push(one),
                Err(error) if self.is_one || exit_of(&error) == Exit::Interrupted => {
                    stopped = Some(error);
                    break;
                }
                Err(error) => failed.push((lease.name.clone(), error)),
            }
        }
        if !self.ui.is_json() {
            let failed = failed.iter().map(|(name, error)| (name.as_str(), error));
            say(&self.ui, &failed.collect::<Vec<_>>());
        }
        self.failed.extend(failed);
        stopped.map_or(Ok(done), Err)
    }

    /// What failed, for the answer, and the exit code.
    pub fn end(self) -> (Vec<Failed>, Exit) {
        let exit = gravest(self.failed.iter().map(|(_, error)| error));
        (self.failed.iter().map(|(name, error)| Failed::of(name, error)).collect(), exit)
    }
}
