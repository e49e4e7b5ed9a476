//! The tools and the servers.

use super::Finding;
use crate::environment::effective_config;
use crate::model::config::Config;
use crate::model::lease::Lease;
use crate::service::{self, Server, inventory};
use crate::sys::compose::Infra;
use crate::sys::exec::{self, Cmd};
use crate::sys::{docker, env, fs};
use std::path::{Path, PathBuf};

/// The oldest git that has every option used here.
const OLDEST: (u32, u32) = (2, 30);

/// git, Docker, compose, the servers that are configured or in use, the man page and completion.
pub(super) fn look(config: Option<&Config>, leases: &[Lease]) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(git());
    let servers = servers(config, leases);
    let needed = servers.iter().any(|server| server.place != crate::model::config::Place::Host);
    match docker::containers() {
        Err(error) => findings.push(engine(&error, needed)),
        Ok(_) => findings.extend(compose().into_iter().chain(defaults(config))),
    }
    findings.extend(servers.iter().filter_map(silent));
    findings.extend(installed());
    findings
}

fn git() -> Option<Finding> {
    let said = match Cmd::new("git").arg("version").read() {
        Ok(said) => said,
        Err(error) => return Some(Finding::error(format!("{error:#}"), "apt install git")),
    };
    let number = said.split(' ').nth(2).unwrap_or_default();
    let mut parts = number.split('.').filter_map(|part| part.parse::<u32>().ok());
    let version = (parts.next()?, parts.next()?);
    let what = || format!("{said} is older than {}.{}", OLDEST.0, OLDEST.1);
    (version < OLDEST).then(|| Finding::error(what(), "apt install git"))
}

fn engine(error: &anyhow::Error, needed: bool) -> Finding {
    let what = format!("cannot use Docker: {error:#}");
    let command = "docker version";
    if needed { Finding::error(what, command) } else { Finding::warning(what, command) }
}

fn compose() -> Option<Finding> {
    let missing = Infra::of(None).and_then(|infra| infra.is_callable()).err()?;
    let what = format!("{missing:#}: `git agentenv infra` needs it");
    Some(Finding::warning(what, "apt install docker-compose-plugin"))
}

/// A project without a configuration works without them, on SQLite.
fn defaults(config: Option<&Config>) -> Option<Finding> {
    let why = effective_config::servers_missing().filter(|_| config.is_none())?;
    Some(Finding::warning(format!("{why}: new environments use SQLite"), "git agentenv infra up"))
}

fn servers(config: Option<&Config>, leases: &[Lease]) -> Vec<Server> {
    let configured = config.into_iter().flat_map(|config| config.services.values());
    let held = leases.iter().flat_map(|lease| &lease.parts);
    let configured = configured.filter_map(Server::of_service);
    inventory::distinct(held.filter_map(Server::of_part).chain(configured).collect())
}

fn silent(server: &Server) -> Option<Finding> {
    let error = service::ping(server).err()?;
    let hint = crate::error::hint_of(&error).unwrap_or("git agentenv infra up").to_owned();
    Some(Finding::error(
        format!("{} does not answer: {error:#}", docker::called(&server.place)),
        hint,
    ))
}

/// The man page and the completion script, searched where man and bash search for them.
fn installed() -> Vec<Finding> {
    let mut findings = Vec::new();
    let page = Cmd::new("man").args(["-w", "git-agentenv"]).output();
    if exec::find("man").is_some() && !page.is_ok_and(|page| page.success()) {
        let what = "the man page is not installed: `git agentenv --help` fails";
        findings.push(Finding::warning(what, "./install.sh"));
    }
    let completion = Path::new("bash-completion/completions/git-agentenv");
    if !shares().iter().any(|share| share.join(completion).exists()) {
        let command = "git agentenv completions bash";
        findings.push(Finding::warning("bash completion is not installed", command));
    }
    findings
}

fn shares() -> Vec<PathBuf> {
    let home = env::path("XDG_DATA_HOME")
        .or_else(|| env::path("HOME").map(|home| home.join(".local/share")));
    let dirs = env::var("XDG_DATA_DIRS").unwrap_or("/usr/local/share:/usr/share".to_owned());
    let beside = exec::find("git-agentenv").map(|program| fs::canonical(&program));
    let beside = beside.and_then(|program| Some(program.parent()?.parent()?.join("share")));
    home.into_iter().chain(beside).chain(dirs.split(':').map(PathBuf::from)).collect()
}
