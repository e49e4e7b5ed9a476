//! Frameworks of other languages, of which the port and the migrations are known.

use super::Framework;
use super::said::of_section;
use crate::model::detect::processes::enter;
use crate::model::detect::sections::development;
use crate::model::detect::seen::{Seen, dir};

/// What is known of a framework.
struct Row {
    manifest: &'static str,
    /// A package in the manifest.
    package: &'static str,
    title: &'static str,
    /// The variable that it reads its port from, with the port by default.
    port: (&'static str, u16),
    /// Where its migrations are, and the command that runs them.
    migrations: Option<(&'static str, &'static str)>,
}

const fn spring(manifest: &'static str, package: &'static str) -> Row {
    let port = ("SERVER_PORT", 8080);
    Row { manifest, package, title: "Spring Boot", port, migrations: None }
}

const ROWS: [Row; 5] = [
    Row {
        manifest: "composer.json",
        package: "\"laravel/framework\"",
        title: "Laravel",
        port: ("SERVER_PORT", 8000),
        migrations: Some(("database/migrations/", "php artisan migrate")),
    },
    Row {
        manifest: "mix.exs",
        package: ":phoenix,",
        title: "Phoenix",
        port: ("PORT", 4000),
        migrations: Some(("priv/repo/migrations/", "mix ecto.migrate")),
    },
    spring("pom.xml", "spring-boot"),
    spring("build.gradle", "springframework.boot"),
    spring("build.gradle.kts", "springframework.boot"),
];

/// The topmost of each.
pub(super) fn find(seen: &Seen) -> impl Iterator<Item = Framework> {
    ROWS.iter().filter_map(|row| {
        let file = seen.named(row.manifest).find(|file| seen.text(file).contains(row.package))?;
        let near = dir(file);
        // A command that has nothing to run may fail, and stops all others.
        let has = |(inner, _): &(&str, &str)| {
            let path = format!("{near}{inner}");
            seen.tracked.range(path.clone()..).next().is_some_and(|first| first.starts_with(&path))
        };
        let migrate = row.migrations.filter(has).map(|(_, command)| enter(near) + command);
        let framework = Framework {
            found: format!("{file}: {}", row.title),
            port: Some((row.port.0.to_owned(), row.port.1)),
            migrate: migrate.into_iter().collect(),
            ..Framework::default()
        };
        Some(if row.title == "Phoenix" { phoenix(seen, near, framework) } else { framework })
    })
}

/// What the settings of Phoenix say of its port, which may be fixed: those that are read last count.
fn phoenix(seen: &Seen, near: &str, framework: Framework) -> Framework {
    let (variable, usual) = framework.port.clone().unwrap_or_default();
    let files = ["runtime.exs", "dev.exs", "config.exs"].map(|name| format!("{near}config/{name}"));
    let said = files.iter().find_map(|file| {
        let text = development(seen.text(file));
        let at = text.find("http: ")?;
        let line = at + text[at..].find("port:")?;
        Some((format!("{file}:{}", text[..line].lines().count()), of_section(&text[at..])?))
    });
    match said {
        Some((_, (Some(own), main))) => {
            Framework { port: Some((own, main.unwrap_or(usual))), ..framework }
        }
        Some((place, (None, Some(main)))) => Framework {
            notes: vec![format!(
                "{place}: the server listens on port {main} in every environment: make it read a variable, {variable}"
            )],
            port: Some((variable, main)),
            ..framework
        },
        _ => framework,
    }
}
