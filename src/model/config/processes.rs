//! `processes`: what runs in an environment.

use super::Process;
use super::reader::At;
use crate::model::config::diagnostic::Checked;
use indexmap::IndexMap;

/// The longest name: it is part of a log file's name and the first column of `ps`.
const LONGEST: usize = 40;

/// The processes, each a command, or a mapping of `run` and `ready`.
pub(super) fn read(at: &At) -> Checked<IndexMap<String, Process>> {
    at.entries()?
        .into_iter()
        .map(|(name, entry)| Ok((named(name, &entry)?, one(&entry)?)))
        .collect()
}

fn one(at: &At) -> Checked<Process> {
    if !at.is_mapping() {
        return Ok(Process { run: at.text()?, ready: None });
    }
    let fields = at.fields(&["run", "ready"])?;
    let run = fields.need("run")?.text()?;
    let ready = fields.get("ready").map(|at| at.text()).transpose()?;
    Ok(Process { run, ready })
}

fn named(name: &str, at: &At) -> Checked<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    let begins = name.starts_with(|first: char| first.is_ascii_alphanumeric());
    if begins && name.len() <= LONGEST && name.chars().all(plain) {
        return Ok(name.to_owned());
    }
    let wrong = at.error("not a name for a process");
    Err(wrong.hint(format!("use up to {LONGEST} letters, digits, `_` and `-`")))
}

#[cfg(test)]
mod tests {
    use crate::model::config::{Config, Process};

    fn parsed(text: &str) -> Result<Vec<(String, Process)>, String> {
        let config = Config::parse("f", text).map_err(|error| format!("{error:#}"))?;
        Ok(config.processes.into_iter().collect())
    }

    #[test]
    fn a_process_is_a_command_or_a_mapping() {
        let text = "processes: { web: \"serve $PORT\", mail: { run: mailhog, ready: \"true\" } }";
        let process = |run: &str, ready: Option<&str>| Process {
            run: run.to_owned(),
            ready: ready.map(str::to_owned),
        };
        let expected = [
            ("web".to_owned(), process("serve $PORT", None)),
            ("mail".to_owned(), process("mailhog", Some("true"))),
        ];
        assert_eq!(parsed(text).unwrap(), expected);
    }

    #[test]
    fn what_is_no_process_is_named_with_its_line() {
        for (text, wrong) in [
            ("processes: { ../web: x }", "processes.../web: not a name for a process"),
            ("processes: { web: { ready: x } }", "processes.web: `run` is missing"),
            ("processes: { web: { run: x, port: 1 } }", "processes.web.port: unknown key"),
            ("processes: { web: [x] }", "processes.web: expected text, found a list"),
        ] {
            assert_eq!(parsed(text).unwrap_err(), format!("f:1: {wrong}"));
        }
    }
}
