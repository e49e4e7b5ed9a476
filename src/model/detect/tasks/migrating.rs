//! The task that migrates a database, by variables that environments set.

use super::{Task, called_so, refused};
use crate::model::detect::created::is_harm;
use crate::model::detect::{Evidence, Project};

/// Names of such tasks.
const NAMES: [&str; 14] = [
    "migrate",
    "migrate-up",
    "migrate_up",
    "migrateup",
    "migrate/up",
    "migrate:up",
    "db-migrate",
    "db_migrate",
    "db:migrate",
    "db/migrate",
    "db/migrations/up",
    "migration-up",
    "migrations-up",
    "goose-up",
];

/// Programs that migrate, with the variable that they read by themselves.
const PROGRAMS: [(&str, &str); 9] = [
    ("atlas migrate apply", ""),
    ("dbmate", "DATABASE_URL"),
    ("diesel migration run", "DATABASE_URL"),
    ("goose", "GOOSE_DBSTRING"),
    ("migrate -", ""),
    ("prisma migrate deploy", "DATABASE_URL"),
    ("sql-migrate up", ""),
    ("sqlx migrate run", "DATABASE_URL"),
    ("tern migrate", ""),
];

/// The task, where all variables of databases that it names are the environment's own, and nothing else is refused in it.
pub(in crate::model::detect) fn migrating(
    project: &Project,
    evidence: &Evidence<'_>,
) -> Option<Task> {
    let is_it = |task: &Task| {
        let text = &task.text;
        let program = PROGRAMS.iter().find(|(program, _)| text.contains(program));
        let names = variables(text);
        let mut databases = names.iter().filter(|name| evidence.role(name).is_some()).peekable();
        let is_led =
            program.is_some_and(|(_, implied)| databases.peek().is_some() || project.sets(implied));
        is_led
            && databases.all(|name| project.sets(name))
            && !text.lines().filter(|line| !line.starts_with('#')).any(is_harm)
            && !refused::is_refused(evidence, text)
    };
    called_so(evidence.seen, "", &NAMES, &project.ports).into_iter().find(is_it)
}

/// The variables that a text names: `$NAME`, `${NAME}`, `$(NAME)`.
fn variables(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let parts = text.split('$').skip(1).map(|part| part.trim_start_matches(['{', '(']));
    let names = parts.map(|part| part.split(|c| !is_part(c)).next().unwrap_or_default());
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
