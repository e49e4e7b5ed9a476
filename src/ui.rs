//! The only printer: answers on stdout, narration on stderr.

use crate::error::{Exit, Failure, exit_of, hint_of};
use anyhow::{Context, Result};
use console::{Style, Term};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde::Serialize;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// The version of all JSON answers. It grows when a field changes its meaning or goes away.
pub const JSON_VERSION: u32 = 1;

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR or CLICOLOR=0 is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How to speak to the user.
pub struct Ui {
    json: bool,
    quiet: bool,
    progress: Option<MultiProgress>,
}

impl Ui {
    /// Speaks as the command line asks for.
    pub fn new(json: bool, quiet: bool, color: Color) -> Ui {
        match color {
            Color::Auto => {}
            Color::Always | Color::Never => {
                console::set_colors_enabled(color == Color::Always);
                console::set_colors_enabled_stderr(color == Color::Always);
            }
        }
        let lively =
            !quiet && std::io::stderr().is_terminal() && Term::stderr().features().is_attended();
        Ui { json, quiet, progress: lively.then(MultiProgress::new) }
    }

    /// The answer is to be one JSON document.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Somebody is there to be asked.
    pub fn can_ask(&self) -> bool {
        !self.json && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Prints the answer: text for people, or the value as JSON with a version.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn answer<T: Serialize>(&self, value: &T, text: impl FnOnce() -> String) -> Result<()> {
        if !self.json {
            return print(&text());
        }
        let mut document =
            serde_json::to_value(value).context("cannot write the answer as JSON")?;
        if let Some(fields) = document.as_object_mut() {
            fields.insert("version".to_owned(), JSON_VERSION.into());
        }
        print(&format!("{document:#}\n"))
    }

    /// Prints text that is the same for everybody.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn raw(&self, text: &str) -> Result<()> {
        print(text)
    }

    /// Says something on the way.
    pub fn say(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.line(text.as_ref());
        }
    }

    /// Says something that the user should not miss, also when quiet.
    pub fn warn(&self, text: impl AsRef<str>) {
        let label = Style::new().for_stderr().yellow().bold().apply_to("warning:");
        self.line(&format!("{label} {}", text.as_ref()));
    }

    /// Says what went wrong, why, and the way out.
    pub fn error(&self, error: &anyhow::Error) {
        if self.json {
            self.json_error(error);
            return;
        }
        let label = Style::new().for_stderr().red().bold().apply_to("error:");
        let mut chain = error.chain().map(ToString::to_string);
        let mut text = format!("{label} {}", chain.next().unwrap_or_default());
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

    /// Asks a yes-or-no question; only where [`Ui::can_ask`].
    ///
    /// # Errors
    /// When the user breaks it off.
    pub fn confirm(&self, question: &str, default: bool) -> Result<bool> {
        let answer =
            dialoguer::Confirm::new().with_prompt(question).default(default).interact_opt();
        answer.context("cannot ask")?.ok_or_else(cancelled)
    }

    /// Shows that something has begun that may take a moment.
    pub fn step(&self, what: impl Into<String>) -> Step<'_> {
        let what = what.into();
        let bar = self.progress.as_ref().map(|all| {
            let bar = all.add(ProgressBar::new_spinner());
            bar.set_style(
                ProgressStyle::with_template("{spinner} {msg} {elapsed}")
                    .unwrap_or_else(|_| ProgressStyle::default_spinner()),
            );
            bar.set_message(what.clone());
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Step { ui: self, what, begin: Instant::now(), bar, ended: false }
    }

    fn json_error(&self, error: &anyhow::Error) {
        let exit = exit_of(error);
        let causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
        let document = serde_json::json!({
            "version": JSON_VERSION,
            "error": {
                "code": exit.word(),
                "exit": exit.code(),
                "message": error.to_string(),
                "causes": causes,
                "hint": hint_of(error),
            },
        });
        print(&format!("{document:#}\n")).ok();
    }

    fn line(&self, text: &str) {
        let print = || {
            writeln!(std::io::stderr().lock(), "{text}").ok();
        };
        match &self.progress {
            Some(progress) => progress.suspend(print),
            None => print(),
        }
    }
}

/// Something that has begun; it failed unless somebody says that it is done.
pub struct Step<'a> {
    ui: &'a Ui,
    what: String,
    begin: Instant,
    bar: Option<ProgressBar>,
    ended: bool,
}

impl Step<'_> {
    /// It is done.
    pub fn done(mut self) {
        self.end(Style::new().for_stderr().green().apply_to("✓").to_string());
    }

    /// There was nothing to do: it is not mentioned.
    pub fn nothing(mut self) {
        self.clear();
    }

    fn end(&mut self, sign: String) {
        self.clear();
        let took = self.begin.elapsed();
        self.ui.say(format!("{sign} {} ({:.1} s)", self.what, took.as_secs_f64()));
    }

    fn clear(&mut self) {
        self.ended = true;
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.end(Style::new().for_stderr().red().apply_to("✗").to_string());
        }
    }
}

fn cancelled() -> anyhow::Error {
    Failure::new(Exit::Interrupted, "cancelled").into()
}

/// How many columns stdout has; `None`: it is no terminal.
pub fn width() -> Option<usize> {
    let term = Term::stdout();
    term.features().is_attended().then(|| usize::from(term.size().1))
}

/// A person is at both ends of this process.
pub fn is_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Shows the cursor again, which a prompt may have hidden.
pub fn show_cursor() {
    if std::io::stderr().is_terminal() {
        Term::stderr().show_cursor().ok();
    }
}

/// Prints to stdout. Nobody reading any more is no error: the process ends as other tools do.
fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to stdout"),
    }
}
