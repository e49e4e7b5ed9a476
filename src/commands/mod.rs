//! One file per subcommand: its arguments beside its run function.

pub mod add;
pub mod adopt;
pub mod check;
pub mod completions;
pub mod db;
pub mod doctor;
pub mod down;
pub mod env;
pub mod hook;
pub mod infra;
pub mod init;
pub mod list;
pub mod logs;
pub mod mcp;
pub mod r#move;
pub mod open;
pub mod output;
pub mod path;
pub mod prune;
pub mod ps;
pub mod remove;
pub mod rename;
pub mod restart;
pub mod restore;
pub mod run;
pub mod shell_init;
pub mod status;
pub mod switch;
pub mod trust;
pub mod up;
pub mod wait;

use crate::cli::Command;
use crate::error::Exit;
use crate::ui::Ui;
use anyhow::Result;

/// Runs a subcommand.
pub fn run(command: Command, ui: &Ui) -> Result<Exit> {
    match command {
        Command::Add(args) => add::run(&args, ui),
        Command::Adopt(args) => adopt::run(&args, ui),
        Command::Remove(args) => remove::run(&args, ui),
        Command::List(args) => list::run(&args, ui),
        Command::Move(args) => r#move::run(&args, ui),
        Command::Rename(args) => rename::run(&args, ui),
        Command::Env(args) => env::run(&args, ui),
        Command::Restore(args) => restore::run(&args, ui),
        Command::Run(args) => run::run(&args, ui),
        Command::Path(args) => path::run(&args, ui),
        Command::Prune(args) => prune::run(&args, ui),
        Command::Doctor(args) => doctor::run(&args, ui),
        Command::Infra(args) => infra::run(&args, ui),
        Command::Check(args) => check::run(&args, ui),
        Command::Trust(args) => trust::run(&args, ui),
        Command::Completions(args) => completions::run(&args, ui),
        Command::ShellInit(args) => shell_init::run(&args, ui),
        Command::Db(args) => db::run(&args, ui),
        Command::Init(args) => init::run(&args, ui),
        Command::Status(args) => status::run(&args, ui),
        Command::Switch(args) => switch::run(&args, ui),
        Command::Up(args) => up::run(&args, ui),
        Command::Down(args) => down::run(&args, ui),
        Command::Restart(args) => restart::run(&args, ui),
        Command::Ps(args) => ps::run(&args, ui),
        Command::Logs(args) => logs::run(&args, ui),
        Command::Wait(args) => wait::run(&args, ui),
        Command::Open(args) => open::run(&args, ui),
        Command::Hook(args) => hook::run(&args, ui),
        Command::Mcp(args) => mcp::run(&args),
    }
}
