//! What else the shared servers hold when their data is to be deleted.

use super::found::{Found, servers};
use crate::error;
use crate::model::compose;
use crate::model::config::{Kind, Place, default_service};
use crate::service::{Server, contents};
use crate::sys::compose::Infra;
use crate::sys::docker::{Container, Life};
use crate::sys::store::Store;
use crate::ui::Ui;
use anyhow::{Result, anyhow};
use std::collections::BTreeSet;
use std::fmt;

/// What would be lost with the data.
#[derive(Default)]
pub(super) struct Losses {
    /// Databases and indexes, and what could not be looked at.
    all: Vec<String>,
    /// The containers whose volumes hold no more than that, and what they run.
    asked: BTreeSet<(String, Kind)>,
    /// A server does not run, which could be asked otherwise.
    is_silent: bool,
}

/// What git-agentenv did not make for this user on these servers, and what of their data cannot be looked at.
pub(super) fn losses(found: &Found, infra: &Infra) -> Result<Losses> {
    let (containers, store) = (infra.status()?, Store::open()?);
    let mut losses = Losses { is_silent: containers.is_empty(), ..Losses::default() };
    for container in &containers {
        losses.look(found, container, &store);
    }
    let is_new = |(name, _): &(String, String)| {
        let container = containers.iter().find(|one| one.name == *name);
        container.is_some_and(|one| one.life() == Life::Created)
    };
    for volume in infra.volumes()? {
        let is_seen = volume.users.iter().any(|user| losses.has_seen(user));
        // What a container brings that never ran is its image's.
        let is_empty = volume.is_anonymous() && volume.users.iter().all(is_new);
        if !is_seen && !is_empty {
            let name = volume.name;
            losses.all.push(format!("volume `{name}`, into which git-agentenv cannot look"));
        }
    }
    Ok(losses)
}

impl Losses {
    /// Names them. Asks on a terminal; elsewhere it refuses.
    pub(super) fn agree(&self, ui: &Ui) -> Result<()> {
        if ui.can_ask() {
            let message = format!("the servers' data is not only git-agentenv's: {self}");
            return ui.agree(&message, "Delete all of it?", false);
        }
        let hint = match self.is_silent {
            true => {
                "start the servers, so that git-agentenv can look (`git agentenv infra up`), or delete all of it with `--force`"
            }
            false => "save what you need and drop it, or delete all of it with `--force`",
        };
        let message =
            format!("cannot delete the servers' data, which is not only git-agentenv's: {self}");
        Err(error::refused(message).hint(hint).into())
    }

    /// Whether nothing is lost but what these name, however much of it there is by now.
    pub(super) fn are_within(&self, others: &Losses) -> bool {
        let what = |loss: &String| loss.split(" with ").next().unwrap_or_default().to_owned();
        let known: BTreeSet<String> = others.all.iter().map(what).collect();
        self.all.iter().all(|loss| known.contains(&what(loss)))
    }

    fn has_seen(&self, (container, path): &(String, String)) -> bool {
        self.asked.iter().any(|(name, kind)| name == container && compose::is_data(*kind, path))
    }

    fn look(&mut self, found: &Found, container: &Container, store: &Store) {
        let servers = within(found, container);
        let Some(kind) = servers.first().map(|server| server.kind) else { return };
        if !container.is_up() {
            self.is_silent = true;
            return;
        }
        let mut said = Err(anyhow!("not asked"));
        for server in &servers {
            said = contents::of_others(server, store.id());
            if said.is_ok() {
                break;
            }
        }
        self.asked.insert((container.name.clone(), kind));
        let name = &container.name;
        self.all.extend(match said {
            Ok(losses) => losses.iter().map(|one| format!("{one} on `{name}`")).collect(),
            Err(why) => vec![format!("what `{name}` holds, which cannot be read: {why:#}")],
        });
    }
}

impl fmt::Display for Losses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.all.join(", "))
    }
}

/// The server in a container, as each user who may ask it: as the configuration says, else as images have it.
fn within(found: &Found, container: &Container) -> Vec<Server> {
    let configured = servers(&found.config).into_iter().map(|(_, server)| server);
    let here = configured.filter(|server| container.is_at(&server.place, server.port));
    let usual = compose::of_image(&container.image)
        .and_then(|kind| Server::of_service(&default_service(kind)));
    let place = || Place::Container(container.name.clone());
    let is_readable =
        |server: &Server| matches!(server.kind, Kind::Postgres | Kind::Mysql | Kind::Redis);
    let within = here.chain(usual).filter(is_readable);
    within.map(|server| Server { place: place(), ..server }).collect()
}
