//! Template databases: which one a new environment is copied from, and how one is made.

use crate::environment::data::approval::Approval;
use crate::environment::data::spares;
use crate::environment::hooks;
use crate::environment::workspace::Workspace;
use crate::error::{Exit, exit_of};
use crate::model::config::{Config, Recipe};
use crate::model::lease::{Lease, Part};
use crate::model::plan::{Data, Request, Start, Target};
use crate::model::source::Source;
use crate::model::template_key::{self, Key, TemplateMark, nearest};
use crate::service::creation::Servers;
use crate::service::postgres::spare;
use crate::service::template::{self, Template};
use crate::service::{Made, Resource, Server};
use crate::sys::store::Store;
use crate::sys::{clock, failpoint, git};
use crate::ui::Ui;
use anyhow::Result;
use indexmap::IndexMap;
use std::path::PathBuf;
use std::sync::OnceLock;

/// How many templates are chosen for one database before the error of a copy counts.
const TRIES: usize = 3;

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
    branch: Key,
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

    /// Creates the database of a part from a spare of its template, else as a copy; what is no database as ever.
    pub fn create(&self, servers: &Servers, lease: &Lease, part: &Part) -> Result<Made> {
        let resource = lease.resource(part)?;
        let Some(wanted) = self.wanted.get(&part.service) else {
            return servers.create(&resource, &lease.id, part.from.as_ref());
        };
        // Asking for the template first would take a session more.
        let own = self.mark(&part.service, wanted, &wanted.branch)?.database(self.store.id());
        if wanted.recipe.spares > 0 && self.take_spare(lease, &resource, &own)? {
            return Ok(Made::Ours(None));
        }
        self.copying(part, |template| {
            let Some(template) = template else {
                return servers.create(&resource, &lease.id, part.from.as_ref());
            };
            let is_other = wanted.recipe.spares > 0 && template != own;
            if is_other && self.take_spare(lease, &resource, template)? {
                return Ok(Made::Ours(None));
            }
            let source = Source::Database(template.to_owned());
            servers.create(&resource, &lease.id, Some(&source))
        })
    }

    /// Lets `copy` use the template that suits a part best, or none; the next one where another process replaced it
    /// meanwhile.
    ///
    /// # Errors
    /// When it fails, or no template can be made.
    pub fn copying<T>(
        &self,
        part: &Part,
        mut copy: impl FnMut(Option<&str>) -> Result<T>,
    ) -> Result<T> {
        let mut tries = 1;
        loop {
            let Some(template) = self.choose(part)? else { return copy(None) };
            match copy(Some(&template.database)) {
                Err(error) if tries < TRIES && self.went(part, &template, &error) => tries += 1,
                made => return made,
            }
        }
    }

    /// Whether a template was dropped while it was copied: another process made the next one.
    fn went(&self, part: &Part, template: &Template, error: &anyhow::Error) -> bool {
        let Some(server) = Server::of_part(part) else { return false };
        let is_it = |one: &Template| one.database == template.database;
        exit_of(error) != Exit::Interrupted
            && self.list(&part.service, &server).is_ok_and(|known| !known.iter().any(is_it))
    }

    /// Makes a spare of this template the database of a part; `false`: there is none.
    fn take_spare(&self, lease: &Lease, resource: &Resource, template: &str) -> Result<bool> {
        let Resource::Database(database) = resource else { return Ok(false) };
        let taken = spare::claim(database, self.store.id(), &lease.id, template)?;
        if taken {
            failpoint::point("spare-claimed")?;
            self.ui.say(format!("took a spare copy of template {template}"));
        }
        Ok(taken)
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

    /// What a new database of this part is a copy of: the template that suits its branch best, which is made if it is
    /// that of the main checkout's commit and not there; `None`: it has none, or begins empty because each is ahead of its branch.
    fn choose(&self, part: &Part) -> Result<Option<Template>> {
        let (Some(wanted), Some(server)) = (self.wanted.get(&part.service), Server::of_part(part))
        else {
            return Ok(None);
        };
        let mut known = self.list(&part.service, &server)?;
        let (name, branch) = (&part.holds, &wanted.branch);
        let exact = known.iter().position(|one| one.mark.key == *branch);
        if let Some(exact) = exact {
            let exact = known.swap_remove(exact);
            self.ui.say(format!("copying template {} to {name}", exact.database));
            return Ok(Some(exact));
        }
        // The one that is not there yet is only made if it is taken.
        let main = self.mark(&part.service, wanted, &wanted.main)?;
        let marks: Vec<_> = known.iter().map(|one| &one.mark).chain([&main]).cloned().collect();
        let suits = nearest(branch, &marks);
        if suits.is_none() && wanted.source.is_none() {
            let said = "each of its templates has files of the key that the branch lacks";
            self.ui.say(format!("{name} begins empty: {said}"));
            return Ok(None);
        }
        let chosen = match known.into_iter().find(|one| suits == Some(&one.mark)) {
            Some(suits) => suits,
            None => self.make(&part.service, &server, false)?,
        };
        if chosen.mark.key == *branch {
            self.ui.say(format!("copying template {} to {name}", chosen.database));
        } else {
            self.say_distance(&chosen, branch, name);
        }
        Ok(Some(chosen))
    }

    /// Says how far a template is from the branch whose database `name` becomes a copy of it.
    fn say_distance(&self, template: &Template, branch: &Key, name: &str) {
        let key = &template.mark.key;
        let (has, of, all) = (key.in_common(branch), branch.len(), key.len());
        let template = &template.database;
        let has_some = format!("which has {has} of {of} files of its key");
        self.ui.say(format!("copying template {template} to {name}, {has_some}"));
        if has < all {
            let lacks = format!("the branch lacks {} of the {all} files of its key", all - has);
            self.ui.warn(format!("{name} is a copy of a template that is ahead of it: {lacks}"));
        }
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
        let what = |mark: &TemplateMark| {
            (mark.repository.clone(), mark.service.clone(), mark.from.clone())
        };
        let mut found = template::list(server, self.store.id())?;
        found.retain(|one| what(&one.mark) == what(like));
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
