//! A command that outlives this process.

use super::{Cmd, running};
use anyhow::{Context, Result};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

/// The process group in which a command starts.
#[derive(PartialEq, Eq)]
enum Group {
    Own,
    Callers,
}

impl Cmd {
    /// Starts it in a process group of its own, with nothing to read, and with all that it prints in a file.
    ///
    /// Gives its process id. No process waits for it: this process is expected to end first.
    pub fn detach(self, log: &Path) -> Result<u32> {
        self.printing_to(log, Group::Own)
    }

    /// Starts it as [`Cmd::detach`] does, in a session of its own and without the files that this process has inherited.
    pub fn lead(self, log: &Path) -> Result<u32> {
        let leading = self.clone().leading()?.printing_to(log, Group::Callers);
        // The file of this program was replaced meanwhile.
        leading.or_else(|_| self.detach(log))
    }

    fn printing_to(&self, log: &Path, group: Group) -> Result<u32> {
        let open = || std::fs::File::options().create(true).append(true).open(log);
        let out = open().with_context(|| format!("cannot write {}", log.display()))?;
        let err = out.try_clone().context("cannot duplicate a file descriptor")?;
        Ok(self.apart(out.into(), err.into(), group)?.id())
    }

    /// Starts it as [`Cmd::detach`] does, without what it prints, and gives its exit code if it ends within this time.
    pub fn launch(self, moment: Duration) -> Result<Option<i32>> {
        let mut child = self.apart(Stdio::null(), Stdio::null(), Group::Own)?;
        let (tell, ended) = channel();
        std::thread::spawn(move || tell.send(child.wait()));
        let ended = ended.recv_timeout(moment).ok().transpose();
        let ended = ended.with_context(|| format!("cannot wait for `{}`", self.name()))?;
        Ok(ended.map(running::code))
    }

    #[expect(clippy::disallowed_methods, reason = "this file starts processes")]
    fn apart(&self, stdout: Stdio, stderr: Stdio, group: Group) -> Result<Child> {
        let mut command = std::process::Command::new(&self.program);
        command.args(&self.args).env_clear().envs(&self.env);
        if group == Group::Own {
            command.process_group(0);
        }
        command.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        command.spawn().map_err(|cause| self.not_started(cause))
    }
}
