//! A table that fits the terminal: columns are cut, then left out; no line wraps.

use console::{measure_text_width, strip_ansi_codes, truncate_str};

/// How a column gives way when the table is too wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// Not at all.
    Whole,
    /// Its cells are cut at their ends, to no less than this width.
    Cut(usize),
    /// Its cells are names that differ at their ends, cut in the middle, to no less than this width.
    CutMiddle(usize),
    /// Its cells are paths, cut at their beginnings, to no less than this width.
    CutStart(usize),
    /// The same, and it is left out when that is not enough.
    DropStart(usize),
    /// It is cut at the ends, to no less than this width, and left out when that is not enough.
    Drop(usize),
}

/// A column: its heading and its cells.
#[derive(Debug, Clone)]
pub struct Column {
    /// The heading.
    pub heading: &'static str,
    /// The cells; they may contain colours.
    pub cells: Vec<String>,
    /// How the column gives way.
    pub fit: Fit,
}

/// A column of these rows: its heading, how it gives way, and the cell of a row.
pub type Cells<'a, T> = (&'static str, Fit, &'a dyn Fn(&T) -> String);

/// Makes columns of rows.
pub fn columns<T>(rows: &[T], columns: &[Cells<'_, T>]) -> Vec<Column> {
    let column = |&(heading, fit, cell): &Cells<'_, T>| Column {
        heading,
        cells: rows.iter().map(cell).collect(),
        fit,
    };
    columns.iter().map(column).collect()
}

/// Blanks between columns.
const GAP: usize = 2;

/// Renders the table for a terminal of `limit` columns; `None`: any width.
///
/// Empty columns are left out.
pub fn render(mut columns: Vec<Column>, limit: Option<usize>) -> String {
    columns.retain(|column| column.cells.iter().any(|cell| !cell.is_empty()));
    columns.iter_mut().for_each(escape);
    let mut widths: Vec<usize> = columns.iter().map(width).collect();
    if let Some(limit) = limit {
        fit(&mut columns, &mut widths, limit);
    }
    let rows = columns.first().map_or(0, |column| column.cells.len());
    let heading = line(&columns, &widths, &|column| column.heading.to_owned());
    let cells = (0..rows).map(|row| line(&columns, &widths, &|column| column.cells[row].clone()));
    std::iter::once(heading).chain(cells).collect()
}

/// The same cells for a terminal too narrow for a table: for each row the first two cells, and a line for each other.
pub fn blocks(columns: &[Column], limit: usize) -> String {
    let mut columns = columns.to_vec();
    columns.iter_mut().for_each(escape);
    let (title, facts) = columns.split_at(columns.len().min(2));
    let rows = columns.first().map_or(0, |column| column.cells.len());
    let labels = facts.iter().map(|column| column.heading.len()).max().unwrap_or(0);
    let mut text = String::new();
    for row in 0..rows {
        let beside: usize = title.iter().skip(1).map(|column| GAP + width_of(column, row)).sum();
        for (at, column) in title.iter().enumerate() {
            let room = if at == 0 { limit.saturating_sub(beside) } else { limit };
            let gap = if at == 0 { "" } else { "  " };
            text += &format!("{gap}{}", cut(&column.cells[row], room, column.fit));
        }
        text += "\n";
        for fact in facts.iter().filter(|fact| !fact.cells[row].is_empty()) {
            let room = limit.saturating_sub(labels + 2 * GAP);
            let cell = cut(&fact.cells[row], room, fact.fit);
            text += &format!("  {:<labels$}  {cell}\n", fact.heading.to_lowercase());
        }
    }
    text
}

/// A text broken between words into lines for a terminal of `limit` columns; `None`: any width. Only a longer word is wider.
pub fn wrapped(text: &str, limit: Option<usize>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let room = |line: &String| measure_text_width(line) + 1 + measure_text_width(word);
        match lines.last_mut() {
            Some(line) if limit.is_none_or(|limit| room(line) <= limit) => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Escapes control characters, which paths may hold and which would break the table; colours stay.
fn escape(column: &mut Column) {
    for cell in column.cells.iter_mut().filter(|cell| cell.contains(char::is_control)) {
        let mut escaped = String::new();
        for (at, char) in cell.char_indices() {
            match char {
                control if control.is_control() && !is_color(&cell[at..]) => {
                    escaped.extend(control.escape_default());
                }
                other => escaped.push(other),
            }
        }
        *cell = escaped;
    }
}

/// Whether a text begins with a sequence that sets colours (ECMA-48, SGR).
fn is_color(text: &str) -> bool {
    let digits = |char: char| char.is_ascii_digit() || char == ';';
    let parameters = text.strip_prefix("\x1b[");
    parameters.is_some_and(|rest| rest.trim_start_matches(digits).starts_with('m'))
}

fn width_of(column: &Column, row: usize) -> usize {
    measure_text_width(&column.cells[row])
}

fn width(column: &Column) -> usize {
    let cells = column.cells.iter().map(|cell| measure_text_width(cell)).max().unwrap_or(0);
    cells.max(column.heading.len())
}

fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

impl Fit {
    /// The width that a column keeps; `None`: all of it.
    fn least(self) -> Option<usize> {
        match self {
            Fit::Whole => None,
            Fit::Cut(least)
            | Fit::CutMiddle(least)
            | Fit::CutStart(least)
            | Fit::DropStart(least)
            | Fit::Drop(least) => Some(least),
        }
    }

    fn is_optional(self) -> bool {
        matches!(self, Fit::Drop(_) | Fit::DropStart(_))
    }

    fn is_path(self) -> bool {
        matches!(self, Fit::CutStart(_) | Fit::DropStart(_))
    }
}

/// Leaves out optional columns, the last one first, until the others fit when they are cut; then cuts the optional ones,
/// the paths, and the rest, each no more than it takes.
fn fit(columns: &mut Vec<Column>, widths: &mut Vec<usize>, limit: usize) {
    let least = |columns: &[Column]| -> Vec<usize> { columns.iter().map(least_width).collect() };
    while total(&least(columns)) > limit
        && let Some(at) = columns.iter().rposition(|column| column.fit.is_optional())
    {
        columns.remove(at);
        widths.remove(at);
    }
    cut_down(columns, widths, limit, |fit| matches!(fit, Fit::Drop(_)));
    cut_down(columns, widths, limit, Fit::is_path);
    cut_down(columns, widths, limit, |_| true);
}

fn least_width(column: &Column) -> usize {
    let width = width(column);
    column.fit.least().map_or(width, |least| least.max(column.heading.len()).min(width))
}

fn cut_down(columns: &[Column], widths: &mut [usize], limit: usize, may: impl Fn(Fit) -> bool) {
    for at in (0..columns.len()).rev().filter(|&at| may(columns[at].fit)) {
        let excess = total(widths).saturating_sub(limit);
        let least = least_width(&columns[at]).min(widths[at]);
        widths[at] = widths[at].saturating_sub(excess).max(least);
    }
}

fn line(columns: &[Column], widths: &[usize], cell: &dyn Fn(&Column) -> String) -> String {
    let mut line = String::new();
    for (column, &width) in columns.iter().zip(widths) {
        let cell = cut(&cell(column), width, column.fit);
        line.push_str(&cell);
        line.push_str(&" ".repeat(width.saturating_sub(measure_text_width(&cell)) + GAP));
    }
    line.trim_end().to_owned() + "\n"
}

fn cut(cell: &str, width: usize, fit: Fit) -> String {
    let is_short = measure_text_width(cell) <= width;
    match fit {
        Fit::CutStart(_) | Fit::DropStart(_) if !is_short => {
            let plain = strip_ansi_codes(cell);
            let rest = end(&plain, width.saturating_sub(1));
            format!("…{}", rest.find('/').map_or(rest, |slash| &rest[slash..]))
        }
        Fit::CutMiddle(_) if !is_short => {
            let plain = strip_ansi_codes(cell);
            let rest = end(&plain, width.saturating_sub(1) / 2);
            let begin = width.saturating_sub(1 + measure_text_width(rest));
            format!("{}…{rest}", truncate_str(&plain, begin, ""))
        }
        _ => truncate_str(cell, width, "…").into_owned(),
    }
}

/// The longest end of a text that is no wider than this.
fn end(text: &str, width: usize) -> &str {
    let starts = text.char_indices().map(|(at, _)| at);
    starts.map(|at| &text[at..]).find(|rest| measure_text_width(rest) <= width).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(limit: Option<usize>) -> String {
        let column = |heading, cell: &str, fit| {
            let cells = vec![cell.to_owned(), String::new()];
            Column { heading, cells, fit }
        };
        let columns = vec![
            column("NAME", "a-rather-long-name", Fit::Cut(8)),
            column("EMPTY", "", Fit::Whole),
            column("PATH", "/home/somebody/code/app", Fit::CutStart(8)),
            column("MORE", "less important", Fit::Drop(6)),
        ];
        render(columns, limit)
    }

    #[test]
    fn columns_are_cut_then_left_out() {
        let shown = |limit| table(limit).lines().nth(1).unwrap().to_owned();
        assert_eq!(shown(None), "a-rather-long-name  /home/somebody/code/app  less important");
        assert_eq!(shown(Some(52)), "a-rather-long-name  /home/somebody/code/app  less i…");
        assert_eq!(shown(Some(43)), "a-rather-long-name  …/code/app       less …");
        assert_eq!(shown(Some(35)), "a-rather-long-na…  …/app     less …");
        assert_eq!(shown(Some(24)), "a-rather-long…  …/app");
        assert_eq!(shown(Some(20)), "a-rather-…  …/app");
    }

    #[test]
    fn control_characters_are_escaped_and_colours_stay() {
        let column =
            |cell: &str| Column { heading: "PATH", cells: vec![cell.to_owned()], fit: Fit::Whole };
        let path = "a\nb\tc\u{7}\x1b[2Jd";
        let shown = "PATH\na\\nb\\tc\\u{7}\\u{1b}[2Jd\n";
        assert_eq!(render(vec![column(path)], None), shown);
        assert_eq!(blocks(&[column(path)], 40), "a\\nb\\tc\\u{7}\\u{1b}[2Jd\n");
        assert_eq!(render(vec![column("\x1b[1;32mx\x1b[0m")], None), "PATH\n\x1b[1;32mx\x1b[0m\n");
    }

    #[test]
    fn names_are_cut_in_the_middle() {
        assert_eq!(cut("feature/checkout-flow-1", 14, Fit::CutMiddle(8)), "feature…flow-1");
        assert_eq!(cut("日本日本日本", 7, Fit::CutMiddle(7)), "日本…本");
        assert_eq!(cut("short", 14, Fit::CutMiddle(8)), "short");
    }

    #[test]
    fn a_narrow_terminal_gets_a_block_for_each_row() {
        let column =
            |heading, cell: &str, fit| Column { heading, cells: vec![cell.to_owned()], fit };
        let columns = [
            column("BRANCH", "feature/a-rather-long-name-1", Fit::CutMiddle(8)),
            column("STATE", "ready", Fit::Whole),
            column("PATH", "/home/somebody/code/app-feature", Fit::CutStart(8)),
            column("REDIS", "", Fit::Whole),
        ];
        let expected = "feature/a-r…long-name-1  ready\n  path   …/code/app-feature\n";
        assert_eq!(blocks(&columns, 30), expected);
        for limit in 20..60 {
            let text = blocks(&columns, limit);
            assert!(text.lines().all(|line| measure_text_width(line) <= limit), "{text}");
        }
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for limit in 18..70 {
            let table = table(Some(limit));
            assert!(table.lines().all(|line| measure_text_width(line) <= limit), "{table}");
        }
    }
}
