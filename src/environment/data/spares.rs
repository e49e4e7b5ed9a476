//! Spares: copies of a template that a detached process makes ready for the next `add`.

use crate::environment::data::template::Templates;
use crate::service::Server;
use crate::service::postgres::spare;
use crate::service::template::{self, Template};
use crate::sys::env;
use crate::sys::exec::Cmd;
use crate::sys::store::Store;
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
    /// templates is held for one at a time: who wants it meanwhile does not wait for all of them.
    pub fn make_spares(&self) -> Result<Vec<String>> {
        let mut made = Vec::new();
        for (service, server) in self.services() {
            while self.without_spare(service, &server)?.is_some() {
                let _one = self.store.lock_templates(&self.repository, || ())?;
                let Some(template) = self.without_spare(service, &server)? else { break };
                made.push(make(self.store, &server, &template)?);
            }
        }
        Ok(made)
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
pub fn drop_stale(store: &Store, server: &Server) -> Result<()> {
    let spares = spare::list(server, store.id())?;
    if spares.is_empty() {
        return Ok(());
    }
    let templates = template::list(server, store.id())?;
    for one in spares {
        if !templates.iter().any(|template| one.is_of(store.id(), template)) {
            spare::drop(server, &one)?;
        }
    }
    Ok(())
}
