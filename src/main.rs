//! Parses the command line, runs the command and exits with its code.

use git_agentenv::cli::Cli;
use git_agentenv::error::{self, Exit};
use git_agentenv::{commands, help, sys, ui, usage};
use std::process::ExitCode;

fn main() -> ExitCode {
    if commands::completions::answer() {
        return ExitCode::SUCCESS;
    }
    if let Some(code) = sys::docker::carry() {
        return ExitCode::from(code);
    }
    if let Some(error) = sys::exec::succeed() {
        ui::Ui::new(false, false, ui::Color::Auto).error_ending(&error, Exit::Command(125));
        return ExitCode::from(125);
    }
    let exit = match help::parse() {
        Ok(cli) => run(cli),
        Err(error) => refuse(&usage::told(error)),
    };
    ExitCode::from(exit.code())
}

fn run(cli: Cli) -> Exit {
    let ui = ui::Ui::new(cli.json, cli.quiet, cli.color);
    let ended = sys::interrupt::listen()
        .and_then(|()| sys::budget::check())
        .and_then(|()| commands::run(cli.command, &ui));
    ended.unwrap_or_else(|error| {
        ui::show_cursor();
        let exit = ending(error::exit_of(&error));
        ui.error_ending(&error, exit);
        exit
    })
}

/// Prints help, the version, or what is wrong with the command line.
fn refuse(error: &clap::Error) -> Exit {
    let Some(failure) = usage::failure(error) else {
        // A closed pipe is no error: the reader has read enough.
        error.print().ok();
        return Exit::Done;
    };
    let exit = ending(Exit::Usage);
    if usage::wants_json(std::env::args_os()) {
        ui::Ui::new(true, true, ui::Color::Never).error_ending(&failure.into(), exit);
    } else {
        error.print().ok();
    }
    exit
}

/// An agent that runs `hook` takes exit 2 for "block what I am about to do".
fn ending(exit: Exit) -> Exit {
    match exit {
        Exit::Usage if usage::is_hook(std::env::args_os()) => Exit::Failed,
        other => other,
    }
}
