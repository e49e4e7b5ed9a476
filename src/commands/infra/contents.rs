//! What else the shared servers hold when their data is to be deleted.

use super::{Found, servers};
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

/// What would be lost with the data.
#[derive(Default)]
struct Losses {
    /// Databases and indexes, and what could not be looked at.
    all: Vec<String>,
    /// The containers whose volumes hold no more than that.
    asked: BTreeSet<String>,
}

/// Names what git-agentenv did not make for this user on these servers, and what of their data cannot be looked at.
/// Asks on a terminal; elsewhere it refuses, unless `force`.
pub(super) fn agree(ui: &Ui, found: &Found, infra: &Infra, force: bool) -> Result<()> {
    let losses = losses(found, infra)?.join(", ");
    if losses.is_empty() {
        return Ok(());
    }
    if force {
        ui.warn(format!("deleting {losses}"));
        return Ok(());
    }
    let message = format!("the servers' data is not only git-agentenv's: {losses}");
    if ui.can_ask() {
        return ui.agree(&message, "Delete all of it?", false);
    }
    let hint = "save what you need and drop it, or delete all of it with `--force`";
    let message = format!("cannot delete the servers' data: {message}");
    Err(error::refused(message).hint(hint).into())
}

fn losses(found: &Found, infra: &Infra) -> Result<Vec<String>> {
    let (containers, store) = (infra.status()?, Store::open()?);
    let mut losses = Losses::default();
    for container in &containers {
        losses.look(found, container, &store);
    }
    let is_new = |name: &String| {
        let container = containers.iter().find(|one| one.name == *name);
        container.is_some_and(|one| one.life() == Life::Created)
    };
    for (volume, users) in infra.volumes()? {
        let is_seen = users.iter().any(|name| losses.asked.contains(name));
        // What a container brings that never ran is its image's.
        let is_empty = is_anonymous(&volume) && users.iter().all(is_new);
        if !is_seen && !is_empty {
            losses.all.push(format!("volume `{volume}`, into which git-agentenv cannot look"));
        }
    }
    Ok(losses.all)
}

/// Whether the engine made up the name.
fn is_anonymous(volume: &str) -> bool {
    volume.len() == 64 && volume.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl Losses {
    fn look(&mut self, found: &Found, container: &Container, store: &Store) {
        let servers = within(found, container);
        if !container.is_up() || servers.is_empty() {
            return;
        }
        let mut said = Err(anyhow!("not asked"));
        for server in &servers {
            said = contents::of_others(server, store.id());
            if said.is_ok() {
                break;
            }
        }
        self.asked.insert(container.name.clone());
        let name = &container.name;
        self.all.extend(match said {
            Ok(losses) => losses.iter().map(|one| format!("{one} on `{name}`")).collect(),
            Err(why) => vec![format!("what `{name}` holds, which cannot be read: {why:#}")],
        });
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
