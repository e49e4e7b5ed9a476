//! Drops templates and spares that no environment takes any more.

use super::Report;
use crate::environment::data::known::All;
use crate::environment::orphans;
use crate::model::config::Config;
use crate::sys::store::{Remembered, Store};
use crate::ui::Ui;

/// Spares that no `add` takes any more, then the templates of repositories that are gone.
pub(super) fn unused(ui: &Ui, store: &Store, config: Option<&Config>, report: &mut Report) {
    // Read before anything is looked for: what is made meanwhile is recorded again.
    let known = store.leases().and_then(|leases| Ok((leases, store.remembered_servers()?)));
    let (leases, remembered) = match known {
        Ok(known) => known,
        Err(error) => return report.keep("templates", &error),
    };
    let mut all = All::on_those_that_answer(store, orphans::servers(store, &leases, config));
    let before = report.pruned.len();
    for broken in &all.broken {
        let name = format!("database {}", broken.row.name);
        let dropped = if report.dry_run { Ok(true) } else { broken.drop() };
        report.dropped(ui, name, dropped, 0, "the server stopped while it dropped it");
    }
    for stale in &all.stale {
        let name = format!("spare {}", stale.spare.database);
        let dropped = if report.dry_run { Ok(true) } else { stale.drop() };
        report.dropped(ui, name, dropped, stale.spare.bytes, "its template is gone");
    }
    for known in &all.templates {
        let name = format!("template {}", known.template.database);
        let bytes = known.template.bytes + known.spares.iter().map(|one| one.bytes).sum::<u64>();
        let dropped = match known.is_abandoned() {
            Ok(false) => continue,
            Ok(true) if report.dry_run => Ok(true),
            Ok(true) => known.drop(store),
            Err(error) => Err(error),
        };
        report.dropped(ui, name, dropped, bytes, "its repository was deleted");
    }
    if !report.dry_run {
        if report.pruned.len() > before {
            all = All::on_those_that_answer(store, std::mem::take(&mut all.answered));
        }
        let is_bare = |one: &&Remembered| all.is_bare(&one.server);
        remembered.iter().filter(is_bare).for_each(|one| drop(store.forget_server(one)));
    }
}
