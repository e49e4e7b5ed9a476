//! Patterns of paths: `*` and `?` stand for what is in a path's part, `**` for any number of parts.

/// Whether a path, relative and with `/`, matches a pattern.
pub fn matches(pattern: &str, path: &str) -> bool {
    let parts = |text: &str| text.split('/').map(str::to_owned).collect::<Vec<_>>();
    paths(&parts(pattern), &parts(path))
}

fn paths(pattern: &[String], path: &[String]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first == "**" => {
            paths(rest, path)
                || path.split_first().is_some_and(|(_, behind)| paths(pattern, behind))
        }
        (Some((first, rest)), Some((part, behind))) => {
            part_matches(first.as_bytes(), part.as_bytes()) && paths(rest, behind)
        }
        _ => false,
    }
}

/// Goes back to the last star only, so that no pattern takes long.
fn part_matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read, mut star) = (0, 0, None);
    while read < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[read] => (at, read) = (at + 1, read + 1),
            _ => match star {
                Some((begin, from)) => {
                    star = Some((begin, from + 1));
                    (at, read) = (begin + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_stay_in_a_part_and_two_do_not() {
        for (pattern, path) in [
            ("**/migrations/*.py", "a/b/migrations/0001_x.py"),
            ("**/migrations/*.py", "migrations/0001_x.py"),
            ("db/**", "db/a/b"),
            ("a/**/b/**/c", "a/x/b/y/z/c"),
            ("*a*b*", "xaxbx"),
            ("?.sql", "1.sql"),
            ("schema.rb", "schema.rb"),
        ] {
            assert!(matches(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("*.py", "a/x.py"),
            ("**/migrations/*.py", "a/migrations/b/x.py"),
            ("**/migrations/*.py", "a/migrationsx/x.py"),
            ("?.sql", "10.sql"),
            ("a*b", "ac"),
            ("db", "db/a"),
        ] {
            assert!(!matches(pattern, path), "{pattern} {path}");
        }
        assert!(!matches(&("a*".repeat(200) + "b"), &"a".repeat(2000)));
    }
}
