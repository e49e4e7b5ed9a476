//! The stack of an environment.

use super::tool;
use crate::sys::exec::Cmd;
use anyhow::Result;
use std::path::Path;

/// Creates and starts the containers of a file that do not run yet, and builds the images that are missing. `with`
/// gives the command the directory and the variables of the environment.
///
/// # Errors
/// When compose is not installed, or fails.
pub fn up(project: &str, file: &Path, with: impl FnOnce(Cmd) -> Cmd) -> Result<()> {
    let cmd = tool::installed()?;
    let cmd = with(cmd).args(["-p", project, "-f"]).arg(file).args(["up", "-d"]);
    let output = cmd.stdin("").patience(None).output()?;
    if output.success() {
        return Ok(());
    }
    let of_port = "a port of the environment is in use: stop the process that listens there";
    let of_other = "`git agentenv logs` shows what the containers print";
    Err(tool::failed(
        &format!("cannot start the containers of project `{project}`"),
        &output,
        of_port,
        of_other,
    ))
}
