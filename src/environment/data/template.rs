//! Template databases: which one a new environment is copied from, and how one is made.

use crate::environment::data::approval::Approval;
use crate::environment::data::spares;
use crate::environment::hooks;
use crate::environment::workspace::Workspace;
use crate::model::config::{Config, Recipe};
use crate::model::lease::Lease;
use crate::model::plan::{Data, Request, Start, Target};
use crate::model::source::Source;
use crate::model::template_key::{self, Key, TemplateMark};
use crate::service::Server;
use crate::service::template::{self, Template};
use crate::sys::store::Store;
use crate::sys::{clock, git};
use crate::ui::Ui;
use anyhow::Result;
use indexmap::IndexMap;
use std::path::PathBuf;
use std::sync::OnceLock;

/// The templates of one repository, and the keys that choose one.
pub struct Templates<'a> {
    pub(super) ui: &'a Ui,
    pub(super) store: &'a Store,
    pub(super) config: &'a Config,
    pub(super) repository: PathBuf,
    pub(super) main: PathBuf,
    pub(super) slug: String,
    /// What each service with a template needs.
    pub(super) wanted: IndexMap<String, Wanted>,
}

/// The keys of one service's template.
pub(super) struct Wanted {
    pub(super) recipe: Recipe,
    pub(super) source: Option<Source>,
    /// Of the branch that is added.
    pub(super) branch: Key,
    /// Of the main checkout's commit, which a template is made of.
    pub(super) main: Key,
    pub(super) approval: OnceLock<Approval>,
}

impl<'a> Templates<'a> {
    /// What an `add` wants: a template for each service that has one, unless the user chose its data.
    ///
    /// # Errors
    /// `Refused` when a template has commands that were not approved.
    pub fn of(workspace: &Workspace<'a>, config: &'a Config, request: &Request) -> Result<Self> {
        let chosen = |service: &str| match &request.data {
            Data::Configured => false,
            Data::Chosen(chosen) => chosen.contains_key(service),
        };
        let mut templates = Self::all(workspace, config, &commit(workspace, &request.target))?;
        templates.wanted.retain(|service, _| !chosen(service));
        templates.require_trusted(", or go without it: `--data empty`")?;
        Ok(templates)
    }

    /// Every template, for the commit of an environment.
    ///
    /// # Errors
    /// When git cannot read the commit.
    pub fn of_lease(workspace: &Workspace<'a>, config: &'a Config, lease: &Lease) -> Result<Self> {
        let commit = match config.services.values().any(|service| service.template.is_some()) {
            true => git::resolve(&lease.path, "HEAD")?,
            false => String::new(),
        };
        Self::all(workspace, config, &commit)
    }

    /// Whether a service has a template.
    pub fn has(&self, service: &str) -> bool {
        self.wanted.contains_key(service)
    }

    /// Every template of the repository, for the main checkout's own commit.
    pub fn of_main(workspace: &Workspace<'a>, config: &'a Config) -> Result<Self> {
        Self::all(workspace, config, "HEAD")
    }

    fn all(workspace: &Workspace<'a>, config: &'a Config, commit: &str) -> Result<Self> {
        let context = workspace.context;
        let main = &context.repo.main;
        let mut wanted = IndexMap::new();
        for (name, service) in &config.services {
            let Some(recipe) = &service.template else { continue };
            let key = |commit: &str| match recipe.key.is_empty() {
                true => Ok(Key::default()),
                false => Ok::<_, anyhow::Error>(Key::of(
                    &recipe.key,
                    git::files_of(main, commit)?.iter().map(|(path, id)| (&**path, &**id)),
                )),
            };
            let (branch, head) = (key(commit)?, key("HEAD")?);
            let (recipe, source) = (recipe.clone(), service.source(main));
            wanted.insert(
                name.clone(),
                Wanted { recipe, source, branch, main: head, approval: OnceLock::new() },
            );
        }
        Ok(Templates {
            ui: workspace.ui,
            store: &context.store,
            config,
            repository: context.repo.common.clone(),
            main: main.clone(),
            slug: context.slug(),
            wanted,
        })
    }

    /// What a template of this key says of itself when it is made now.
    pub(super) fn mark(&self, service: &str, wanted: &Wanted, key: &Key) -> Result<TemplateMark> {
        Ok(TemplateMark {
            repository: self.repository.clone(),
            service: service.to_owned(),
            from: wanted.source.as_ref().map(ToString::to_string),
            recipe: template_key::recipe(&wanted.approval(&self.main)?.commands),
            at: clock::now(),
            key: key.clone(),
        })
    }

    /// The services that have a template, each with its server.
    pub fn services(&self) -> impl Iterator<Item = (&str, Server)> {
        self.wanted.keys().filter_map(|name| {
            Some((name.as_str(), Server::of_service(self.config.services.get(name)?)?))
        })
    }

    /// The templates of a service on which the same was run as is configured now, the newest first.
    pub(super) fn list(&self, service: &str, server: &Server) -> Result<Vec<Template>> {
        let Some(wanted) = self.wanted.get(service) else { return Ok(Vec::new()) };
        let mark = self.mark(service, wanted, &wanted.main)?;
        let mut found = self.of_source(&mark, server)?;
        found.retain(|one| one.mark.recipe == mark.recipe);
        Ok(found)
    }

    /// The templates of the service and the source of this one, whatever was run on them, the newest first.
    pub(super) fn of_source(&self, like: &TemplateMark, server: &Server) -> Result<Vec<Template>> {
        let mut found = template::list(server, self.store.id())?;
        found.retain(|one| is_alike(&one.mark, like));
        Ok(found)
    }

    /// Starts a process that makes spares for the next `add`, where a service asks for some. No command waits for it.
    pub fn begin_spares(&self) {
        if self.wanted.values().any(|wanted| wanted.recipe.spares > 0)
            && let Err(error) = spares::begin(&self.main)
        {
            self.ui.warn(format!("cannot make spares: {error:#}"));
        }
    }

    /// Continues only when the commands and the mask of every template were approved. `instead` ends the hint.
    pub fn require_trusted(&self, instead: &str) -> Result<()> {
        for (service, wanted) in &self.wanted {
            let commands = &wanted.approval(&self.main)?.commands;
            let what = format!("the template of `{service}` is");
            let hint = format!("approve it with `git agentenv trust`{instead}");
            hooks::require(self.store, &self.repository, commands, (&what, &hint))?;
        }
        Ok(())
    }
}

/// Whether two templates are of one service and one source.
pub(super) fn is_alike(one: &TemplateMark, other: &TemplateMark) -> bool {
    (&one.repository, &one.service, &one.from) == (&other.repository, &other.service, &other.from)
}

fn commit(workspace: &Workspace<'_>, target: &Target) -> String {
    match target {
        Target::Detached { commit, .. } => commit.clone(),
        Target::Branch {
            start: Start::New { commit, .. } | Start::Remote { commit, .. }, ..
        } => commit.clone(),
        Target::Branch { name, .. } => {
            let reference = format!("refs/heads/{name}");
            workspace.context.repo.commit_of(&reference).unwrap_or(reference)
        }
    }
}
