//! The engine's HTTP over its socket: one connection for each question (`HTTP/1.0`), and one that becomes a stream.

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// A connection that the engine has made a stream of a program's input and output.
pub(super) type Stream = BufReader<UnixStream>;

/// What ends the head of a message.
const END: &[u8] = b"\r\n\r\n";

/// A question without a body.
pub(super) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n")
}

/// A question with a body.
pub(super) fn post(path: &str, body: &Value) -> String {
    posted(path, "HTTP/1.0", "", body)
}

fn posted(path: &str, version: &str, more: &str, body: &Value) -> String {
    let (body, kind) = (body.to_string(), "Content-Type: application/json");
    let length = body.len();
    format!(
        "POST {path} {version}\r\nHost: docker\r\n{more}{kind}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// A text in a path or a query.
pub(super) fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The body of an answer with this status; `None`: another status, sent in chunks, or not a whole head.
pub(super) fn content<'a>(said: &'a [u8], status: &str) -> Option<&'a [u8]> {
    let end = said.windows(END.len()).position(|bytes| bytes == END)?;
    let head = std::str::from_utf8(&said[..end]).ok()?;
    let is_chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    (status_of(head) == Some(status) && !is_chunked).then_some(&said[end + END.len()..])
}

fn status_of(head: &str) -> Option<&str> {
    head.lines().next()?.split(' ').nth(1)
}

/// What the engine answers with this status; it is waited for as long as it takes.
pub(super) fn ask<T: DeserializeOwned>(socket: &Path, question: &str, status: &str) -> Option<T> {
    let mut engine = UnixStream::connect(socket).ok()?;
    engine.write_all(question.as_bytes()).ok()?;
    let mut said = Vec::new();
    engine.read_to_end(&mut said).ok()?;
    serde_json::from_slice(content(&said, status)?).ok()
}

/// The stream of what a question starts; `None`: the engine has refused to start it.
///
/// # Errors
/// When the connection breaks before the answer, or that is neither: it may have been started.
pub(super) fn upgrade(socket: &Path, path: &str, body: &Value) -> Result<Option<Stream>> {
    let Ok(mut engine) = UnixStream::connect(socket) else { return Ok(None) };
    let more = "Connection: Upgrade\r\nUpgrade: tcp\r\n";
    engine.write_all(posted(path, "HTTP/1.1", more, body).as_bytes())?;
    let mut stream = BufReader::new(engine);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let count = stream.read_line(&mut head)?;
        (count > 0).then_some(()).context("the Docker engine broke off")?;
    }
    match status_of(&head) {
        Some("101") => Ok(Some(stream)),
        Some(status) if status.starts_with('4') => Ok(None),
        _ => bail!("the Docker engine said: {}", head.lines().next().unwrap_or_default()),
    }
}
