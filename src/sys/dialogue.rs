//! A command that gets the rest of what it reads only when it has said a word. What outlives us then, or begins
//! late, never gets the rest.

use super::interrupt;
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Write, pipe};
use std::thread::JoinHandle;

/// What a command reads, in two halves.
#[derive(Debug, Clone)]
pub struct Halves {
    /// What it gets at once.
    pub first: Vec<u8>,
    /// The line that it answers.
    pub word: String,
    /// What it gets then.
    pub rest: Vec<u8>,
}

/// The command's ends of the pipes, and the talk, which gives all that the command printed.
pub(super) struct Dialogue {
    pub(super) stdin: PipeReader,
    pub(super) stdout: PipeWriter,
    pub(super) talk: JoinHandle<Vec<u8>>,
}

/// Begins to talk.
///
/// # Errors
/// When the system has no pipes left.
pub(super) fn begin(halves: Halves) -> Result<Dialogue> {
    let (stdin, to) = pipe().context("cannot make a pipe")?;
    let (from, stdout) = pipe().context("cannot make a pipe")?;
    let talk = std::thread::spawn(move || talk(halves, to, from));
    Ok(Dialogue { stdin, stdout, talk })
}

/// A pipe that breaks is told by how the command ends.
fn talk(halves: Halves, mut to: PipeWriter, from: PipeReader) -> Vec<u8> {
    to.write_all(&halves.first).ok();
    let mut to = Some(to);
    let mut from = BufReader::new(from);
    let mut said = Vec::new();
    loop {
        let begin = said.len();
        if !matches!(from.read_until(b'\n', &mut said), Ok(count) if count > 0) {
            return said;
        }
        if said[begin..].trim_ascii_end() == halves.word.as_bytes()
            && let Some(mut to) = to.take()
            && interrupt::check().is_ok()
        {
            to.write_all(&halves.rest).ok();
        }
    }
}
