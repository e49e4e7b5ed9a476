//! Template databases and spares.

use super::Finding;
use crate::environment::data::known::All;
use crate::environment::orphans;
use crate::model::config::Config;
use crate::model::measure;
use crate::sys::store::Store;
use anyhow::Result;

/// What is on the servers that answer.
pub(super) fn all(store: &Store, config: Option<&Config>) -> Result<All> {
    let (leases, _) = store.survey()?;
    Ok(All::on_those_that_answer(store, orphans::servers(&leases, config)))
}

/// Templates of repositories that are gone, and spares of templates that are gone or were made again.
pub(super) fn look(store: &Store, config: Option<&Config>) -> Result<Vec<Finding>> {
    let all = all(store, config)?;
    let mut findings = Vec::new();
    for known in &all.templates {
        if known.is_abandoned()? {
            let template = &known.template;
            let what = format!(
                "template {} ({}): its repository {} was deleted",
                template.database,
                measure::size(template.bytes),
                template.mark.repository.display()
            );
            findings.push(Finding::warning(what, "git agentenv prune"));
        }
    }
    let stale = all.stale.iter().map(|stale| {
        let (name, size) = (&stale.spare.database, measure::size(stale.spare.bytes));
        let what = format!("spare {name} ({size}): its template is gone");
        Finding::warning(what, "git agentenv prune")
    });
    findings.extend(stale);
    Ok(findings)
}
