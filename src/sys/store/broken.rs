//! Leases that cannot be read.

use crate::error::{Exit, Failure};
use crate::model::shell;
use crate::sys::fs;
use std::path::PathBuf;

/// A lease file that cannot be read. Its slots are unknown, so no slot may be handed out.
#[derive(Debug)]
pub struct Broken {
    /// The file.
    pub file: PathBuf,
    /// Why it cannot be read.
    pub why: String,
    /// The repository that it names, where so much can be read.
    pub repository: Option<PathBuf>,
}

impl Broken {
    pub(super) fn of(file: PathBuf, why: &anyhow::Error) -> Self {
        /// What every version names.
        #[derive(serde::Deserialize)]
        struct Known {
            repository: PathBuf,
        }
        let content = fs::read(&file).ok().flatten();
        let known = content.and_then(|content| serde_yaml::from_slice::<Known>(&content).ok());
        let repository = known.map(|known| known.repository);
        Broken { file, why: format!("{why:#}"), repository }
    }

    /// The id of the lease: its file is named for it.
    pub fn id(&self) -> &str {
        self.file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
    }

    /// What is wrong.
    pub fn what(&self) -> String {
        format!("cannot read the lease {}: {}", self.file.display(), self.why)
    }

    /// The failure of a command that needs it.
    pub fn failure(&self, exit: Exit) -> Failure {
        Failure::new(exit, self.what()).hint(format!(
            "its slots are unknown: restore the file, or move it away (`{}`) and run `git agentenv adopt` in its worktree",
            shell::away(&self.file)
        ))
    }
}
