//! Our parts under the names that the application reads.

use crate::model::config::Kind;
use crate::model::detect::carried::{is_carried, is_named};
use crate::model::detect::origins;
use crate::model::detect::roles::{self, Role};
use crate::model::detect::url::Url;
use crate::model::detect::vars::Var;
use crate::model::detect::{Evidence, Project, Service};
use crate::model::envfile::check_value;

/// Maps each variable that leads to a server, or says which one still leads to the main checkout's.
pub(super) fn variables(project: &mut Project, evidence: &Evidence<'_>) {
    for var in &evidence.vars {
        if roles::is_prefix(&var.name) && check_value(&var.name, &var.value).is_ok() {
            project.env.push((var.name.clone(), format!("{{name}}:{}", var.value)));
            continue;
        }
        match Url::parse(&var.value) {
            Some(url) => of_url(project, var, &url),
            None if origins::holds(&var.value) => of_origin(project, var),
            None => of_role(project, evidence, var),
        }
    }
    usual(project, evidence);
}

fn of_url(project: &mut Project, var: &Var, url: &Url) {
    let main = if url.part.is_empty() && url.kind == Kind::Redis { "0" } else { &url.part };
    let of_kind = || project.services.iter().filter(|service| service.kind == url.kind);
    let Some(service) = of_kind().find(|service| service.main == main).or_else(|| of_kind().next())
    else {
        return;
    };
    let url = if service.is_shared { &url.of_shared(&service.key) } else { url };
    let template = url.template(&service.key, &service.variable);
    let key = service.key.clone();
    if !url.is_open() && !var.tracked {
        let without =
            Url { password: None, ..url.clone() }.template(&service.key, &service.variable);
        project.notes.push(format!(
            "{} of {} holds a password that git does not track, so it is not copied here and still points at the main \
             checkout: without the password it would be `{without}`",
            var.name, var.file
        ));
        project.told.insert(key);
    } else if url.query || check_value(&var.name, &var.value).is_err() {
        project.notes.push(format!(
            "{} of {} still points at the main checkout: set it by hand, for its value holds what an environment file \
             cannot",
            var.name, var.file
        ));
        project.told.insert(key);
    } else {
        project.env.push((var.name.clone(), template));
    }
}

/// An address of the application itself. What leads to one on `localhost` often allows no other host name.
fn of_origin(project: &mut Project, var: &Var) {
    let Some(template) = origins::template(&var.value, &project.ports) else { return };
    if check_value(&var.name, &var.value).is_err() {
        project.notes.push(format!(
            "{} of {} names the main checkout's port: set it by hand, for its value holds what an environment file \
             cannot",
            var.name, var.file
        ));
        return;
    }
    let port = &project.ports[0].variable;
    project.url.get_or_insert_with(|| format!("http://localhost:{{{port}}}"));
    project.env.push((var.name.clone(), template));
}

fn of_role(project: &mut Project, evidence: &Evidence<'_>, var: &Var) {
    let Some((kind, role)) = roles::of(&var.name) else { return };
    let Some(service) = project.services.iter().find(|service| service.kind == kind) else {
        return;
    };
    let key = &service.key;
    let template = match role {
        Role::Part if is_other(project, var, kind) => return,
        Role::Part => Some(format!("{{{}}}", service.variable)),
        Role::Host => Some(format!("{{{key}.host}}")),
        Role::Port => Some(format!("{{{key}.port}}")),
        Role::User if kind == Kind::Postgres => Some(format!("{{{key}.user}}")),
        Role::Engine => engine(evidence, var),
        Role::Url if is_needed(evidence, var, kind) => Some(whole(service)),
        Role::Url | Role::User | Role::Password => None,
    };
    let Some(template) = template else { return };
    if matches!(role, Role::Engine | Role::Url) {
        project.guessed.push(format!("{}={template} ({})", var.name, var.file));
    }
    project.env.push((var.name.clone(), template));
}

/// Nothing else leads the application to the server. A variable that the main checkout leaves empty may switch on more
/// than a connection.
fn is_needed(evidence: &Evidence<'_>, var: &Var, kind: Kind) -> bool {
    let leads = |other: &Var| match Url::parse(&other.value) {
        Some(url) => url.kind == kind,
        None => roles::of(&other.name) == Some((kind, Role::Part)),
    };
    !evidence.vars.iter().any(|other| other.name != var.name && leads(other))
}

/// A service of its own stands for this variable.
fn is_other(project: &Project, var: &Var, kind: Kind) -> bool {
    project.services.iter().any(|service| service.kind == kind && service.variable == var.name)
}

/// A URL for a variable that has none in the main checkout.
fn whole(service: &Service) -> String {
    let Service { key, variable, .. } = service;
    match service.kind {
        Kind::Redis => format!("redis://{{{key}.host}}:{{{key}.port}}/{{{variable}}}"),
        _ => format!("postgres://{{{key}.user}}@{{{key}.host}}:{{{key}.port}}/{{{variable}}}"),
    }
}

/// The application's own word for Postgres: what a file gives, or what its code compares with. An example of an
/// environment file is read by no application, so a value that is right there is set all the same.
fn engine(evidence: &Evidence<'_>, var: &Var) -> Option<String> {
    if var.value.contains("postg") {
        return check_value(&var.name, &var.value).is_ok().then(|| var.value.clone());
    }
    if var.value.contains("django.db.backends") {
        return Some("django.db.backends.postgresql".to_owned());
    }
    let naming: Vec<&String> =
        evidence.seen.files.values().filter(|text| text.contains(&var.name)).collect();
    let is_djangos = |line: &str| line.contains("'ENGINE'") || line.contains("\"ENGINE\"");
    if naming
        .iter()
        .any(|text| text.lines().any(|line| is_djangos(line) && line.contains(&var.name)))
    {
        return Some("django.db.backends.postgresql".to_owned());
    }
    let words = ["postgresql", "postgres"];
    let quoted = |word: &&&str| {
        let quoted = [format!("\"{word}\""), format!("'{word}'")];
        quoted.iter().any(|word| naming.iter().any(|text| text.contains(word)))
    };
    words.iter().find(quoted).map(|word| (*word).to_owned())
}

/// A URL under its usual name for a server that no variable leads to.
fn usual(project: &mut Project, evidence: &Evidence<'_>) {
    for (kind, name) in [(Kind::Postgres, "DATABASE_URL"), (Kind::Redis, "REDIS_URL")] {
        let Some(service) = project.services.iter().find(|service| service.kind == kind) else {
            continue;
        };
        let is_literal = evidence.literals.iter().any(|literal| literal.kind == kind);
        let is_told = is_literal || project.told.contains(&service.key);
        if !is_told && !is_named(evidence, name) && !is_carried(project, evidence, service) {
            project.env.push((name.to_owned(), whole(service)));
            project
                .guessed
                .push(format!("{name}: no file says which variable the application reads"));
        }
    }
}
