//! Spares: copies of a template that a detached process makes ready for the next `add`.

use crate::environment::data::template::Templates;
use crate::service::Server;
use crate::service::postgres::spare;
use crate::service::template;
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
    /// Makes the spares that are missing, of the template of the main checkout's commit, else of the newest.
    pub fn make_spares(&self) -> Result<Vec<String>> {
        let mut made = Vec::new();
        for (service, server) in self.services() {
            let wanted = &self.wanted[service];
            let _one = self.store.lock_templates(&self.repository, || ())?;
            let known = self.list(service, &server)?;
            let current = known.iter().find(|one| one.mark.key == wanted.main);
            if let Some(template) = current.or_else(|| known.first()) {
                let count = usize::from(wanted.recipe.spares);
                made.extend(fill(self.store, &server, template, count)?);
            }
        }
        Ok(made)
    }
}

/// Makes spares of a template until there are this many. The lock of the repository's templates has to be held.
fn fill(
    store: &Store,
    server: &Server,
    template: &template::Template,
    count: usize,
) -> Result<Vec<String>> {
    let mut ready = spare::list(server, store.id())?;
    ready.retain(|one| one.is_of(store.id(), template));
    let mut made = Vec::new();
    for _ in ready.len()..count {
        // As a template's, it has no lease: the lock says that a process works on what has this id.
        let id = store.new_id()?;
        let _working = store.lock_lease(&id, || ())?;
        let spare = spare::make(server, store.id(), &id, template);
        store.forget(&id)?;
        made.push(spare?);
    }
    Ok(made)
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
