//! Files that git ignores and the application reads.

use super::compose;
use super::leads;
use super::paths::{dir, used};
use super::plain;
use super::{Evidence, Project};
use std::collections::BTreeSet;

/// Gathers them. What leads to the main checkout's servers stays behind, unless the environment sets each variable that does.
pub(super) fn find(project: &mut Project, evidence: &Evidence<'_>) {
    let Evidence { seen, literals, .. } = evidence;
    let examples: BTreeSet<String> = seen.tracked.iter().filter_map(|path| used(path)).collect();
    let is_chosen = |stack: &&compose::Stack| project.compose.as_ref() == Some(&stack.file);
    let application = evidence.stacks.iter().find(is_chosen);
    // `add` brings these, and points the containers elsewhere.
    let given: BTreeSet<&String> = application.iter().flat_map(|stack| &stack.env_files).collect();
    for file in given.iter().filter(|file| !seen.files.contains_key(**file)) {
        let way_out = if examples.contains(*file) { ": copy the example beside it" } else { "" };
        project.notes.push(format!("{file} is missing, which containers read{way_out}"));
    }
    // `add` brings the file that compose itself reads, too.
    let beside = application.map(|stack| format!("{}.env", dir(&stack.file)));
    let is_own = |path: &&String| {
        let is_read = seen.is_environment(path) || examples.contains(*path);
        let is_given = given.contains(path) || beside.as_ref() == Some(*path);
        is_read && !seen.tracked.contains(*path) && !is_given
    };
    for file in seen.files.keys().filter(is_own) {
        let leading = match seen.is_environment(file) {
            true => leads::in_file(seen, file),
            false => Vec::new(),
        };
        let is_set = leading.iter().all(|name| project.sets(name));
        let is_settings = !seen.is_environment(file);
        if is_settings && literals.iter().any(|literal| literal.file == *file) {
            project.notes.push(fixed(file));
            continue;
        }
        if !is_set || (is_settings && plain::names_part(file, seen.text(file))) {
            project.notes.push(left(file));
            continue;
        }
        if !leading.is_empty() {
            project.notes.push(copied(file, &leading));
        }
        project.copy.push(file.clone());
    }
}

fn left(file: &str) -> String {
    format!(
        "{file} is ignored by git and leads to the main checkout's servers, so new worktrees do not get it: a command \
         without the environment's variables would use these; `copy: [\"/{file}\"]` copies it"
    )
}

/// No variable of an environment replaces what the file says.
fn fixed(file: &str) -> String {
    format!(
        "{file} is ignored by git and names the main checkout's servers itself, so new worktrees do not get it: when it \
         reads variables, `git agentenv init --force` writes `copy: [\"/{file}\"]`"
    )
}

/// The settings read a copy of an example, which names servers itself.
pub(super) fn missing(project: &mut Project, evidence: &Evidence<'_>) {
    let examples = evidence.literals.iter().map(|literal| &literal.file);
    let examples: BTreeSet<&String> = examples.collect();
    let copies = examples.into_iter().filter_map(|example| Some((example, used(example)?)));
    project.notes.extend(copies.map(|(example, copy)| {
        format!(
            "{copy} is missing, which the settings read: copy {example} with these lines changed, then run `git agentenv \
             init --force` again"
        )
    }));
}

fn copied(file: &str, leading: &[String]) -> String {
    format!(
        "{file} is copied, and leads to the main checkout's servers: the environment's own variables replace {}, so run \
         commands with them (`git agentenv run`)",
        leading.join(", ")
    )
}
