//! Code that adds an index to a variable for Redis: `REDIS_URL + "/1"`.

use super::leads::Lead;
use super::roles::{self, Role};
use super::sections::development;
use super::seen::Seen;
use super::vars::Var;
use crate::model::config::Kind;

/// Such a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Appended {
    pub(super) name: String,
    pub(super) index: u16,
    pub(super) file: String,
    /// From 1.
    line: usize,
}

/// All of them, in the files of the project.
pub(super) fn of(seen: &Seen, vars: &[Var]) -> Vec<Appended> {
    let is_url =
        |var: &&Var| roles::of(&var.name, Kind::Postgres) == Some((Kind::Redis, Role::Url));
    let names: Vec<&str> = vars.iter().filter(is_url).map(|var| var.name.as_str()).collect();
    if names.is_empty() {
        return Vec::new();
    }
    let files = seen.files.iter().chain(&seen.others);
    let files = files.filter(|(path, _)| !seen.is_environment(path));
    files.flat_map(|(file, text)| in_file(&names, file, text)).collect()
}

fn in_file(names: &[&str], file: &str, text: &str) -> Vec<Appended> {
    let mut found = Vec::new();
    for (at, line) in development(text).lines().enumerate() {
        for (name, index) in names.iter().flat_map(|name| in_line(name, line)) {
            found.push(Appended {
                name: name.to_owned(),
                index,
                file: file.to_owned(),
                line: at + 1,
            });
        }
    }
    found
}

/// The indexes that a line adds to the variable, under its own name or that of a local one.
fn in_line<'a>(name: &'a str, line: &str) -> Vec<(&'a str, u16)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let same = |word: &str| word.replace('_', "").eq_ignore_ascii_case(&name.replace('_', ""));
    let (mut found, mut end) = (Vec::new(), 0);
    for word in line.split(|c| !is_part(c)) {
        end += word.len();
        if same(word) {
            found.extend(added(&line[end..]).map(|index| (name, index)));
        }
        end += line[end..].chars().next().map_or(0, char::len_utf8);
    }
    found
}

/// `"] + "/1"`, `}/1"`: what is put behind a value.
fn added(rest: &str) -> Option<u16> {
    let after = rest.trim_start_matches(['"', '\'', ']', ')', '}', ' ']);
    let is_inside = rest[..rest.len() - after.len()].contains('}');
    let after = match after.strip_prefix(['+', '.']) {
        Some(sum) => sum.trim_start().strip_prefix(['"', '\'', '`'])?,
        None if is_inside => after,
        None => return None,
    };
    let after = after.strip_prefix('/')?;
    let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    let is_end = after[end..].starts_with(['"', '\'', '`', '?']);
    after[..end].parse().ok().filter(|_| is_end)
}

/// Leads for them.
pub(super) fn leads(places: &[Appended]) -> Vec<Lead> {
    let lead = |Appended { name, index, file, line }: &Appended| {
        Lead::of(
            format!(
                "{file}:{line} adds `/{index}` to {name}, so it uses the main checkout's redis index {index} or another \
                 environment's"
            ),
            "read the whole URL from a variable of its own there, and set that under `env:`"
                .to_owned(),
        )
    };
    places.iter().map(lead).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_added_in_many_ways() {
        for (line, expected) in [
            ("REDIS_URL + \"/0\"", Some(0)),
            ("f\"{REDIS_URL}/1\"", Some(1)),
            ("`${redisUrl}/2`", Some(2)),
            ("\"#{ENV['REDIS_URL']}/3\"", Some(3)),
            ("os.environ[\"REDIS_URL\"] + '/4'", Some(4)),
            ("$redis_url . '/5'", Some(5)),
            ("new Redis(process.env.REDIS_URL, '/6')", None),
            ("`${REDIS_URL}/queue`", None),
            ("OTHER_REDIS_URL + \"/7\"", None),
            ("REDIS_URL", None),
        ] {
            let found = in_line("REDIS_URL", line).first().map(|(_, index)| *index);
            assert_eq!(found, expected, "{line}");
        }
    }
}
