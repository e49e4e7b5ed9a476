//! The configuration files of other programs, as our part in them comes and goes.

use crate::sys::fs;
use crate::sys::store::Store;
use anyhow::Result;
use std::path::Path;

/// Writes a file with our part in it, which held `before`. One that was not there is on record from then on; one that held
/// nothing is the user's own.
pub fn write(file: &Path, text: &str, before: Option<&str>) -> Result<()> {
    fs::write_text(file, text)?;
    match before {
        None => Store::open()?.note_created(file),
        Some(before) if is_nothing(before) => Store::open()?.forget_created(file),
        Some(_) => Ok(()),
    }
}

/// Writes what is left without our part. Where that is `nothing`, a file that this program created is deleted, and as many
/// of the directories above it as may be ours and are empty then; the user's own stays.
pub fn leave(file: &Path, rest: &str, nothing: bool, dirs: usize) -> Result<()> {
    if !nothing || !Store::open()?.was_created(file) {
        return fs::write_text(file, rest);
    }
    delete(file, dirs)
}

/// Deletes a file, and as many of the directories above it as are empty then.
pub fn delete(file: &Path, dirs: usize) -> Result<()> {
    fs::remove(file)?;
    Store::open()?.forget_created(file)?;
    for dir in file.ancestors().skip(1).take(dirs) {
        if !fs::entries(dir).is_ok_and(|has| has.is_empty()) {
            break;
        }
        fs::remove_dir(dir)?;
    }
    Ok(())
}

/// Whether nothing is said in a file.
pub fn is_nothing(text: &str) -> bool {
    let text: String = text.split_whitespace().collect();
    text.is_empty() || text == "{}"
}
