//! The database that Spring Boot runs inside the application where no setting names another one.

use crate::model::detect::migrations::{MANIFESTS, is_springs};
use crate::model::detect::seen::Seen;
use crate::model::detect::vars::Var;

/// Databases that run inside the application.
const PACKAGES: [&str; 3] = ["com.h2database", "org.hsqldb", "org.apache.derby"];

/// The settings that name another one, as variables.
const SETTINGS: [&str; 2] = ["SPRING_DATASOURCE_URL", "SPRING_R2DBC_URL"];

/// Whether the application has such a database, and uses it.
pub(super) fn is_inside(seen: &Seen, vars: &[Var]) -> bool {
    let is_named = vars.iter().any(|var| SETTINGS.contains(&&*var.name) && !var.value.is_empty());
    let mut manifests = seen.ending(&MANIFESTS);
    !is_named && manifests.any(|(_, text)| is_springs(text) && has_package(text))
}

/// A dependency of the application itself, and not of its tests alone.
fn has_package(manifest: &str) -> bool {
    let blocks: Vec<&str> = match manifest.contains("<dependency>") {
        true => manifest.split("<dependency>").collect(),
        false => manifest.lines().map(str::trim).filter(|line| !line.starts_with("//")).collect(),
    };
    let is_tests = |block: &str| block.contains("<scope>test<") || block.starts_with("test");
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
        ] {
            assert_eq!(has_package(manifest), expected, "{manifest}");
        }
    }
}
