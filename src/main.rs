//! Parses the command line, runs the command, ends with its exit code.

use clap::Parser;
use git_agentenv::cli::Cli;
use git_agentenv::{commands, error, sys, ui};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ui = ui::Ui::new(cli.json, cli.quiet, cli.color);
    let ended = sys::interrupt::listen().and_then(|()| commands::run(cli.command, &ui));
    let exit = ended.unwrap_or_else(|error| {
        ui::show_cursor();
        ui.error(&error);
        error::exit_of(&error)
    });
    ExitCode::from(exit.code())
}
