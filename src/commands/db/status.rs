//! `git agentenv db status`: what the databases of an environment are like.

use super::{part, restore};
use crate::commands::completions::candidates;
use crate::environment::context::Context;
use crate::environment::data::spares;
use crate::environment::resolve;
use crate::error::Exit;
use crate::model::config::Kind;
use crate::model::lease::{Lease, Part};
use crate::model::measure;
use crate::model::snapshot::latest;
use crate::service::detail::{self, Detail};
use crate::service::sqlite::Snapshots;
use crate::service::{Resource, Session, snapshot};
use crate::sys::store::SparesFailed;
use crate::sys::{clock, parallel};
use crate::ui::Ui;
use anyhow::Result;
use clap_complete::ArgValueCandidates;
use serde::Serialize;

/// The arguments of `db status`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Environment [default: the current one]
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub env: Option<String>,
}

/// The examples in its help.
pub const EXAMPLES: &str = "\
Examples:
  git agentenv db status
  git agentenv db status feature-x
  git agentenv db status --json";

/// `db status`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Answer {
    /// The environment.
    environment: String,
    /// Its databases.
    databases: Vec<View>,
}

/// A database of an environment.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "DatabaseStatus"))]
struct View {
    /// The service in the configuration.
    service: String,
    /// The kind of the server.
    kind: Kind,
    /// The database, or the SQLite file relative to the worktree.
    database: String,
    /// It exists and is this environment's.
    exists: bool,
    /// What it was created as a copy of. Missing: of nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// Its size in bytes.
    bytes: u64,
    /// When it was created, in seconds since 1970. Missing: the server does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<u64>,
    /// The sessions on it.
    sessions: Vec<Session>,
    /// The databases that tests made beside it.
    also: Vec<detail::Part>,
    /// Its snapshots.
    snapshots: Vec<Kept>,
    /// Why the spares of its template could not be made. Missing: they could, or nothing asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    spares_failed: Option<SparesFailure>,
}

/// A failure to make the spares of a template.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct SparesFailure {
    /// When, in seconds since 1970.
    at: u64,
    /// Why.
    why: String,
}

/// A snapshot of a database.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "DatabaseSnapshot"))]
struct Kept {
    /// Its name.
    snapshot: String,
    /// Its own database.
    #[serde(flatten)]
    part: detail::Part,
}

/// Shows the databases.
pub fn run(args: &Args, ui: &Ui, service: Option<&str>) -> Result<Exit> {
    let context = Context::here()?;
    let mut lease = resolve::named_or_here(&context, args.env.as_deref())?;
    if let Some(config) = context.config()? {
        lease.learn_also(&config);
    }
    let parts = match service {
        Some(_) => vec![part(&lease, service, &super::KINDS)?],
        None => lease.parts.iter().filter(|part| super::KINDS.contains(&part.kind)).collect(),
    };
    let step = ui.step("looking at the databases");
    let looked = parallel::each(&parts, |part| look(&lease, part));
    let mut databases = looked.into_iter().collect::<Result<Vec<View>>>()?;
    for SparesFailed { repository, service, at, why, .. } in spares::failures(&context.store)? {
        let mut views = databases.iter_mut();
        if repository == context.repo.common
            && let Some(view) = views.find(|view| view.service == service)
        {
            view.spares_failed = Some(SparesFailure { at, why });
        }
    }
    step.nothing();
    let answer = Answer { environment: lease.name.clone(), databases };
    ui.answer(&answer, || text(&answer, &lease))
}

fn look(lease: &Lease, part: &Part) -> Result<View> {
    let resource = lease.resource(part)?;
    let found = detail::of(&resource, &lease.id)?;
    let exists = found.is_some();
    let Detail { bytes, created, sessions, also, mut snapshots } = found.unwrap_or_default();
    match (&resource, &lease.admin) {
        (Resource::File(_), Some(admin)) => {
            snapshots = Snapshots::of(admin, &part.service).sizes()?;
        }
        // It had none to tell.
        (Resource::Database(database) | Resource::MysqlDatabase(database), _) if !exists => {
            snapshots = snapshot::sizes(database, &lease.id)?;
        }
        _ => {}
    }
    let kept = |(snapshot, part)| Kept { snapshot, part };
    Ok(View {
        service: part.service.clone(),
        kind: part.kind,
        database: part.holds.clone(),
        exists,
        from: part.from.as_ref().map(ToString::to_string),
        bytes,
        created,
        sessions,
        also,
        snapshots: snapshots.into_iter().map(kept).collect(),
        spares_failed: None,
    })
}

fn text(answer: &Answer, lease: &Lease) -> String {
    if answer.databases.is_empty() {
        return format!("`{}` has no database\n", answer.environment);
    }
    answer.databases.iter().map(|view| described(view, lease)).collect()
}

fn described(view: &View, lease: &Lease) -> String {
    let mut lines = vec![format!("{} {}", view.service, view.database)];
    if !view.exists {
        lines.push("missing: `git agentenv adopt` creates it again".to_owned());
        // A kill in the middle of a command may be why: on MySQL the database is made anew after its content was kept.
        let latest = latest(view.snapshots.iter().map(|kept| kept.snapshot.as_str()));
        lines.extend(latest.iter().map(|(command, snapshot)| {
            let restore = restore(lease, &view.service, snapshot);
            format!("`{restore}` brings back its content before `{command}`")
        }));
    } else {
        let age = view.created.map(|at| clock::now().saturating_sub(at)).map(measure::duration);
        let age = age.map_or_else(String::new, |age| format!(", {age} old"));
        lines.push(format!("size      {}{age}", measure::size(view.bytes)));
    }
    lines.extend(view.from.iter().map(|from| format!("from      {from}")));
    lines.extend(view.sessions.iter().map(|session| format!("session   {session}")));
    let beside = |label: &str, name: &str, part: &detail::Part| {
        format!("{label}{name}, {}", measure::size(part.bytes))
    };
    lines.extend(view.also.iter().map(|part| beside("also      ", &part.database, part)));
    let snapshots = view.snapshots.iter();
    lines.extend(snapshots.map(|kept| beside("snapshot  ", &kept.snapshot, &kept.part)));
    lines.extend(view.spares_failed.iter().map(|SparesFailure { at, why }| {
        let age = measure::duration(clock::now().saturating_sub(*at));
        format!("spares    none were made {age} ago: {why}")
    }));
    lines.join("\n  ") + "\n"
}
