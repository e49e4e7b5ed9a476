//! Postgres, MySQL and Redis: one service for each database or index that the project's files tell apart.

use crate::model::config::{Kind, Place};
use crate::model::detect::address::SHARED_USER;
use crate::model::detect::clues::Clues;
use crate::model::detect::compose::{self, Stack};
use crate::model::detect::roles::{self, Role};
use crate::model::detect::{Evidence, Project, Service, kept, others, render};
use crate::model::name;

/// Finds them.
pub(super) fn find(project: &mut Project, evidence: &Evidence<'_>) {
    let mut open = Vec::new();
    for kind in [Kind::Postgres, Kind::Mysql, Kind::Redis] {
        let clues = Clues::of(evidence, kind);
        if is_other(evidence, &clues) || kept::all(evidence, kind) {
            continue;
        }
        if evidence.engine.is_none() && clues.is_one_of_several() {
            let stack = clues.placed.first().map(|(stack, _)| format!("{}: servers", stack.file));
            let packages = clues.packages().next().map(|found| format!("{found}: packages"));
            open.extend(packages.or(stack));
            continue;
        }
        // Packages for tasks talk to a broker that is no Redis.
        if kind == Kind::Redis && clues.is_only_guessed() && others::broker(evidence).is_some() {
            continue;
        }
        clues.notes(project);
        for service in clues.services() {
            push(project, service);
        }
        if clues.is_only_guessed() {
            project
                .guessed
                .extend(clues.packages().map(|found| format!("{} (from {found})", title(kind))));
        }
    }
    // A variable for the engine makes the application use the server that was found.
    let mut found = project.services.iter().filter(|service| service.kind != Kind::Redis);
    if found.next().is_none() || !evidence.names_engine() {
        open.iter().for_each(|found| several(project, found));
    }
    infra(project, evidence);
    let own: Vec<String> = evidence.stacks.iter().filter_map(|stack| own(project, stack)).collect();
    project.notes.extend(own);
    stay(project, evidence);
    grants(project, evidence);
    secrets(project);
    let is_told = project.compose.as_ref().is_some_and(|file| {
        let mut stacks = evidence.stacks.iter();
        stacks.any(|stack| stack.file == *file && stack.has_servers())
    });
    if project.services.is_empty() && project.keep.is_empty() && !is_told {
        let is_file = evidence.engine == Some(Kind::Sqlite);
        let server = if is_file {
            "Postgres, MySQL and Redis: the database is a file in each worktree or in memory"
        } else {
            "a database server: no file names one"
        };
        project.missing.push(server.to_owned());
    }
}

/// The project uses another kind of database, and no file gives one of this kind; or it could use Redis, and nothing says
/// that it does. Beside SQLite, names are those of what could be used instead: only a URL says more.
fn is_other(evidence: &Evidence<'_>, clues: &Clues<'_>) -> bool {
    if clues.kind == Kind::Redis {
        return clues.is_only_possible();
    }
    let is_file = evidence.engine == Some(Kind::Sqlite);
    let is_own = evidence.engine.is_none_or(|engine| engine == clues.kind);
    !is_own && !clues.is_given(if is_file { Role::Url } else { Role::Part })
}

/// Says that there are packages or servers for several kinds of databases, and no file says which the main checkout uses.
pub(super) fn several(project: &mut Project, found: &str) {
    project.is_unserved = true;
    let note = format!(
        "{found} for several kinds of databases, and no file says which one the main checkout uses: add its service to \
         .agentenv.yaml"
    );
    if !project.notes.contains(&note) {
        project.notes.push(note);
    }
}

/// Adds a service under a name of its own.
fn push(project: &mut Project, mut service: Service) {
    let (key, variable) = (service.key.clone(), service.variable.clone());
    for number in 2..100 {
        let taken =
            |other: &Service| other.key == service.key || other.variable == service.variable;
        if !project.services.iter().any(taken) {
            break;
        }
        service.key = format!("{key}_{number}");
        service.variable = format!("{variable}_{number}");
    }
    // A server of the stack that each environment runs anew is its own already.
    if service.kind == Kind::Mysql && is_in_stack(project, &service) {
        return;
    }
    if service.is_guess {
        project.guessed.push(format!(
            "{}: `main: {}`: no file names the main checkout's database",
            service.key, service.main
        ));
    }
    project.services.push(service);
}

/// The service runs in the stack that each environment starts.
fn is_in_stack(project: &Project, service: &Service) -> bool {
    project.compose.is_some() && project.compose == service.stack
}

/// The file with the servers alone, if a service of the configuration runs there.
fn infra(project: &mut Project, evidence: &Evidence<'_>) {
    let mut files = evidence.stacks.iter().filter(|stack| stack.only_servers());
    let is_used = |stack: &&Stack| {
        let mut services = project.services.iter();
        services.any(|used| used.place.is_some() && used.stack.as_ref() == Some(&stack.file))
    };
    project.infra = files.find(is_used).map(|stack| stack.file.clone());
}

/// How the servers of a file start that `infra up` does not start, because it holds more than these.
fn own(project: &Project, stack: &Stack) -> Option<String> {
    let is_used = |service: &&compose::Service| {
        let place = Some(stack.place(service));
        project.services.iter().any(|used| used.place == place)
    };
    let names: Vec<&str> =
        stack.services.iter().filter(is_used).map(compose::Service::name).collect();
    (project.infra.as_ref() != Some(&stack.file) && !names.is_empty()).then(|| {
        let (file, start) = (&stack.file, stack.start(&names));
        format!("{file}: {} must run before `git agentenv add`: `{start}`", names.join(" and "))
    })
}

/// Says which servers stay in the stack of each environment.
fn stay(project: &mut Project, evidence: &Evidence<'_>) {
    let chosen = evidence.stacks.iter().find(|stack| project.compose.as_ref() == Some(&stack.file));
    if let Some(stack) = chosen {
        let mut own = stack.services.iter().filter(|service| service.kind == Some(Kind::Mysql));
        if let Some(server) = own.next() {
            project.notes.push(format!(
                "{}: MySQL stays in the containers of each environment, with data of its own",
                stack.why(server)
            ));
        }
        for server in &evidence.kept {
            let mut services = stack.services.iter();
            let why = match services.find(|service| server.is(stack, service)) {
                Some(service) if kept::is_asking(service) => {
                    "it asks for a password, which the shared one does not take"
                }
                _ => "no variable was found that leads the application to a part of a shared one",
            };
            project.notes.push(format!(
                "{}: {}: {} stays in the containers of each environment, with data of its own: {why}. `keep` says so",
                server.file, server.name, title(server.kind)
            ));
        }
    }
}

/// Says which variable `add` needs for a Redis that asks for a password.
fn secrets(project: &mut Project) {
    let asking = project.services.iter().filter(|service| service.kind == Kind::Redis);
    let notes = asking.filter_map(|service| {
        let (key, name) = (&service.key, service.password_env.as_ref()?);
        Some(format!("{key}: its server asks for a password: set {name} where `git agentenv` runs"))
    });
    project.notes.extend(notes.collect::<Vec<_>>());
}

/// Says which role the server of `infra up` lacks: it has none but `postgres`.
pub fn without_role(project: &Project) -> Vec<String> {
    let is_it = |service: &&Service| {
        service.kind == Kind::Postgres && service.place.is_none() && service.user != SHARED_USER
    };
    let lacking = project.services.iter().filter(is_it).map(|Service { key, user, .. }| {
        format!(
            "{key}: connects as `{user}`, and the server of `git agentenv infra up` has no role but `{SHARED_USER}`: \
             create that role there, or use your own server by `git agentenv init --host`"
        )
    });
    lacking.collect()
}

/// MySQL gives a user rights on databases by their names.
fn grants(project: &mut Project, evidence: &Evidence<'_>) {
    for service in project.services.iter().filter(|service| service.kind == Kind::Mysql) {
        let is_user =
            |name: &str| roles::of(name, evidence.sql()) == Some((Kind::Mysql, Role::User));
        let mut users = evidence.vars.iter().filter(|var| is_user(&var.name));
        let said = users.find(|var| !var.value.is_empty()).map(|var| var.value.as_str());
        let Some(user) = said.filter(|user| *user != service.user && is_plain(user)) else {
            continue;
        };
        let pattern = render::stem(&service.main).replace('_', "\\_");
        project.notes.push(format!(
            "{}: `{user}` has no rights on new databases: as {}, once: \
             GRANT ALL ON `{pattern}\\_%`.* TO '{user}'@'%'",
            service.key, service.user
        ));
    }
}

pub(super) fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Redis => "Redis",
        Kind::Mysql => "MySQL",
        _ => "Postgres",
    }
}

/// Where a service of a stack runs, as the configuration takes it.
pub(super) fn place(stack: &Stack, service: &compose::Service) -> Option<Place> {
    let place = stack.place(service);
    let plain = match &place {
        Place::Container(name) => is_plain(name),
        Place::Compose { project, service } => is_plain(project) && is_plain(service),
        Place::Host => true,
    };
    plain.then_some(place)
}

/// What the configuration takes as a name.
pub(super) fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= name::IDENTIFIER
        && !text.starts_with(['-', '.'])
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}
