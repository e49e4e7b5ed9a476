//! The plan for an environment that gets another name.

use super::{Data, Facts, Request, Start, Target, identity, set_variables};
use crate::model::config::Config;
use crate::model::lease::Lease;
use anyhow::Result;
use indexmap::IndexMap;
use std::iter;

/// The lease under a name made of `new`, with the variables and, where the worktree is in the place that the configuration
/// gives its name or its branch, the path of that name. What the servers hold keeps its name, and so does the Compose
/// project: its volumes are found by it.
///
/// # Errors
/// As [`super::add`].
pub fn rename(config: &Config, facts: &Facts<'_>, lease: &Lease, new: &str) -> Result<Lease> {
    // A command that was killed had moved it to the place of the new name, and not recorded that.
    let of_branch = lease.branch.iter().flat_map(|branch| identity::candidates(branch, facts));
    let is_there =
        |name: &String| identity::path(config, facts, name).map(|path| path == lease.path);
    let names = iter::once(lease.name.clone()).chain(of_branch).collect::<Vec<_>>();
    let follows = names.iter().map(is_there).collect::<Result<Vec<bool>>>()?.contains(&true);
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
