//! `git agentenv db reset`: resets an environment's database to its template, or empties it.

use super::Target;
use crate::commands::completions::candidates;
use crate::environment::data::template::Templates;
use crate::environment::workspace::Workspace;
use crate::error::Exit;
use crate::model::lease::Lease;
use crate::model::source::Source;
use crate::service::growth;
use crate::service::snapshot::{self, Overwrite};
use crate::ui::Ui;
use anyhow::{Context as _, Result};
use clap_complete::ArgValueCandidates;
use serde::Serialize;

/// The arguments of `db reset`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Environment [default: the current one]
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub env: Option<String>,
    /// End the sessions on the database
    #[arg(short, long)]
    pub force: bool,
    /// Empty it although there is a template
    #[arg(long)]
    pub empty: bool,
    /// What happens before the old content goes.
    #[command(flatten)]
    pub before: super::Before,
}

/// The examples in its help.
pub const EXAMPLES: &str = "\
Examples:
  git agentenv db reset
  git agentenv db reset --empty && git agentenv run -- python manage.py migrate
  git agentenv db reset feature-x --no-snapshot --yes";

/// `db reset`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Answer<'a> {
    /// The database.
    database: &'a str,
    /// It is empty.
    empty: bool,
    /// The template that it is a copy of now; null: of none.
    from: Option<String>,
    /// The snapshot that holds the old content; null: nothing was kept.
    snapshot: Option<String>,
}

/// Resets it.
pub fn run(args: &Args, ui: &Ui, target: &Target) -> Result<Exit> {
    let name = &target.database.name;
    let workspace = Workspace::of_existing(&target.context, ui)?;
    let templates = Templates::of_lease(&workspace, &workspace.config, &target.lease)?;
    let has_template = !args.empty && templates.has(&target.service);
    let (what, question) = match has_template {
        true => (format!("resets database `{name}` to its template"), "Reset it?"),
        false => (format!("empties database `{name}`"), "Empty it?"),
    };
    super::agree(ui, args.before.yes, args.before.no_snapshot, &what, question)?;
    let _working = target.lock(ui)?;
    let (source, kept) = if has_template {
        templates.require_trusted(", or go without it: `--empty`")?;
        let part = target.lease.parts.iter().find(|part| part.service == target.service);
        let part = part.context("the environment has no such service")?;
        templates.copying(part, |template| overwrite(args, ui, target, template))?
    } else {
        overwrite(args, ui, target, None)?
    };
    answer(ui, (&target.lease, &target.service), (name, source), kept)
}

/// Makes it a copy of a template, or empties it; gives the template and the snapshot of what was in it.
fn overwrite(
    args: &Args,
    ui: &Ui,
    target: &Target,
    template: Option<&str>,
) -> Result<(Option<String>, Option<String>)> {
    let Target { database, lease, .. } = target;
    let verb = if template.is_some() { "resetting" } else { "emptying" };
    let step = ui.step(format!("{verb} {}", database.name));
    let before = (!args.before.no_snapshot).then_some("reset");
    let how = Overwrite { force: args.force, before, ..Overwrite::default() };
    let from = template.map(|template| Source::Database(template.to_owned()));
    let growth = growth::of_database(database, &lease.id, from.as_ref());
    let overwrite = || snapshot::overwrite(database, &lease.id, from.as_ref(), &how);
    let (_, kept) = step.during(growth, overwrite)?;
    step.done();
    Ok((template.map(str::to_owned), kept))
}

/// Says what was done.
pub(super) fn answer(
    ui: &Ui,
    of: (&Lease, &str),
    (database, from): (&str, Option<String>),
    snapshot: Option<String>,
) -> Result<Exit> {
    super::say_way_back(ui, of, snapshot.as_deref());
    let answer = Answer { database, empty: from.is_none(), from, snapshot };
    ui.answer(&answer, || format!("{database}\n"))
}
