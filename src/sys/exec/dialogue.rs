//! A dialogue with a command over its stdin and stdout. It gets the rest of its input only when it has printed a word:
//! a command that outlives this process, or begins late, never gets the rest. Its last word is its answer: this process
//! does not wait for the end of the program that carried it here.

use crate::sys::interrupt;
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Write, pipe};
use std::sync::mpsc::{Receiver, Sender, channel};

/// What is said to a command, and the words to listen for. A word is a whole line.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// What it gets at once.
    pub first: Vec<u8>,
    /// The word that it answers, and the rest that it gets then.
    pub then: Option<(String, Vec<u8>)>,
    /// The words after which nothing comes.
    pub last: Vec<String>,
}

/// The command's ends of the pipes, and where its answer comes in.
pub(super) struct Dialogue {
    pub(super) stdin: PipeReader,
    pub(super) stdout: PipeWriter,
    pub(super) answer: Receiver<Answer>,
}

/// What the command printed, to its last word or to the end.
pub(super) enum Answer {
    /// It has printed a line and is still running.
    Begun,
    /// It ends with one of the last words: the command has done its work.
    Whole(Vec<u8>),
    /// It broke off: how the command ends says why.
    Cut(Vec<u8>),
}

/// Begins to talk.
pub(super) fn begin(script: Script) -> Result<Dialogue> {
    let (stdin, to) = pipe().context("cannot make a pipe")?;
    let (from, stdout) = pipe().context("cannot make a pipe")?;
    let (tell, answer) = channel();
    std::thread::spawn(move || talk(script, to, from, &tell));
    Ok(Dialogue { stdin, stdout, answer })
}

/// A pipe that breaks is told by how the command ends: the command may have stopped reading.
fn talk(script: Script, mut to: PipeWriter, from: PipeReader, tell: &Sender<Answer>) {
    to.write_all(&script.first).ok();
    let mut then = script.then.map(|(word, rest)| (word, rest, to));
    let mut from = BufReader::new(from);
    let mut said = Vec::new();
    loop {
        let begin = said.len();
        if !matches!(from.read_until(b'\n', &mut said), Ok(count) if count > 0) {
            tell.send(Answer::Cut(said)).ok();
            return;
        }
        let line = said[begin..].trim_ascii_end();
        if script.last.iter().any(|last| last.as_bytes() == line) {
            tell.send(Answer::Whole(said)).ok();
            return;
        }
        if begin == 0 {
            tell.send(Answer::Begun).ok();
        }
        if let Some((_, rest, mut to)) = then.take_if(|(word, ..)| word.as_bytes() == line)
            && interrupt::check().is_ok()
        {
            to.write_all(&rest).ok();
        }
    }
}
