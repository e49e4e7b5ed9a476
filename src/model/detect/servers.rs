//! Postgres and Redis: from compose files, the environment file, and the packages that talk to them.

use super::compose::{self, Stack};
use super::frameworks::Framework;
use super::url::Url;
use super::{Project, Seen, Service};
use crate::model::config::{Kind, Place};
use crate::model::name;

/// An environment file's variable: name, value, file.
type Var = (String, String, &'static str);

const DATABASES: [&str; 8] = [
    "POSTGRES_DB",
    "POSTGRES_DATABASE",
    "POSTGRES_NAME",
    "PGDATABASE",
    "DB_NAME",
    "DB_DATABASE",
    "DATABASE_NAME",
    "DB",
];
const USERS: [&str; 5] = ["POSTGRES_USER", "PGUSER", "DB_USER", "DATABASE_USER", "DB_USERNAME"];
const INDEXES: [&str; 3] = ["REDIS_DB", "REDIS_DATABASE", "REDIS_INDEX"];

/// Finds them.
pub(super) fn find(
    project: &mut Project,
    seen: &Seen,
    stacks: &[Stack],
    vars: &[Var],
    frameworks: &[Framework],
) {
    for kind in [Kind::Postgres, Kind::Redis] {
        let placed = placed(stacks, kind);
        let named = named(vars, kind);
        let url =
            vars.iter().find_map(|(_, value, _)| Url::parse(value).filter(|url| url.kind == kind));
        let package = frameworks.iter().find(|framework| framework.servers.contains(&kind));
        let why = match (
            &placed,
            &named,
            vars.iter().find(|(_, value, _)| Url::parse(value).is_some_and(|url| url.kind == kind)),
            package,
        ) {
            (Some((stack, service)), ..) => stack.why(service),
            (_, Some((name, _, file)), ..) => format!("{file}: {name}"),
            (_, _, Some((name, _, file)), _) => format!("{file}: {name}"),
            (.., Some(package)) => package.found.clone(),
            _ => continue,
        };
        let container = placed.as_ref().map(|(_, service)| *service);
        project.services.push(match kind {
            Kind::Redis => redis(named, url.as_ref(), container, placed.as_ref(), why),
            _ => postgres(seen, vars, named, url.as_ref(), container, placed.as_ref(), why),
        });
    }
    if project.services.is_empty() {
        let note = "no Postgres and no Redis was found: one that is a file is each worktree's own";
        project.notes.push(note.to_owned());
    }
}

type Placed<'a> = (&'a Stack, &'a compose::Service);

fn placed(stacks: &[Stack], kind: Kind) -> Option<Placed<'_>> {
    let all =
        stacks.iter().flat_map(|stack| stack.services.iter().map(move |service| (stack, service)));
    all.into_iter().find(|(_, service)| service.kind == Some(kind))
}

fn named(vars: &[Var], kind: Kind) -> Option<Var> {
    let names: &[&str] = if kind == Kind::Redis { &INDEXES } else { &DATABASES };
    names.iter().find_map(|name| vars.iter().find(|(known, ..)| known == name)).cloned()
}

fn redis(
    named: Option<Var>,
    url: Option<&Url>,
    container: Option<&compose::Service>,
    placed: Option<&Placed<'_>>,
    why: String,
) -> Service {
    let index = |text: &str| text.parse::<u16>().ok().map(|index| index.to_string());
    let from_url = || url.and_then(|url| index(&url.database));
    let (variable, main) = match &named {
        Some((name, value, _)) => (name.clone(), index(value)),
        None => ("REDIS_DB".to_owned(), from_url()),
    };
    Service {
        kind: Kind::Redis,
        variable,
        main: main.unwrap_or_else(|| "0".to_owned()),
        user: String::new(),
        place: place(placed),
        port: port(container, url, Kind::Redis),
        why,
    }
}

fn postgres(
    seen: &Seen,
    vars: &[Var],
    named: Option<Var>,
    url: Option<&Url>,
    container: Option<&compose::Service>,
    placed: Option<&Placed<'_>>,
    why: String,
) -> Service {
    let in_container = |name: &str| container.and_then(|service| service.value(name));
    let user = USERS.iter().find_map(|name| vars.iter().find(|(known, ..)| known == name));
    let main = [
        named.as_ref().map(|(_, value, _)| value.clone()),
        url.map(|url| url.database.clone()),
        in_container("POSTGRES_DB"),
        seen.files.get("config/database.yml").and_then(|text| of_rails(text)),
    ];
    let user = [
        in_container("POSTGRES_USER"),
        user.map(|(_, value, _)| value.clone()),
        url.map(|url| url.user.clone()),
    ];
    let usable = |text: &String| is_plain(text);
    Service {
        kind: Kind::Postgres,
        variable: named.map_or("POSTGRES_DB".to_owned(), |(name, ..)| name),
        main: main
            .into_iter()
            .flatten()
            .find(usable)
            .unwrap_or_else(|| name::database(&name::repo_slug(&seen.repo))),
        user: user.into_iter().flatten().find(usable).unwrap_or_else(|| "postgres".to_owned()),
        place: place(placed),
        port: port(container, url, Kind::Postgres),
        why,
    }
}

/// The database of the section `development`. The file is a template of ERB, so it may be no YAML.
fn of_rails(text: &str) -> Option<String> {
    let section = text.lines().skip_while(|line| !line.starts_with("development:")).skip(1);
    let mut inside = section.take_while(|line| line.is_empty() || line.starts_with([' ', '#']));
    let value = inside.find_map(|line| line.trim().strip_prefix("database:"))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned())
}

fn place(placed: Option<&Placed<'_>>) -> Option<Place> {
    let place = placed.map(|(stack, service)| stack.place(service))?;
    let plain = match &place {
        Place::Container(name) => is_plain(name),
        Place::Compose { project, service } => is_plain(project) && is_plain(service),
        Place::Host => true,
    };
    plain.then_some(place)
}

fn port(container: Option<&compose::Service>, url: Option<&Url>, kind: Kind) -> u16 {
    let of_url = url.filter(|url| ["localhost", "127.0.0.1"].contains(&url.host.as_str()));
    let port = match container {
        Some(service) => service.published(),
        None => of_url.and_then(|url| url.port),
    };
    port.or(kind.port()).unwrap_or_default()
}

/// What the configuration takes as a name.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= name::IDENTIFIER
        && !text.starts_with(['-', '.'])
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}
