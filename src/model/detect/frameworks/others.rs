//! Frameworks of other languages, of which only the port is known.

use super::Framework;
use crate::model::detect::seen::Seen;

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
        Some(Framework {
            found: format!("{file}: {title}"),
            port: Some(((*variable).to_owned(), *port)),
            ..Framework::default()
        })
    })
}
