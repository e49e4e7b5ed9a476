//! The environment of this process, and what of it a child must not see.

#![expect(clippy::disallowed_methods, reason = "this file reads the environment")]

use super::process::MARKS;
use anyhow::{Context, Result};
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// Variables that git sets for the commands it runs and that would point a child in another worktree at
/// the wrong one: `git rev-parse --local-env-vars`.
const GIT_LOCAL: &[&str] = &[
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
    "GIT_OBJECT_DIRECTORY",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_REPLACE_REF_BASE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_COMMON_DIR",
    "GIT_INTERNAL_SUPER_PREFIX",
];

/// The variable in which `shell-init`'s function names the file that shall say where to go. Not for children:
/// an agent's own `add` must not move the shell that the agent was started from.
pub const GO_TO: &str = "AGENTENV_CD_FILE";

/// The variable in which that function remembers the directory before the last switch.
pub const PREVIOUS: &str = "AGENTENV_PREVIOUS";

/// The file of this program, to start it again.
pub fn program() -> Result<PathBuf> {
    std::env::current_exe().context("cannot find the file of this program")
}

/// A variable of this process, when it is set, not empty and readable text.
pub fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A variable of this process as a path, when it is set and not empty.
pub fn path(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The environment of this process.
pub fn own() -> HashMap<OsString, OsString> {
    std::env::vars_os().collect()
}

/// The environment that every child gets: this process's own, less what git set for this one call and the marks of an
/// environment, which would make the child one of its processes, whatever it works for.
pub fn for_children() -> HashMap<OsString, OsString> {
    own()
        .into_iter()
        .filter(|(name, _)| {
            name.to_str().is_none_or(|name| {
                !GIT_LOCAL.contains(&name)
                    && name != GO_TO
                    && !MARKS.contains(&name)
                    && !name.starts_with("GIT_CONFIG_KEY_")
                    && !name.starts_with("GIT_CONFIG_VALUE_")
            })
        })
        .collect()
}
