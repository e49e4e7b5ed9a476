//! How a template database is made: a copy, on which commands and a mask run before anyone sees it.

use super::template::{Templates, Wanted};
use crate::error;
use crate::model::config::Values;
use crate::model::template_key::TemplateMark;
use crate::service::template::{self, Template};
use crate::service::{Database, Server};
use crate::sys::exec::Cmd;
use anyhow::Result;
use indexmap::IndexMap;

impl Templates<'_> {
    /// Makes the template, and publishes it when its commands and its mask have succeeded.
    ///
    /// # Errors
    /// When the source cannot be copied, or one of them fails.
    pub(super) fn publish(
        &self,
        service: &str,
        server: &Server,
        wanted: &Wanted,
        mark: TemplateMark,
    ) -> Result<Template> {
        // It has no lease: until it is published, the lock says that a process works on what has this id.
        let id = self.store.new_id()?;
        let _working = self.store.lock_lease(&id, || ())?;
        let source = wanted.source.as_ref();
        let made = template::make(server, self.store.id(), &id, (source, mark), |birth| {
            self.build(service, wanted, birth, &id)
        });
        self.store.forget(&id)?;
        made
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
                return Err(error::failed(message).into());
            }
        }
        match &wanted.recipe.mask {
            Some(file) => template::mask(birth, id, &self.main.join(file)),
            None => Ok(()),
        }
    }

    /// The main checkout's variables, with another database.
    fn vars(&self, service: &str, database: &str) -> Result<IndexMap<String, String>> {
        let holds = |(name, one): (&String, &crate::model::config::Service)| {
            let own = if name == service { database } else { &one.main };
            (one.variable.clone(), own.to_owned())
        };
        self.config.vars(&Values {
            repo: &self.slug,
            name: "main",
            project: &self.slug,
            path: &self.main.to_string_lossy(),
            main: &self.main.to_string_lossy(),
            ports: &self
                .config
                .ports
                .iter()
                .map(|(name, port)| (name.clone(), port.main))
                .collect(),
            parts: &self.config.services.iter().map(holds).collect(),
            hosts: None,
        })
    }
}
