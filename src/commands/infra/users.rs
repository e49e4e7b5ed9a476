//! Whose environments use the shared servers.

use super::found::{Found, servers};
use crate::error;
use crate::model::config::Place;
use crate::model::lease::{Lease, Part};
use crate::model::{overflow, shell};
use crate::service::Server;
use crate::sys::compose::Infra;
use crate::sys::docker::Container;
use crate::sys::store::Store;
use crate::sys::trash;
use anyhow::{Result, bail};

/// Refuses while an environment of any repository, or one in the trash, has data on these servers. Leases decide, not the
/// configuration, which may have changed since.
pub(super) fn require_none(found: &Found, infra: &Infra) -> Result<()> {
    let containers = infra.status()?;
    // One on this host is the user's, unless one of these containers is behind its port.
    let is_shared = |server: &Server| server.place != Place::Host;
    let configured: Vec<Place> = servers(&found.config)
        .into_iter()
        .filter_map(|(_, server)| is_shared(&server).then_some(server.place))
        .collect();
    let is_here = |part: &Part| {
        let at = at(part);
        configured.contains(&at.0) || infra.runs((&at.0, at.1), &containers)
    };
    let names = named(|lease| lease.parts.iter().any(is_here))?;
    if names.is_empty() {
        return Ok(());
    }
    let message =
        format!("cannot delete the servers' data: environments use it: {}", names.join(", "));
    let hint = "remove these environments and empty the trash (`git agentenv prune --trash`) first, or omit `--volumes`";
    Err(error::refused(message).hint(hint).into())
}

/// Refuses while another repository's environments have data on servers that were started from another place: compose would
/// replace these servers by those of this file, whose volumes hold none of it.
pub(super) fn require_none_of_others(found: &Found, infra: &Infra) -> Result<()> {
    let containers = infra.status()?;
    // A directory that is gone was moved: nobody starts them from there any more.
    let is_others = |container: &&Container| !infra.made(container) && container.dir.is_dir();
    let Some(other) = containers.iter().find(is_others) else {
        return Ok(());
    };
    let own = found.context.as_ref().map(|context| &context.repo.common);
    let is_here = |part: &Part| {
        let at = at(part);
        infra.runs((&at.0, at.1), &containers)
    };
    let names = named(|lease| Some(&lease.repository) != own && lease.parts.iter().any(is_here))?;
    if names.is_empty() { Ok(()) } else { Err(anothers(found, infra, other, &names)) }
}

/// Where a part is; one on a second Redis needs the first.
fn at(part: &Part) -> (Place, u16) {
    match overflow::first(&part.place) {
        Some(first) => (first, 0),
        None => (part.place.clone(), part.port),
    }
}

fn anothers(found: &Found, infra: &Infra, other: &Container, names: &[String]) -> anyhow::Error {
    let (project, dir) = (infra.project(), other.dir.display());
    let message = format!(
        "cannot start the servers: project `{project}` was started from {dir}, and environments of other repositories \
         use it: {}",
        names.join(", ")
    );
    let hint = match &found.config.infra.file {
        Some(file) => format!(
            "give the servers of this repository a project of their own: `name: <project>` in {file}, and `compose: {{ \
             project: <project>, service: <service> }}` for each of `services:`"
        ),
        None => {
            format!("start them from there: `git -C {} agentenv infra up`", shell::path(&other.dir))
        }
    };
    error::refused(message).hint(hint).into()
}

/// The environments, also those in the trash, of which this is so.
fn named(uses: impl Fn(&Lease) -> bool) -> Result<Vec<String>> {
    let store = Store::open()?;
    let (leases, (trash, unreadable)) = (store.leases()?, trash::survey(&store)?);
    if let Some(record) = unreadable.first() {
        bail!("cannot read the record {}: {}", record.file.display(), record.why);
    }
    let live = leases.iter().filter(|lease| uses(lease));
    let kept = trash.iter().map(|record| &record.lease).filter(|lease| uses(lease));
    let live = live.map(|lease| format!("`{}`", lease.name));
    Ok(live.chain(kept.map(|lease| format!("`{}` (in the trash)", lease.name))).collect())
}
