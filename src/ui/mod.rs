//! The only printer: answers on stdout, narration and prompts on stderr.

mod color;
mod failure;
mod keys;
mod lanes;
mod live;
mod menu;
mod progress;
mod screen;
pub mod shell_cd;
mod stdout;
mod step;
pub mod table;
mod terminal;

pub use color::{Color, Tone};
pub(crate) use failure::ErrorAnswer;
pub use failure::ErrorReport;
pub use live::Live;
pub use menu::{Choice, Item, Judge, Menu};
pub use stdout::{JSON_VERSION, reader_has_gone};
pub use step::{Reached, Step};
pub use terminal::{height, is_terminal, show_cursor, width};

use crate::error::{Exit, exit_of, hint_of};
use anyhow::Result;
use console::Style;
use lanes::{Lane, Lanes};
use progress::Progress;
use serde::Serialize;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use stdout::{print, print_json, written};
use terminal::is_dumb;

/// The output of one run: answers, narration, prompts. Clones share the terminal.
#[derive(Clone)]
pub struct Ui {
    json: bool,
    quiet: bool,
    progress: Option<Arc<Progress>>,
    lanes: Option<Arc<Lanes>>,
    lane: Option<Arc<Lane>>,
}

impl Ui {
    /// Output as the global options ask for.
    pub fn new(json: bool, quiet: bool, color: Color) -> Ui {
        color::choose(color);
        let lively = !quiet && std::io::stderr().is_terminal() && !is_dumb();
        let progress = lively.then(|| Arc::new(Progress::new()));
        Ui { json, quiet, progress, lanes: None, lane: None }
    }

    /// The output of work on so many environments side by side: see [`Ui::about`].
    pub fn for_several(&self, count: usize) -> Ui {
        let lanes = (count > 1).then(|| Arc::new(Lanes::new(self.progress.clone())));
        Ui { lanes, ..self.clone() }
    }

    /// The output about one environment. Where there are several, its lines begin with its name; on a terminal it has one
    /// line that shows the steps that run.
    pub fn about(&self, name: &str) -> Ui {
        Ui { lane: self.lanes.as_ref().map(|lanes| lanes.of(name)), ..self.clone() }
    }

    /// The same about one or more environments at once, without a line that is live.
    pub fn about_all(&self, names: &[&str]) -> Ui {
        let lane = self.lanes.as_ref().map(|_| Arc::new(Lane::dark(names.join(", "))));
        Ui { lane, ..self.clone() }
    }

    /// Whether lines begin with a name.
    pub fn is_labelled(&self) -> bool {
        self.lane.is_some()
    }

    /// Whether `--json` was given.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether the user can be prompted: stdin and stderr are terminals, without `--json`.
    pub fn can_ask(&self) -> bool {
        let (stdin, stderr) = (std::io::stdin(), std::io::stderr());
        !self.json && !is_dumb() && stdin.is_terminal() && stderr.is_terminal()
    }

    /// Prints the answer: text for people, or the value as JSON with a version. The command is done then.
    pub fn answer<T: Serialize>(&self, value: &T, text: impl FnOnce() -> String) -> Result<Exit> {
        if self.json {
            self.beside_lines(|| print_json(value))?;
        } else {
            let text = text();
            self.beside_lines(|| print(&text))?;
        }
        Ok(Exit::Done)
    }

    /// Prints text on stdout as it is, `--json` or not.
    pub fn raw(&self, text: &str) -> Result<()> {
        print(text)
    }

    /// Prints a part of an output that goes on. `false`: the reader has gone, and wants no more.
    pub fn stream(&self, text: &str) -> Result<bool> {
        written(text)
    }

    /// Narrates on stderr, unless quiet.
    pub fn say(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.line(&format!("{}{}", self.label(), text.as_ref()));
        }
    }

    /// Shows what a question is about, or what another program prints, even when quiet.
    pub fn present(&self, text: &str) {
        self.line(&format!("{}{text}", self.label()));
    }

    /// Whether stdout and stderr are terminals and narration is on, so that a person reads both.
    pub fn is_heard(&self) -> bool {
        !self.quiet && std::io::stderr().is_terminal() && width().is_some()
    }

    /// Prints a warning, even when quiet.
    pub fn warn(&self, text: impl AsRef<str>) {
        let label = Style::new().for_stderr().yellow().bold().apply_to("warning:");
        self.line(&format!("{label} {}{}", self.label_of(text.as_ref()), text.as_ref()));
    }

    /// Prints an error, its causes and its hint.
    pub fn error(&self, error: &anyhow::Error) {
        self.error_ending(error, exit_of(error));
    }

    /// The same for a program that exits with another code than the error's own.
    pub fn error_ending(&self, error: &anyhow::Error, exit: Exit) {
        if self.json {
            // A failure to print the error cannot be reported.
            print_json(&ErrorAnswer::ending(error, exit)).ok();
            return;
        }
        let label = Style::new().for_stderr().red().bold().apply_to("error:");
        let mut chain = error.chain().map(ToString::to_string);
        let what = chain.next().unwrap_or_default();
        let mut text = format!("{label} {}{what}", self.label_of(&what));
        let mut before = String::new();
        for cause in chain.filter(|cause| !cause.is_empty()) {
            if !text.contains(&cause) && cause != before {
                text.push_str(&format!("\n  caused by: {}", cause.replace('\n', "\n    ")));
            }
            before = cause;
        }
        if let Some(hint) = hint_of(error) {
            let label = Style::new().for_stderr().cyan().bold().apply_to("hint:");
            text.push_str(&format!("\n{label} {hint}"));
        }
        self.line(&text);
    }

    /// Asks a yes-or-no question; only where [`Ui::can_ask`]. Fails when the user cancels.
    pub fn confirm(&self, question: &str, default: bool) -> Result<bool> {
        let theme = dialoguer::theme::SimpleTheme;
        let prompt = dialoguer::Confirm::with_theme(&theme).with_prompt(question).default(default);
        let answer = prompt.interact_opt().map_err(|dialoguer::Error::IO(error)| error);
        if answer.is_err() {
            // Ctrl-C leaves the cursor behind the question.
            self.line("");
        }
        screen::answered(answer, question)?.ok_or_else(|| screen::cancelled(question))
    }

    /// Shows `about`, asks, and fails unless the answer is yes.
    pub fn agree(&self, about: &str, question: &str, default: bool) -> Result<()> {
        self.present(about);
        if self.confirm(question, default)? {
            return Ok(());
        }
        Err(screen::cancelled(question))
    }

    /// Lets the user choose from a menu; only where [`Ui::can_ask`]. Fails when the user cancels.
    pub fn choose(&self, menu: &Menu<'_>) -> Result<Choice> {
        menu.ask()
    }

    /// The same for one entry; gives its position.
    pub fn choose_one(&self, menu: &Menu<'_>) -> Result<usize> {
        match menu.ask()? {
            Choice::Items(chosen) => chosen.first().copied(),
            Choice::New(_) => None,
        }
        .ok_or_else(|| screen::cancelled(menu.prompt))
    }

    /// The same for one entry or a new one; gives its label or the text that was typed.
    pub fn choose_text(&self, menu: &Menu<'_>) -> Result<String> {
        match menu.ask()? {
            Choice::Items(chosen) => chosen.first().map(|&at| menu.items[at].label.clone()),
            Choice::New(typed) => Some(typed),
        }
        .ok_or_else(|| screen::cancelled(menu.prompt))
    }

    /// Starts a step.
    pub fn step(&self, what: impl Into<String>) -> Step {
        Step::begin(self, what.into())
    }

    fn label(&self) -> String {
        let name = self.lane.as_ref().map(|lane| Tone::Strong.paint_stderr(lane.name()));
        name.map_or_else(String::new, |name| format!("{name}: "))
    }

    /// As [`Ui::label`], where the text itself does not name the environment.
    fn label_of(&self, text: &str) -> String {
        let is_named = |lane: &Arc<Lane>| text.contains(&format!("`{}`", lane.name()));
        if self.lane.as_ref().is_some_and(is_named) { String::new() } else { self.label() }
    }

    fn line(&self, text: &str) {
        let print = || {
            writeln!(std::io::stderr().lock(), "{text}").ok();
        };
        self.beside_lines(print);
    }

    /// Prints while no live line is in the way.
    fn beside_lines<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.progress {
            Some(progress) => progress.above(print),
            None => print(),
        }
    }
}
