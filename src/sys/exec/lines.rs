//! A command whose output is read line by line while it runs.

use super::Cmd;
use crate::sys::interrupt;
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader};
use std::sync::Arc;

impl Cmd {
    /// Runs it with nothing to read, and hands over each line of its output and its errors. Gives its exit code.
    ///
    /// # Errors
    /// When the program is missing or cannot be started, or the user interrupted.
    pub fn each_line(self, print: &dyn Fn(&str) -> Result<()>) -> Result<i32> {
        let (read, write) = std::io::pipe().context("cannot create a pipe")?;
        let copy = write.try_clone().context("cannot duplicate a pipe")?;
        let expression = self.expression().stdin_null().stdout_file(write).stderr_file(copy);
        let handle = expression.start().map_err(|error| self.not_started(error))?;
        // It holds the ends for writing: without it, the output ends with the process.
        drop(expression);
        let handle = Arc::new(handle);
        let _registered = interrupt::register(&handle)?;
        for line in BufReader::new(read).split(b'\n') {
            let line = line.with_context(|| format!("cannot read from `{}`", self.name()))?;
            print(&String::from_utf8_lossy(&line))?;
        }
        let ended = handle.wait().with_context(|| format!("cannot wait for `{}`", self.name()))?;
        interrupt::check()?;
        Ok(super::running::code(ended.status))
    }
}
