//! Files that git ignores and the application reads.

use super::compose;
use super::leads;
use super::plain;
use super::seen::used;
use super::{Evidence, Project};
use std::collections::BTreeSet;

/// Gathers them. What leads to the main checkout's servers stays behind: commands
/// without the environment's variables would use those.
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
    let is_own = |path: &&String| {
        let is_read = seen.is_environment(path) || examples.contains(*path);
        is_read && !seen.tracked.contains(*path) && !given.contains(path)
    };
    for file in seen.files.keys().filter(is_own) {
        let leads = match seen.is_environment(file) {
            true => leads::in_file(seen, file),
            false => {
                literals.iter().any(|literal| literal.file == *file)
                    || plain::names_part(file, seen.text(file))
            }
        };
        if leads {
            project.notes.push(format!(
                "{file} is ignored by git and leads to the main checkout's servers, so new worktrees do not get it: a \
                 command without the environment's variables would use these; `copy: [\"/{file}\"]` copies it"
            ));
        } else {
            project.copy.push(file.clone());
        }
    }
}
