//! Spares: copies of a template that a detached process makes ready for the next `add`.

use crate::environment::context::Context;
use crate::environment::data::template::Templates;
use crate::environment::reclaim;
use crate::error::{Exit, exit_of};
use crate::service::Server;
use crate::service::postgres::spare::{self, Spare};
use crate::service::template::{Stocked, Template};
use crate::sys::env;
use crate::sys::exec::Cmd;
use crate::sys::fs::{self, Stands};
use crate::sys::store::{SparesFailed, Store};
use anyhow::Result;
use std::path::Path;

/// Starts the process that makes what is missing, for the repository of this main checkout.
pub fn begin(main: &Path) -> Result<()> {
    let program = env::program()?;
    let command = Cmd::new(program).args(["db", "template", "spare", "--quiet"]).dir(main);
    command.detach(Path::new("/dev/null")).map(drop)
}

impl Templates<'_> {
    /// Makes the spares that are missing, of the template of the main checkout's commit, else of the newest. The lock of the
    /// templates is held for one at a time: who wants it meanwhile does not wait for all of them. A failure goes on record.
    ///
    /// # Errors
    /// The first failure, after the spares of the other services were made.
    pub fn make_spares(&self) -> Result<Vec<String>> {
        let (mut made, mut failed) = (Vec::new(), Ok(()));
        for (service, server) in self.services() {
            let result = self.make_spares_of(service, &server, &mut made);
            let noted = self.note(service, result.as_ref().err());
            failed = failed.and(result).and(noted);
        }
        failed.map(|()| made)
    }

    fn make_spares_of(&self, service: &str, server: &Server, made: &mut Vec<String>) -> Result<()> {
        while self.without_spare(service, server)?.is_some() {
            let _one = self.store.lock_templates(&self.repository, || ())?;
            let Some(template) = self.without_spare(service, server)? else { break };
            made.push(make(self.store, server, &template)?);
        }
        Ok(())
    }

    fn note(&self, service: &str, failure: Option<&anyhow::Error>) -> Result<()> {
        let place = (self.repository.as_path(), self.main.as_path());
        match failure {
            None => self.store.forget_spares_failed(place.0, service),
            Some(error) if exit_of(error) == Exit::Interrupted => Ok(()),
            Some(error) => self.store.note_spares_failed(place, service, format!("{error:#}")),
        }
    }

    /// The template of a service of which a spare is missing.
    fn without_spare(&self, service: &str, server: &Server) -> Result<Option<Template>> {
        let wanted = &self.wanted[service];
        let mut known = self.list(service, server)?;
        let current = known.iter().position(|one| one.mark.key == wanted.main);
        if known.is_empty() {
            return Ok(None);
        }
        let template = known.swap_remove(current.unwrap_or_default());
        let ready = spare::list(server, self.store.id())?;
        let ready = ready.iter().filter(|one| one.is_of(self.store.id(), &template)).count();
        Ok((ready < usize::from(wanted.recipe.spares)).then_some(template))
    }
}

/// Makes a spare of a template. The lock of the repository's templates has to be held.
fn make(store: &Store, server: &Server, template: &Template) -> Result<String> {
    // As a template's, it has no lease: the lock says that a process works on what has this id.
    let id = store.new_id()?;
    let _working = store.lock_lease(&id, || ())?;
    let spare = spare::make(server, store.id(), &id, template);
    store.forget(&id)?;
    spare
}

/// Drops the spares of templates that are gone or were made again.
pub fn drop_stale(store: &Store, server: &Server, stocked: &Stocked) -> Result<()> {
    let is_of_one =
        |spare: &&Spare| stocked.templates.iter().any(|one| spare.is_of(store.id(), one));
    for one in stocked.spares.iter().filter(|spare| !is_of_one(spare)) {
        spare::drop(server, one)?;
    }
    Ok(())
}

/// Whether nothing wants these spares any more: the repository is gone for good, or the service asks for none.
fn is_unwanted(failed: &SparesFailed) -> Result<bool> {
    if fs::stands(&failed.repository)? == Stands::Nothing {
        return reclaim::is_gone_for_good(&failed.repository);
    }
    let config = Context::at(&failed.main)?.config()?.unwrap_or_default();
    let recipe = config.services.get(&failed.service).and_then(|one| one.template.as_ref());
    Ok(recipe.is_none_or(|recipe| recipe.spares == 0))
}

/// The failures that matter: a repository or configuration that cannot be read may want the spares.
pub fn failures(store: &Store) -> Result<Vec<SparesFailed>> {
    let mut failed = store.spares_failed()?;
    failed.retain(|one| !is_unwanted(one).unwrap_or(false));
    Ok(failed)
}

/// Deletes the records of spares that nothing wants any more.
pub fn forget_unwanted(store: &Store) -> Result<()> {
    let unwanted = |one: &SparesFailed| is_unwanted(one).unwrap_or(false);
    let mut failed = store.spares_failed()?.into_iter().filter(unwanted);
    failed.try_for_each(|one| store.forget_spares_failed(&one.repository, &one.service))
}
