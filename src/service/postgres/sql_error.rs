//! What the server says when it refuses.

/// A refusal of the server.
#[derive(Debug)]
pub(super) struct SqlError {
    /// The SQLSTATE: the same in every language, unlike the message.
    pub(super) code: String,
    /// The message.
    pub(super) message: String,
}

impl SqlError {
    /// From a line such as `psql:<stdin>:3: ERROR:  42P04: database "x" already exists`.
    pub(super) fn of(stderr: &str) -> Self {
        let code_in = |line: &str| {
            line.split(": ").map(str::trim).find(|word| is_sqlstate(word)).map(str::to_owned)
        };
        let found = stderr.lines().find_map(|line| Some((line, code_in(line)?)));
        match found {
            Some((line, code)) => {
                let message = line.split_once(&format!("{code}: ")).map_or(line, |(_, rest)| rest);
                SqlError { message: format!("{message}{}", detail(stderr, line)), code }
            }
            None => SqlError { code: String::new(), message: stderr.to_owned() },
        }
    }
}

/// The line after the error, in any language, in parentheses: DETAIL names what is in the way. VERBOSITY=verbose
/// puts LOCATION, a place in the server's sources, after it.
fn detail(stderr: &str, error: &str) -> String {
    let mut after = stderr.lines().skip_while(|line| *line != error).skip(1);
    let Some((_, text)) = after.next().and_then(|line| line.split_once(":  ")) else {
        return String::new();
    };
    // `dropdb, dbcommands.c:1671` is where the error arose.
    let is_place = text.rsplit_once(':').is_some_and(|(file, line)| {
        file.ends_with(".c") && line.bytes().all(|b| b.is_ascii_digit())
    });
    if is_place { String::new() } else { format!(" ({text})") }
}

fn is_sqlstate(word: &str) -> bool {
    let upper = |b: u8| b.is_ascii_digit() || b.is_ascii_uppercase();
    word.len() == 5 && word.bytes().all(upper) && word.bytes().any(|b| b.is_ascii_digit())
}

impl std::fmt::Display for SqlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "postgres refused: {}", self.message)
    }
}

impl std::error::Error for SqlError {}

/// Whether the server refused because something uses a database.
pub(super) fn is_in_use(error: &anyhow::Error) -> bool {
    error.downcast_ref::<SqlError>().is_some_and(|sql| sql.code == "55006")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_found_in_any_language() {
        let error = SqlError::of(
            "psql:<stdin>:3: FEHLER:  42P04: Datenbank »x: y« existiert bereits\nORT:  createdb, dbcommands.c:1022",
        );
        assert_eq!(error.code, "42P04");
        assert_eq!(error.message, "Datenbank »x: y« existiert bereits");
        assert_eq!(SqlError::of("boom").message, "boom");
    }

    #[test]
    fn the_detail_is_kept_and_the_place_in_the_sources_is_not() {
        let error = SqlError::of(
            "psql:<stdin>:3: ERROR:  55006: database \"x\" is being accessed by other users\nDETAIL:  There is 1 prepared transaction using the database.\nLOCATION:  dropdb, dbcommands.c:1671",
        );
        assert_eq!(
            error.message,
            "database \"x\" is being accessed by other users (There is 1 prepared transaction using the database.)"
        );
    }
}
