//! A command whose output is read line by line while it runs.

use super::Cmd;
use crate::sys::interrupt::{self, Ending};
use anyhow::{Context, Result};
use std::io::{self, BufRead, BufReader, PipeReader, Read};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

/// The longest line in bytes, and the most lines that wait to be taken: a longer line comes in pieces, and a command that
/// prints faster than it is read waits.
const LONGEST: u64 = 1 << 20;
const MOST: usize = 1024;

/// How often the wait for a line looks whether the command has ended.
const SLICE: Duration = Duration::from_millis(100);

/// How long a command that has ended is read on: something that it started may live on and hold its pipe.
const LAST: Duration = Duration::from_millis(500);

impl Cmd {
    /// Runs it with nothing to read, and hands over each line of its output and its errors. Gives its exit code.
    ///
    /// # Errors
    /// When the program is missing or cannot be started, or the user interrupted.
    pub fn each_line(self, print: &dyn Fn(&str) -> Result<()>) -> Result<i32> {
        let name = self.name();
        let lines = self.lines()?;
        let mut ended: Option<Instant> = None;
        loop {
            let is_over = ended.is_some_and(|at| at.elapsed() >= LAST);
            match lines.lines.recv_timeout(SLICE) {
                Ok(line) => print(&line)?,
                Err(RecvTimeoutError::Timeout) if !is_over => {}
                Err(_) => break,
            }
            if is_over && interrupt::check().is_err() {
                break;
            }
            if ended.is_none() && !matches!(lines.handle.try_wait(), Ok(None)) {
                ended = Some(Instant::now());
            }
        }
        let ended = lines.handle.wait().with_context(|| format!("cannot wait for `{name}`"))?;
        interrupt::check()?;
        Ok(super::running::code(ended.status))
    }

    /// Starts it with nothing to read; its output and its errors come line by line.
    ///
    /// # Errors
    /// As [`Cmd::each_line`].
    pub fn lines(self) -> Result<Lines> {
        let (handle, read) = self.read_whole()?;
        let registered = interrupt::register(&handle, Ending::AtOnce)?;
        let (send, lines) = mpsc::sync_channel(MOST);
        std::thread::spawn(move || {
            // Without a receiver no line is wanted any more.
            self::lines(read).map_while(Result::ok).try_for_each(|line| send.send(line))
        });
        Ok(Lines { handle, lines, _registered: registered })
    }

    fn read_whole(&self) -> Result<(Arc<duct::Handle>, PipeReader)> {
        let (read, write) = io::pipe().context("cannot create a pipe")?;
        let copy = write.try_clone().context("cannot duplicate a pipe")?;
        let expression = self.expression().stdin_null().stdout_file(write).stderr_file(copy);
        let handle = expression.start().map_err(|error| self.not_started(error))?;
        // It holds the ends for writing: without it, the output ends with the process.
        drop(expression);
        Ok((Arc::new(handle), read))
    }
}

fn lines(read: impl Read) -> impl Iterator<Item = io::Result<String>> {
    let mut read = BufReader::new(read);
    std::iter::from_fn(move || {
        let mut line = Vec::new();
        let count = read.by_ref().take(LONGEST).read_until(b'\n', &mut line);
        match count {
            Ok(0) => None,
            Ok(_) => {
                line.pop_if(|last| *last == b'\n');
                Some(Ok(String::from_utf8_lossy(&line).into_owned()))
            }
            Err(error) => Some(Err(error)),
        }
    })
}

/// The lines of a command that runs. It is ended when this goes.
pub struct Lines {
    handle: Arc<duct::Handle>,
    lines: Receiver<String>,
    _registered: interrupt::Registered,
}

impl Lines {
    /// The lines that have come since the last call, or some of them; `None`: the command has ended, and all lines were
    /// given.
    pub fn come(&mut self) -> Option<Vec<String>> {
        let mut come = Vec::new();
        loop {
            if come.len() >= MOST {
                return Some(come);
            }
            match self.lines.try_recv() {
                Ok(line) => come.push(line),
                Err(TryRecvError::Disconnected) if come.is_empty() => return None,
                Err(_) => return Some(come),
            }
        }
    }

    /// All lines until the command ends.
    pub fn rest(&mut self) -> Vec<String> {
        self.lines.iter().collect()
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        interrupt::end(&self.handle, Ending::AtOnce);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_never_ends_comes_in_pieces() {
        let mut endless = lines(io::repeat(b'x'));
        assert_eq!(endless.next().unwrap().unwrap().len() as u64, LONGEST);
        let short = lines(&b"one\n\nend"[..]).collect::<io::Result<Vec<_>>>();
        assert_eq!(short.unwrap(), ["one", "", "end"]);
    }
}
