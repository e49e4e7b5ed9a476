//! Edits of TOML files that keep comments, order and the way in which strings are written.

use super::{AND, Part, runs, without};
use anyhow::{Result, anyhow, bail};
use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

/// The key of our command where a script is a table of commands.
const NAME: &str = "agentenv";

/// Parses, changes each part, and writes the text again.
pub fn edit(
    text: &str,
    parts: &[Part],
    change: fn(&mut Table, &Part) -> Result<()>,
) -> Result<String> {
    let mut document: DocumentMut = text.parse()?;
    parts.iter().try_for_each(|part| change(document.as_table_mut(), part))?;
    Ok(document.to_string())
}

/// Adds a part where it is missing.
pub fn insert(root: &mut Table, part: &Part) -> Result<()> {
    let Part::Script { at, command, .. } = part else { bail!("only scripts are in TOML files") };
    let Some((key, parents)) = at.split_last() else { return Ok(()) };
    let mut table: &mut dyn TableLike = root;
    for key in parents {
        let found = table.entry(key).or_insert_with(toml_edit::table);
        table = found.as_table_like_mut().ok_or_else(|| anyhow!("`{key}` is not a table"))?;
    }
    match table.entry(key).or_insert(Item::None) {
        none @ Item::None => *none = toml_edit::value(*command),
        Item::Value(Value::String(script)) if runs(script.value(), command) => {}
        Item::Value(script @ Value::String(_)) => replace(script, &in_front(script, command)?)?,
        commands => {
            let commands = commands.as_table_like_mut();
            let commands = commands.ok_or_else(|| anyhow!("`{key}` is not a command"))?;
            let is_there = |found: &Item| found.as_str().is_some_and(|found| runs(found, command));
            if !commands.iter().any(|(_, found)| is_there(found)) {
                commands.insert(NAME, toml_edit::value(*command));
            }
        }
    }
    Ok(())
}

/// The scripts at these keys: one, or those of a table of commands.
pub fn scripts(text: &str, at: &[&str]) -> Vec<String> {
    let Ok(document) = text.parse::<DocumentMut>() else { return Vec::new() };
    let found = at.iter().try_fold(document.as_item(), |item, key| item.get(key));
    let named = found.and_then(Item::as_table_like).into_iter().flat_map(|table| table.iter());
    let scripts = found.into_iter().chain(named.map(|(_, script)| script));
    scripts.filter_map(Item::as_str).map(str::to_owned).collect()
}

/// Removes a part, and the tables that are empty then.
pub fn remove(root: &mut Table, part: &Part) -> Result<()> {
    let Part::Script { at, command, optional } = part else { return Ok(()) };
    remove_at(root, at, command, *optional)
}

fn remove_at(table: &mut dyn TableLike, at: &[&str], command: &str, optional: bool) -> Result<()> {
    let Some((key, rest)) = at.split_first() else { return Ok(()) };
    let Some(found) = table.get_mut(key) else { return Ok(()) };
    let empty = match found {
        Item::Value(script @ Value::String(_)) => remove_command(script, command)? && optional,
        found => {
            let Some(inner) = found.as_table_like_mut() else { return Ok(()) };
            let before = inner.len();
            match rest {
                [] if inner.get(NAME).and_then(Item::as_str) == Some(command) => {
                    inner.remove(NAME);
                }
                [] => {}
                rest => remove_at(inner, rest, command, optional)?,
            }
            before > 0 && inner.is_empty()
        }
    };
    if empty {
        table.remove(key);
    }
    Ok(())
}

/// Removes the command from a script; whether nothing is left.
fn remove_command(script: &mut Value, command: &str) -> Result<bool> {
    if script.as_str().map(str::trim) == Some(command) {
        replace(script, "\"\"")?;
        return Ok(true);
    }
    let raw = raw(script);
    let (quotes, body) = split(&raw);
    if let Some(rest) = without(body, command, newline(quotes)) {
        replace(script, &format!("{quotes}{rest}"))?;
    }
    Ok(false)
}

/// The script as it is written, with the command in front.
fn in_front(script: &Value, command: &str) -> Result<String> {
    if script.as_str().is_some_and(|script| script.trim().is_empty()) {
        return Ok(format!("\"{command}\""));
    }
    let raw = raw(script);
    let (quotes, body) = split(&raw);
    let joint = if quotes.ends_with('\n') { "\n" } else { AND };
    Ok(format!("{quotes}{}", super::in_front(body, command, joint, newline(quotes))))
}

/// The end of a line as a string with these quotes has it.
fn newline(quotes: &str) -> &'static str {
    if quotes == "\"" { "\\n" } else { "\n" }
}

/// The string as it is written, without the blanks and comments around it.
fn raw(value: &Value) -> String {
    let mut value = value.clone();
    value.decor_mut().clear();
    value.to_string()
}

/// Splits a string as it is written into its opening quotes, with the newline that TOML ignores, and the rest.
fn split(raw: &str) -> (&str, &str) {
    let quotes = ["'''\n", "\"\"\"\n", "'''", "\"\"\"", "'", "\""];
    let open = quotes.iter().find(|quotes| raw.starts_with(**quotes)).map_or(0, |open| open.len());
    raw.split_at(open)
}

/// Puts another string, as it is written, where one is; comments beside it stay.
fn replace(value: &mut Value, raw: &str) -> Result<()> {
    let decor = value.decor().clone();
    *value = raw.parse()?;
    *value.decor_mut() = decor;
    Ok(())
}
