//! The rules of make, just and Task: what a task runs, with all that it leads to.

use super::make::assigned;
use serde_yaml::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A task, or a variable of make.
pub(super) struct Rule {
    pub(super) name: String,
    /// What must run before it, and whatever else stands in its first line, such as parameters.
    needs: Vec<String>,
    /// Its commands, one a line.
    text: String,
}

/// What a task runs, with all that it needs and the variables that it names: each once.
pub(super) fn whole(rules: &[Rule], name: &str) -> String {
    let mut by_name: BTreeMap<&str, Vec<&Rule>> = BTreeMap::new();
    for rule in rules {
        by_name.entry(&rule.name).or_default().push(rule);
    }
    let mut text = String::new();
    let (mut known, mut next) = (BTreeSet::from([name]), vec![name]);
    while let Some(name) = next.pop() {
        for rule in by_name.get(name).into_iter().flatten() {
            text.push_str(&rule.text);
            let named = variables(&rule.text);
            for need in rule.needs.iter().map(String::as_str).chain(named) {
                if known.insert(need) {
                    // A comment of the shell, as it is no command.
                    text.push_str(&format!("# {need}\n"));
                    next.push(need);
                }
            }
        }
    }
    text
}

/// The commands of a task that is defined once and needs nothing.
pub(super) fn alone(rules: &[Rule], name: &str) -> Option<String> {
    let mut found = rules.iter().filter(|rule| rule.name == name);
    let first = found.next().filter(|rule| rule.needs.is_empty())?;
    found.next().is_none().then(|| first.text.clone())
}

/// The variables of make in a text: `$(NAME)` with the mark, as rules have them.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("$(").filter_map(|(at, _)| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = at + 2 + text[at + 2..].find(|c| !is_part(c))?;
        text[end..].starts_with(')').then(|| &text[at..=end])
    })
}

/// The rules of make and of just: a line at the margin with a colon, and indented lines under it; and their variables, but for
/// those that environments set.
pub(super) fn of_make(text: &str, is_set: &dyn Fn(&str) -> bool) -> Vec<Rule> {
    let text = text.replace("\\\n", " ");
    let variable = |name: &str, value: &str| Rule {
        name: format!("$({name})"),
        needs: Vec::new(),
        text: format!("# {}\n", value.trim()),
    };
    let mut found: Vec<Rule> = Vec::new();
    // How many of the last rules the next command belongs to: a line may name several targets.
    let mut open = 0;
    for line in text.lines().filter(|line| !line.trim().is_empty() && !is_between(line)) {
        if line.starts_with(['\t', ' ']) {
            let command = line.trim_start().trim_start_matches(['@', '-', '+']);
            for rule in found.iter_mut().rev().take(open) {
                rule.text.push_str(command);
                rule.text.push('\n');
            }
            continue;
        }
        let head = line.split_once(':').filter(|(_, rest)| !rest.starts_with('='));
        let head = head.filter(|(names, _)| !names.contains('=') && !line.starts_with('.'));
        let rules = head.map(|(names, needs)| headed(names, needs)).unwrap_or_default();
        open = rules.len();
        found.extend(rules);
    }
    let own = assigned(&text).filter(|one| !is_set(one.name));
    found.extend(own.map(|one| variable(one.name, one.value)));
    found
}

/// A line at the margin that ends no rule: a comment, or a condition of make.
fn is_between(line: &str) -> bool {
    let word = line.split([' ', '\t', '(']).next().unwrap_or_default();
    line.starts_with('#') || ["ifdef", "ifndef", "ifeq", "ifneq", "else", "endif"].contains(&word)
}

/// The rules of a line, without commands yet. Of just's recipes the further words are parameters.
fn headed(names: &str, needs: &str) -> Vec<Rule> {
    // What such a need stands for is not known.
    let text = if names.contains("$(") || needs.contains("$(") { "$(unknown)\n" } else { "" };
    let needs = needs.split('#').next().unwrap_or_default();
    let names: Vec<&str> = names.split_whitespace().collect();
    let rule = |name: &&str| Rule {
        name: name.trim_start_matches('@').to_owned(),
        needs: names
            .iter()
            .copied()
            .filter(|other| other != name)
            .chain(needs.split_whitespace())
            .map(|need| need.trim_matches(['(', ')']).to_owned())
            .collect(),
        text: text.to_owned(),
    };
    names.iter().map(rule).collect()
}

/// The tasks of a `Taskfile.yml`.
pub(super) fn of_yaml(text: &str) -> Vec<Rule> {
    let root: Value = serde_yaml::from_str(text).unwrap_or_default();
    let strings = |value: Option<&Value>| -> Vec<Value> {
        match value {
            Some(Value::Sequence(list)) => list.clone(),
            Some(one) => vec![one.clone()],
            None => Vec::new(),
        }
    };
    let text = |one: &Value| one.as_str().map(str::to_owned);
    // What is no command stays unknown.
    let command = |one: Value| {
        let command = text(&one).or_else(|| text(one.get("cmd")?));
        format!("{}\n", command.unwrap_or_else(|| "$(unknown)".to_owned()))
    };
    let need = |one: &Value| text(one).or_else(|| text(one.get("task")?));
    let has_more = |one: &Value| {
        ["dir", "dotenv", "env", "includes", "platforms", "prompt", "vars"]
            .iter()
            .any(|key| one.get(key).is_some())
    };
    let is_open = has_more(&root);
    let tasks = root.get("tasks").and_then(Value::as_mapping).into_iter().flatten();
    let each = tasks.map(|(name, task)| {
        let commands = [strings(task.get("cmds")), strings(task.get("cmd"))].concat();
        let commands = match task {
            Value::String(_) | Value::Sequence(_) => strings(Some(task)),
            _ => commands,
        };
        // What sets variables or names other files may lead anywhere.
        let needs: Vec<Option<String>> = strings(task.get("deps")).iter().map(need).collect();
        let is_open = is_open || has_more(task) || needs.contains(&None);
        let more = if is_open { "$(unknown)\n" } else { "" };
        Rule {
            name: name.as_str().unwrap_or_default().to_owned(),
            needs: needs.into_iter().flatten().collect(),
            text: commands.into_iter().map(command).collect::<String>() + more,
        }
    });
    each.collect()
}
