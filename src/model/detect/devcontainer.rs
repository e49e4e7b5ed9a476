//! What `devcontainer.json`, the file of a container for an editor, says of the application that runs there.

use super::seen::Seen;
use serde_json::Value;

/// The first of these files, with its path; none where it cannot be read.
pub(super) fn read(seen: &Seen) -> Option<(&str, Value)> {
    let file = seen.named("devcontainer.json").next()?;
    Some((file, serde_json::from_str(&plain(seen.text(file))).ok()?))
}

/// The file, and the variables that the container and what runs in it get. A value of the machine's own is none.
pub(super) fn variables(seen: &Seen) -> Option<(&str, Vec<(String, String)>)> {
    let (file, settings) = read(seen)?;
    let sections = ["containerEnv", "remoteEnv"].map(|key| settings[key].as_object().cloned());
    let vars = sections.into_iter().flatten().flatten();
    let said = vars.filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())));
    Some((file, said.filter(|(_, value)| !value.contains("${")).collect()))
}

/// The file, and the ports of the container that this machine sees, in order; those of other services are left out.
pub(super) fn ports(seen: &Seen) -> Option<(&str, Vec<u16>)> {
    let (file, settings) = read(seen)?;
    let ports = settings["forwardPorts"].as_array()?.iter();
    Some((file, ports.filter_map(|port| u16::try_from(port.as_u64()?).ok()).collect()))
}

/// JSON without the comments and the last commas that this file may have.
fn plain(text: &str) -> String {
    let (mut kept, mut rest) = (String::with_capacity(text.len()), text);
    let mut in_string = false;
    while let Some(c) = rest.chars().next() {
        let (taken, written) = match c {
            '\\' if in_string => (1 + rest[1..].chars().next().map_or(0, char::len_utf8), true),
            '"' => {
                in_string = !in_string;
                (1, true)
            }
            _ if in_string => (c.len_utf8(), true),
            '/' if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), false),
            '/' if rest.starts_with("/*") => {
                (rest[2..].find("*/").map_or(rest.len(), |at| at + 4), false)
            }
            '}' | ']' => {
                let end = kept.trim_end().trim_end_matches(',').len();
                kept.truncate(end);
                (1, true)
            }
            _ => (c.len_utf8(), true),
        };
        kept.extend(written.then(|| &rest[..taken]));
        rest = &rest[taken..];
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_last_commas_are_no_json() {
        for (text, json) in [
            (
                "// a\n{ \"a\": \"b // c\", /* d */ \"e\": [1, 2,], }",
                "{ \"a\": \"b // c\",  \"e\": [1, 2]}",
            ),
            ("{ \"a\": \"\\\"//\" } // x", "{ \"a\": \"\\\"//\"}"),
            ("/*/ { */ {} /**/", "{}"),
            ("/*/ never ended", ""),
            ("{ \"ä\": \"\\", "{ \"ä\": \"\\"),
        ] {
            assert_eq!(plain(text).trim(), json, "{text}");
        }
    }
}
