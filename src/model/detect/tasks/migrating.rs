//! The task that migrates a database, by variables that environments set.

use super::{Task, called_so};
use crate::model::config::Kind;
use crate::model::detect::paths::dir;
use crate::model::detect::processes::enter;
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

/// Commands that migrate, without their options, with the variable that each reads by itself.
const COMMANDS: [(&str, &str); 7] = [
    ("atlas migrate apply", ""),
    ("dbmate migrate", "DATABASE_URL"),
    ("dbmate up", "DATABASE_URL"),
    ("diesel migration run", "DATABASE_URL"),
    ("goose up", "GOOSE_DBSTRING"),
    ("migrate up", ""),
    ("sqlx migrate run", "DATABASE_URL"),
];

/// What stands before a database: options, variables that the programs read, and goose's words for servers.
const DATABASES: [&str; 10] = [
    "--database-url",
    "--url",
    "-D",
    "-database",
    "-u",
    "DATABASE_URL",
    "GOOSE_DBSTRING",
    "mysql",
    "pgx",
    "postgres",
];

/// What stands before the place of migrations, and goose's word for a server.
const PLACES: [&str; 10] = [
    "--dir",
    "--migration-dir",
    "--migrations-dir",
    "--source",
    "-d",
    "-dir",
    "-path",
    "-source",
    "-table",
    "GOOSE_DRIVER",
];

/// Options that stand alone.
const FLAGS: [&str; 7] =
    ["--ignore-missing", "--no-dump-schema", "--strict", "--verbose", "--wait", "-v", "-verbose"];

/// The commands of the task that does nothing but migrate databases of environments, by variables which they set. The runner
/// itself might give these variables other values, or run more.
pub(in crate::model::detect) fn migrating(
    project: &Project,
    evidence: &Evidence<'_>,
) -> Option<String> {
    let is_own = |name: &str| holds_database(project, name);
    let commands = |task: Task| {
        let lines = task.recipe.as_deref().unwrap_or_default().lines();
        let lines: Vec<&str> = lines.filter(|line| !is_told(line)).collect();
        let is_it = !lines.is_empty() && lines.iter().all(|line| migrates(line, &is_own));
        is_it.then(|| enter(dir(&task.file)) + &in_shell(&lines.join(" && ")))
    };
    named(evidence).into_iter().find_map(commands)
}

/// With variables as the shell reads them and templates of hooks do not.
fn in_shell(commands: &str) -> String {
    commands.replace(['(', '{', ')', '}'], "")
}

/// The command of a task that migrates by its name alone, where nothing else is known to migrate.
pub(in crate::model::detect) fn unsure(
    project: &Project,
    evidence: &Evidence<'_>,
) -> Option<String> {
    let is_open = project.missing.iter().any(|what| what.contains("what migrates a database"));
    named(evidence).first().filter(|_| is_open).map(Task::run)
}

fn named(evidence: &Evidence<'_>) -> Vec<Task> {
    called_so(evidence.seen, "", &NAMES, &[])
}

/// An environment's variable with the name of its database.
fn holds_database(project: &Project, name: &str) -> bool {
    let databases = project.services.iter().filter(|service| service.kind != Kind::Redis);
    let mut parts = databases.map(|service| format!("{{{}}}", service.variable));
    let own = project.env.iter().find(|(own, _)| own == name);
    own.is_some_and(|(_, template)| parts.any(|part| template.contains(&part)))
}

/// It only prints words.
fn is_told(line: &str) -> bool {
    line.starts_with("echo ") && !line.contains(['$', '`', '{', '&', '|', ';', '<', '>', '\\'])
}

/// A line is one command that migrates, and all that it names is known.
fn migrates(line: &str, is_own: &dyn Fn(&str) -> bool) -> bool {
    let line = line.replace('=', " ");
    let words = line.split_whitespace().map(|word| word.trim_matches(['"', '\'']));
    let words: Vec<&str> = words.collect();
    let (mut command, mut is_led, mut rest) = (Vec::new(), false, words.as_slice());
    while let [word, more @ ..] = rest {
        rest = match more {
            [value, more @ ..] if DATABASES.contains(word) && is_own(variable(value)) => {
                is_led = true;
                more
            }
            [value, more @ ..] if PLACES.contains(word) && is_place(value) => more,
            _ if FLAGS.contains(word) => more,
            _ => {
                command.push(*word);
                more
            }
        };
    }
    let command = command.join(" ");
    let is_it = |(known, implied): &(&str, &str)| *known == command && (is_led || is_own(implied));
    COMMANDS.iter().any(is_it)
}

/// The name of `$NAME`, `${NAME}` or `$(NAME)`.
fn variable(word: &str) -> &str {
    let name = word.strip_prefix('$').unwrap_or_default();
    let inner = |open: char, close: char| name.strip_prefix(open)?.strip_suffix(close);
    inner('(', ')').or_else(|| inner('{', '}')).unwrap_or(name)
}

fn is_place(word: &str) -> bool {
    let path = word.strip_prefix("file://").unwrap_or(word);
    path.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c))
}
