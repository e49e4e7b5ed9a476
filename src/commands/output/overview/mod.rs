//! The text of `list`: a table, or blocks of lines on a narrow terminal, and a legend.

mod columns;
#[cfg(test)]
mod tests;

use crate::commands::output::environment::Row;
use crate::environment::fleet::Plain;
use crate::environment::state;
use crate::ui::{Tone, table};
use columns::{Line, columns, current, lines};
use std::path::PathBuf;

/// Narrower terminals, in columns, get blocks of lines.
const NARROW: usize = 60;

/// What the text depends on besides the worktrees.
pub struct View {
    /// The current directory.
    pub here: Option<PathBuf>,
    /// The terminal's width in columns; `None`: no terminal.
    pub width: Option<usize>,
    /// Worktrees of all repositories.
    pub all: bool,
    /// Now, in seconds since 1970.
    pub now: u64,
}

/// The worktrees, for people.
pub fn text(rows: &[Row], plain: &[Plain], view: &View) -> String {
    if rows.is_empty() && plain.iter().all(|plain| plain.is_main) {
        return "no environments; create one with `git agentenv add <branch>`\n".to_owned();
    }
    let columns = columns(&lines(rows, plain), view);
    match view.width.filter(|width| *width < NARROW) {
        Some(width) => table::blocks(&columns, width),
        None => table::render(columns, view.width),
    }
}

/// The same as the lines of a whole terminal of so many lines. The last one explains the signs; what has no room is counted.
pub fn frame(rows: &[Row], plain: &[Plain], view: &View, height: usize) -> Vec<String> {
    let table = table::render(columns(&lines(rows, plain), view), view.width);
    let mut lines: Vec<String> = table.lines().map(str::to_owned).collect();
    let room = height.saturating_sub(1).max(2);
    if lines.len() > room {
        let hidden = lines.len() - (room - 1);
        lines.truncate(room - 1);
        lines.push(Tone::Quiet.paint(&format!("… {hidden} more")));
    }
    let signs = signs(rows, plain, view).into_iter().map(str::to_owned);
    let footer = std::iter::once("q quit".to_owned()).chain(signs).collect::<Vec<_>>().join("  ");
    lines.push(Tone::Quiet.paint(&footer));
    lines
}

/// One line for all signs in the table, and one for each state that wants something done.
pub fn legend(rows: &[Row], plain: &[Plain], view: &View) -> Vec<String> {
    let has = |state: &str| rows.iter().any(|row| row.state.state == state);
    let signs = signs(rows, plain, view).join("  ");
    let lines = [
        (!signs.is_empty(), signs.as_str()),
        (
            plain.iter().any(|plain| !plain.is_main),
            "plain: no environment; run `git agentenv adopt <path>` to make it one",
        ),
        (
            has(state::INCOMPLETE),
            "incomplete: the environment file or the mark in git's record is missing; run `git agentenv adopt <path>`",
        ),
        (has(state::GONE), "gone: the worktree was deleted; run `git agentenv prune`"),
        (
            has(state::UNRECORDED),
            "no record: git does not know the worktree, which exists; `git agentenv doctor` names what restores it",
        ),
        (
            has("creating") || has("removing") || has("restoring"),
            "creating, removing, restoring: running, or interrupted; `git agentenv prune` finishes it",
        ),
        (
            has("hooks pending"),
            "hooks pending: a post_add hook failed or was skipped; run `git agentenv adopt <path>`",
        ),
    ];
    let lines = lines.into_iter().filter(|(shown, _)| *shown);
    lines.flat_map(|(_, line)| table::wrapped(line, view.width)).collect()
}

/// The signs in the table that are there, each with its meaning.
fn signs(rows: &[Row], plain: &[Plain], view: &View) -> Vec<&'static str> {
    let lines = lines(rows, plain);
    let any = |is: &dyn Fn(&Line<'_>) -> bool| lines.iter().any(is);
    let beside = |line: &Line<'_>, is: fn(usize, usize) -> bool| {
        let status = line.facts().status.as_ref().filter(|status| status.beside.is_some());
        status.is_some_and(|status| is(status.ahead, status.behind))
    };
    let signs = [
        (current(&lines, view).is_some(), "@ current"),
        (rows.iter().any(|row| row.state.listening), "* listens"),
        (rows.iter().any(|row| row.state.died > 0), "1/2 one of 2 runs, the other died"),
        (any(&|line| beside(line, |ahead, behind| ahead + behind > 0)), "+ahead -behind"),
        (any(&|line| beside(line, |ahead, behind| ahead + behind == 0)), "= same commits"),
    ];
    signs.into_iter().filter(|(shown, _)| *shown).map(|(_, sign)| sign).collect()
}
