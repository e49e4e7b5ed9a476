//! The marker lines around our block.

use super::is_name;
use indexmap::IndexMap;

/// The line below the begin mark.
const NOTE: &str =
    "# git agentenv rewrites what is between these marks; your own lines go outside.";

const END: &str = "# <<< git-agentenv <<<";

/// The content of our block. It is untrusted data from the file's author: never a reason to drop anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The id of its lease.
    pub lease_id: String,
    /// Its variables, in order.
    pub vars: IndexMap<String, String>,
}

/// The last complete block in a file.
pub fn block(bytes: &[u8]) -> Option<Block> {
    let (begin, lines) = Parted::of(bytes).block?;
    Some(Block { lease_id: begin, vars: lines.into_iter().filter_map(variable).collect() })
}

/// The block as it is written.
pub(super) fn text(lease_id: &str, vars: &IndexMap<String, String>) -> String {
    let vars = super::dotenv(vars);
    format!("# >>> git-agentenv {lease_id} >>>\n{NOTE}\n{vars}{END}\n")
}

/// A file, split into the user's lines and our block.
pub(super) struct Parted<'a> {
    /// The user's lines, with line ends.
    pub(super) user: Vec<&'a [u8]>,
    /// The number of user lines before our first block.
    pub(super) place: Option<usize>,
    /// The id and the lines of our last block.
    block: Option<(String, Vec<&'a [u8]>)>,
}

impl<'a> Parted<'a> {
    /// Lines between a pair of marks are ours. A mark without its partner is dropped; the lines around it stay.
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        let mut parted = Parted { user: Vec::new(), place: None, block: None };
        let mut open: Option<(String, Vec<&[u8]>)> = None;
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            match (Mark::of(line), &mut open) {
                (None, None) => parted.user.push(line),
                (None, Some((_, lines))) => lines.push(line),
                (Some(Mark::Begin(id)), _) => parted.keep(open.replace((id, Vec::new()))),
                (Some(Mark::End), None) => {}
                (Some(Mark::End), Some(_)) => {
                    parted.place.get_or_insert(parted.user.len());
                    parted.block = open.take();
                }
            }
        }
        parted.keep(open);
        parted
    }

    fn keep(&mut self, open: Option<(String, Vec<&'a [u8]>)>) {
        let lines = open.into_iter().flat_map(|(_, lines)| lines);
        let theirs = lines.filter(|line| line.trim_ascii() != NOTE.as_bytes());
        self.user.extend(theirs);
    }
}

enum Mark {
    Begin(String),
    End,
}

impl Mark {
    fn of(line: &[u8]) -> Option<Mark> {
        // An editor may have put a byte order mark in front.
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        let line = std::str::from_utf8(line.trim_ascii()).ok()?;
        if line == END {
            return Some(Mark::End);
        }
        let id = line.strip_prefix("# >>> git-agentenv ")?;
        let id = id.strip_suffix(" >>>")?;
        let valid = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric());
        valid.then(|| Mark::Begin(id.to_owned()))
    }
}

fn variable(line: &[u8]) -> Option<(String, String)> {
    let line = std::str::from_utf8(line.trim_ascii()).ok()?;
    let (name, value) = line.split_once('=')?;
    let inner = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    is_name(name).then(|| (name.to_owned(), inner.unwrap_or(value).to_owned()))
}
