//! The columns of `list`, and what stands in them.

use super::View;
use crate::commands::output::environment::Row;
use crate::environment::facts::Facts;
use crate::environment::fleet::Plain;
use crate::model::config::Kind;
use crate::model::measure::{duration, size};
use crate::model::name;
use crate::ui::Tone;
use crate::ui::table::{Column, Fit};
use std::path::{Component, Path, PathBuf};

/// Stands before the worktree around the current directory.
const CURRENT: char = '@';

/// A line of the table.
pub(super) enum Line<'a> {
    Environment(&'a Row),
    Plain(&'a Plain),
}

/// Of each repository the main checkout, the environments, then the other worktrees.
pub(super) fn lines<'a>(rows: &'a [Row], plain: &'a [Plain]) -> Vec<Line<'a>> {
    let rows = rows.iter().map(Line::Environment);
    let mut lines: Vec<Line<'a>> = rows.chain(plain.iter().map(Line::Plain)).collect();
    let rank = |line: &Line<'_>| match line {
        Line::Plain(plain) if plain.is_main => 0,
        Line::Environment(_) => 1,
        Line::Plain(_) => 2,
    };
    // Stable: both kinds come in their order.
    lines.sort_by(|a, b| (a.main(), rank(a)).cmp(&(b.main(), rank(b))));
    lines
}

/// The worktree around the current directory: the innermost, for the main checkout may hold others.
pub(super) fn current<'a>(lines: &'a [Line<'_>], view: &View) -> Option<&'a Path> {
    let here = view.here.as_ref()?;
    let around = lines.iter().map(Line::path).filter(|path| here.starts_with(path));
    around.max_by_key(|path| path.components().count())
}

/// The columns, the most important one first: what has no room is left out from the last one on.
pub(super) fn columns(lines: &[Line<'_>], view: &View) -> Vec<Column> {
    let current = current(lines, view);
    let column = |heading, fit, cell: &dyn Fn(&Line<'_>) -> String| Column {
        heading,
        fit,
        cells: lines.iter().map(|line| line.painted(cell(line))).collect(),
    };
    let of_row = |cell: &dyn Fn(&Row) -> String| {
        let cell = |line: &Line<'_>| match line {
            Line::Environment(row) => cell(row),
            Line::Plain(_) => String::new(),
        };
        lines.iter().map(cell).collect::<Vec<String>>()
    };
    let row_column =
        |heading, fit, cell: &dyn Fn(&Row) -> String| Column { heading, fit, cells: of_row(cell) };
    let mut columns = vec![
        column("BRANCH", Fit::CutMiddle(14), &|line| line.branch(current)),
        column("STATE", Fit::Cut(8), &|line| line.state()),
        row_column("PORTS", Fit::Drop(11), &ports),
        row_column("UP", Fit::Drop(2), &up),
        column("CHANGES", Fit::Drop(7), &|line| changes(line.facts())),
        column("COMMITS", Fit::Drop(7), &|line| commits(line.facts())),
        column("ACTIVE", Fit::Drop(6), &|line| active(line.facts(), view.now)),
        column("PATH", Fit::DropStart(16), &|line| path(line.path(), view)),
        column("SIZE", Fit::Drop(8), &|line| bytes(line.facts().worktree_bytes)),
        row_column("DB SIZE", Fit::Drop(8), &|row| bytes(row.state.facts.database_bytes)),
        row_column("DATABASE", Fit::Drop(20), &|row| held(row, |kind| kind != Kind::Redis)),
        row_column("REDIS", Fit::Drop(5), &|row| held(row, |kind| kind == Kind::Redis)),
    ];
    if view.all {
        columns.insert(1, column("REPOSITORY", Fit::Cut(10), &|line| repository(line.main())));
    }
    columns
}

impl Line<'_> {
    fn main(&self) -> &Path {
        match self {
            Line::Environment(row) => &row.environment.main,
            Line::Plain(plain) => &plain.main,
        }
    }

    fn path(&self) -> &Path {
        match self {
            Line::Environment(row) => &row.environment.path,
            Line::Plain(plain) => &plain.path,
        }
    }

    pub(super) fn facts(&self) -> &Facts {
        match self {
            Line::Environment(row) => &row.state.facts,
            Line::Plain(plain) => &plain.facts,
        }
    }

    fn state(&self) -> String {
        match self {
            Line::Environment(row) => row.painted_state(),
            Line::Plain(plain) if plain.is_main => "main".to_owned(),
            Line::Plain(_) => "plain".to_owned(),
        }
    }

    fn branch(&self, current: Option<&Path>) -> String {
        let branch = match self {
            Line::Environment(row) => &row.environment.branch,
            Line::Plain(plain) => &plain.branch,
        };
        let branch = branch.as_deref().unwrap_or("(detached)");
        let named = match self {
            Line::Environment(row) => name::beside(branch, &row.environment.name),
            Line::Plain(_) => None,
        };
        let branch = named.map_or(branch.to_owned(), |name| format!("{branch} ({name})"));
        if current == Some(self.path()) { format!("{CURRENT} {branch}") } else { branch }
    }

    /// What is no environment steps back.
    fn painted(&self, cell: String) -> String {
        match self {
            Line::Plain(_) if !cell.is_empty() => Tone::Quiet.paint(&cell),
            _ => cell,
        }
    }
}

fn repository(main: &Path) -> String {
    main.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// On a terminal relative to the current directory, where that is shorter.
fn path(path: &Path, view: &View) -> String {
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

fn up(row: &Row) -> String {
    let containers = row.state.facts.containers.unwrap_or(0);
    match (row.state.running + containers, row.state.died) {
        (0, 0) => String::new(),
        (running, 0) => running.to_string(),
        (running, died) => Tone::Bad.paint(&format!("{running}/{}", running + died)),
    }
}

fn held(row: &Row, wanted: fn(Kind) -> bool) -> String {
    let services = row.environment.services.values().filter(|service| wanted(service.kind));
    services.map(|service| service.holds.as_str()).collect::<Vec<_>>().join(" ")
}

fn active(facts: &Facts, now: u64) -> String {
    facts.last_activity.map(|last| duration(now.saturating_sub(last))).unwrap_or_default()
}

fn bytes(bytes: Option<u64>) -> String {
    bytes.map(size).unwrap_or_default()
}

fn changes(facts: &Facts) -> String {
    match facts.status.as_ref().map(|status| status.changed) {
        None => String::new(),
        Some(0) => "clean".to_owned(),
        Some(changed) => Tone::Wait.paint(&changed.to_string()),
    }
}

fn commits(facts: &Facts) -> String {
    let Some((status, beside)) = facts.status.as_ref().and_then(|s| Some((s, s.beside.as_ref()?)))
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
