//! The project: what its application reads, and whether it reaches the servers.

use super::{Finding, Level};
use crate::environment::context::Context;
use crate::environment::project_files;
use crate::model::config::{Config, Place};
use crate::model::detect::{self, Lead};
use crate::service::Server;
use crate::sys::docker;
use anyhow::Result;

/// Variables that lead environments to the main checkout, and servers that applications do not reach.
pub(super) fn look(context: Option<&Context>, config: Option<&Config>) -> Result<Vec<Finding>> {
    let (Some(context), Some(config)) = (context, config) else { return Ok(Vec::new()) };
    let leads = detect::to_main(&project_files::read(context)?, config);
    let warning = |lead: &Lead| Finding::hinted(Level::Warning, lead.to_string(), lead.way_out());
    let leads = leads.iter().map(warning);
    let servers = config
        .services
        .iter()
        .filter_map(|(name, service)| elsewhere(name, &Server::of_service(service)?));
    Ok(leads.chain(servers).collect())
}

/// A container that applications do not reach at the address that their variables name: another server may answer there.
fn elsewhere(service: &str, server: &Server) -> Option<Finding> {
    let inside = server.kind.port()?;
    if server.place == Place::Host {
        return None;
    }
    let title = server.title();
    let port = server.port;
    match docker::reached(&server.place, inside).ok()? {
        docker::Reached::AsOnHost | docker::Reached::Unknown => None,
        docker::Reached::At(address) if address.port() == port => None,
        docker::Reached::At(address) => {
            let what = format!(
                "applications look for {service} at localhost:{port}, but `{title}` is published at {address}"
            );
            let fix =
                format!("set `port: {}` in services.{service} of .agentenv.yaml", address.port());
            Some(Finding::hinted(Level::Error, what, fix))
        }
        docker::Reached::Nowhere => {
            let what = format!(
                "applications on this machine cannot reach {service}: `{title}` publishes no port; at localhost:{port} \
                 another server may answer"
            );
            let fix =
                format!("publish it in its compose file: ports: [\"127.0.0.1:{port}:{inside}\"]");
            Some(Finding::hinted(Level::Warning, what, fix))
        }
    }
}
