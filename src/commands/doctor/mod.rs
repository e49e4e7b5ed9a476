//! `git agentenv doctor`: diagnoses problems of git, Docker, the servers and the leases, and suggests fixes.

mod leases;
mod machine;
mod project;
mod slots;
mod templates;

use crate::environment::context::{Context, current_dir};
use crate::environment::data::known::All;
use crate::environment::processes::Table;
use crate::environment::workspace::Workspace;
use crate::environment::{adopt, left_directories, orphans, overflow, reclaim, resolve, trash};
use crate::error::Exit;
use crate::model::config::Config;
use crate::model::lease::Lease;
use crate::model::measure;
use crate::model::shell;
use crate::model::stock::Stock;
use crate::sys::repo::Repo;
use crate::sys::store::Store;
use crate::sys::{clock, git};
use crate::ui::Ui;
use anyhow::Result;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The arguments of `doctor`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Repair what loses nothing: finish interrupted operations, restore what is missing
    #[arg(long)]
    pub fix: bool,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv doctor
  git agentenv doctor --fix
  git agentenv doctor --json";

/// How severe a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Something does not work.
    Error,
    /// Everything works, but could be better.
    Warning,
}

/// A problem and its fix.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Finding {
    /// How severe it is.
    level: Level,
    /// The problem, with the object that has it.
    pub what: String,
    /// The command that repairs it; null: no single command does.
    command: Option<String>,
    /// What repairs it, in words; missing: the command does.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip)]
    fix: Option<Fix>,
}

/// `doctor`: problems and their fixes.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Answer {
    /// No finding is an error.
    ok: bool,
    /// The problems; after `--fix`, those that remain.
    findings: Vec<Finding>,
    /// The free slots of each configured pool.
    slots: Vec<slots::Left>,
    /// What the trash holds.
    trash: Trash,
    /// The template databases and spares of all repositories, on the servers that answer.
    templates: Stock,
}

/// What the trash holds.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Trash {
    /// How many environments.
    environments: usize,
    /// How many bytes they take.
    bytes: u64,
}

/// A repair that loses nothing.
#[derive(Debug)]
enum Fix {
    /// Finish an interrupted operation, release what a deleted worktree held.
    Finish(Box<Lease>),
    /// Restore what an environment in this directory lacks, its lease included.
    Adopt(PathBuf),
    /// Tell git where a worktree is that was moved without its help, then do the same.
    Move(Box<Lease>, PathBuf),
}

impl Finding {
    fn new(level: Level, what: impl Into<String>, command: impl Into<String>) -> Self {
        let command = Some(command.into());
        Finding { level, what: what.into(), command, hint: None, fix: None }
    }

    fn error(what: impl Into<String>, command: impl Into<String>) -> Self {
        Self::new(Level::Error, what, command)
    }

    fn warning(what: impl Into<String>, command: impl Into<String>) -> Self {
        Self::new(Level::Warning, what, command)
    }

    /// One that these words repair.
    fn hinted(level: Level, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Finding { command: None, hint: Some(hint.into()), ..Self::new(level, what, "") }
    }

    fn fix(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }

    /// What repairs it: a command, or words.
    pub fn way_out(&self) -> &str {
        self.command.as_deref().or(self.hint.as_deref()).unwrap_or_default()
    }
}

/// Looks, repairs when asked to, and looks again. Exits 1 when an error is left.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let store = Store::open()?;
    let context = Repo::discover(&current_dir()?).ok();
    let context = context.map(|repo| Context { repo, store: store.clone() });
    let config = context.as_ref().map(Context::config).transpose()?.flatten();
    let templates = templates::all(&store, config.as_ref())?;
    let look = || look(&store, context.as_ref(), config.as_ref(), &templates);
    let mut findings = look()?;
    if args.fix {
        repair_all(ui, &store, findings.iter().filter_map(|finding| finding.fix.as_ref()));
        findings = look()?;
    }
    let left = slots::left(&store, config.as_ref())?;
    let ok = findings.iter().all(|finding| finding.level != Level::Error);
    let (environments, bytes) = trash::space(&store)?;
    let trash = Trash { environments, bytes };
    let answer = Answer { ok, findings, slots: left, trash, templates: templates.stock() };
    ui.answer(&answer, || text(&answer) + &space(environments, bytes))?;
    Ok(if ok { Exit::Done } else { Exit::Failed })
}

fn look(
    store: &Store,
    context: Option<&Context>,
    config: Option<&Config>,
    templates: &All,
) -> Result<Vec<Finding>> {
    let here = context.map(|context| context.repo.common.as_path());
    let (mut known, broken) = store.survey()?;
    known.retain(|lease| !store.is_foreign(lease));
    resolve::place_all(&mut known);
    let mut findings = machine::look(config, &known);
    for lease in broken {
        findings.push(Finding::error(lease.what(), shell::away(&lease.file)));
    }
    for record in trash::unreadable(store)? {
        findings.push(Finding::error(record.to_string(), shell::away(&record.file)));
    }
    findings.extend(orphans::worktrees(store, &known, here)?.iter().map(|path| lost(path)));
    for (what, command) in left_directories::find(store, &known, here)? {
        findings.push(Finding::warning(what, command));
    }
    findings.extend(slots::look(store, config)?);
    let strays = overflow::strays(store).unwrap_or_default();
    let unused = overflow::unused(store)?.into_iter().chain(strays);
    findings.extend(unused.map(|server| unused_server(&server.title())));
    findings.extend(templates::look(templates));
    findings.extend(templates::without_spares(store)?);
    findings.extend(project::look(context, config)?);
    let table = Table::read();
    known.iter().for_each(|lease| leases::look(lease, &table, &mut findings));
    Ok(findings)
}

/// A worktree whose lease was lost: its resources are not on record.
fn lost(path: &Path) -> Finding {
    let what = format!("the lease of worktree {} was lost", path.display());
    let command = format!("git agentenv adopt {}", shell::path(path));
    Finding::error(what, command).fix(Fix::Adopt(path.to_owned()))
}

fn unused_server(name: &str) -> Finding {
    let what = format!("no environment uses the second Redis `{name}`");
    let hint = "`git agentenv prune` removes it once it is empty";
    Finding::hinted(Level::Warning, what, hint)
}

/// The problems of one environment.
pub fn of_lease(lease: &Lease) -> Vec<Finding> {
    let mut findings = Vec::new();
    leases::look(lease, &Table::read(), &mut findings);
    findings
}

/// Finishes what was interrupted for all at once, then repairs the rest one by one.
fn repair_all<'a>(ui: &Ui, store: &Store, fixes: impl Iterator<Item = &'a Fix>) {
    let (mut unfinished, mut repaired) = (Vec::new(), Vec::new());
    for fix in fixes {
        match fix {
            Fix::Finish(lease) => unfinished.push(Lease::clone(lease)),
            Fix::Adopt(_) | Fix::Move(..) => repaired.push(fix),
        }
    }
    let finished = reclaim::settle_all(ui, store, &unfinished, false).into_iter();
    let repaired = repaired.into_iter().map(|fix| repair(ui, fix));
    for error in finished.map(|done| done.map(drop)).chain(repaired).filter_map(Result::err) {
        ui.warn(format!("{error:#}"));
    }
}

fn repair(ui: &Ui, fix: &Fix) -> Result<()> {
    match fix {
        Fix::Finish(_) => Ok(()),
        Fix::Adopt(path) => adopt_at(ui, path),
        Fix::Move(lease, path) => {
            git::repair_worktree(&lease.main, path)?;
            adopt_at(ui, path)
        }
    }
}

fn adopt_at(ui: &Ui, path: &Path) -> Result<()> {
    let context = Context::at(path)?;
    adopt::worktree(&Workspace::of_existing(&context, ui)?).map(drop)
}

/// What the trash takes.
fn space(environments: usize, bytes: u64) -> String {
    match environments {
        0 => String::new(),
        1 => format!("trash: 1 environment, {}\n", measure::size(bytes)),
        _ => format!("trash: {environments} environments, {}\n", measure::size(bytes)),
    }
}

fn text(Answer { findings, slots: left, templates, .. }: &Answer) -> String {
    let line = |finding: &Finding| {
        let label = match finding.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        format!("{label}: {}\n  {}\n", finding.what, finding.way_out())
    };
    let mut text: String = findings.iter().map(line).collect();
    for slots::Left { pool, free, of } in left {
        text.push_str(&format!("{pool}: {free} of {of} free\n"));
    }
    if !templates.is_empty() {
        text.push_str(&format!("{}\n", templates.at(clock::now())));
    }
    if findings.is_empty() {
        text.push_str("no problems found\n");
    }
    text
}
