//! The plan for an environment that gets another name.

use super::{Data, Facts, Request, Start, Target, identity, set_variables};
use crate::model::config::Config;
use crate::model::lease::Lease;
use anyhow::Result;
use indexmap::IndexMap;

/// The lease under a name made of `new`, with the variables and, where the worktree is in the place that the configuration
/// gives it, the path of that name. What the servers hold keeps its name, and so does the Compose project: its volumes are
/// found by it.
///
/// # Errors
/// As [`super::add`].
pub fn rename(config: &Config, facts: &Facts<'_>, lease: &Lease, new: &str) -> Result<Lease> {
    let follows = identity::path(config, facts, &lease.name)? == lease.path;
    let request = Request {
        target: Target::Branch { name: new.to_owned(), start: Start::Existing },
        path: (!follows).then(|| lease.path.clone()),
        adopted: !follows,
        data: Data::default(),
    };
    // No database is chosen.
    let bare = Config { services: IndexMap::new(), ..config.clone() };
    let chosen = identity::choose(&bare, facts, &request)?;
    let mut lease = lease.clone();
    lease.name = chosen.name;
    lease.path = chosen.path;
    set_variables(config, &mut lease, &facts.repo_name)?;
    Ok(lease)
}
