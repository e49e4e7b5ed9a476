//! Servers of the compose file that stay in each environment's own stack, because nothing leads the application to an
//! environment's part of a shared one, or code chooses the part.

use crate::model::compose::{holders, join, load, uncarried};
use crate::model::config::Kind;
use crate::model::detect::carried::is_carried;
use crate::model::detect::clues::Clues;
use crate::model::detect::compose::{self, Stack};
use crate::model::detect::paths::dir;
use crate::model::detect::servers::is_plain;
use crate::model::detect::{Evidence, Project};

/// Such a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) kind: Kind,
    pub(super) file: String,
    pub(super) name: String,
}

impl Kept {
    pub(super) fn is(&self, stack: &Stack, service: &compose::Service) -> bool {
        self.file == stack.file && self.name == service.name()
    }
}

/// Those of a project as it would be without them.
pub(super) fn of(project: &Project, evidence: &Evidence<'_>) -> Vec<Kept> {
    let Some(path) = &project.compose else { return Vec::new() };
    let read = |path: &str| evidence.seen.files.get(path).cloned();
    let Ok(file) = load(path, &read) else { return Vec::new() };
    let env_file = |named: &str| read(&join(dir(path), named));
    let holders = |kind| {
        let services = project.services.iter().filter(|service| service.kind == kind);
        let env = project.env.iter().map(|(name, template)| (name, template));
        holders(services.map(|service| &service.variable), env)
    };
    let lost = uncarried(&file, &env_file, &holders);
    let kept = lost.into_iter().map(|(name, kind)| Kept { kind, file: path.clone(), name });
    let kept = kept.filter(|one| !is_read(project, evidence, one));
    let kept = kept.chain(appended(path, evidence)).chain(asking(path, evidence));
    let mut found: Vec<Kept> = Vec::new();
    for one in kept.filter(|one| is_plain(&one.name)) {
        if !found.contains(&one) {
            found.push(one);
        }
    }
    found
}

/// Servers of the file that a variable leads to, where code adds an index to it: whatever an environment gave it would be the
/// index of another one.
fn appended(path: &str, evidence: &Evidence<'_>) -> Vec<Kept> {
    let clues = Clues::of(evidence, Kind::Redis);
    let is_appended = |name: &str| evidence.appended.iter().any(|one| one.name == name);
    let urls = clues.urls.iter().filter(|(var, _)| is_appended(&var.name));
    let servers = urls.filter_map(|(_, url)| clues.placed.get(clues.site(url)?));
    let inside = servers.filter(|(stack, _)| stack.file == path);
    let kept = inside.map(|(stack, service)| Kept {
        kind: Kind::Redis,
        file: stack.file.clone(),
        name: service.name().to_owned(),
    });
    kept.collect()
}

/// Each Redis of the file that asks for a password, and that only its network reaches: the application would greet a shared
/// one with that password, which refuses it.
fn asking(path: &str, evidence: &Evidence<'_>) -> Vec<Kept> {
    let placed = Clues::of(evidence, Kind::Redis).placed;
    let asking = placed.iter().filter(|(stack, service)| stack.file == path && is_asking(service));
    let kept = asking.map(|(stack, service)| Kept {
        kind: Kind::Redis,
        file: stack.file.clone(),
        name: service.name().to_owned(),
    });
    kept.collect()
}

/// The service asks for a password, and this machine does not reach it.
pub(super) fn is_asking(service: &compose::Service) -> bool {
    service.kind == Some(Kind::Redis)
        && service.published().is_none()
        && service.required().is_some()
}

/// No environment would get a part of such a server, or other files say that the application reads a variable with it.
fn is_read(project: &Project, evidence: &Evidence<'_>, server: &Kept) -> bool {
    let placed = Clues::of(evidence, server.kind).placed;
    let site = placed.iter().position(|(stack, service)| server.is(stack, service));
    let mut of_kind =
        project.services.iter().filter(|service| service.kind == server.kind).peekable();
    of_kind.peek().is_none()
        || of_kind.any(|service| {
            (placed.len() < 2 || service.site == site) && is_carried(project, evidence, service)
        })
}

/// All servers of this kind in the chosen compose file stay there.
pub(super) fn all(evidence: &Evidence<'_>, kind: Kind) -> bool {
    evidence.kept.iter().any(|one| one.kind == kind) && Clues::of(evidence, kind).placed.is_empty()
}
