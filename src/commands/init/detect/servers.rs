//! Postgres and Redis: from compose files, the environment file, and the packages that talk to them.

use crate::commands::init::detect::compose::{self, Stack};
use crate::commands::init::detect::url::Url;
use crate::commands::init::detect::{Evidence, Project, Service, Var};
use crate::model::config::{Kind, Place};
use crate::model::name;

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
pub(super) fn find(project: &mut Project, evidence: &Evidence<'_>) {
    let kinds = [Kind::Postgres, Kind::Redis].into_iter();
    project.services.extend(kinds.filter_map(|kind| Clues::of(evidence, kind).service()));
    if project.services.is_empty() {
        let note = "no Postgres and no Redis was found: one that is a file is each worktree's own";
        project.notes.push(note.to_owned());
    }
}

/// What says something of one server.
struct Clues<'a> {
    evidence: &'a Evidence<'a>,
    kind: Kind,
    /// Its service in a compose file.
    placed: Option<(&'a Stack, &'a compose::Service)>,
    /// The variable that names the main checkout's part.
    named: Option<&'a Var>,
    /// The variable that holds its URL.
    url: Option<(&'a Var, Url)>,
}

impl<'a> Clues<'a> {
    fn of(evidence: &'a Evidence<'a>, kind: Kind) -> Self {
        let stacks = evidence.stacks.iter();
        let mut all =
            stacks.flat_map(|stack| stack.services.iter().map(move |service| (stack, service)));
        let url = |var: &'a Var| {
            let url = Url::parse(&var.value).filter(|url| url.kind == kind)?;
            Some((var, url))
        };
        let names: &[&str] = if kind == Kind::Redis { &INDEXES } else { &DATABASES };
        Clues {
            evidence,
            kind,
            placed: all.find(|(_, service)| service.kind == Some(kind)),
            named: evidence.first_of(names),
            url: evidence.vars.iter().find_map(url),
        }
    }

    /// The service to write, when anything says that there is one.
    fn service(&self) -> Option<Service> {
        let why = self.why()?;
        let (variable, main, user) = match self.kind {
            Kind::Redis => ("REDIS_DB", self.index(), String::new()),
            _ => ("POSTGRES_DB", self.database(), self.user()),
        };
        Some(Service {
            kind: self.kind,
            variable: self.named.map_or(variable, |var| &var.name).to_owned(),
            main,
            user,
            place: self.place(),
            port: self.port(),
            why,
        })
    }

    fn why(&self) -> Option<String> {
        if let Some((stack, service)) = self.placed {
            return Some(stack.why(service));
        }
        if let Some(var) = self.named.or(self.url.as_ref().map(|(var, _)| *var)) {
            return Some(format!("{}: {}", var.file, var.name));
        }
        let mut packages = self.evidence.frameworks.iter();
        let package = packages.find(|framework| framework.servers.contains(&self.kind));
        package.map(|framework| framework.found.clone())
    }

    fn index(&self) -> String {
        let text = match self.named {
            Some(var) => Some(var.value.as_str()),
            None => self.url().map(|url| url.database.as_str()),
        };
        text.and_then(|text| text.parse::<u16>().ok()).unwrap_or(0).to_string()
    }

    fn database(&self) -> String {
        let rails = self.evidence.seen.files.get("config/database.yml");
        let said = [
            self.named.map(|var| var.value.clone()),
            self.url().map(|url| url.database.clone()),
            self.in_container("POSTGRES_DB"),
            rails.and_then(|text| of_rails(text)),
        ];
        let repo = || name::database(&name::repo_slug(&self.evidence.seen.repo));
        said.into_iter().flatten().find(|text| is_plain(text)).unwrap_or_else(repo)
    }

    fn user(&self) -> String {
        let said = [
            self.in_container("POSTGRES_USER"),
            self.evidence.first_of(&USERS).map(|var| var.value.clone()),
            self.url().map(|url| url.user.clone()),
        ];
        let usual = || "postgres".to_owned();
        said.into_iter().flatten().find(|text| is_plain(text)).unwrap_or_else(usual)
    }

    fn place(&self) -> Option<Place> {
        let place = self.placed.map(|(stack, service)| stack.place(service))?;
        let plain = match &place {
            Place::Container(name) => is_plain(name),
            Place::Compose { project, service } => is_plain(project) && is_plain(service),
            Place::Host => true,
        };
        plain.then_some(place)
    }

    fn port(&self) -> u16 {
        let is_here = |url: &&Url| ["localhost", "127.0.0.1"].contains(&url.host.as_str());
        let port = match self.placed {
            Some((_, service)) => service.published(),
            None => self.url().filter(is_here).and_then(|url| url.port),
        };
        port.or(self.kind.port()).unwrap_or_default()
    }

    fn url(&self) -> Option<&Url> {
        self.url.as_ref().map(|(_, url)| url)
    }

    fn in_container(&self, name: &str) -> Option<String> {
        self.placed.and_then(|(_, service)| service.value(name))
    }
}

/// The database of the section `development`. The file is a template of ERB, so it may be no YAML.
fn of_rails(text: &str) -> Option<String> {
    let section = text.lines().skip_while(|line| !line.starts_with("development:")).skip(1);
    let mut inside = section.take_while(|line| line.is_empty() || line.starts_with([' ', '#']));
    let value = inside.find_map(|line| line.trim().strip_prefix("database:"))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned())
}

/// What the configuration takes as a name.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= name::IDENTIFIER
        && !text.starts_with(['-', '.'])
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}
