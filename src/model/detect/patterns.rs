//! What lines hold by which git finds files of an application: extended regular expressions, without regard to case, which mean
//! the same in the syntax of Perl.

use super::fixed::{ADDRESS, LANGUAGES};
use super::frameworks::CHECKED;
use super::migrations::EMBEDDED;
use super::others::SCHEMES;

/// A line that names a server or a database, or reads a variable for one. For `OTHERS` stand the schemes of servers of other
/// kinds.
const SERVERS: &str = "env[a-z_:.]*[^a-z0-9]{1,3}[a-z0-9_]*(database|postgres|postgresql|pg|mysql|mariadb|redis|valkey|db|broker|cache)_?(url|uri|dsn|name|host|database|db)|(postgres(ql)?|postgis|psql|mysql2?|mariadb|rediss?|ecto|OTHERS)(\\+[a-z0-9]+)?://|(^|[^a-z_-])(database|dbname|database_name|db_name)[\"']?[ ]*(=>|[:=])|(addr|address|host|endpoint)[\"']?[ ]*(=>|[:=]+)[ ]*[\"'`]?[a-z0-9_.-]*:(5432|3306|6379)";

/// Lines that name a server or a database, or read a variable for one.
pub fn servers() -> String {
    SERVERS.replace("OTHERS", &SCHEMES.join("|"))
}

/// Lines of code that migrate when the program starts, or that say where it listens.
pub fn starts() -> String {
    let migrating = EMBEDDED.iter().flat_map(|(.., words)| words.iter());
    let sure = migrating.chain(LANGUAGES.iter().flat_map(|one| one.listening));
    let others = LANGUAGES.iter().flat_map(|one| one.others);
    let (sure, others, address) = (any(sure), any(others), any(&ADDRESS));
    format!("{sure}|({others})[^)]*({address}|[0-9]{{4,5}})")
}

/// Queries of SQLx that are checked when they are compiled.
pub fn checked() -> String {
    any(&CHECKED)
}

/// One of these texts.
fn any<'a>(texts: impl IntoIterator<Item = &'a &'static str>) -> String {
    let escaped = texts.into_iter().map(|text| text.replace('.', "\\.").replace('(', "\\("));
    escaped.collect::<Vec<_>>().join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_patterns_hold_what_code_is_searched_for() {
        for word in ["migrate!\\(", "|goose\\.Up|", "ListenAndServe\\(", "(\\.bind\\(|"] {
            assert!(starts().contains(word), "{word}: {}", starts());
        }
        assert!(checked().contains("|query_file_scalar!\\("), "{}", checked());
        assert!(servers().contains("|ecto|") && !servers().contains("OTHERS"), "{}", servers());
    }
}
