//! The tools and the servers.

use super::{Finding, Level};
use crate::environment::effective_config;
use crate::error::hint_of;
use crate::model::config::{Config, Place};
use crate::model::lease::Lease;
use crate::service::{self, Server, inventory};
use crate::sys::compose::Infra;
use crate::sys::exec::{self, Cmd};
use crate::sys::{docker, env, fs};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The oldest git that has every option used here.
const OLDEST: (u32, u32) = (2, 30);

/// Where bash-completion looks for a user's own.
const INSTALL_COMPLETION: &str = "mkdir -p ~/.local/share/bash-completion/completions && git agentenv completions bash \
                                  >~/.local/share/bash-completion/completions/git-agentenv";

/// git, Docker, compose, the servers that are configured or in use, the man page and completion.
pub(super) fn look(config: Option<&Config>, leases: &[Lease]) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(git());
    let servers = servers(config, leases);
    let (on_host, in_docker): (Vec<&Server>, Vec<&Server>) =
        servers.iter().partition(|server| server.place == Place::Host);
    match docker::containers() {
        // None of its servers answers, for the same reason.
        Err(error) => findings.push(engine(&error, !in_docker.is_empty())),
        Ok(_) => {
            findings.extend(compose().into_iter().chain(defaults(config)));
            findings.extend(in_docker.into_iter().filter_map(silent));
        }
    }
    findings.extend(on_host.into_iter().filter_map(silent));
    findings.extend(installed());
    findings
}

fn git() -> Option<Finding> {
    let said = match Cmd::new("git").arg("version").read() {
        Ok(said) => said,
        Err(error) => return Some(outdated(format!("{error:#}"))),
    };
    let number = said.split(' ').nth(2).unwrap_or_default();
    let mut parts = number.split('.').filter_map(|part| part.parse::<u32>().ok());
    let version = (parts.next()?, parts.next()?);
    let what = || format!("{said} is older than {}.{}", OLDEST.0, OLDEST.1);
    (version < OLDEST).then(|| outdated(what()))
}

fn outdated(what: String) -> Finding {
    let hint = format!("install git {}.{} or later", OLDEST.0, OLDEST.1);
    Finding::hinted(Level::Error, what, hint)
}

fn engine(error: &anyhow::Error, needed: bool) -> Finding {
    let what = format!("cannot use Docker: {error:#}");
    let level = if needed { Level::Error } else { Level::Warning };
    match hint_of(error) {
        Some(hint) => Finding::hinted(level, what, hint),
        None => Finding::new(level, what, "docker version"),
    }
}

fn compose() -> Option<Finding> {
    let missing = Infra::of(None).is_callable().err()?;
    let what = format!("{missing:#}: `git agentenv infra` needs it");
    let hint = hint_of(&missing).unwrap_or("install docker compose");
    Some(Finding::hinted(Level::Warning, what, hint))
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
    inventory::distinct(held.filter_map(Server::of_part).chain(configured).collect::<BTreeSet<_>>())
}

fn silent(server: &Server) -> Option<Finding> {
    let error = service::ping(server).err()?;
    let what = format!("{} does not answer: {error:#}", docker::called(&server.place));
    Some(match hint_of(&error) {
        Some(hint) => Finding::hinted(Level::Error, what, hint),
        None => Finding::error(what, "git agentenv infra up"),
    })
}

/// The man page and the completion script, searched where man and bash search for them.
fn installed() -> Vec<Finding> {
    let mut findings = Vec::new();
    let page = Cmd::new("man").args(["-w", "git-agentenv"]).output();
    if exec::find("man").is_some() && !page.is_ok_and(|page| page.success()) {
        let what = "the man page is not installed: `git agentenv --help` fails";
        let hint = "install.sh installs the pages; `git agentenv -h` needs none";
        findings.push(Finding::hinted(Level::Warning, what, hint));
    }
    let completion = Path::new("bash-completion/completions/git-agentenv");
    if !shares().iter().any(|share| share.join(completion).exists()) {
        let what = "bash completion is not installed";
        findings.push(Finding::warning(what, INSTALL_COMPLETION));
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
