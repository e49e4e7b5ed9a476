//! Why a database cannot be copied.

use crate::error;
use crate::service::mysql::scripts::identifier;
use anyhow::Result;

/// Checks that every view can be read and everything else is in a dump. `refused`: what is not, and why.
///
/// # Errors
/// `Refused` with their names.
pub(super) fn require_copyable(name: &str, broken: &[String], refused: &[String]) -> Result<()> {
    if !broken.is_empty() {
        let quoted: Vec<String> = broken.iter().map(|view| format!("`{view}`")).collect();
        let message = format!(
            "cannot copy database `{name}`: what view {} reads is missing, or its definer may not read it",
            quoted.join(", ")
        );
        let views = broken.iter().map(|view| format!("{}.{}", identifier(name), identifier(view)));
        let views = views.collect::<Vec<_>>().join(", ");
        let hint = format!("create what is missing, or run: DROP VIEW {views}");
        return Err(error::refused(message).hint(hint).into());
    }
    if !refused.is_empty() {
        let message = format!("cannot copy database `{name}`: {}", refused.join(", "));
        let hint = "copy a dump instead, `from: { dump: <file> }`, or let these name no database";
        return Err(error::refused(message).hint(hint).into());
    }
    Ok(())
}
