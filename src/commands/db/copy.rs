//! `git agentenv db copy`: fills an environment's database with another's content.

use super::Target;
use crate::commands::completions::candidates;
use crate::environment::resolve;
use crate::error::{self, Exit};
use crate::model::lease::{self, Part};
use crate::service::Server;
use crate::service::postgres::copy::{self, Copy};
use crate::ui::Ui;
use anyhow::Result;
use clap_complete::ArgValueCandidates;
use serde_json::json;

/// The arguments of `db copy`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The environment whose database is filled; none: the one around the current directory
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub env: Option<String>,
    /// Where the content comes from: an environment, or `main` for the main checkout
    #[arg(long, value_name = "ENV", default_value = MAIN, add = ArgValueCandidates::new(candidates::environments))]
    pub from: String,
    /// Also when the database that is filled is in use: ends the sessions on it, never those on the other
    #[arg(short, long)]
    pub force: bool,
}

/// Examples for it.
pub const EXAMPLES: &str = "\
Examples:
  git agentenv db copy
  git agentenv db copy feature-x --from main
  git agentenv db copy --from feature-x";

/// The main checkout, whatever branch it is on.
const MAIN: &str = "main";

/// Copies the content.
///
/// # Errors
/// When there is no such database, or the one that is filled is in use.
pub fn run(args: &Args, ui: &Ui, target: &Target) -> Result<Exit> {
    let source = source(args, target)?;
    let part = &target.part;
    if source == part.holds {
        let message = format!("`{source}` cannot be copied to itself");
        return Err(error::usage(message).into());
    }
    let _working = target.lock(ui)?;
    let step = ui.step(format!("copying {source} to {}", part.holds));
    let means = copy::copy(&Copy {
        server: &Server::of_part(part),
        id: &target.lease.id,
        source: &source,
        target: &part.holds,
        mark: lease::mark(&target.lease.id),
        replace: true,
        force: args.force,
    })?;
    step.done();
    let answer = json!({ "database": part.holds, "from": source, "means": means });
    ui.answer(&answer, || format!("{}\n", part.holds))?;
    Ok(Exit::Done)
}

/// The database that the content comes from.
fn source(args: &Args, target: &Target) -> Result<String> {
    let part = &target.part;
    if args.from == MAIN {
        let config = target.context.config()?.unwrap_or_default();
        let service = config.services.get(&part.service);
        let same = service.filter(|service| Server::of_service(service).place == part.place);
        return same.map(|service| service.main.clone()).ok_or_else(|| {
            let message = format!("the configuration has no service `{}` any more", part.service);
            error::config(message).into()
        });
    }
    let other = resolve::named(&target.context, &args.from)?;
    let same = |other: &&Part| {
        (other.kind, &other.service, &other.place) == (part.kind, &part.service, &part.place)
    };
    other.parts.iter().find(same).map(|part| part.holds.clone()).ok_or_else(|| {
        let message = format!("`{}` has no `{}` on the same server", other.name, part.service);
        error::not_found(message).into()
    })
}
