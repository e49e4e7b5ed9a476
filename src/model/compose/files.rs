//! What the files of a compose file are read with.

use anyhow::{Result, anyhow, bail};
use std::cell::Cell;

/// How many files may be read for one, each as often as it is named, and how many bytes in all. A branch that nobody has read
/// must not keep a command busy for hours.
const FILES: usize = 1000;
const BYTES: usize = 4 << 20;

/// Gives a file's text by its path relative to the checkout; `None`: there is none.
pub type Read<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What the files of one `load` are read with.
pub(super) struct Files<'a> {
    pub(super) read: Read<'a>,
    /// The file that names all others.
    pub(super) first: &'a str,
    /// How many files and bytes may still be read.
    left: Cell<(usize, usize)>,
}

impl<'a> Files<'a> {
    pub(super) fn of(first: &'a str, read: Read<'a>) -> Self {
        Files { read, first, left: Cell::new((FILES, BYTES)) }
    }

    /// A file that has to be there, and is counted.
    pub(super) fn text(&self, path: &str) -> Result<String> {
        let text = (self.read)(path).ok_or_else(|| anyhow!("`{path}` does not exist"))?;
        let (files, bytes) = self.left.get();
        match (files.checked_sub(1), bytes.checked_sub(text.len())) {
            (Some(files), Some(bytes)) => self.left.set((files, bytes)),
            _ => bail!(
                "`{}` and the files that it includes or extends are too many or too large",
                self.first
            ),
        }
        Ok(text)
    }
}
