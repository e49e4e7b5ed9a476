//! Edits of other programs' configuration files: only our own part comes and goes, what else is in them stays.

pub mod json;
pub mod toml;

use crate::model::shell;
use anyhow::Result;

/// What we put into a configuration file.
#[derive(Debug, Clone)]
pub enum Part {
    /// A command in front of what a script does. The script is a string.
    Script {
        /// The keys that lead to it.
        at: &'static [&'static str],
        /// The command.
        command: &'static str,
        /// The key goes when nothing else is in it.
        optional: bool,
    },
    /// Strings in a list.
    Elements {
        /// The lists that are possible: the first that exists, else the last.
        keys: &'static [&'static str],
        /// The strings.
        values: Vec<String>,
        /// They go in front of what is there.
        first: bool,
        /// The list in which we note those that we put in, where the strings themselves do not show it.
        noted: Option<&'static str>,
    },
    /// A command that runs on an event.
    Hook {
        /// The event.
        event: &'static str,
        /// The command.
        command: &'static str,
        /// The time limit, in the unit of the program.
        timeout: u32,
        /// The tool that the event is about.
        matcher: Option<&'static str>,
    },
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON, perhaps with comments.
    Json,
    /// TOML.
    Toml,
    /// A file that is ours alone, and begins with this line.
    Own(&'static str),
}

/// Stands between our command and the rest of a script on one line.
const AND: &str = " && ";

/// The text with our parts; the same text if they are in it.
pub fn install(format: Format, text: &str, parts: &[Part]) -> Result<String> {
    match format {
        Format::Json => json::edit(text, parts, json::insert),
        Format::Toml => toml::edit(text, parts, toml::insert),
        Format::Own(_) => Ok(text.to_owned()),
    }
}

/// The text without our parts; the same text if none is in it.
pub fn uninstall(format: Format, text: &str, parts: &[Part]) -> Result<String> {
    if text.trim().is_empty() {
        return Ok(text.to_owned());
    }
    match format {
        Format::Json => json::edit(text, parts, json::remove),
        Format::Toml => toml::edit(text, parts, toml::remove),
        Format::Own(_) => Ok(text.to_owned()),
    }
}

/// Whether all of our parts are in the text, be they up to date or not.
pub fn is_in(format: Format, text: &str, parts: &[Part]) -> bool {
    parts.iter().all(|part| match part {
        Part::Hook { event, command, .. } => json::has_hook(text, event, command),
        _ => install(format, text, std::slice::from_ref(part)).is_ok_and(|with| with == text),
    })
}

/// Those of our commands that scripts in the text run.
pub fn still_run(format: Format, text: &str, parts: &[Part]) -> Vec<&'static str> {
    let scripts = |at| match format {
        Format::Json => json::scripts(text, at),
        Format::Toml => toml::scripts(text, at),
        Format::Own(_) => Vec::new(),
    };
    let still = |part: &Part| match part {
        Part::Script { at, command, .. } => {
            scripts(at).iter().any(|script| runs(script, command)).then_some(*command)
        }
        _ => None,
    };
    parts.iter().filter_map(still).collect()
}

/// Whether one of a script's commands is this one: its words in a comment or in another command are not.
fn runs(script: &str, command: &str) -> bool {
    shell::commands(script).iter().any(|found| found == command)
}

/// The script with a command in front, but behind a first line that names the interpreter.
fn in_front(script: &str, command: &str, joint: &str, newline: &str) -> String {
    match interpreter(script, newline) {
        "" => format!("{command}{joint}{script}"),
        first => format!("{first}{command}{newline}{}", &script[first.len()..]),
    }
}

/// The script without the command that [`in_front`] put into it.
fn without(script: &str, command: &str, newline: &str) -> Option<String> {
    let first = interpreter(script, newline);
    let rest = script[first.len()..].strip_prefix(command)?;
    let rest = [AND, newline].iter().find_map(|joint| rest.strip_prefix(joint))?;
    Some(format!("{first}{rest}"))
}

/// The first line with its end, if it names the interpreter of a script.
fn interpreter<'a>(script: &'a str, newline: &str) -> &'a str {
    let end = script.find(newline).filter(|_| script.starts_with("#!"));
    end.map_or("", |end| &script[..end + newline.len()])
}
