//! The template databases that exist, whether a service still wants them or not.

use crate::environment::data::spares;
use crate::environment::reclaim;
use crate::environment::workspace::Workspace;
use crate::model::config::{Config, Kind};
use crate::model::stock::Stock;
use crate::service::postgres::spare::{self, Spare};
use crate::service::template::{self, Row, Stocked, Template};
use crate::service::{Server, inventory};
use crate::sys::fs::{self, Stands};
use crate::sys::store::Store;
use anyhow::Result;
use std::collections::BTreeSet;

/// A template database, whether a service still wants it or not.
pub struct Known {
    server: Server,
    /// The database.
    pub template: Template,
    /// The copies of it, as it is now, that wait for the next environment.
    pub spares: Vec<Spare>,
}

impl Known {
    /// Drops it, unless it is another one by now.
    pub fn drop(&self, store: &Store) -> Result<bool> {
        let _one = store.lock_templates(&self.template.mark.repository, || ())?;
        let dropped = template::drop(&self.server, store.id(), &self.template)?;
        spares::drop_stale(store, &self.server, &template::stocked(&self.server, store.id())?)?;
        Ok(dropped)
    }

    /// Whether its repository is gone for good.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn is_abandoned(&self) -> Result<bool> {
        let repository = &self.template.mark.repository;
        Ok(fs::stands(repository)? == Stands::Nothing && reclaim::is_gone_for_good(repository)?)
    }
}

/// A spare that no `add` takes any more: its template is gone, or was made again.
pub struct Stale {
    server: Server,
    /// The spare.
    pub spare: Spare,
}

impl Stale {
    /// Drops it, unless it is another database by now.
    pub fn drop(&self) -> Result<bool> {
        spare::drop(&self.server, &self.spare)
    }
}

/// A template or spare that the server has dropped half.
pub struct Broken {
    server: Server,
    /// The database.
    pub row: Row,
}

impl Broken {
    /// Drops it, unless it is another database by now.
    pub fn drop(&self) -> Result<bool> {
        template::drop_marked(&self.server, &self.row.name, &self.row.mark)
    }
}

/// Every template and spare of a store on some servers.
#[derive(Default)]
pub struct All {
    /// The templates.
    pub templates: Vec<Known>,
    /// Spares of none of them.
    pub stale: Vec<Stale>,
    /// What is of no use to anyone.
    pub broken: Vec<Broken>,
    /// The servers that were looked at.
    pub answered: Vec<Server>,
}

impl All {
    /// What is on these servers.
    ///
    /// # Errors
    /// When one does not answer.
    pub fn on(store: &Store, servers: impl IntoIterator<Item = Server>) -> Result<Self> {
        let mut all = All::default();
        let mut seen = BTreeSet::new();
        for server in with_templates(servers) {
            if seen.insert(server.stands_at()) {
                all.look(store, &server)?;
            }
        }
        Ok(all)
    }

    /// What is on those of these servers that answer.
    pub fn on_those_that_answer(store: &Store, servers: impl IntoIterator<Item = Server>) -> Self {
        let mut all = All::default();
        let mut seen = BTreeSet::new();
        for server in with_templates(servers) {
            // One that is silent is named by the caller, who asks it for more than this. Another user may be let in.
            if !seen.contains(&server.stands_at()) && all.look(store, &server).is_ok() {
                seen.insert(server.stands_at());
            }
        }
        all
    }

    fn look(&mut self, store: &Store, server: &Server) -> Result<()> {
        let Stocked { templates, mut spares, broken, .. } = template::stocked(server, store.id())?;
        self.answered.push(server.clone());
        for template in templates {
            let is_of = |spare: &mut Spare| spare.is_of(store.id(), &template);
            let own = spares.extract_if(.., is_of).collect();
            self.templates.push(Known { server: server.clone(), template, spares: own });
        }
        let stale = |spare| Stale { server: server.clone(), spare };
        self.stale.extend(spares.into_iter().map(stale));
        let broken_here = |row| Broken { server: server.clone(), row };
        self.broken.extend(broken.into_iter().map(broken_here));
        Ok(())
    }

    /// Whether there was nothing on this server when it was looked at.
    pub fn is_bare(&self, server: &Server) -> bool {
        let templates = self.templates.iter().map(|one| &one.server);
        let stale = self.stale.iter().map(|one| &one.server);
        let broken = self.broken.iter().map(|one| &one.server);
        self.answered.contains(server)
            && !templates.chain(stale).chain(broken).any(|one| one == server)
    }

    /// How many there are, how large and how old.
    pub fn stock(&self) -> Stock {
        let spares = self.templates.iter().flat_map(|known| &known.spares);
        let spares: Vec<&Spare> =
            spares.chain(self.stale.iter().map(|stale| &stale.spare)).collect();
        let templates = self.templates.iter().map(|known| &known.template);
        Stock {
            templates: self.templates.len(),
            spares: spares.len(),
            bytes: templates.clone().map(|one| one.bytes).sum::<u64>()
                + spares.iter().map(|one| one.bytes).sum::<u64>(),
            oldest: templates.map(|one| one.mark.at).min(),
        }
    }
}

/// The template databases of the repository, on the servers that its configuration names.
pub fn known(workspace: &Workspace<'_>) -> Result<Vec<Known>> {
    let context = workspace.context;
    let mut known = All::on(&context.store, configured(&workspace.config))?.templates;
    known.retain(|one| one.template.mark.repository == context.repo.common);
    known.iter().for_each(|one| drop(context.store.remember_found(&one.server)));
    Ok(known)
}

/// The servers that a configuration names.
pub fn configured(config: &Config) -> impl Iterator<Item = Server> {
    config.services.values().filter_map(Server::of_service)
}

/// The servers among these that can have templates. One that two services use as different users is there twice.
fn with_templates(servers: impl IntoIterator<Item = Server>) -> Vec<Server> {
    let can = |server: &Server| matches!(server.kind, Kind::Postgres | Kind::Mysql);
    inventory::distinct(servers.into_iter().filter(can))
}
