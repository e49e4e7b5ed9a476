//! Frameworks of other languages, of which the port and the migrations are known.

use super::Framework;
use super::said::of_section;
use crate::model::detect::paths::{dir, name};
use crate::model::detect::processes::enter;
use crate::model::detect::sections::development;
use crate::model::detect::seen::Seen;
use crate::model::shell;

/// What is known of a framework.
struct Row {
    manifest: &'static str,
    /// A package in the manifest.
    package: &'static str,
    title: &'static str,
    /// The variable that it reads its port from, with the port by default.
    port: (&'static str, u16),
    /// A file that its server needs, and the command that starts that.
    serve: (&'static str, &'static str),
    /// Where its migrations are, and the command that runs them.
    migrations: Option<(&'static str, &'static str)>,
}

const fn spring(manifest: &'static str, package: &'static str, serve: &'static str) -> Row {
    let port = ("SERVER_PORT", 8080);
    let serve = ("src/main/resources/application", serve);
    Row { manifest, package, title: "Spring Boot", port, serve, migrations: None }
}

const ROWS: [Row; 6] = [
    Row {
        manifest: "composer.json",
        package: "\"laravel/framework\"",
        title: "Laravel",
        port: ("SERVER_PORT", 8000),
        serve: ("artisan", "php artisan serve --port=$PORT"),
        migrations: Some(("database/migrations/", "php artisan migrate")),
    },
    Row {
        manifest: "composer.json",
        package: "\"symfony/framework-bundle\"",
        title: "Symfony",
        port: ("SERVER_PORT", 8000),
        serve: ("public/index.php", "php -S 127.0.0.1:$PORT -t public"),
        migrations: Some((
            "migrations/",
            "php bin/console doctrine:migrations:migrate --no-interaction",
        )),
    },
    Row {
        manifest: "mix.exs",
        package: ":phoenix,",
        title: "Phoenix",
        port: ("PORT", 4000),
        serve: ("mix.exs", "mix phx.server"),
        migrations: Some(("priv/repo/migrations/", "mix ecto.migrate")),
    },
    spring("pom.xml", "spring-boot", "mvn spring-boot:run"),
    spring("build.gradle", "springframework.boot", "gradle bootRun"),
    spring("build.gradle.kts", "springframework.boot", "gradle bootRun"),
];

/// The topmost of each, of those that start a server if there are such.
pub(super) fn find(seen: &Seen) -> impl Iterator<Item = Framework> {
    ROWS.iter().filter_map(|row| {
        // A command that has nothing to run may fail, and stops all others.
        let has = |near: &str, (inner, _): (&str, &str)| {
            // Spring's settings may lie one directory further down.
            let deeper = format!("{near}{}config/{}", dir(inner), name(inner));
            [format!("{near}{inner}"), deeper].into_iter().any(|path| {
                let mut from = seen.tracked.range(path.clone()..);
                from.next().is_some_and(|first| first.starts_with(&path))
            })
        };
        let is_it = |file: &&str| seen.text(file).contains(row.package);
        let files: Vec<&str> = seen.named(row.manifest).filter(is_it).collect();
        let mut servers = files.iter().copied().filter(|file| has(dir(file), row.serve));
        let server = servers.next();
        let file = server.or(files.first().copied())?;
        let near = dir(file);
        // Several cannot listen on one port.
        let is_one = servers.next().is_none();
        let serve = server.filter(|_| is_one).map(|_| started(seen, near, row.serve.1));
        let migrate = row.migrations.filter(|row| has(near, *row));
        let migrate = migrate.map(|(_, command)| enter(near) + command);
        let framework = Framework {
            found: format!("{file}: {}", row.title),
            port: Some((row.port.0.to_owned(), row.port.1)),
            serve: serve.map(|run| (near.to_owned(), run)),
            migrate: migrate.into_iter().collect(),
            ..Framework::default()
        };
        Some(if row.title == "Phoenix" { phoenix(seen, near, framework) } else { framework })
    })
}

/// The one application of ASP.NET Core: the option stands over what its profile for development says.
pub(super) fn dotnet(seen: &Seen) -> Option<Framework> {
    let is_web = |text: &str| text.contains("Microsoft.NET.Sdk.Web");
    let mut files =
        seen.files.iter().filter(|(path, text)| path.ends_with(".csproj") && is_web(text));
    let (file, _) = files.next().filter(|_| files.next().is_none())?;
    let run =
        format!("dotnet run --project {} -- --urls http://localhost:$PORT", shell::word(file));
    Some(Framework {
        found: format!("{file}: ASP.NET Core"),
        port: Some(("PORT".to_owned(), 5000)),
        serve: Some((dir(file).to_owned(), run)),
        ..Framework::default()
    })
}

/// A command in a directory, by the wrapper of Maven or Gradle that lies there or at the top.
fn started(seen: &Seen, near: &str, command: &str) -> String {
    let wrappers = [("mvn ", "mvnw", "-f"), ("gradle ", "gradlew", "-p")];
    let found = wrappers.iter().find_map(|(tool, wrapper, option)| {
        let goal = command.strip_prefix(tool)?;
        let own = seen.tracked.contains(&format!("{near}{wrapper}"));
        let run = || format!("{}./{wrapper} {goal}", enter(near));
        let place = || shell::word(near.trim_end_matches('/'));
        let by_top = || format!("./{wrapper} {option} {} {goal}", place());
        own.then(run).or_else(|| seen.tracked.contains(*wrapper).then(by_top))
    });
    found.unwrap_or_else(|| enter(near) + command)
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
            serve: None,
            ..framework
        },
        _ => framework,
    }
}
