//! `git agentenv db copy`: replaces the content of an environment's database by a copy of another.

use super::Target;
use crate::commands::completions::candidates;
use crate::environment::resolve;
use crate::error::{self, Exit};
use crate::model::lease::Part;
use crate::model::source::Source;
use crate::service::postgres::copy::Means;
use crate::service::postgres::snapshot;
use crate::ui::Ui;
use anyhow::Result;
use clap_complete::ArgValueCandidates;
use serde::Serialize;

/// The arguments of `db copy`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Environment to copy to [default: the one around the current directory]
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub env: Option<String>,
    /// Environment to copy from, or `main` for the main checkout
    #[arg(long, value_name = "ENV", default_value = MAIN, add = ArgValueCandidates::new(candidates::environments))]
    pub from: String,
    /// End the sessions on the target database, never those on the source
    #[arg(short, long)]
    pub force: bool,
    /// What happens before the old content goes.
    #[command(flatten)]
    pub before: super::Before,
}

/// The examples in its help.
pub const EXAMPLES: &str = "\
Examples:
  git agentenv db copy
  git agentenv db copy feature-x --from main
  git agentenv db copy --from feature-x";

/// The main checkout, on any branch.
const MAIN: &str = "main";

/// `db copy`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Answer<'a> {
    /// The database.
    database: &'a str,
    /// The database whose content it has now.
    from: String,
    /// How it was copied.
    means: Means,
    /// The snapshot that holds the old content; null: nothing was kept.
    snapshot: Option<String>,
}

/// Copies the content.
pub fn run(args: &Args, ui: &Ui, target: &Target) -> Result<Exit> {
    let source = source(args, target)?;
    let name = &target.database.name;
    if source == *name {
        let message = format!("cannot copy `{source}` to itself");
        return Err(error::usage(message).into());
    }
    let what = format!("replaces database `{name}` by a copy of `{source}`");
    super::agree(ui, args.before.yes, args.before.no_snapshot, &what, "Replace it?")?;
    let _working = target.lock(ui)?;
    let step = ui.step(format!("copying {source} to {name}"));
    let before = (!args.before.no_snapshot).then_some("copy");
    let (database, id) = (&target.database, &target.lease.id);
    let from = Source::Database(source.clone());
    let (means, kept) = snapshot::overwrite(database, id, Some(&from), args.force, before)?;
    step.done();
    super::say_way_back(ui, target, kept.as_deref());
    let answer = Answer { database: name, from: source, means, snapshot: kept };
    ui.answer(&answer, || format!("{name}\n"))?;
    Ok(Exit::Done)
}

/// The database that the content comes from.
fn source(args: &Args, target: &Target) -> Result<String> {
    let Target { service, database, .. } = target;
    let place = &database.server.place;
    if args.from == MAIN {
        let config = target.context.config()?.unwrap_or_default();
        let same = config.services.get(service).filter(|service| service.place == *place);
        return same.map(|service| service.main.clone()).ok_or_else(|| {
            let message = format!("the configuration no longer has the service `{service}`");
            error::config(message).into()
        });
    }
    let other = resolve::named(&target.context, &args.from)?;
    let same = |other: &&Part| {
        (other.kind, &other.service, &other.place) == (database.server.kind, service, place)
    };
    other.parts.iter().find(same).map(|part| part.holds.clone()).ok_or_else(|| {
        let message = format!("`{}` has no `{service}` on the same server", other.name);
        error::not_found(message).into()
    })
}
