//! The text of `list`: a table, or blocks of lines on a narrow terminal, and a legend.

use crate::commands::output::environment::Row;
use crate::environment::state;
use crate::model::config::Kind;
use crate::ui::Tone;
use crate::ui::table::{self, Column, Fit};
use std::path::{Component, PathBuf};

/// Stands before the environment around the current directory.
const CURRENT: char = '@';

/// Narrower terminals, in columns, get blocks of lines.
const NARROW: usize = 60;

/// What the text depends on besides the environments.
pub struct View {
    /// The current directory.
    pub here: Option<PathBuf>,
    /// The terminal's width in columns; `None`: no terminal.
    pub width: Option<usize>,
    /// Environments of all repositories.
    pub all: bool,
}

/// The environments, for people.
pub fn text(rows: &[Row], view: &View) -> String {
    if rows.is_empty() {
        return "no environments; create one with `git agentenv add <branch>`\n".to_owned();
    }
    let column = |heading, fit, cell: &dyn Fn(&Row) -> String| Column {
        heading,
        fit,
        cells: rows.iter().map(cell).collect(),
    };
    let mut columns = vec![
        column("BRANCH", Fit::CutMiddle(14), &|row| branch(row, view)),
        column("STATE", Fit::Whole, &Row::painted_state),
        column("PORTS", Fit::Cut(9), &ports),
        column("CHANGES", Fit::Whole, &changes),
        column("COMMITS", Fit::Cut(9), &commits),
        column("PATH", Fit::CutStart(16), &|row| path(row, view)),
        column("DATABASE", Fit::Drop(20), &|row| held(row, |kind| kind != Kind::Redis)),
        column("REDIS", Fit::Drop(5), &|row| held(row, |kind| kind == Kind::Redis)),
    ];
    if view.all {
        columns.insert(1, column("REPOSITORY", Fit::Cut(10), &repository));
    }
    match view.width.filter(|width| *width < NARROW) {
        Some(width) => table::blocks(&columns, width),
        None => table::render(columns, view.width),
    }
}

/// One line for each mark and state in the table that does not explain itself.
pub fn legend(rows: &[Row]) -> Vec<String> {
    let has = |state: &str| rows.iter().any(|row| row.state.state == state);
    let lines = [
        (rows.iter().any(|row| row.state.listening), "*: a process listens on this port"),
        (
            has(state::INCOMPLETE),
            "incomplete: the environment file is missing; run `git agentenv adopt <path>`",
        ),
        (has(state::GONE), "gone: the worktree was deleted; run `git agentenv prune`"),
        (
            has("creating") || has("removing"),
            "creating, removing: running, or interrupted; `git agentenv prune` finishes it",
        ),
        (
            has("hooks pending"),
            "hooks pending: a post_add hook failed or was skipped; run `git agentenv adopt <path>`",
        ),
    ];
    let shown = lines.into_iter().filter(|(shown, _)| *shown);
    shown.map(|(_, line)| Tone::Quiet.paint_stderr(line)).collect()
}

fn repository(row: &Row) -> String {
    row.environment.main.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn branch(row: &Row, view: &View) -> String {
    let branch = row.environment.branch.as_deref().unwrap_or("(detached)");
    let is_current = view.here.as_ref().is_some_and(|here| here.starts_with(&row.environment.path));
    if is_current { format!("{CURRENT} {branch}") } else { branch.to_owned() }
}

/// On a terminal relative to the current directory, where that is shorter.
fn path(row: &Row, view: &View) -> String {
    let path = &row.environment.path;
    let whole = path.display().to_string();
    let (Some(here), Some(_)) = (&view.here, view.width) else {
        return whole;
    };
    let common = here.components().zip(path.components()).take_while(|(a, b)| a == b).count();
    let up = here.components().skip(common).map(|_| Component::ParentDir);
    let down = path.components().skip(common);
    let relative = up.chain(down).collect::<PathBuf>().display().to_string();
    match relative.len() {
        0 => ".".to_owned(),
        length if length < whole.len() => relative,
        _ => whole,
    }
}

fn ports(row: &Row) -> String {
    let star = |port: &u16| if row.state.listening_on.contains(port) { "*" } else { "" };
    let ports = row.environment.ports.values().map(|port| format!("{port}{}", star(port)));
    ports.collect::<Vec<_>>().join(" ")
}

fn held(row: &Row, wanted: fn(Kind) -> bool) -> String {
    let services = row.environment.services.values().filter(|service| wanted(service.kind));
    services.map(|service| service.holds.as_str()).collect::<Vec<_>>().join(" ")
}

fn changes(row: &Row) -> String {
    match row.state.status.as_ref().map(|status| status.changed) {
        None => String::new(),
        Some(0) => "clean".to_owned(),
        Some(changed) => Tone::Wait.paint(&changed.to_string()),
    }
}

fn commits(row: &Row) -> String {
    let Some((status, beside)) =
        row.state.status.as_ref().and_then(|s| Some((s, s.beside.as_ref()?)))
    else {
        return String::new();
    };
    match (status.ahead, status.behind) {
        (0, 0) => format!("= {beside}"),
        (ahead, 0) => format!("+{ahead} {beside}"),
        (0, behind) => format!("-{behind} {beside}"),
        (ahead, behind) => format!("+{ahead} -{behind} {beside}"),
    }
}
