//! `git agentenv hook <host>`: the configuration of programs that create worktrees.

use super::checkout::Installed;
use super::edit::{self, Format};
use super::file;
use super::hosts::{self, Facts, Host};
use crate::environment::context::{Context, current_dir};
use crate::environment::include;
use crate::error::{self, Exit, Failure};
use crate::sys::fs::{self, Stands};
use crate::ui::Ui;
use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The arguments of `hook <host>`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Add our lines to the configuration file; other lines stay
    #[arg(long)]
    pub install: bool,
    /// Print the file's content without writing it; this is the default
    #[arg(long, conflicts_with = "install")]
    pub print: bool,
    /// Remove our lines from the configuration file
    #[arg(long, conflicts_with_all = ["install", "print"])]
    pub uninstall: bool,
    /// Change this file [default: the program's file in the main checkout]
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv hook codex --print
  git agentenv hook cursor --install && git add .cursor
  git agentenv hook codex --uninstall";

/// `hook <program>`: what belongs into its file.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Printed {
    /// The file.
    file: PathBuf,
    /// What belongs into it.
    content: String,
    /// The same, where the file is JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<Value>,
}

/// A host's file in this repository.
struct Place {
    host: &'static Host,
    facts: Facts,
    file: PathBuf,
    text: Option<String>,
}

/// Prints what belongs into the file, or changes the file.
pub fn run(key: &str, args: &Args, ui: &Ui) -> Result<Exit> {
    let host = hosts::host(key);
    let place = Place::find(host, args.settings.as_deref())?;
    if !args.install && !args.uninstall {
        return place.print(ui);
    }
    let Host { title, note, .. } = host;
    if args.install {
        place.install()?;
        ui.say(format!("installed: worktrees of {title} become environments; {note}"));
    } else {
        match place.uninstall()?.as_slice() {
            [] => ui.say(format!("uninstalled: worktrees of {title} are plain worktrees")),
            still => still.iter().for_each(|command| {
                let file = place.file.display();
                ui.warn(format!("{file} still runs `{command}`; remove that by hand"));
            }),
        }
    }
    let answer = Installed { installed: args.install, file: place.file };
    ui.answer(&answer, || match fs::stands(&answer.file) {
        Ok(Stands::Nothing) => String::new(),
        _ => format!("{}\n", answer.file.display()),
    })
}

/// The host's file, if it contains all of our parts.
pub fn installed(context: &Context, host: &'static Host) -> Result<Option<PathBuf>> {
    let host = host.read_in(&context.repo.main);
    let place = Place::at(host, facts(context)?, context.repo.main.join(host.file))?;
    Ok(place.is_installed().then_some(place.file))
}

impl Place {
    fn find(host: &'static Host, file: Option<&Path>) -> Result<Place> {
        match (file, Context::here()) {
            (Some(file), Ok(context)) => {
                Place::at(host.called(file), facts(&context)?, current_dir()?.join(file))
            }
            (Some(file), Err(_)) => {
                let facts = Facts { repo: String::new(), globs: Vec::new() };
                Place::at(host.called(file), facts, current_dir()?.join(file))
            }
            (None, context) => {
                let context = context?;
                let host = host.read_in(&context.repo.main);
                let file = context.repo.main.join(host.file);
                Place::at(host, facts(&context)?, file)
            }
        }
    }

    /// The file itself, where a link leads to it.
    fn at(host: &'static Host, facts: Facts, file: PathBuf) -> Result<Place> {
        let file = fs::canonical(&file);
        let content = fs::read(&file)?.map(String::from_utf8).transpose();
        let text = content.map_err(|_| odd(host, &file, "not UTF-8 text"))?;
        Ok(Place { host, facts, file, text })
    }

    fn with_parts(&self, text: &str) -> Result<String> {
        let parts = (self.host.parts)(&self.facts);
        edit::install(self.host.format, text, &parts).map_err(|error| self.odd(&error).into())
    }

    fn base(&self) -> String {
        (self.host.base)(&self.facts)
    }

    fn print(&self, ui: &Ui) -> Result<Exit> {
        let content = self.with_parts(&self.base())?;
        let settings = serde_json::from_str(&content).ok();
        let answer = Printed { file: self.file.clone(), content, settings };
        ui.answer(&answer, || answer.content.clone())
    }

    fn is_installed(&self) -> bool {
        let Some(text) = &self.text else { return false };
        match self.host.format {
            Format::Own(_) => *text == self.base(),
            format => edit::is_in(format, text, &(self.host.parts)(&self.facts)),
        }
    }

    fn install(&self) -> Result<()> {
        if self.host.key == "vscode" && self.facts.globs.is_empty() {
            let message = "no ignored files are chosen for new worktrees";
            let hint = "list them in `.worktreeinclude`, or under `copy` in `.agentenv.yaml`";
            return Err(error::refused(message).hint(hint).into());
        }
        let text = match (&self.text, self.host.format) {
            (None, _) => self.with_parts(&self.base())?,
            (Some(text), Format::Own(mark)) if text.starts_with(mark) => self.base(),
            (Some(_), Format::Own(_)) => return Err(self.foreign().into()),
            (Some(text), _) => self.with_parts(text)?,
        };
        if self.text.as_ref() == Some(&text) {
            return Ok(());
        }
        file::write(&self.file, &text, self.text.as_deref()).with_context(|| self.fails())
    }

    /// Removes our parts; gives those of our commands that the user's own scripts still run.
    fn uninstall(&self) -> Result<Vec<&'static str>> {
        let Some(text) = &self.text else { return Ok(Vec::new()) };
        let parts = (self.host.parts)(&self.facts);
        let rest = match self.host.format {
            Format::Own(mark) if text.starts_with(mark) => self.base(),
            Format::Own(_) => return Ok(Vec::new()),
            format => edit::uninstall(format, text, &parts).map_err(|error| self.odd(&error))?,
        };
        let nothing = file::is_nothing(&rest) || rest == self.base();
        if matches!(self.host.format, Format::Own(_)) {
            file::delete(&self.file, self.own_dirs())?;
        } else if rest != *text {
            file::leave(&self.file, &rest, nothing, self.own_dirs())
                .with_context(|| self.fails())?;
        }
        Ok(edit::still_run(self.host.format, &rest, &parts))
    }

    /// How many directories there are for this file alone.
    fn own_dirs(&self) -> usize {
        match self.file.ends_with(self.host.file) {
            true => Path::new(self.host.file).ancestors().skip(2).count(),
            false => 0,
        }
    }

    fn fails(&self) -> String {
        format!("cannot change the configuration of {}", self.host.title)
    }

    fn odd(&self, error: &anyhow::Error) -> Failure {
        odd(self.host, &self.file, &error.to_string())
    }

    fn foreign(&self) -> Failure {
        error::refused(format!("{} was not written by git-agentenv", self.file.display()))
            .hint("rename that file, then install again")
    }
}

fn facts(context: &Context) -> Result<Facts> {
    let mut patterns = context.config().ok().flatten().map_or(Vec::new(), |config| config.copy);
    if let Some(file) = fs::read(&context.repo.main.join(include::FILE))? {
        let lines = String::from_utf8_lossy(&file).into_owned();
        patterns.extend(lines.lines().map(str::to_owned));
    }
    Ok(Facts { repo: context.repo.name(), globs: hosts::globs(&patterns) })
}

fn odd(host: &Host, file: &Path, why: &str) -> Failure {
    error::refused(format!("cannot change {}: {why}", file.display())).hint(format!(
        "fix the file, or copy what `git agentenv hook {}` prints; its format: {}",
        host.key, host.documented
    ))
}
