//! The prompts of `init`.

use super::{Args, Choices};
use crate::model::detect::Project;
use crate::ui::{Item, Menu, Ui};
use anyhow::Result;

/// Prompts for what neither a file nor an option says.
pub fn ask(args: &Args, ui: &Ui, project: &Project) -> Result<Choices> {
    let mut choices = Choices::of(args);
    if choices.worktree.is_none() {
        let places = [
            ("beside the repository", "../{repo}-{name}"),
            ("inside it", ".worktrees/{name}: for agents confined to the repository"),
        ];
        let inside = choose(ui, "Create worktrees:", &places)? == 1;
        choices.worktree = inside.then(|| ".worktrees/{name}".to_owned());
    }
    if !choices.host && project.services.iter().any(|service| service.place.is_none()) {
        let places = [
            ("in shared containers", "`git agentenv infra up` starts them"),
            ("on this machine", "reached at localhost"),
        ];
        choices.host = choose(ui, "Servers run:", &places)? == 1;
    }
    if !choices.hooks && !project.hooks.is_empty() {
        let commands: Vec<String> = project.hooks.iter().map(|hook| format!("  {hook}")).collect();
        ui.present(&format!("Commands to set up a new worktree:\n{}", commands.join("\n")));
        choices.hooks = ui.confirm("Run these as hooks in each new worktree?", true)?;
    }
    Ok(choices)
}

/// Asks whether to add the instructions for coding agents.
pub fn agents(ui: &Ui) -> Result<bool> {
    ui.confirm("Add instructions for coding agents to AGENTS.md?", true)
}

/// Returns the index of the choice; the first is the default.
fn choose(ui: &Ui, prompt: &str, entries: &[(&str, &str)]) -> Result<usize> {
    let item = |(label, note): &(&str, &str)| Item {
        label: (*label).to_owned(),
        note: (*note).to_owned(),
    };
    let items: Vec<Item> = entries.iter().map(item).collect();
    ui.choose_one(&Menu { prompt, items: &items, new: None, several: false, preview: None })
}

/// A configuration as a prompt shows it: without comments, in at most this many lines.
pub fn preview(config: &str, rows: usize) -> String {
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let lines: Vec<&str> = config.lines().filter(is_code).collect();
    if lines.len() <= rows.max(1) {
        return lines.join("\n");
    }
    let shown = rows.saturating_sub(1).max(1);
    let more = format!("… {} more lines: `git agentenv init --dry-run`", lines.len() - shown);
    lines[..shown].iter().copied().chain([more.as_str()]).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_has_no_comments_and_fits() {
        let config = "# Ours\n\na: 1    # one\n  # b: 2\nc:\n  d: 3\n";
        assert_eq!(preview(config, 3), "a: 1    # one\nc:\n  d: 3");
        let cut = "a: 1    # one\n… 2 more lines: `git agentenv init --dry-run`";
        assert_eq!(preview(config, 2), cut);
        assert_eq!(preview(config, 0), cut);
    }
}
