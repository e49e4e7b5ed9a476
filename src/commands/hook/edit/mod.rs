//! Edits of other programs' configuration files: only our own part comes and goes, what else is in them stays.

pub mod json;
pub mod toml;

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
    match format {
        Format::Json => json::edit(text, parts, json::remove),
        Format::Toml => toml::edit(text, parts, toml::remove),
        Format::Own(_) => Ok(text.to_owned()),
    }
}
