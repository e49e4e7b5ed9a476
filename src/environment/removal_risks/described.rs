//! What a removal takes and leaves, in words; and the question before it takes databases that hold rows.

use super::{Loss, Risks};
use crate::model::config::Kind;
use crate::model::lease::{Lease, Part};
use crate::model::measure;
use crate::service;
use crate::sys::parallel;
use crate::ui::Ui;
use anyhow::Result;
use serde::Serialize;
use std::fmt;
use std::path::Path;

/// What an environment holds of a service, and a removal takes.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Taken {
    /// The service in the configuration.
    pub service: String,
    /// The kind of the server.
    pub kind: Kind,
    /// The database, the index in decimal, or the file relative to the worktree.
    pub holds: String,
    /// Its size in bytes. Missing: not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let holds = &self.holds;
        match self.kind {
            Kind::Redis => write!(f, "redis index {holds}")?,
            Kind::Sqlite => write!(f, "sqlite file `{holds}`")?,
            Kind::Postgres | Kind::Mysql => write!(f, "database `{holds}`")?,
            Kind::Custom => write!(f, "{} `{holds}`", self.service)?,
        }
        self.bytes.map_or(Ok(()), |bytes| write!(f, " ({})", measure::size(bytes)))
    }
}

/// What of the parts of a lease is there to be taken.
pub fn taken(lease: &Lease, risks: &Risks) -> Vec<Taken> {
    let sizes = risks.sizes.iter().copied().chain(std::iter::repeat(None));
    // Without a size there is no such file, and no such database of ours.
    let is_there = |(part, bytes): &(&Part, Option<u64>)| {
        bytes.is_some() || matches!(part.kind, Kind::Redis | Kind::Custom)
    };
    let taken = |(part, bytes): (&Part, Option<u64>)| Taken {
        service: part.service.clone(),
        kind: part.kind,
        holds: part.holds.clone(),
        bytes,
    };
    lease.parts.iter().zip(sizes).filter(is_there).map(taken).collect()
}

/// What becomes of the branch.
pub fn branch(branch: Option<&str>, is_deleted: bool) -> Option<String> {
    let end = if is_deleted { "is deleted" } else { "stays" };
    branch.map(|branch| format!("branch `{branch}` {end}"))
}

/// A worktree that goes, and these lines below it.
pub fn described(verb: &str, path: &Path, lines: impl IntoIterator<Item = String>) -> String {
    let lines = lines.into_iter().map(|line| format!("  {}\n", line.replace('\n', "\n  ")));
    format!("{verb} {}\n{}", path.display(), lines.collect::<String>())
}

/// Whether a database of one of these environments holds rows, or may.
pub fn hold_rows(going: &[(&Lease, &Risks)]) -> bool {
    let parts = going.iter().flat_map(|(lease, risks)| {
        let names: Vec<String> = taken(lease, risks).into_iter().map(|part| part.service).collect();
        lease
            .parts
            .iter()
            .filter(move |part| names.contains(&part.service))
            .map(|part| (*lease, part))
    });
    let parts: Vec<(&Lease, &Part)> = parts.collect();
    let holds = |(lease, part): &(&Lease, &Part)| {
        lease.resource(part).is_ok_and(|resource| service::holds_rows(&resource, &lease.id))
    };
    parallel::each(&parts, holds).contains(&true)
}

/// Asks on a terminal whether environments are to go, and names what goes with them; Enter alone is no where rows or
/// anything else would be lost.
///
/// # Errors
/// Interrupted, unless the answer is yes.
pub fn ask(ui: &Ui, going: &[(&Lease, &Risks)], with_branch: bool) -> Result<()> {
    let loses = going.iter().any(|(_, risks)| risks.losses.iter().any(|loss| loss.needs_force));
    let described = going.iter().map(|(lease, risks)| {
        let parts = taken(lease, risks).into_iter().map(|part| part.to_string());
        let losses = risks.losses.iter().map(Loss::outlook);
        let branch = branch(lease.branch.as_deref(), with_branch);
        described("This removes", &lease.path, parts.chain(branch).chain(losses))
    });
    let question = if loses { "Remove it, and lose that?" } else { "Remove it?" };
    let described = described.collect::<String>();
    ui.agree(described.trim_end(), question, !loses && !hold_rows(going))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_says_its_kind_and_its_size() {
        let taken = |kind, holds: &str, bytes| {
            Taken { service: String::new(), kind, holds: holds.to_owned(), bytes }.to_string()
        };
        assert_eq!(taken(Kind::Postgres, "app_x", Some(7_600_000)), "database `app_x` (7.6 MB)");
        assert_eq!(taken(Kind::Redis, "3", None), "redis index 3");
        assert_eq!(taken(Kind::Sqlite, "x.db", Some(12)), "sqlite file `x.db` (12 B)");
    }
}
