//! A table that fits the terminal.

use crate::ui;
use console::{measure_text_width, truncate_str};

/// Columns as wide as their longest cell, the last one cut to the terminal's width.
pub fn render(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| measure_text_width(cell)).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let limit = ui::width();
    rows.iter().map(|row| line(row, &widths, limit) + "\n").collect()
}

fn line(row: &[String], widths: &[usize], limit: Option<usize>) -> String {
    let mut line = String::new();
    for (cell, &width) in row.iter().zip(widths) {
        line.push_str(cell);
        line.push_str(&" ".repeat(width - measure_text_width(cell) + 2));
    }
    let line = line.trim_end();
    match limit {
        Some(limit) => truncate_str(line, limit, "…").into_owned(),
        None => line.to_owned(),
    }
}
