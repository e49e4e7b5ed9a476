//! Edits of JSON files that keep comments, order and indentation.

use super::{AND, Part, in_front, runs, without};
use anyhow::{Result, anyhow};
use jsonc_parser::cst::{CstArray, CstInputValue, CstNode, CstObject, CstObjectProp, CstRootNode};
use jsonc_parser::{ParseOptions, json};
use serde_json::Value;

/// Parses, changes each part, and writes the text again.
pub fn edit(
    text: &str,
    parts: &[Part],
    change: fn(&CstObject, &Part) -> Result<()>,
) -> Result<String> {
    let strict = ParseOptions {
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_loose_object_property_names: false,
        ..ParseOptions::default()
    };
    let text = if text.trim().is_empty() { "{}\n" } else { text };
    let root = CstRootNode::parse(text, &strict)?;
    let object = root.object_value().ok_or_else(|| anyhow!("it is not an object"))?;
    parts.iter().try_for_each(|part| change(&object, part))?;
    Ok(root.to_string())
}

/// What the text says, whatever comments are in it; `None`: it is no JSON.
pub fn value(text: &str) -> Option<Value> {
    CstRootNode::parse(text, &ParseOptions::default()).ok()?.to_serde_value()
}

/// The script at these keys, if one is there.
pub fn scripts(text: &str, at: &[&str]) -> Vec<String> {
    let root = value(text);
    let found = at.iter().try_fold(root.as_ref(), |value, key| Some(value?.get(*key)));
    found.flatten().and_then(Value::as_str).map(str::to_owned).into_iter().collect()
}

/// Adds a part where it is missing, and writes it anew where it is out of date.
pub fn insert(root: &CstObject, part: &Part) -> Result<()> {
    match part {
        Part::Script { at, command, .. } => insert_command(root, at, command),
        Part::Elements { keys, values, first, noted } => {
            let key = keys.iter().find(|key| root.get(key).is_some()).or(keys.last());
            let Some(key) = key else { return Ok(()) };
            let elements = list(root, key)?;
            let missing: Vec<&String> =
                values.iter().filter(|value| !has(&elements, value)).collect();
            insert_all(&elements, &missing, *first);
            match noted {
                Some(noted) if !missing.is_empty() => {
                    insert_all(&list(root, noted)?, &missing, false);
                }
                _ => {}
            }
            Ok(())
        }
        Part::Hook { event, command, timeout, matcher } => {
            let hooks = object(root, "hooks")?;
            let entries = list(&hooks, event)?;
            if !is_current(&entries, part) {
                remove_hook(&entries, command);
                let (command, timeout) = (*command, CstInputValue::Number(timeout.to_string()));
                let hook = json!({ "type": "command", "command": command, "timeout": timeout });
                entries.append(match *matcher {
                    Some(matcher) => json!({ "matcher": matcher, "hooks": [hook] }),
                    None => json!({ "hooks": [hook] }),
                });
            }
            Ok(())
        }
    }
}

/// Whether the settings run our command on its event, with whatever limit.
pub fn has_hook(text: &str, event: &str, command: &str) -> bool {
    let settings = value(text).unwrap_or_default();
    let mut entries = settings["hooks"][event].as_array().into_iter().flatten();
    entries.any(|entry| hooks(entry).iter().any(|hook| hook["command"] == command))
}

/// Removes a part, and the lists and objects that are empty then.
pub fn remove(root: &CstObject, part: &Part) -> Result<()> {
    match part {
        Part::Script { at, command, .. } => remove_command(root, at, command),
        Part::Elements { keys, values, noted, .. } => {
            let note = noted.and_then(|noted| root.get(noted));
            let ours = match (noted, &note) {
                (None, _) => values.clone(),
                (Some(_), None) => return Ok(()),
                (Some(_), Some(note)) => note
                    .array_value()
                    .map_or(Vec::new(), |list| list.elements().iter().filter_map(text).collect()),
            };
            let ours = |node: &CstNode| text(node).is_some_and(|text| ours.contains(&text));
            for list in keys.iter().filter_map(|key| root.array_value(key)) {
                list.elements().into_iter().filter(ours).for_each(CstNode::remove);
            }
            note.into_iter().for_each(CstObjectProp::remove);
            keys.iter().filter_map(|key| root.get(key)).for_each(remove_if_empty);
            Ok(())
        }
        Part::Hook { event, command, .. } => {
            let Some(hooks) = root.get("hooks") else { return Ok(()) };
            let object = hooks.object_value().ok_or_else(|| anyhow!("`hooks` is not an object"))?;
            if object.get(event).is_some() {
                remove_hook(&list(&object, event)?, command);
            }
            object.get(event).into_iter().for_each(remove_if_empty);
            remove_if_empty(hooks);
            Ok(())
        }
    }
}

/// Whether one entry has our command, and as we write it now: an earlier version may have had another limit.
fn is_current(entries: &CstArray, part: &Part) -> bool {
    let Part::Hook { command, timeout, matcher, .. } = part else { return true };
    let entries: Vec<Value> =
        entries.elements().iter().filter_map(CstNode::to_serde_value).collect();
    let all = entries.iter().flat_map(|entry| hooks(entry).iter().map(move |hook| (entry, hook)));
    let mut ours = all.filter(|(_, hook)| hook["command"] == *command);
    let is_same = |(entry, hook): (&Value, &Value)| {
        // These words stand for all.
        let tool = entry["matcher"].as_str().filter(|tool| !matches!(*tool, "" | "*"));
        tool == *matcher && hook["timeout"] == *timeout
    };
    ours.next().is_some_and(is_same) && ours.next().is_none()
}

fn insert_all(list: &CstArray, values: &[&String], first: bool) {
    for (index, value) in values.iter().enumerate() {
        let index = if first { index } else { list.elements().len() };
        list.insert(index, CstInputValue::from(value.as_str()));
    }
}

fn remove_hook(entries: &CstArray, command: &str) {
    for entry in entries.elements() {
        let Some(hooks) = entry.as_object().and_then(|entry| entry.array_value("hooks")) else {
            continue;
        };
        let before = hooks.elements().len();
        let ours =
            |hook: &CstNode| hook.to_serde_value().is_some_and(|hook| hook["command"] == command);
        hooks.elements().into_iter().filter(ours).for_each(CstNode::remove);
        if hooks.elements().is_empty() && before > 0 {
            entry.remove();
        }
    }
}

fn insert_command(root: &CstObject, at: &[&str], command: &str) -> Result<()> {
    let Some((key, parents)) = at.split_last() else { return Ok(()) };
    let parent = parents.iter().try_fold(root.clone(), |parent, key| object(&parent, key))?;
    match parent.get(key) {
        None => drop(parent.append(key, CstInputValue::from(command))),
        Some(found) => {
            let script = string(&found, key)?;
            if script.trim().is_empty() {
                found.set_value(CstInputValue::from(command));
            } else if !runs(&script, command) {
                let script = in_front(&script, command, AND, "\n");
                found.set_value(CstInputValue::from(script));
            }
        }
    }
    Ok(())
}

fn remove_command(root: &CstObject, at: &[&str], command: &str) -> Result<()> {
    let Some((key, parents)) = at.split_last() else { return Ok(()) };
    let mut above = Vec::new();
    let mut parent = root.clone();
    for key in parents {
        let Some(found) = parent.get(key) else { return Ok(()) };
        let Some(inner) = found.object_value() else { return Ok(()) };
        above.push(found);
        parent = inner;
    }
    let Some(found) = parent.get(key) else { return Ok(()) };
    let script = string(&found, key)?;
    if script == command {
        found.remove();
    } else if let Some(rest) = without(&script, command, "\n") {
        found.set_value(CstInputValue::from(rest));
    }
    above.into_iter().rev().for_each(remove_if_empty);
    Ok(())
}

fn remove_if_empty(prop: CstObjectProp) {
    let empty = prop.object_value().is_some_and(|object| object.properties().is_empty())
        || prop.array_value().is_some_and(|array| array.elements().is_empty());
    if empty {
        prop.remove();
    }
}

fn hooks(entry: &Value) -> &[Value] {
    entry["hooks"].as_array().map_or(&[], Vec::as_slice)
}

fn text(node: &CstNode) -> Option<String> {
    node.to_serde_value()?.as_str().map(str::to_owned)
}

fn has(list: &CstArray, value: &str) -> bool {
    list.elements().iter().any(|found| found.to_serde_value().is_some_and(|found| found == value))
}

fn object(parent: &CstObject, key: &str) -> Result<CstObject> {
    parent.object_value_or_create(key).ok_or_else(|| anyhow!("`{key}` is not an object"))
}

fn list(parent: &CstObject, key: &str) -> Result<CstArray> {
    parent.array_value_or_create(key).ok_or_else(|| anyhow!("`{key}` is not a list"))
}

fn string(prop: &CstObjectProp, key: &str) -> Result<String> {
    let value = prop.to_serde_value();
    let text = value.as_ref().and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| anyhow!("`{key}` is not a string"))
}
