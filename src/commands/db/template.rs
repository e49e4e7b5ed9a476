//! `git agentenv db template`: the template databases that new environments are copied from.

use crate::environment::context::Context;
use crate::environment::data::known::{self, Known};
use crate::environment::data::template::Templates;
use crate::environment::workspace::Workspace;
use crate::error::{self, Exit};
use crate::model::template_key::TemplateMark;
use crate::sys::clock;
use crate::ui::Ui;
use crate::ui::table::{Column, Fit, render};
use anyhow::Result;
use serde::Serialize;
use serde_json::json;

/// The arguments of `db template`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The subcommand
    #[command(subcommand)]
    pub what: What,
}

/// The subcommands of `db template`.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// List the template databases of this repository
    #[command(after_long_help = EXAMPLES)]
    List,
    /// Make the template of the main checkout's commit again
    #[command(after_long_help = EXAMPLES)]
    Refresh,
    /// Make the spares that are missing; `add` starts this by itself
    #[command(hide = true)]
    Spare,
    /// Drop template databases
    #[command(after_long_help = EXAMPLES)]
    Drop {
        /// Template databases [default: all of this repository]
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
}

/// Examples for it.
pub const EXAMPLES: &str = "\
Examples:
  git agentenv db template list
  git agentenv db template refresh
  git agentenv db template drop
The key `template` of a service in .agentenv.yaml says how a template is made.";

/// A template database, in JSON.
#[derive(Serialize)]
struct View {
    database: String,
    service: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    key: String,
    files: usize,
    at: u64,
    bytes: u64,
}

/// Runs the subcommand.
pub fn run(args: &Args, ui: &Ui, service: Option<&str>) -> Result<Exit> {
    let context = Context::here()?;
    let workspace = Workspace::open(&context, ui)?;
    let templates = Templates::of_main(&workspace, &workspace.config)?;
    let is_meant = |name: &str| service.is_none_or(|wanted| wanted == name);
    match &args.what {
        What::List => {
            let mut found = known::known(&workspace)?;
            found.retain(|one| is_meant(&one.template.mark.service));
            list(ui, &found)
        }
        What::Refresh => {
            templates.require_trusted()?;
            let mut made = Vec::new();
            for (name, server) in templates.services().filter(|(name, _)| is_meant(name)) {
                let mark = templates.make(name, &server, true)?;
                made.push(mark.database(context.store.id()));
            }
            if made.is_empty() {
                let failure = error::not_found("no service has a template");
                return Err(failure.hint("set `template: {}` of a Postgres service").into());
            }
            named(ui, "refreshed", &made)
        }
        What::Spare => named(ui, "made", &templates.make_spares()?),
        What::Drop { names } => {
            let mut found = known::known(&workspace)?;
            found.retain(|one| is_meant(&one.template.mark.service));
            let is_known = |name: &&String| found.iter().any(|one| one.template.database == **name);
            if let Some(missing) = names.iter().find(|name| !is_known(name)) {
                let message = format!("no template `{missing}` of this repository");
                let hint = "`git agentenv db template list` shows them";
                return Err(error::not_found(message).hint(hint).into());
            }
            found.retain(|one| names.is_empty() || names.contains(&one.template.database));
            let mut dropped = Vec::new();
            for one in found {
                if one.drop(&context.store)? {
                    dropped.push(one.template.database);
                }
            }
            named(ui, "dropped", &dropped)
        }
    }
}

fn named(ui: &Ui, done: &str, names: &[String]) -> Result<Exit> {
    let text = || names.iter().map(|name| format!("{name}\n")).collect();
    ui.answer(&json!({ done: names }), text)?;
    Ok(Exit::Done)
}

fn list(ui: &Ui, known: &[Known]) -> Result<Exit> {
    let view = |one: &Known| {
        let TemplateMark { service, from, at, key, .. } = one.template.mark.clone();
        let (database, bytes) = (one.template.database.clone(), one.template.bytes);
        View { database, service, from, key: key.digest(), files: key.len(), at, bytes }
    };
    let views: Vec<View> = known.iter().map(view).collect();
    ui.answer(&json!({ "templates": views }), || {
        let column = |heading, cell: &dyn Fn(&View) -> String| Column {
            heading,
            cells: views.iter().map(cell).collect(),
            fit: Fit::Whole,
        };
        let hours = |at: u64| clock::now().saturating_sub(at) / 3600;
        match views.is_empty() {
            true => "no templates\n".to_owned(),
            false => render(
                vec![
                    column("TEMPLATE", &|view| view.database.clone()),
                    column("SERVICE", &|view| view.service.clone()),
                    column("FROM", &|view| view.from.clone().unwrap_or_default()),
                    column("KEY", &|view| format!("{} ({} files)", view.key, view.files)),
                    column("SIZE", &|view| format!("{} MB", view.bytes.div_ceil(1 << 20))),
                    column("AGE", &|view| format!("{} h", hours(view.at))),
                ],
                None,
            ),
        }
    })?;
    Ok(Exit::Done)
}
