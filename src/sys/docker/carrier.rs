//! Runs a program in a container over the engine's socket, as `docker exec -i` does. Starting the docker command for it
//! takes longer than many a question to a server.
//!
//! It is a process of its own, as the docker command would be: what waits for it, feeds it and ends it is the same. In any
//! doubt before the program has begun, it becomes the docker command.

use super::context;
use super::http::{self, Stream};
use crate::sys::env;
use crate::sys::exec::{Cmd, become_command};
use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::json;
use signal_hook::consts::SIGPIPE;
use signal_hook::low_level::emulate_default_handler;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// The argument with which this program starts itself to run a program in a container.
const CARRY: &str = "--exec-in-container";

/// The exit code when the connection to the engine broke, docker's own for it.
const FAILED: u8 = 125;

/// Whether this program carries when it is started for that; another one that uses this library does not.
static CARRIES: AtomicBool = AtomicBool::new(false);

/// The same command, carried by this program where it knows the engine's socket.
pub(super) fn carried(cmd: Cmd) -> Cmd {
    // The file of this program may have been replaced since it was started.
    let carries =
        CARRIES.load(Ordering::Relaxed) && env::program().is_ok_and(|program| program.exists());
    let Some(socket) = carries.then(context::socket).flatten() else { return cmd };
    let plain = cmd.clone();
    cmd.through_this_program([CARRY.into(), socket.into()]).unwrap_or(plain)
}

/// Runs the program that this one was started for, if it was, and gives its exit code.
pub fn carry() -> Option<u8> {
    CARRIES.store(true, Ordering::Relaxed);
    let mut args = std::env::args_os().skip(1);
    args.next().filter(|first| first == CARRY)?;
    let (socket, docker) = (PathBuf::from(args.next()?), args.next()?);
    let args: Vec<OsString> = args.collect();
    Some(carried_out(&socket, docker, args).unwrap_or_else(|error| {
        writeln!(io::stderr(), "{error:#}").ok();
        FAILED
    }))
}

fn carried_out(socket: &Path, docker: OsString, args: Vec<OsString>) -> Result<u8> {
    let begun = Task::read(&args).map(|task| task.begin(socket)).transpose()?;
    match begun.flatten() {
        Some(begun) => begun.end().context("the connection to the Docker engine broke"),
        None => Err(become_command(docker, args.into_iter())),
    }
}

/// A program to run in a container.
struct Task<'a> {
    container: &'a str,
    vars: Vec<String>,
    words: Vec<&'a str>,
}

impl<'a> Task<'a> {
    /// The task of these arguments of the docker command: `exec -i [-e <name>]... -- <container> <program>...`.
    fn read(args: &'a [OsString]) -> Option<Self> {
        let args: Option<Vec<&str>> = args.iter().map(|arg| arg.to_str()).collect();
        let args = args?;
        let end = args.iter().position(|arg| *arg == "--")?;
        let [container, words @ ..] = &args[end + 1..] else { return None };
        let names = args[..end].strip_prefix(&["exec", "-i"])?.chunks(2);
        let own = env::own();
        let vars = names.map(|pair| match pair {
            ["-e", name] => Some(format!("{name}={}", own.get(OsStr::new(name))?.to_str()?)),
            _ => None,
        });
        Some(Task { container, vars: vars.collect::<Option<_>>()?, words: words.to_vec() })
    }

    /// Starts it; `None`: the engine has refused to.
    fn begin(&self, socket: &Path) -> Result<Option<Begun>> {
        let body = json!({
            "AttachStdin": true,
            "AttachStdout": true,
            "AttachStderr": true,
            "Env": self.vars,
            "Cmd": self.words,
        });
        let path = format!("/containers/{}/exec", http::encoded(self.container));
        let made: Option<Made> = http::ask(socket, &http::post(&path, &body), "201");
        let Some(made) = made else { return Ok(None) };
        let path = format!("/exec/{}", http::encoded(&made.id));
        let start = json!({ "Detach": false, "Tty": false });
        let stream = http::upgrade(socket, &format!("{path}/start"), &start)?;
        Ok(stream.map(|stream| Begun { socket: socket.to_owned(), path, stream }))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Made {
    id: String,
}

/// What the engine says of a program that has ended.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Ended {
    exit_code: Option<u8>,
}

/// A program that the engine has started.
struct Begun {
    socket: PathBuf,
    path: String,
    stream: Stream,
}

impl Begun {
    /// Passes on what it reads and prints, and gives its exit code.
    fn end(self) -> Result<u8> {
        let Begun { socket, path, stream } = self;
        let mut to = stream.get_ref().try_clone()?;
        thread::spawn(move || feed(&mut to));
        let passed_on = pass_on(stream, io::stdout().lock(), io::stderr().lock());
        if passed_on.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe) {
            // As what prints into a pipe that nobody reads.
            emulate_default_handler(SIGPIPE)?;
        }
        passed_on?;
        let ended: Option<Ended> = http::ask(&socket, &http::get(&format!("{path}/json")), "200");
        ended
            .and_then(|ended| ended.exit_code)
            .context("the Docker engine did not say how it ended")
    }
}

fn feed(to: &mut UnixStream) {
    io::copy(&mut io::stdin().lock(), to).ok();
    to.shutdown(Shutdown::Write).ok();
}

/// The frames of an attached stream: one byte that says which output, three zeros, the length in four
/// (`ContainerAttach` in the engine's API).
///
/// # Errors
/// When it breaks off within one.
fn pass_on(mut stream: impl BufRead, mut out: impl Write, mut err: impl Write) -> io::Result<()> {
    let mut head = [0; 8];
    while !stream.fill_buf()?.is_empty() {
        stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        let mut frame = (&mut stream).take(length.into());
        let to: &mut dyn Write = if head[0] == 2 { &mut err } else { &mut out };
        io::copy(&mut frame, to)?;
        to.flush()?;
        if frame.limit() > 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(args: &[&str]) -> Option<(String, Vec<String>, Vec<String>)> {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        let task = Task::read(&args)?;
        let words = task.words.iter().map(ToString::to_string).collect();
        Some((task.container.to_owned(), task.vars, words))
    }

    #[test]
    fn the_arguments_of_docker_are_read() {
        let home = env::own()[OsStr::new("PATH")].to_str().unwrap().to_owned();
        let (container, vars, words) =
            task(&["exec", "-i", "-e", "PATH", "--", "pg", "psql", "-c", "--"]).unwrap();
        assert_eq!((&*container, vars), ("pg", vec![format!("PATH={home}")]));
        assert_eq!(words, ["psql", "-c", "--"]);
        for other in [
            &["exec", "-it", "--", "pg", "psql"][..],
            &["exec", "-i", "-u", "me", "--", "pg", "psql"],
            &["exec", "-i", "-e", "NO_SUCH_VARIABLE", "--", "pg", "psql"],
            &["exec", "-i", "--"],
            &["ps", "--", "pg"],
        ] {
            assert_eq!(task(other), None, "{other:?}");
        }
    }

    #[test]
    fn both_outputs_are_told_apart() {
        let frame = |which: u8, text: &str| {
            let length = u32::try_from(text.len()).unwrap().to_be_bytes();
            [&[which, 0, 0, 0], &length[..], text.as_bytes()].concat()
        };
        let stream = [frame(1, "one\n"), frame(2, "bad\n"), frame(1, ""), frame(1, "two")].concat();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        pass_on(&stream[..], &mut out, &mut err).unwrap();
        assert_eq!((&out[..], &err[..]), (&b"one\ntwo"[..], &b"bad\n"[..]));
        let cut = pass_on(&stream[..10], &mut out, &mut err).unwrap_err();
        assert_eq!(cut.kind(), ErrorKind::UnexpectedEof);
    }
}
