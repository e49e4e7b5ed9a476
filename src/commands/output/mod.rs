//! What commands print: typed JSON documents, and the text of summaries.

pub mod environment;
pub mod failed;
pub mod overview;
pub mod processes;
#[cfg(test)]
mod schema;
pub mod summary;

use crate::shell::Shell;
use serde::Serialize;

/// `completions` and `shell-init`: a script for a shell.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Script {
    /// The shell.
    pub shell: Shell,
    /// The script.
    pub script: String,
}
