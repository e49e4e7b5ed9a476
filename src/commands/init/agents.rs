//! The instructions for coding agents in AGENTS.md.

use crate::environment::context::Context;
use crate::error::{self, Failure};
use crate::model::managed_block::Marks;
use crate::sys::fs;
use crate::ui::Ui;
use anyhow::Result;
use std::path::PathBuf;

const TEXT: &str = include_str!("agents.md");

const MARKS: Marks = Marks {
    begin: "<!-- >>> git-agentenv: `git agentenv init --agents` rewrites what is between these marks >>> -->",
    end: "<!-- <<< git-agentenv <<< -->",
};

/// The skill that agents load when a task touches environments: <https://agentskills.io/specification>.
const SKILL: &str = include_str!("SKILL.md");

/// Where agents look for skills of a project.
const SKILL_FILE: &str = ".agents/skills/git-agentenv/SKILL.md";

/// The line by which we know our own skill.
const SKILL_MARK: &str = "<!-- Written by `git agentenv init --agents`";

/// The files that agents read.
pub struct Written {
    /// The instructions.
    pub agents: PathBuf,
    /// The skill.
    pub skill: PathBuf,
}

/// Writes the skill and the instructions.
pub fn write(context: &Context, ui: &Ui) -> Result<Written> {
    let skill = write_skill(context)?;
    let agents = write_text(context, ui)?;
    Ok(Written { agents, skill })
}

/// Writes the skill; refuses to replace another one of that name.
fn write_skill(context: &Context) -> Result<PathBuf> {
    let file = context.repo.main.join(SKILL_FILE);
    let existing = fs::read(&file)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    if existing.as_ref().is_some_and(|text| !text.contains(SKILL_MARK)) {
        let message = format!("{} was not written by git-agentenv", file.display());
        let hint = "rename that skill, then run `git agentenv init --agents`";
        return Err(error::refused(message).hint(hint).into());
    }
    if existing.as_deref() != Some(SKILL) {
        fs::write_text(&file, SKILL)?;
    }
    Ok(file)
}

/// Replaces our block in AGENTS.md, or appends it; returns the file.
fn write_text(context: &Context, ui: &Ui) -> Result<PathBuf> {
    let file = context.repo.main.join("AGENTS.md");
    let existing = fs::read(&file).map_err(|error| refused(&error.to_string()))?;
    let existing = String::from_utf8(existing.unwrap_or_default())
        .map_err(|_| refused(&format!("{} is not UTF-8 text", file.display())))?;
    let text = with_text(&existing);
    if text != existing {
        fs::write_text(&file, &text)?;
    }
    ui.say(format!("wrote instructions for coding agents to {}", file.display()));
    Ok(file)
}

fn with_text(existing: &str) -> String {
    let block = MARKS.block(TEXT);
    MARKS.replaced(existing, &block).unwrap_or_else(|| match existing.trim_end() {
        "" => block,
        text => format!("{text}\n\n{block}"),
    })
}

fn refused(why: &str) -> Failure {
    error::refused(format!("cannot change AGENTS.md: {why}"))
        .hint("replace it with a regular text file, then run `git agentenv init --agents`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_matter_of_the_skill_is_yaml() {
        let front = SKILL.strip_prefix("---\n").and_then(|text| text.split_once("\n---\n"));
        let front: serde_yaml::Value = serde_yaml::from_str(front.unwrap().0).unwrap();
        assert_eq!(front["name"].as_str(), Some("git-agentenv"));
        let about = front["description"].as_str().unwrap();
        assert!(about.contains("worktree: its ports") && about.len() <= 1024, "{about}");
    }

    #[test]
    fn the_text_is_there_once() {
        let fresh = with_text("");
        assert_eq!(with_text(&fresh), fresh);
        let added = with_text("# Mine\n");
        assert!(added.starts_with("# Mine\n\n<!-- >>> ") && added.ends_with("<<< -->\n"));
        let below = format!("{added}\nMore.\n");
        assert_eq!(with_text(&below), below);
        assert_eq!(with_text(&below.replace("Never touch", "Touch")), below);
    }
}
