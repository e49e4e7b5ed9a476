//! Which template, or spare, the database of an environment is made of.

use super::template::Templates;
use crate::error::{Exit, exit_of};
use crate::model::config::Kind;
use crate::model::lease::{Lease, Part};
use crate::model::source::Source;
use crate::model::template_key::{Key, nearest};
use crate::service::creation::Servers;
use crate::service::postgres::spare;
use crate::service::template::Template;
use crate::service::{Made, Resource, Server};
use crate::sys::failpoint;
use anyhow::Result;

/// How many templates are chosen for one database before the error of a copy counts.
const TRIES: usize = 3;

impl Templates<'_> {
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
        if let Some(made) = self.copy_named(servers, lease, part, &own)? {
            return Ok(made);
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

    /// Creates a Postgres database as a copy of the template of this name, without asking for it first; `None`: there is none.
    fn copy_named(
        &self,
        servers: &Servers,
        lease: &Lease,
        part: &Part,
        template: &str,
    ) -> Result<Option<Made>> {
        if part.kind != Kind::Postgres {
            return Ok(None);
        }
        let source = Source::Database(template.to_owned());
        match servers.create(&lease.resource(part)?, &lease.id, Some(&source)) {
            Err(error) if self.went(part, template, &error) => Ok(None),
            Err(error) => Err(error),
            Ok(made) => {
                self.ui.say(format!("copied template {template} to {}", part.holds));
                Ok(Some(made))
            }
        }
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
                Err(error) if tries < TRIES && self.went(part, &template.database, &error) => {
                    tries += 1
                }
                made => return made,
            }
        }
    }

    /// Whether a template was not there, or was dropped while it was copied: another process made
    /// the next one.
    fn went(&self, part: &Part, template: &str, error: &anyhow::Error) -> bool {
        let Some(server) = Server::of_part(part) else { return false };
        let is_it = |one: &Template| one.database == template;
        match exit_of(error) {
            Exit::NotFound => true,
            Exit::Interrupted => false,
            _ => self.list(&part.service, &server).is_ok_and(|known| !known.iter().any(is_it)),
        }
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

    /// What a new database of this part is a copy of: the template that suits its branch best, which is made if it is
    /// that of the main checkout's commit and not there; `None`: it has none, or begins empty because each is ahead of its branch.
    fn choose(&self, part: &Part) -> Result<Option<Template>> {
        let (Some(wanted), Some(server)) = (self.wanted.get(&part.service), Server::of_part(part))
        else {
            return Ok(None);
        };
        let mut known = self.list(&part.service, &server)?;
        let (name, branch) = (&part.holds, &wanted.branch);
        // A process that was killed left the one that it had replaced.
        let has_older = |key: &Key| {
            *key == wanted.main && known.iter().filter(|one| one.mark.key == *key).count() > 1
        };
        let exact = known.iter().position(|one| one.mark.key == *branch && !has_older(branch));
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
        // What is there is taken without waiting for a process that makes a spare of it.
        let key = suits.map_or(&wanted.main, |mark| &mark.key);
        let chosen = match known.iter().position(|one| one.mark.key == *key && !has_older(key)) {
            Some(chosen) => known.swap_remove(chosen),
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
}
