//! Node.js: by the packages of each `package.json`.

use super::Framework;
use crate::model::config::Kind;
use crate::model::detect::processes::runner_of_scripts;
use crate::model::detect::seen::{Seen, dir};
use serde_json::Value;

/// Frameworks that listen, with the variable and the port that they listen on; `true`: beside another server.
const SERVERS: [(&str, &str, &str, u16, bool); 11] = [
    ("next", "Next.js", "PORT", 3000, false),
    ("nuxt", "Nuxt", "PORT", 3000, false),
    ("@remix-run/node", "Remix", "PORT", 3000, false),
    ("vite", "Vite", "VITE_PORT", 5173, true),
    ("@sveltejs/kit", "SvelteKit", "VITE_PORT", 5173, true),
    ("astro", "Astro", "VITE_PORT", 4321, true),
    ("express", "Express", "PORT", 3000, false),
    ("fastify", "Fastify", "PORT", 3000, false),
    ("koa", "Koa", "PORT", 3000, false),
    ("@nestjs/core", "NestJS", "PORT", 3000, false),
    ("hono", "Hono", "PORT", 3000, false),
];

const POSTGRES: [&str; 4] = ["pg", "postgres", "pg-promise", "@neondatabase/serverless"];
const MYSQL: [&str; 3] = ["mysql", "mysql2", "mariadb"];
const REDIS: [&str; 5] = ["redis", "ioredis", "bull", "bullmq", "connect-redis"];

/// Tools that migrate a database, with the command.
const MIGRATIONS: [(&str, &str); 5] = [
    ("prisma", "npx prisma migrate deploy"),
    ("drizzle-kit", "npx drizzle-kit migrate"),
    ("knex", "npx knex migrate:latest"),
    ("typeorm", "npx typeorm migration:run"),
    ("sequelize-cli", "npx sequelize-cli db:migrate"),
];

/// The packages that say something, the topmost first.
pub(super) fn find(seen: &Seen) -> Vec<Framework> {
    seen.named("package.json").filter_map(|file| package(seen, file)).collect()
}

/// The variable for the port of what a `package.json` runs.
pub(in crate::model::detect) fn port(seen: &Seen, file: &str) -> Option<&'static str> {
    package(seen, file)?.port.map(|(variable, _)| variable)
}

fn package(seen: &Seen, file: &str) -> Option<Framework> {
    let package: Value = serde_json::from_str(seen.text(file)).ok()?;
    let needs = |name: &str| {
        ["dependencies", "devDependencies"].iter().any(|key| package[key].get(name).is_some())
    };
    let any = |names: &[&str]| names.iter().any(|name| needs(name));
    let server = SERVERS.iter().find(|(name, ..)| needs(name));
    let (name, port, second) = match server {
        Some((_, title, variable, port, second)) => (*title, Some((*variable, *port)), *second),
        None => ("Node.js", None, false),
    };
    let mut servers = Vec::new();
    let prisma = |provider: &str| {
        seen.named("schema.prisma").any(|schema| seen.text(schema).contains(provider))
            && needs("prisma")
    };
    servers.extend((any(&POSTGRES) || prisma("\"postgresql\"")).then_some(Kind::Postgres));
    servers.extend((any(&MYSQL) || prisma("\"mysql\"")).then_some(Kind::Mysql));
    servers.extend(any(&REDIS).then_some(Kind::Redis));
    let dir = dir(file).trim_end_matches('/');
    let enter = if dir.is_empty() { String::new() } else { format!("cd {dir} && ") };
    // Only where there is a database of its own: a command that fails stops all others.
    let migrations = MIGRATIONS.iter().filter(|(tool, _)| needs(tool) && !servers.is_empty());
    let migrate = migrations.map(|(tool, command)| {
        let own = own_migration(&package, tool);
        let own = own.map(|script| format!("{} {script}", runner_of_scripts(seen, file).0));
        format!("{enter}{}", own.unwrap_or_else(|| (*command).to_owned()))
    });
    let migrate = migrate.collect();
    Some(Framework {
        found: format!("{file}: {name}"),
        port,
        second,
        servers,
        migrate,
        ..Framework::default()
    })
}

/// The package's own script that runs the migrations of a tool which finds no settings by itself.
fn own_migration(package: &Value, tool: &str) -> Option<&'static str> {
    let scripts = ["migration:run", "migrations:run", "typeorm:migrate", "db:migrate"];
    let is_there = |script: &&str| package["scripts"][script].is_string();
    scripts.into_iter().find(is_there).filter(|_| tool == "typeorm")
}
