//! Which configuration holds: the project's own, else the shared servers, else the embedded default.

use crate::environment::context::Context;
use crate::model::config::{Config, Place, embedded};
use crate::sys::docker;
use crate::ui::Ui;
use anyhow::Result;

/// The project's configuration. Without one: the defaults when their servers run, else what needs no server.
///
/// # Errors
/// When the configuration is invalid.
pub fn configuration(context: &Context, ui: &Ui) -> Result<Config> {
    if let Some(config) = context.config()? {
        return Ok(config);
    }
    let mut config = Config::default();
    match missing(&mut config) {
        None => Ok(config),
        Some(why) => {
            ui.say(format!(
                "using SQLite, because {why}; `git agentenv infra up` gives Postgres and Redis"
            ));
            Ok(embedded())
        }
    }
}

/// Why the default servers cannot be used. When they can, their published ports are taken over.
fn missing(config: &mut Config) -> Option<String> {
    let containers = match docker::containers() {
        Ok(containers) => containers,
        Err(error) => return Some(format!("no Docker engine answers ({error})")),
    };
    for (name, service) in &mut config.services {
        let Place::Container(wanted) = &service.place else {
            continue;
        };
        let Some(container) = docker::pick(&containers, wanted).filter(|found| found.is_up())
        else {
            return Some(format!("the shared {name} (container {wanted}) does not run"));
        };
        if let Some(port) = service.kind.port().and_then(|port| container.published(port)) {
            service.port = port;
        }
    }
    None
}
