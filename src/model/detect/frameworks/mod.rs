//! Frameworks, by the files that they need.

mod django;
mod node;
mod others;
mod python;
mod rails;
mod said;
mod serves;

pub(super) use django::{manage as django, only_localhost};
pub(super) use said::assigned;
pub(super) use serves::{By, Serves, serves};

use crate::model::config::Kind;
use crate::model::detect::seen::Seen;

/// A framework that was found.
#[derive(Debug, Clone, Default)]
pub(super) struct Framework {
    /// The file and the framework, for the user.
    pub(super) found: String,
    /// The variable for its port, and its port by default.
    pub(super) port: Option<(String, u16)>,
    /// It runs beside another one.
    pub(super) second: bool,
    /// Servers that its packages talk to.
    pub(super) servers: Vec<Kind>,
    /// Where its server starts and the command for that, in which `$PORT` stands for the variable of its port.
    pub(super) serve: Option<(String, String)>,
    /// Variables that it reads by itself, whatever the project's files say.
    pub(super) reads: &'static [&'static str],
    /// Commands that prepare a new worktree, after the packages are installed.
    pub(super) prepare: Vec<String>,
    /// Commands that migrate the database, after those.
    pub(super) migrate: Vec<String>,
    /// Databases that its tests make: patterns in which `{}` stands for the own name.
    pub(super) also: &'static [&'static str],
    /// Something that the user should know.
    pub(super) notes: Vec<String>,
}

impl Framework {
    /// Whether a variable of this name says its port.
    pub(super) fn owns(&self, variable: &str) -> bool {
        match &self.port {
            Some(_) if self.second => {
                let words = ["VITE", "NG", "FRONTEND", "WEB", "CLIENT"];
                variable.split('_').any(|word| words.contains(&word))
            }
            Some((own, _)) => own == variable || variable == "PORT",
            None => false,
        }
    }
}

/// The frameworks of a repository, the one that serves pages first.
pub(super) fn of(seen: &Seen) -> Vec<Framework> {
    [django::find(seen), rails::find(seen), python::find(seen)]
        .into_iter()
        .flatten()
        .chain(node::find(seen))
        .chain(others::find(seen))
        .chain(others::dotnet(seen))
        .collect()
}

/// The servers whose packages a text names.
fn servers(text: &str, packages: [(Kind, &[&str]); 3]) -> Vec<Kind> {
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    packages.into_iter().filter(|(_, words)| has(words)).map(|(kind, _)| kind).collect()
}
