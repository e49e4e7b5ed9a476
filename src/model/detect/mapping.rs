//! Our parts under the names that the application reads.

use crate::model::config::Kind;
use crate::model::detect::carried::{is_carried, is_frameworks, is_named};
use crate::model::detect::clues::Clues;
use crate::model::detect::endpoint;
use crate::model::detect::engine;
use crate::model::detect::listens;
use crate::model::detect::origins;
use crate::model::detect::roles::{self, Role};
use crate::model::detect::url::{Url, host};
use crate::model::detect::vars::Var;
use crate::model::detect::{Evidence, Project, Service};
use crate::model::envfile::check_value;

/// Why a variable stays as it is.
pub(super) const UNFIT: &str = "its value holds what an environment file cannot";

/// Maps each variable that leads to a server, or says which one still leads to the main checkout's.
pub(super) fn variables(project: &mut Project, evidence: &Evidence<'_>) {
    for var in &evidence.vars {
        if roles::is_prefix(&var.name) && check_value(&var.name, &var.value).is_ok() {
            let prefix = if var.is_public(evidence.seen) { var.value.as_str() } else { "" };
            project.env.push((var.name.clone(), format!("{{name}}:{prefix}")));
            continue;
        }
        match listens::template(project, evidence, var) {
            Some(Ok(template)) => project.env.push((var.name.clone(), template)),
            Some(Err(why)) => project.notes.push(port_by_hand(var, why)),
            None => of_address(project, evidence, var),
        }
    }
    usual(project, evidence);
}

fn of_address(project: &mut Project, evidence: &Evidence<'_>, var: &Var) {
    match Url::parse(&var.value) {
        _ if evidence.appended.iter().any(|one| one.name == var.name) => {}
        Some(url) => of_url(project, evidence, var, &url),
        None => match origins::template(&var.value, &project.ports, !var.is_default) {
            Some(template) => of_origin(project, evidence, var, template),
            None => of_role(project, evidence, var),
        },
    }
}

fn of_url(project: &mut Project, evidence: &Evidence<'_>, var: &Var, url: &Url) {
    let Some(service) = served(project, evidence, url) else { return };
    let url = if service.is_shared { &url.of_shared(&service.key) } else { url };
    let key = service.key.clone();
    let template = |url: &Url| url.template(&service.key, &service.variable, service.port);
    let note = if !url.is_open() && !var.is_public(evidence.seen) {
        let without = Url { password: None, query: String::new(), ..url.clone() };
        let without = template(&without);
        format!(
            "{} of {} holds a password that git does not track, so it is not copied here and still points at the main \
             checkout: without the password it would be `{without}`",
            var.name, var.file
        )
    } else if !url.fits(&var.name) {
        by_hand(var, UNFIT)
    } else if !url.is_plain_query() && !var.is_public(evidence.seen) {
        by_hand(var, "what follows its address may be a secret, which git does not track")
    } else {
        let template = template(url);
        project.env.push((var.name.clone(), template));
        return;
    };
    project.notes.push(note);
    project.told.insert(key);
}

fn by_hand(Var { name, file, .. }: &Var, why: &str) -> String {
    format!("{name} of {file} still points at the main checkout: set it by hand, for {why}")
}

fn port_by_hand(Var { name, file, .. }: &Var, why: &str) -> String {
    format!("{name} of {file} names the main checkout's port: set it by hand, for {why}")
}

/// The service of what a URL names.
fn served<'a>(project: &'a Project, evidence: &Evidence<'_>, url: &Url) -> Option<&'a Service> {
    let main = if url.part.is_empty() && url.kind == Kind::Redis { "0" } else { &url.part };
    let site = Clues::of(evidence, url.kind).site(url);
    let of_kind = || project.services.iter().filter(|service| service.kind == url.kind);
    let at_site = || of_kind().filter(|service| service.site == site);
    at_site()
        .find(|service| service.main == main)
        .or_else(|| at_site().next())
        .or_else(|| of_kind().next())
}

/// An address of the application itself. What leads to one on `localhost` often allows no other host name.
fn of_origin(project: &mut Project, evidence: &Evidence<'_>, var: &Var, template: String) {
    let why = if check_value(&var.name, &var.value).is_err() {
        UNFIT
    } else if !var.is_public(evidence.seen) && !origins::is_bare(&var.value) {
        "its value holds more than an address, which git does not track"
    } else {
        if origins::holds(&var.value) {
            let port = &project.ports[0].variable;
            project.url.get_or_insert_with(|| format!("http://localhost:{{{port}}}"));
        }
        if origins::is_guess(&var.value, &project.ports) {
            project.guessed.push(format!("{}={template} ({})", var.name, var.file));
        }
        project.env.push((var.name.clone(), template));
        return;
    };
    project.notes.push(port_by_hand(var, why));
}

fn of_role(project: &mut Project, evidence: &Evidence<'_>, var: &Var) {
    let address = endpoint::of(var, evidence.sql()).map(|(kind, _)| (kind, Role::Address));
    let Some((kind, role)) = address.or_else(|| evidence.role(&var.name)) else { return };
    let Some(service) = beside(project, evidence, var, kind) else { return };
    if role != Role::Url && var.is_optional && !is_beside_service(project, var, kind) {
        return;
    }
    let key = &service.key;
    let said = endpoint::port(&var.value);
    let is_address = matches!(role, Role::Address | Role::Host);
    // The name does not say of what kind the server is.
    if is_address && address.is_none() && said.is_some_and(|port| port != service.port) {
        return;
    }
    let template = match role {
        Role::Part if is_other(project, var, kind) || var.is_file() => return,
        Role::Part => Some(format!("{{{}}}", service.variable)),
        Role::Host if said.is_some() => Some(format!("{}:{{{key}.port}}", host(kind, key))),
        Role::Host if is_here(service, &var.value) => Some(var.value.clone()),
        Role::Host => Some(host(kind, key)),
        Role::Port => Some(format!("{{{key}.port}}")),
        Role::Address if said.is_none() && !var.value.is_empty() => {
            return project.notes.push(by_hand(var, "its value is no host and port"));
        }
        Role::Address if var.value.is_empty() && !is_needed(evidence, var, kind) => None,
        Role::Address => Some(format!("{}:{{{key}.port}}", host(kind, key))),
        Role::User if kind == Kind::Postgres => Some(format!("{{{key}.user}}")),
        Role::Engine => engine(evidence, var, kind),
        Role::Url if !var.value.is_empty() => None,
        Role::Url if is_needed(evidence, var, kind) => Some(whole(service)),
        // A private one is the user's own.
        Role::Password if !var.value.is_empty() && !is_known(evidence, var) => None,
        Role::Password => service.password.clone(),
        Role::Url | Role::User => None,
    };
    let Some(template) = template else { return };
    if matches!(role, Role::Engine | Role::Url) {
        project.guessed.push(format!("{}={template} ({})", var.name, var.file));
    }
    project.env.push((var.name.clone(), template));
}

/// The service of a variable for its part, or that one for its host, port or user stands beside: by what it says, else by its
/// name.
fn beside<'a>(
    project: &'a Project,
    evidence: &Evidence<'_>,
    var: &Var,
    kind: Kind,
) -> Option<&'a Service> {
    let of_kind = || project.services.iter().filter(|service| service.kind == kind);
    let prefix = roles::prefix(&var.name);
    let role = evidence.role(&var.name).map(|(_, role)| role);
    let address = endpoint::port(&var.value);
    let port = address.or_else(|| var.value.parse().ok().filter(|_| role == Some(Role::Port)));
    let by_port = || of_kind().find(|service| Some(service.port) == port);
    let by_part = of_kind().find(|service| role == Some(Role::Part) && service.main == var.value);
    let by_name = || of_kind().find(|service| service.prefix == prefix);
    by_part.or_else(by_name).or_else(by_port).or_else(|| of_kind().next())
}

/// The repository itself gives the password away.
fn is_known(evidence: &Evidence<'_>, var: &Var) -> bool {
    var.tracked || evidence.seen.is_public_password(&var.value)
}

/// A service has a variable of the same prefix.
fn is_beside_service(project: &Project, var: &Var, kind: Kind) -> bool {
    let prefix = roles::prefix(&var.name);
    project.services.iter().any(|service| service.kind == kind && service.prefix == prefix)
}

/// MySQL on this machine, under the name that the main checkout has for it: a socket or a port.
fn is_here(service: &Service, host: &str) -> bool {
    service.kind == Kind::Mysql && ["localhost", "127.0.0.1"].contains(&host)
}

/// Nothing else leads the application to the server. A variable that the main checkout leaves empty may switch on more
/// than a connection.
fn is_needed(evidence: &Evidence<'_>, var: &Var, kind: Kind) -> bool {
    let leads = |other: &Var| match Url::parse(&other.value) {
        Some(url) => url.kind == kind,
        None => evidence.role(&other.name) == Some((kind, Role::Part)),
    };
    // What only an example or a container names may be the server's own.
    let is_read = |var: &Var| evidence.seen.is_in_code(&var.name);
    let counts = |other: &&Var| other.is_named && (is_read(other) || !is_read(var));
    let mut others = evidence.vars.iter().filter(|other| other.name != var.name);
    !others.any(|other| counts(&other) && leads(other))
}

/// A service of its own stands for this variable.
fn is_other(project: &Project, var: &Var, kind: Kind) -> bool {
    project.services.iter().any(|service| service.kind == kind && service.variable == var.name)
}

/// A URL for a variable that has none in the main checkout.
fn whole(service: &Service) -> String {
    let Service { key, variable, user, kind, .. } = service;
    let word = service.password.as_ref().map_or_else(String::new, |word| format!(":{word}"));
    let (scheme, login) = match kind {
        Kind::Redis if word.is_empty() => ("redis", String::new()),
        Kind::Redis => ("redis", format!("{word}@")),
        Kind::Mysql => ("mysql", format!("{user}{word}@")),
        _ => ("postgres", format!("{{{key}.user}}{word}@")),
    };
    format!("{scheme}://{login}{}:{{{key}.port}}/{{{variable}}}", host(*kind, key))
}

/// The application's own word for the kind of database: what a file gives, or what its code compares with. An example of an
/// environment file is read by no application, so a value that is right there is set all the same.
fn engine(evidence: &Evidence<'_>, var: &Var, kind: Kind) -> Option<String> {
    let is_word = var.value.chars().all(|c| c.is_ascii_alphanumeric() || "._-+".contains(c));
    if engine::word(&var.value) == Some(kind) && is_word {
        return Some(var.value.clone());
    }
    // Other words for it are also names of a connection or of a client.
    let is_sure = ["ENGINE", "TYPE", "DB"].iter().any(|word| var.name.ends_with(word));
    if var.value.is_empty() && !is_sure {
        return None;
    }
    let (djangos, words) = match kind {
        Kind::Mysql => ("django.db.backends.mysql", ["mysql", "mariadb"]),
        _ => ("django.db.backends.postgresql", ["postgresql", "postgres"]),
    };
    if var.value.contains("django.db.backends") {
        return Some(djangos.to_owned());
    }
    let naming: Vec<&String> =
        evidence.seen.files.values().filter(|text| text.contains(&var.name)).collect();
    let is_djangos = |line: &str| line.contains("'ENGINE'") || line.contains("\"ENGINE\"");
    if naming
        .iter()
        .any(|text| text.lines().any(|line| is_djangos(line) && line.contains(&var.name)))
    {
        return Some(djangos.to_owned());
    }
    let quoted = |word: &&&str| {
        let quoted = [format!("\"{word}\""), format!("'{word}'")];
        quoted.iter().any(|word| naming.iter().any(|text| text.contains(word)))
    };
    words.iter().find(quoted).map(|word| (*word).to_owned())
}

/// A URL under its usual name for a server that no variable leads to.
fn usual(project: &mut Project, evidence: &Evidence<'_>) {
    for (kind, name) in [
        (Kind::Postgres, "DATABASE_URL"),
        (Kind::Mysql, "DATABASE_URL"),
        (Kind::Redis, "REDIS_URL"),
    ] {
        let Some(service) = project.services.iter().find(|service| service.kind == kind) else {
            continue;
        };
        let is_told = !is_frameworks(evidence, name)
            && (evidence.is_literal(kind) || project.told.contains(&service.key));
        if !is_told && !is_named(evidence, name) && !is_carried(project, evidence, service) {
            project.env.push((name.to_owned(), whole(service)));
            project
                .guessed
                .push(format!("{name}: no file says which variable the application reads"));
        }
    }
}
