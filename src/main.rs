//! Parses the command line, runs the command, ends with its exit code.

use clap::Parser;
use git_agentenv::cli::Cli;
use git_agentenv::error::{Exit, Failure};
use git_agentenv::{commands, error, sys, ui};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(wrong) => return misunderstood(&wrong),
    };
    let ui = ui::Ui::new(cli.json, cli.quiet, cli.color);
    let ended = sys::interrupt::listen().and_then(|()| commands::run(cli.command, &ui));
    let exit = ended.unwrap_or_else(|error| {
        ui::show_cursor();
        ui.error(&error);
        error::exit_of(&error)
    });
    ExitCode::from(exit.code())
}

/// What clap says, and as JSON to those who asked for it. Help and the version are no errors.
fn misunderstood(wrong: &clap::Error) -> ExitCode {
    let is_json = std::env::args_os().take_while(|word| word != "--").any(|word| word == "--json");
    if !wrong.use_stderr() || !is_json {
        wrong.print().ok();
        return ExitCode::from(u8::try_from(wrong.exit_code()).unwrap_or(Exit::Usage.code()));
    }
    let said = wrong.render().to_string();
    let (message, hint) = said.split_once("\n\n").unwrap_or((&said, ""));
    let message = message.trim_start_matches("error: ").trim();
    let failure = Failure::new(Exit::Usage, message).hint(hint.trim());
    ui::Ui::new(true, false, ui::Color::Auto).error(&failure.into());
    ExitCode::from(Exit::Usage.code())
}
