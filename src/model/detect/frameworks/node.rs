//! Node.js: by the packages of each `package.json`.

use super::Framework;
use super::serves::{needs, serves};
use crate::model::config::Kind;
use crate::model::detect::packages::{self, runner_of_scripts};
use crate::model::detect::paths::dir;
use crate::model::detect::processes::{self, enter};
use crate::model::detect::scripts;
use crate::model::detect::seen::Seen;
use serde_json::Value;

const POSTGRES: [&str; 5] =
    ["pg", "postgres", "pg-promise", "@neondatabase/serverless", "@medusajs/medusa"];
const MYSQL: [&str; 3] = ["mysql", "mysql2", "mariadb"];
const REDIS: [&str; 5] = ["redis", "ioredis", "bull", "bullmq", "connect-redis"];

/// Tools that migrate a database, with the command.
const MIGRATIONS: [(&str, &str); 6] = [
    ("prisma", "npx prisma migrate deploy"),
    ("drizzle-kit", "npx drizzle-kit migrate"),
    ("knex", "npx knex migrate:latest"),
    ("typeorm", "npx typeorm migration:run"),
    ("@medusajs/cli", "npx medusa db:migrate"),
    ("sequelize-cli", "npx sequelize-cli db:migrate"),
];

/// The packages that say something, the topmost first.
pub(super) fn find(seen: &Seen) -> Vec<Framework> {
    let started = packages::of(seen);
    let is_started = |file: &str| started.is_empty() || started.iter().any(|one| one.file == file);
    let packages = seen.named("package.json").filter_map(|file| Some((file, package(seen, file)?)));
    let found = packages.map(|(file, package)| Framework {
        port: package.port.filter(|_| is_started(file)),
        ..package
    });
    found.collect()
}

fn package(seen: &Seen, file: &str) -> Option<Framework> {
    let package: Value = serde_json::from_str(seen.text(file)).ok()?;
    let needs = |name: &str| needs(&package, name);
    let any = |names: &[&str]| names.iter().any(|name| needs(name));
    let server = serves(seen, file);
    let name = server.as_ref().map_or("Node.js", |server| server.title);
    let second = server.as_ref().is_some_and(|server| server.is_second);
    let mut servers = Vec::new();
    let prisma = |provider: &str| {
        seen.named("schema.prisma").any(|schema| seen.text(schema).contains(provider))
            && needs("prisma")
    };
    servers.extend((any(&POSTGRES) || prisma("\"postgresql\"")).then_some(Kind::Postgres));
    servers.extend((any(&MYSQL) || prisma("\"mysql\"")).then_some(Kind::Mysql));
    servers.extend(any(&REDIS).then_some(Kind::Redis));
    let enter = enter(dir(file));
    // Only where there is a database of its own: a command that fails stops all others.
    let is_whole = |tool: &str| tool != "prisma" || has_schema(seen, file);
    let migrations = MIGRATIONS.iter().filter(|(tool, _)| needs(tool) && is_whole(tool));
    let migrations = migrations.filter(|_| !servers.is_empty());
    let migrate = migrations.map(|(tool, command)| {
        let Some(script) = own_migration(&package, tool) else {
            return format!("{enter}{command}");
        };
        // A script of this name at the top runs this one, after what it needs.
        let is_top = |top: &&str| dir(top).is_empty() && has_script(seen, top, script);
        let from = seen.named("package.json").find(is_top).unwrap_or(file);
        format!("{}{} {script}", processes::enter(dir(from)), runner_of_scripts(seen, from).0)
    });
    let migrate = migrate.collect();
    Some(Framework {
        found: format!("{file}: {name}"),
        port: server.map(|server| (server.variable, server.main)),
        second,
        servers,
        migrate,
        ..Framework::default()
    })
}

/// A schema of Prisma belongs to the nearest package above it that has the tool.
fn has_schema(seen: &Seen, file: &str) -> bool {
    let has_tool = |file: &&str| seen.text(file).contains("\"prisma\"");
    let owner = |schema: &str| {
        let above = seen.named("package.json").filter(|one| schema.starts_with(dir(one)));
        above.filter(has_tool).last() == Some(file)
    };
    let mut schemas = seen.named("schema.prisma").peekable();
    schemas.peek().is_none() || schemas.any(owner)
}

/// The package's own script that runs the migrations: the tool's command may find no settings, or not all of them.
fn own_migration(package: &Value, tool: &str) -> Option<&'static str> {
    let scripts = ["db:migrate:deploy", "migrate:deploy", "migration:run", "migrations:run"];
    let others: &[&str] = if tool == "typeorm" { &["typeorm:migrate", "db:migrate"] } else { &[] };
    let is_there = |script: &&str| package["scripts"][script].is_string();
    scripts.into_iter().chain(others.iter().copied()).find(is_there)
}

fn has_script(seen: &Seen, file: &str, script: &str) -> bool {
    scripts::scripts(seen, file).iter().any(|(name, _)| name == script)
}
