//! What containers print.

use super::question;
use crate::sys::exec::{Cmd, Lines};
use anyhow::Result;

/// The last lines that a container printed, on stdout and stderr as they came.
///
/// # Errors
/// When `docker` cannot be started.
pub fn logs(container: &str, lines: usize) -> Result<Vec<String>> {
    let mut said = reading(container, lines, &[]).lines()?;
    Ok(said.rest())
}

/// The last lines that a container printed, and then what it prints, until it ends.
///
/// # Errors
/// When `docker` cannot be started.
pub fn follow(container: &str, lines: usize) -> Result<Lines> {
    reading(container, lines, &["-f"]).lines()
}

fn reading(container: &str, lines: usize, how: &[&str]) -> Cmd {
    let cmd = question("logs --tail").arg(lines.to_string()).args(how);
    cmd.args(["--", container]).patience(None)
}
