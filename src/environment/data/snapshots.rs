//! Finds a snapshot by what the user calls it: its name, or `<env>:<snapshot>`.

use super::KINDS;
use crate::environment::context::Context;
use crate::environment::resolve;
use crate::error;
use crate::model::config::Kind;
use crate::model::lease::{Lease, Part};
use crate::model::source::Source;
use crate::service::sqlite::Snapshots;
use crate::service::{Server, snapshot};
use anyhow::Result;
use std::collections::BTreeSet;

/// A snapshot of an environment of this repository.
struct Found<'a> {
    lease: &'a Lease,
    name: String,
    source: Source,
}

impl Found<'_> {
    fn full_name(&self) -> String {
        format!("{}:{}", self.lease.name, self.name)
    }
}

/// The snapshot of a service that `wanted` means; without an environment in it, that of the lease `own` before others.
/// `server`: where the service's databases are; `None`: they are SQLite files.
///
/// # Errors
/// `Usage` when it is the name of several snapshots; `NotFound` when it names an environment that does not exist.
pub fn find(
    context: &Context,
    (service, server): (&str, Option<&Server>),
    wanted: &str,
    own: Option<&str>,
) -> Result<Option<Source>> {
    let (environment, name) = match wanted.split_once(':') {
        Some((environment, name)) => (Some(resolve::named(context, environment)?.id), name),
        None => (None, wanted),
    };
    let leases = context.leases()?;
    let mut found = all(&leases, service, server)?;
    found.retain(|one| one.name == name);
    let has_own = environment.is_none() && found.iter().any(|one| Some(&*one.lease.id) == own);
    if let Some(id) = environment.as_deref().or(own.filter(|_| has_own)) {
        found.retain(|one| one.lease.id == id);
    }
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.source.clone())),
        several => Err(ambiguous(name, several)),
    }
}

/// What `db copy --from` names.
pub enum Origin {
    /// An environment, whose part of the service is meant.
    Environment(Box<Lease>),
    /// A snapshot of the service.
    Snapshot(Source),
}

/// What `wanted` means to the lease `own`: an environment, else a snapshot of the service, found as [`find`] does.
///
/// # Errors
/// `NotFound` when it is neither; as [`find`].
pub fn origin(
    context: &Context,
    of: (&str, Option<&Server>),
    wanted: &str,
    own: &str,
) -> Result<Origin> {
    match resolve::named(context, wanted) {
        Ok(lease) => Ok(Origin::Environment(Box::new(lease))),
        Err(missing) => find(context, of, wanted, Some(own))?
            .map(Origin::Snapshot)
            .ok_or_else(|| unknown(wanted, missing)),
    }
}

/// The error for what is neither an environment, as `missing` says, nor a snapshot.
pub fn unknown(wanted: &str, missing: anyhow::Error) -> anyhow::Error {
    missing.context(
        error::not_found(format!("no environment and no snapshot `{wanted}`"))
            .hint("`git agentenv list` shows the environments, `git agentenv db snapshot list` the snapshots of one"),
    )
}

/// The snapshots of this repository's environments, each as `<env>:<snapshot>`.
///
/// # Errors
/// When a server does not answer.
pub fn names(context: &Context) -> Result<Vec<String>> {
    let leases = context.leases()?;
    let parts = leases.iter().flat_map(|lease| &lease.parts);
    let parts = parts.filter(|part| KINDS.contains(&part.kind));
    let services: BTreeSet<(&str, Option<Server>)> =
        parts.map(|part| (part.service.as_str(), Server::of_part(part))).collect();
    let mut names = BTreeSet::new();
    for (service, server) in &services {
        names.extend(all(&leases, service, server.as_ref())?.iter().map(Found::full_name));
    }
    Ok(names.into_iter().collect())
}

fn all<'a>(leases: &'a [Lease], service: &str, server: Option<&Server>) -> Result<Vec<Found<'a>>> {
    let Some(server) = server else { return files(leases, service) };
    let holds = |lease: &Lease, of: &str| {
        lease.parts.iter().any(|part| part.service == service && part.holds == of)
    };
    let found = |one: snapshot::Snapshot| {
        let lease = leases.iter().find(|lease| lease.id == one.id && holds(lease, &one.of))?;
        Some(Found { lease, name: one.name, source: Source::Database(one.database) })
    };
    Ok(snapshot::all(server)?.into_iter().filter_map(found).collect())
}

/// The snapshots of SQLite files: each worktree's admin directory holds its own.
fn files<'a>(leases: &'a [Lease], service: &str) -> Result<Vec<Found<'a>>> {
    let is_file = |part: &Part| part.service == service && part.kind == Kind::Sqlite;
    let mut found = Vec::new();
    for lease in leases.iter().filter(|lease| lease.parts.iter().any(is_file)) {
        let Some(admin) = &lease.admin else { continue };
        let of_lease = Snapshots::of(admin, service).list()?.into_iter();
        found.extend(of_lease.map(|(name, path)| Found {
            lease,
            name,
            source: Source::File(path),
        }));
    }
    Ok(found)
}

fn ambiguous(name: &str, several: &[Found<'_>]) -> anyhow::Error {
    let names: Vec<String> = several.iter().map(|one| format!("`{}`", one.full_name())).collect();
    error::usage(format!("several environments have a snapshot `{name}`"))
        .hint(format!("name one: {}", names.join(", ")))
        .into()
}
