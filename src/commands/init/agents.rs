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

/// Where agents look for instructions.
const AGENTS_FILE: &str = "AGENTS.md";

/// The line by which we know our own skill.
const SKILL_MARK: &str = "<!-- Written by `git agentenv init --agents`";

/// The files that agents read.
pub struct Written {
    /// The instructions.
    pub agents: PathBuf,
    /// The skill.
    pub skill: PathBuf,
}

/// What is to be written: both files are looked at before either is changed.
struct Change {
    file: PathBuf,
    text: String,
    is_new: bool,
}

/// Writes the skill and the instructions.
pub fn write(context: &Context, ui: &Ui) -> Result<Written> {
    let changes = [skill(context)?, instructions(context)?];
    for change in changes.iter().filter(|change| change.is_new) {
        fs::write_text(&change.file, &change.text)?;
    }
    let [skill, agents] = changes.map(|change| change.file);
    ui.say(format!("wrote instructions for coding agents to {}", agents.display()));
    Ok(Written { agents, skill })
}

/// The skill; refuses to replace another one of that name.
fn skill(context: &Context) -> Result<Change> {
    let (file, existing) = find(context, SKILL_FILE)?;
    if existing.as_ref().is_some_and(|text| !text.contains(SKILL_MARK)) {
        let message = format!("{} was not written by git-agentenv", file.display());
        let hint = "rename that skill, then run `git agentenv init --agents`";
        return Err(error::refused(message).hint(hint).into());
    }
    let is_new = existing.as_deref() != Some(SKILL);
    Ok(Change { file, text: SKILL.to_owned(), is_new })
}

/// AGENTS.md with our block in the place of an earlier one, or behind the rest.
fn instructions(context: &Context) -> Result<Change> {
    let (file, existing) = find(context, AGENTS_FILE)?;
    let existing = existing.unwrap_or_default();
    let text = with_text(&existing);
    Ok(Change { file, is_new: text != existing, text })
}

/// A file of the main checkout and its text: the file itself, where a link leads to it. A link that leads out of the
/// checkout is refused: it may come from another's repository.
fn find(context: &Context, name: &str) -> Result<(PathBuf, Option<String>)> {
    let file = fs::canonical(&context.repo.main.join(name));
    if !file.starts_with(fs::canonical(&context.repo.main)) {
        let why = format!("it is a link to {}, outside the repository", file.display());
        return Err(refused(name, &why).into());
    }
    let content = fs::read(&file).map_err(|error| refused(name, &error.to_string()))?;
    let text = content.map(String::from_utf8).transpose();
    Ok((file, text.map_err(|_| refused(name, "it is not UTF-8 text"))?))
}

fn with_text(existing: &str) -> String {
    let block = MARKS.block(TEXT);
    MARKS.replaced(existing, &block).unwrap_or_else(|| match existing.trim_end() {
        "" => block,
        text => format!("{text}\n\n{block}"),
    })
}

fn refused(name: &str, why: &str) -> Failure {
    error::refused(format!("cannot change {name}: {why}"))
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
