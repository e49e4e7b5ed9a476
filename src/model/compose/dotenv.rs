//! What a `.env` decides of a compose file: compose puts its values into the file, so they are as good as the file's text.

use std::collections::{BTreeMap, HashSet};

/// The file that compose reads beside its own.
pub const DOTENV: &str = ".env";

/// The lines of a `.env` on which a compose file depends: those of variables that the file names, or that compose itself
/// reads. All of it where a line is anything but one variable, or a comment: versions of compose read such lines differently.
pub fn deciding(file: &str, env: &str) -> String {
    let named = named(file);
    let lines = env.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    let Some(lines) = lines.map(variable).collect::<Option<Vec<_>>>() else {
        return env.to_owned();
    };
    let counts = |name: &&str| {
        !name.is_empty() && named.contains(name)
            || ["COMPOSE_", "DOCKER_"].iter().any(|own| name.starts_with(own))
    };
    let lines = lines.into_iter().filter(|(name, _)| counts(name));
    lines.map(|(_, line)| format!("{line}\n")).collect()
}

/// The last line of each of these variables, which counts; a line that may be read as anything is a name of its own.
pub(super) fn last(lines: &str) -> BTreeMap<&str, &str> {
    let named = |line| variable(line).map(|(name, _)| name).filter(|name| !name.is_empty());
    lines.lines().map(|line| (named(line).unwrap_or(line), line)).collect()
}

/// The variables after a `$`, and what may be one without: an argument of a build, a variable of a container or the source
/// of a secret, which are the last word of an entry.
fn named(file: &str) -> HashSet<&str> {
    let entries = file.split(['\n', ',', '[', ']', '{', '}']).map(|entry| {
        let entry = entry.split(" #").next().unwrap_or(entry).trim_end();
        let entry =
            [" null", " ~"].iter().find_map(|none| entry.strip_suffix(none)).unwrap_or(entry);
        entry.split_whitespace().last().unwrap_or(entry).trim_matches(['"', '\'', ':'])
    });
    let bare = entries.filter(|entry| entry.chars().all(is_word));
    let names = file.split('$').skip(1).map(|rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
        &rest[..end]
    });
    names.chain(bare).filter(|name| !name.is_empty()).collect()
}

/// The variable of a line, and the line; none of a blank line or a comment. `None`: it may be read as anything.
fn variable(line: &str) -> Option<(&str, &str)> {
    let bare = line.trim_matches(' ');
    if bare.is_empty() || bare.starts_with('#') && bare.chars().all(|c| c != '\r') {
        return Some(("", line));
    }
    let (name, value) = bare.strip_prefix("export ").unwrap_or(bare).split_once('=')?;
    let is_name = !name.is_empty() && name.chars().all(is_word);
    let quoted = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    let value = quoted('"').or_else(|| quoted('\'')).unwrap_or(value);
    let is_plain = |c: char| (' '..='~').contains(&c) && !"\"'\\`$".contains(c);
    (is_name && value.chars().all(is_plain)).then_some((name, line))
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_a_variable_counts() {
        let both = BTreeMap::from([("A", "A=3"), ("B", "export B=2"), ("x", "x")]);
        assert_eq!(last("A=1\nexport B=2\nx\nA=3\n"), both);
    }

    #[test]
    fn only_the_lines_of_variables_that_the_file_names_count() {
        let file = "image: ${IMAGE:-${OTHER}}:$TAG\nport: $$NOT";
        let env = "# a comment of IMAGE=1\nKEY='secret word'\nTAG=\"2\"\n\nexport IMAGE=x\nTAGS=3\nOTHER= 4 # x\nCOMPOSE_PROFILES=a";
        let counts = "TAG=\"2\"\nexport IMAGE=x\nOTHER= 4 # x\nCOMPOSE_PROFILES=a\n";
        assert_eq!(deciding(file, env), counts);
        assert_eq!(deciding("image: x", "KEY=1\nIMAGE=2\n"), "");
    }

    #[test]
    fn variables_that_the_file_names_without_a_sign_count() {
        for file in [
            "args: [OTHER, NAME]",
            "args: { NAME: , OTHER: x }",
            "environment:\n  - NAME",
            "environment:\n  - \"NAME\" # said",
            "environment:\r\n  NAME:\r\n  OTHER: x",
            "environment:\n  NAME: null\n  OTHER: ~",
            "secrets: { x: { environment: NAME } }",
            "secrets:\n  x:\n    environment: 'NAME'",
        ] {
            assert_eq!(deciding(file, "KEY=1\nNAME=2\nNAMES=3"), "NAME=2\n", "{file}");
        }
        assert_eq!(deciding("environment:\n  NAME: x\n  KEY: y", "KEY=1\nNAME=2\n"), "");
        assert_eq!(deciding("environment: [NO_null]", "NO_=1\nNO_null=2"), "NO_null=2\n");
    }

    #[test]
    fn lines_may_end_as_on_windows() {
        assert_eq!(deciding("$NAME", "# x\r\nKEY=1\r\n\r\nNAME=2\r\n"), "NAME=2\n");
    }

    #[test]
    fn what_may_be_read_as_anything_counts_whole() {
        for line in [
            "KEY: x",
            "KEY=\"x",
            "KEY='x\\'",
            "KEY=$IMAGE",
            "KEY=\"a\" \"b\"",
            "\u{feff}KEY=1",
            "KEY=x\rIMAGE=2",
            "#\rIMAGE=2",
            "KEY",
            " KEY =1",
            "KEY=ü",
        ] {
            let env = format!("A=1\n{line}\nB=2");
            assert_eq!(deciding("$IMAGE", &env), env, "{line}");
        }
    }
}
