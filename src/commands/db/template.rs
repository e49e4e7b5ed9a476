//! `git agentenv db template`: the template databases that new environments are copied from.

use crate::environment::context::Context;
use crate::environment::data::known::{self, Known};
use crate::environment::data::template::Templates;
use crate::environment::workspace::Workspace;
use crate::error::{self, Exit};
use crate::model::measure;
use crate::model::template_key::TemplateMark;
use crate::sys::clock;
use crate::ui::Ui;
use crate::ui::table::{self, Cells, Fit};
use anyhow::Result;
use serde::Serialize;

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

/// `db template refresh`, `spare` and `drop`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(crate) enum Changed {
    /// `db template refresh`.
    Refreshed {
        /// The template databases that were made again.
        refreshed: Vec<String>,
    },
    /// `db template spare`.
    Made {
        /// The spares that were made.
        made: Vec<String>,
    },
    /// `db template drop`.
    Dropped {
        /// The template databases that were dropped.
        dropped: Vec<String>,
    },
}

/// `db template list`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Listing {
    /// The template databases of this repository.
    templates: Vec<View>,
}

/// A template database.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Template"))]
struct View {
    /// The database.
    database: String,
    /// The service in the configuration.
    service: String,
    /// What it is a copy of. Missing: of nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// A short hash of the files that name it.
    key: String,
    /// How many files name it.
    files: usize,
    /// When it was made, in seconds since 1970.
    at: u64,
    /// Its size on the server; 0 when the user may not ask.
    bytes: u64,
    /// How many spare copies of it wait for the next environment.
    spares: usize,
}

/// Runs the subcommand.
pub fn run(what: &What, ui: &Ui, service: Option<&str>) -> Result<Exit> {
    let context = Context::here()?;
    let workspace = Workspace::of_existing(&context, ui)?;
    let templates = Templates::of_main(&workspace, &workspace.config)?;
    let is_meant = |name: &str| service.is_none_or(|wanted| wanted == name);
    match what {
        What::List => {
            let mut found = known::known(&workspace)?;
            found.retain(|one| is_meant(&one.template.mark.service));
            list(ui, &found)
        }
        What::Refresh => {
            templates.require_trusted("")?;
            let mut made = Vec::new();
            for (name, server) in templates.services().filter(|(name, _)| is_meant(name)) {
                made.push(templates.make(name, &server, true)?.database);
            }
            if made.is_empty() {
                let failure = error::not_found("no service has a template");
                return Err(failure
                    .hint("set `template: {}` of a Postgres or MySQL service")
                    .into());
            }
            named(ui, Changed::Refreshed { refreshed: made })
        }
        What::Spare => named(ui, Changed::Made { made: templates.make_spares()? }),
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
            named(ui, Changed::Dropped { dropped })
        }
    }
}

fn named(ui: &Ui, changed: Changed) -> Result<Exit> {
    let (Changed::Refreshed { refreshed: names }
    | Changed::Made { made: names }
    | Changed::Dropped { dropped: names }) = &changed;
    ui.answer(&changed, || names.iter().map(|name| format!("{name}\n")).collect())
}

fn list(ui: &Ui, known: &[Known]) -> Result<Exit> {
    let view = |one: &Known| {
        let TemplateMark { service, from, at, key, .. } = one.template.mark.clone();
        let (database, bytes) = (one.template.database.clone(), one.template.bytes);
        let (files, spares) = (key.len(), one.spares.len());
        View { database, service, from, key: key.digest(), files, at, bytes, spares }
    };
    let answer = Listing { templates: known.iter().map(view).collect() };
    let views = &answer.templates;
    ui.answer(&answer, || {
        if views.is_empty() {
            return "no templates\n".to_owned();
        }
        let age = |at: u64| measure::duration(clock::now().saturating_sub(at));
        let columns: [Cells<'_, View>; 7] = [
            ("TEMPLATE", Fit::Whole, &|view| view.database.clone()),
            ("SERVICE", Fit::Whole, &|view| view.service.clone()),
            ("FROM", Fit::Whole, &|view| view.from.clone().unwrap_or_default()),
            ("KEY", Fit::Whole, &|view| format!("{} ({} files)", view.key, view.files)),
            ("SIZE", Fit::Whole, &|view| measure::size(view.bytes)),
            ("AGE", Fit::Whole, &|view| age(view.at)),
            ("SPARES", Fit::Whole, &|view| view.spares.to_string()),
        ];
        table::render(table::columns(views, &columns), None)
    })
}
