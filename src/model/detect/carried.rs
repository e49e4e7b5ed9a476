//! The closing rule: the part of each service reaches the application by a variable that it reads, or a note says that
//! nothing does.

use crate::model::config::Kind;
use crate::model::detect::created;
use crate::model::detect::endpoint;
use crate::model::detect::frameworks;
use crate::model::detect::leads::Lead;
use crate::model::detect::migrations::Migrations;
use crate::model::detect::paths::used;
use crate::model::detect::roles::Role;
use crate::model::detect::seen::Seen;
use crate::model::detect::vars::{self, Var};
use crate::model::detect::{Evidence, Project, Service, drivers, servers};

/// Whether a variable that a file names, or that a framework reads by itself, holds the service's part.
pub(super) fn is_carried(project: &Project, evidence: &Evidence<'_>, service: &Service) -> bool {
    let is_read = |name: &str| is_named(evidence, name) || is_frameworks(evidence, name);
    let part = format!("{{{}}}", service.variable);
    is_named(evidence, &service.variable)
        || project.env.iter().any(|(name, template)| template.contains(&part) && is_read(name))
}

/// A file of the project names the variable. What a literal could read instead, nothing reads yet.
pub(super) fn is_named(evidence: &Evidence<'_>, name: &str) -> bool {
    evidence.vars.iter().any(|var| var.name == name && var.is_named)
}

/// A framework reads the variable, whatever the project's own files say.
pub(super) fn is_frameworks(evidence: &Evidence<'_>, name: &str) -> bool {
    evidence.frameworks.iter().any(|framework| framework.reads.contains(&name))
}

/// The same of a project with this Gemfile.
pub fn is_read_anyway(gemfile: &str, name: &str) -> bool {
    let files = [("Gemfile".to_owned(), gemfile.to_owned())].into_iter().collect();
    let seen = Seen { files, ..Seen::default() };
    frameworks::of(&seen).iter().any(|framework| framework.reads.contains(&name))
}

/// Says which parts nothing carries, and gathers the commands: those that would change the main checkout's database are
/// held back.
pub(super) fn close(project: &mut Project, evidence: &Evidence<'_>) {
    let lost: Vec<&Service> = project
        .services
        .iter()
        .filter(|service| !is_carried(project, evidence, service))
        .filter(|service| !waits(evidence, service.kind))
        .collect();
    // Tools that migrate read the same settings.
    let is_told = |service: &Service| project.told.contains(&service.key);
    let mut databases = project.services.iter().filter(|service| service.kind != Kind::Redis);
    let is_held = project.is_unserved
        || lost.iter().any(|service| service.kind != Kind::Redis)
        || databases.any(is_told)
        || evidence.kept.iter().any(|server| server.kind != Kind::Redis)
        || evidence.places.iter().any(|place| place.is_settings())
        || project.services.iter().any(|service| is_fixed(evidence, service));
    let is_said = |service: &Service| is_told(service) || evidence.is_literal(service.kind);
    let leads: Vec<String> =
        lost.into_iter().filter(|one| !is_said(one)).map(|one| Lead::lost(one).told()).collect();
    project.notes.extend(leads);
    let prepare = evidence.frameworks.iter().flat_map(|framework| &framework.prepare);
    project.hooks.extend(prepare.cloned());
    let Migrations { run, inside } = project.migrations.clone();
    if is_held {
        project.held.extend(run)
    } else {
        project.hooks.extend(run)
    }
    // What these commands do to a database is not known.
    let known = [project.hooks.as_slice(), &project.held, &inside].concat();
    let databases = project.services.iter().filter(|service| service.kind != Kind::Redis);
    let mains: Vec<&str> = databases.map(|service| service.main.as_str()).collect();
    let created = created::find(evidence, &known, &mains);
    project.inside = created.inside;
    if is_held { project.held.extend(created.run) } else { project.hooks.extend(created.run) }
}

/// Settings name the main checkout's database themselves, whatever else reads a variable for it.
fn is_fixed(evidence: &Evidence<'_>, service: &Service) -> bool {
    service.kind != Kind::Redis
        && evidence.literals.iter().any(|literal| literal.names(service.kind, &service.main))
}

/// Says which manifests name a driver for a server that nothing leads to.
pub(super) fn drivers(project: &mut Project, evidence: &Evidence<'_>) {
    let found = drivers::of(evidence.seen);
    let is_sql = |kind: Kind| kind != Kind::Redis;
    // Nothing says which of them the main checkout uses.
    let is_choice = |kind: Kind, file: &str| {
        let mut same = found.iter().filter(|(_, other)| *other == file);
        let is_open = is_sql(kind) && evidence.engine.is_none();
        is_open && same.any(|(other, _)| is_sql(*other) && *other != kind)
    };
    if let Some((_, file)) = found.iter().find(|(kind, file)| is_choice(*kind, file)) {
        servers::several(project, &format!("{file}: packages"));
    }
    let manifests = found.iter().filter(|(kind, file)| !is_choice(*kind, file));
    // Beside a file, a server is what could be used instead.
    let is_file = evidence.engine == Some(Kind::Sqlite);
    let manifests =
        manifests.filter(|(kind, _)| *kind != Kind::Sqlite && !(is_file && is_sql(*kind)));
    let manifests = manifests.map(|(kind, file)| (*kind, format!("{file} names a driver for")));
    let mut told: Vec<Kind> = Vec::new();
    for (kind, sign) in manifests.chain(hosts(evidence)) {
        let stays = evidence.stacks.iter().any(|stack| {
            project.compose.as_ref() == Some(&stack.file)
                && stack.services.iter().any(|service| service.kind == Some(kind))
        });
        let is_new = !told.contains(&kind) && !project.services.iter().any(|one| one.kind == kind);
        let mut places = evidence.places.iter().filter(|place| place.kind == Some(kind));
        let is_said = evidence.literals.iter().any(|literal| literal.kind == kind)
            || places.any(|place| place.is_settings() || kind == Kind::Redis);
        if is_new && !stays && !is_said {
            told.push(kind);
            project.is_unserved |= is_sql(kind);
            let server = servers::title(kind);
            let lead = Lead::of(
                format!(
                    "{sign} {server}, and no variable names a part of it, so all environments use the same one"
                ),
                "add a service to .agentenv.yaml, and make the application read its variable"
                    .to_owned(),
            );
            project.notes.push(lead.told());
        }
    }
}

/// Kinds of servers that a variable names the host of, or that something is kept in.
fn hosts<'a>(evidence: &'a Evidence<'_>) -> impl Iterator<Item = (Kind, String)> + 'a {
    // In PHP, an example names servers that nothing uses.
    let is_php = evidence.seen.named("composer.json").next().is_some();
    evidence.vars.iter().filter(|var| var.is_named && !var.is_default).filter_map(move |var| {
        let Var { name, file, value, .. } = var;
        if vars::is_redis_chosen(var) {
            return Some((Kind::Redis, format!("{name} of {file} chooses")));
        }
        let (kind, role) = evidence.role(name)?;
        // Beside SQLite, a host is that of what could be used instead.
        let is_used = kind == Kind::Redis || evidence.engine != Some(Kind::Sqlite);
        let is_bare = role == Role::Address && endpoint::port(value).is_none();
        let is_host = (role == Role::Host || is_bare) && !value.is_empty() && is_used && !is_php;
        is_host.then(|| (kind, format!("{name} of {file} leads to")))
    })
}

/// All that names a part is an example, whose copy the user still has to write.
fn waits(evidence: &Evidence<'_>, kind: Kind) -> bool {
    let mut of_kind = evidence.literals.iter().filter(|literal| literal.kind == kind).peekable();
    of_kind.peek().is_some() && of_kind.all(|literal| used(&literal.file).is_some())
}
