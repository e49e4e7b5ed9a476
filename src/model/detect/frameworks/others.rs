//! Frameworks of other languages, of which only the port is known.

use super::Framework;
use super::said::of_section;
use crate::model::detect::sections::development;
use crate::model::detect::seen::{Seen, dir};

/// A manifest, the package in it, the framework, and the variable that it reads its port from with the port by default.
const ROWS: [(&str, &str, &str, &str, u16); 5] = [
    ("composer.json", "\"laravel/framework\"", "Laravel", "SERVER_PORT", 8000),
    ("mix.exs", ":phoenix,", "Phoenix", "PORT", 4000),
    ("pom.xml", "spring-boot", "Spring Boot", "SERVER_PORT", 8080),
    ("build.gradle", "springframework.boot", "Spring Boot", "SERVER_PORT", 8080),
    ("build.gradle.kts", "springframework.boot", "Spring Boot", "SERVER_PORT", 8080),
];

/// The topmost of each.
pub(super) fn find(seen: &Seen) -> impl Iterator<Item = Framework> {
    ROWS.iter().filter_map(|(manifest, package, title, variable, port)| {
        let file = seen.named(manifest).find(|file| seen.text(file).contains(package))?;
        let framework = Framework {
            found: format!("{file}: {title}"),
            port: Some(((*variable).to_owned(), *port)),
            ..Framework::default()
        };
        Some(if *title == "Phoenix" { phoenix(seen, dir(file), framework) } else { framework })
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
