//! Template databases and spares.

use super::Finding;
use crate::environment::data::known::All;
use crate::environment::data::spares;
use crate::environment::orphans;
use crate::model::config::Config;
use crate::model::{measure, shell};
use crate::sys::clock;
use crate::sys::store::{SparesFailed, Store};
use anyhow::Result;

/// What is on the servers that answer.
pub(super) fn all(store: &Store, config: Option<&Config>) -> Result<All> {
    let (leases, _) = store.survey()?;
    Ok(All::on_those_that_answer(store, orphans::servers(store, &leases, config)))
}

/// Templates of repositories that are gone, and spares of templates that are gone or were made again.
pub(super) fn look(all: &All) -> Vec<Finding> {
    // A repository on a disk that cannot be read may be there.
    let abandoned = all.templates.iter().filter(|known| known.is_abandoned().unwrap_or(false));
    let abandoned = abandoned.map(|known| {
        let template = &known.template;
        let (name, size) = (&template.database, measure::size(template.bytes));
        let repository = template.mark.repository.display();
        let what = format!("template {name} ({size}): its repository {repository} was deleted");
        Finding::warning(what, "git agentenv prune")
    });
    let stale = all.stale.iter().map(|stale| {
        let (name, size) = (&stale.spare.database, measure::size(stale.spare.bytes));
        let what = format!("spare {name} ({size}): its template is gone");
        Finding::warning(what, "git agentenv prune")
    });
    abandoned.chain(stale).collect()
}

/// Services whose spares could not be made. The command makes them, or fails in sight, with a hint.
pub(super) fn without_spares(store: &Store) -> Result<Vec<Finding>> {
    let finding = |failed: SparesFailed| {
        let SparesFailed { main, service, at, why, .. } = failed;
        let age = measure::duration(clock::now().saturating_sub(at));
        let what = format!(
            "no spare copies of the template of `{service}` in {}: {why} ({age} ago)",
            main.display()
        );
        Finding::warning(what, format!("git -C {} agentenv db template spare", shell::path(&main)))
    };
    Ok(spares::failures(store)?.into_iter().map(finding).collect())
}
