//! The section `trash`.

use super::Trash;
use super::reader::At;
use crate::model::config::diagnostic::Checked;
use crate::model::measure;

impl Default for Trash {
    /// A day, and 5 GB.
    fn default() -> Self {
        Trash { keep: 24 * 3_600, limit: 5_000_000_000 }
    }
}

/// Reads the section.
pub(super) fn read(at: &At) -> Checked<Trash> {
    if at.is_empty() {
        let hint = "write `trash: {}` for `{ keep: 24h, limit: 5GB }`, or leave the key out";
        return Err(at.expected("a mapping").hint(hint));
    }
    let fields = at.fields(&["keep", "limit"])?;
    let mut trash = Trash::default();
    fields.set("keep", &mut trash.keep, |at| {
        measured(at, measure::seconds, "a duration such as `24h`", "`m`, `h`, `d` or `w`")
    })?;
    fields.set("limit", &mut trash.limit, |at| {
        measured(at, measure::bytes, "a size such as `5GB`", "`MB`, `GB`, `TB`, `MiB` or `GiB`")
    })?;
    Ok(trash)
}

/// A number with its unit. Zero would keep nothing.
fn measured(
    at: &At,
    read: impl FnOnce(&str) -> Option<u64>,
    what: &str,
    units: &str,
) -> Checked<u64> {
    let expected = || {
        let hint = format!("write a whole number and {units}, without a space");
        at.expected(what).hint(hint)
    };
    let text = at.text().map_err(|_| expected())?;
    match read(&text) {
        None => Err(expected()),
        Some(0) => {
            let hint = "leave `trash` out to delete environments at once";
            Err(at.error(format!("`{text}` keeps nothing")).hint(hint))
        }
        Some(value) => Ok(value),
    }
}
