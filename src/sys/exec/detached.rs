//! A command that outlives this process.

use super::Cmd;
use anyhow::{Context, Result};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;

impl Cmd {
    /// Starts it in a process group of its own, with nothing to read, and with all that it prints in a file.
    ///
    /// Gives its process id. No process waits for it: this process is expected to end first.
    #[expect(clippy::disallowed_methods, reason = "this file starts processes")]
    pub fn detach(self, log: &Path) -> Result<u32> {
        let open = || std::fs::File::options().create(true).append(true).open(log);
        let out = open().with_context(|| format!("cannot write {}", log.display()))?;
        let err = out.try_clone().context("cannot duplicate a file descriptor")?;
        let mut command = std::process::Command::new(&self.program);
        command.args(&self.args).env_clear().envs(&self.env).process_group(0);
        command.stdin(Stdio::null()).stdout(out).stderr(err);
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        command.spawn().map(|child| child.id()).map_err(|cause| self.not_started(cause))
    }
}
