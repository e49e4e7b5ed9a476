//! Stdout: where answers go.

use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::Serialize;
use std::io::Write;

/// The version of all JSON answers. It grows when a field changes its meaning or goes away.
pub const JSON_VERSION: u32 = 1;

/// Prints a value as JSON, with the version.
pub(super) fn print_json<T: Serialize>(value: &T) -> Result<()> {
    let mut document = serde_json::to_value(value).context("cannot write the answer as JSON")?;
    if let Some(fields) = document.as_object_mut() {
        fields.insert("version".to_owned(), JSON_VERSION.into());
    }
    print(&format!("{document:#}\n"))
}

/// Prints to stdout. A closed pipe is no error, as in other tools.
pub(super) fn print(text: &str) -> Result<()> {
    written(text).map(drop)
}

/// Prints to stdout; `false`: the pipe is closed.
pub(super) fn written(text: &str) -> Result<bool> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true).context("cannot write to stdout"),
    }
}

/// Whether the reader of stdout has gone, as `head` does when it has seen enough.
pub fn reader_has_gone() -> bool {
    let stdout = std::io::stdout();
    let mut looked = [PollFd::new(&stdout, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let gone = PollFlags::ERR | PollFlags::HUP;
    poll(&mut looked, Some(&now)).is_ok_and(|_| looked[0].revents().intersects(gone))
}
