//! How a template database is made: a copy, on which commands and a mask run before anyone sees it.

use super::spares;
use super::template::{Templates, Wanted, is_alike};
use crate::error;
use crate::model::config::{Kind, Service, Values};
use crate::model::template_key::TemplateMark;
use crate::service::template::{self, Stocked, Template};
use crate::service::{Database, Server, growth};
use crate::sys::exec::Cmd;
use anyhow::Result;
use indexmap::IndexMap;

/// Why a build may have failed.
const ALONE: &str = "a build has the template's database alone: in its variables, all ports are 1, and other databases, \
                     Redis indexes and the Compose project do not exist";

/// A Compose project that has no containers.
const NO_PROJECT: &str = "agentenv-none";

/// A port on which no process listens. Some programs take 0 for none, and use their default.
const CLOSED: u16 = 1;

impl Templates<'_> {
    /// Makes the template of the main checkout's commit; one that is there is taken unless `refresh` says otherwise. Of
    /// two processes that want it one makes it.
    ///
    /// # Errors
    /// When the source cannot be copied, or a command or the mask fails: nothing is published then.
    pub fn make(&self, service: &str, server: &Server, refresh: bool) -> Result<Template> {
        let Some(wanted) = self.wanted.get(service) else {
            return Err(error::not_found(format!("service `{service}` has no template")).into());
        };
        let mark = self.mark(service, wanted, &wanted.main)?;
        let name = mark.database(self.store.id());
        let said = "waiting for another process that works on the templates of this repository";
        let _one = self.store.lock_templates(&self.repository, || self.ui.say(said))?;
        // Under the lock, no other process makes one of these.
        let stocked = template::stocked(server, self.store.id())?;
        let is_current = |one: &&Template| {
            is_alike(&one.mark, &mark)
                && (&one.mark.recipe, &one.mark.key) == (&mark.recipe, &mark.key)
        };
        let known: Vec<Template> = stocked.templates.iter().filter(is_current).cloned().collect();
        if let (false, [newest, older @ ..]) = (refresh, known.as_slice()) {
            self.store.remember_found(server).ok();
            // A process that was killed had no time to.
            self.drop_all(older, server);
            return Ok(newest.clone());
        }
        let made = self.publish((service, wanted), server, &stocked, mark)?;
        // It is published, and what it replaces can go another time.
        if let Err(error) = self.drop_outdated(&made, server, stocked) {
            self.ui.warn(format!("cannot drop what template {name} replaces: {error:#}"));
        }
        Ok(made)
    }

    /// Drops the templates that this one replaces, because another build or mask was run on them, and the spares of what is
    /// no template any more. One that is in use stays until the next is made.
    fn drop_outdated(&self, made: &Template, server: &Server, mut stocked: Stocked) -> Result<()> {
        let is_outdated = |one: &mut Template| {
            is_alike(&one.mark, &made.mark) && one.mark.recipe != made.mark.recipe
        };
        let outdated: Vec<Template> = stocked.templates.extract_if(.., is_outdated).collect();
        self.drop_all(&outdated, server);
        stocked.templates.retain(|one| one.database != made.database);
        stocked.templates.push(made.clone());
        spares::drop_stale(self.store, server, &stocked)
    }

    fn drop_all(&self, templates: &[Template], server: &Server) {
        for one in templates {
            if let Err(error) = template::drop(server, self.store.id(), one) {
                self.ui.warn(format!("{error:#}"));
            }
        }
    }

    /// Makes the template, and publishes it when its commands and its mask have succeeded.
    ///
    /// # Errors
    /// When the source cannot be copied, or one of them fails.
    pub(super) fn publish(
        &self,
        (service, wanted): (&str, &Wanted),
        server: &Server,
        stocked: &Stocked,
        mark: TemplateMark,
    ) -> Result<Template> {
        // It has no lease: until it is published, the lock says that a process works on what has this id.
        let id = self.store.new_id()?;
        let _working = self.store.lock_lease(&id, || ())?;
        let source = wanted.source.as_ref();
        self.store.remember_server(server)?;
        let copy = Database::new(server, template::target(server, self.store.id(), &id, &mark));
        let from = mark.from.as_deref().unwrap_or("nothing");
        let step = self.ui.step(format!("template {} from {from}", copy.name));
        let growth = growth::of_database(&copy, &id, source);
        let made = step.during(growth, || {
            template::make(server, stocked, &id, (source, mark), |birth| {
                self.build(service, wanted, birth, &id)
            })
        });
        if made.is_ok() {
            step.done();
        }
        let noted = self.store.forget(&id).and_then(|()| self.store.remember_server(server));
        let made = made?;
        if let Err(error) = noted {
            self.ui.warn(format!("template {}: {error:#}", made.database));
        }
        Ok(made)
    }

    /// Runs the commands and the mask on a copy that nobody knows yet.
    fn build(&self, service: &str, wanted: &Wanted, birth: &Database, id: &str) -> Result<()> {
        let vars = self.vars(service, &birth.name)?;
        for command in &wanted.recipe.build {
            self.ui.say(format!("building the template: {command}"));
            let shell = Cmd::new("sh").args(["-c", command]).dir(&self.main).patience(None);
            let shell = vars.iter().fold(shell, |shell, (name, value)| shell.env(name, value));
            let code = shell.env("PWD", &self.main).reads_terminal().narrate()?;
            if code != 0 {
                let message = format!("cannot build the template: `{command}` exited with {code}");
                return Err(error::failed(message).hint(ALONE).into());
            }
        }
        match &wanted.approval(&self.main)?.mask {
            Some(mask) => template::mask(birth, id, mask),
            None => Ok(()),
        }
    }

    /// The variables of a build: those of the template's database, and for everything else what leads nowhere. A command that
    /// needs it fails; with the main checkout's values it would write there.
    fn vars(&self, service: &str, database: &str) -> Result<IndexMap<String, String>> {
        let holds = |(name, one): (&String, &Service)| {
            let holds = if name == service { database } else { nothing(one.kind) };
            (one.variable.clone(), holds.to_owned())
        };
        let others = self.config.services.iter().filter(|(name, _)| *name != service);
        let hosts = others.map(|(name, _)| (name.clone(), ("localhost".to_owned(), CLOSED)));
        let hosts = hosts.collect();
        self.config.vars(&Values {
            repo: &self.slug,
            name: "template",
            project: NO_PROJECT,
            path: &self.main.to_string_lossy(),
            main: &self.main.to_string_lossy(),
            ports: &self.config.ports.keys().map(|name| (name.clone(), CLOSED)).collect(),
            parts: &self.config.services.iter().map(holds).collect(),
            hosts: Some(&hosts),
        })
    }
}

/// A part of a service that no server has.
fn nothing(kind: Kind) -> &'static str {
    match kind {
        // Any server refuses it when it is used, and any client takes it for a number.
        Kind::Redis => "2147483647",
        Kind::Sqlite => "agentenv-none/none.sqlite3",
        Kind::Postgres | Kind::Mysql | Kind::Custom => "agentenv_none",
    }
}
