//! The database that Spring Boot runs inside the application where nothing names a server.

use crate::model::config::Kind;
use crate::model::detect::migrations::{MANIFESTS, is_springs};
use crate::model::detect::plain;
use crate::model::detect::roles::{self, Role};
use crate::model::detect::seen::Seen;
use crate::model::detect::vars::Var;

/// Databases that run inside the application.
const PACKAGES: [&str; 3] = ["com.h2database", "org.hsqldb", "org.apache.derby"];

/// What their addresses begin with, behind `jdbc:` or `r2dbc:`.
const SCHEMES: [&str; 3] = ["h2:", "hsqldb:", "derby:"];

/// Whether the application has such a database, and no setting, code or variable names a server.
pub(super) fn is_inside(seen: &Seen, vars: &[Var]) -> bool {
    let mut manifests = seen.ending(&MANIFESTS);
    let has_one = manifests.any(|(_, text)| is_springs(text) && has_package(text));
    let mut files = seen.files.iter().chain(&seen.others);
    has_one
        && !files.any(|(path, text)| plain::is_run(seen, path) && names_server(text))
        && !vars.iter().any(|var| names_server(&var.value) || is_servers(var))
}

/// Whether a text holds an address for Java of a database that is none of these.
fn names_server(text: &str) -> bool {
    let mut addresses = text.split("dbc:").skip(1);
    addresses.any(|address| !SCHEMES.iter().any(|scheme| address.starts_with(scheme)))
}

/// The variable says where a server is.
fn is_servers(var: &Var) -> bool {
    let role = roles::of(&var.name, Kind::Postgres).filter(|(kind, _)| *kind != Kind::Redis);
    let is_place = matches!(role, Some((_, Role::Host | Role::Port | Role::Address)));
    var.is_named && !var.value.is_empty() && is_place
}

/// A dependency of the application itself, and not of its tests alone.
fn has_package(manifest: &str) -> bool {
    let blocks: Vec<&str> = match manifest.contains("<dependency>") {
        true => manifest.split("<dependency>").collect(),
        false => manifest.lines().map(str::trim).filter(|line| !line.starts_with("//")).collect(),
    };
    let is_tests = |block: &str| {
        // `integrationTestRuntimeOnly 'com.h2database:h2'`
        let configuration = block.split([' ', '(']).next().unwrap_or_default().to_lowercase();
        block.contains("<scope>test<") || configuration.contains("test")
    };
    blocks
        .iter()
        .any(|block| PACKAGES.iter().any(|package| block.contains(package)) && !is_tests(block))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_for_tests_alone_is_not_the_applications() {
        for (manifest, expected) in [
            ("<dependency>\n<groupId>com.h2database</groupId>\n<scope>runtime</scope>", true),
            ("<dependency>\n<groupId>com.h2database</groupId>\n<scope>test</scope>", false),
            ("<dependency>a<scope>test</scope><dependency>org.hsqldb", true),
            ("  runtimeOnly 'com.h2database:h2'\n", true),
            ("  testRuntimeOnly 'com.h2database:h2'\n  // com.h2database\n", false),
            ("  integrationTestRuntimeOnly 'com.h2database:h2'\n", false),
        ] {
            assert_eq!(has_package(manifest), expected, "{manifest}");
        }
    }
}
