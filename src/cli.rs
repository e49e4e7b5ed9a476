//! The command line, and nothing else.

use crate::commands::{
    add, adopt, check, completions, db, doctor, down, env, hook, infra, init, list, logs, open,
    path, prune, ps, remove, restart, run, shell_init, status, trust, up, wait,
};
use crate::ui::Color;
use clap::{Parser, Subcommand};

/// Give each branch its own worktree, ports, database and Redis, on servers that all share
#[derive(Debug, Parser)]
#[command(name = "git-agentenv", bin_name = "git agentenv", version, propagate_version = true)]
#[command(arg_required_else_help = true, max_term_width = 100)]
#[command(after_long_help = EXAMPLES)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
    /// Answer with one JSON document on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// Say nothing but warnings and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// When to use colours
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true
    )]
    pub color: Color,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make an environment: worktree, ports, database, Redis index, `.env.worktree`
    #[command(long_about = add::ABOUT)]
    Add(add::Args),
    /// Make an environment of a worktree that is there, or make one whole again
    Adopt(adopt::Args),
    /// Take an environment away, with everything that it holds
    #[command(long_about = remove::ABOUT)]
    Remove(remove::Args),
    /// List the environments
    List(list::Args),
    /// Show one environment whole: what runs, who is connected, what is missing
    Status(status::Args),
    /// Print the variables of an environment
    Env(env::Args),
    /// Run a command in an environment
    Run(run::Args),
    /// Start the application of an environment
    Up(up::Args),
    /// Stop the application of an environment
    Down(down::Args),
    /// Stop and start the application of an environment
    Restart(restart::Args),
    /// List the processes of environments
    Ps(ps::Args),
    /// Show what the processes of an environment print
    Logs(logs::Args),
    /// Wait until the application of an environment is ready
    Wait(wait::Args),
    /// Open the application of an environment in a browser
    Open(open::Args),
    /// Print the path of an environment
    Path(path::Args),
    /// Give back what belongs to worktrees that are gone, and finish what was interrupted
    Prune(prune::Args),
    /// Look at git, Docker, the servers and the environments, and say what mends what is wrong
    Doctor(doctor::Args),
    /// Start, stop and show the servers that all environments share
    Infra(infra::Args),
    /// Say whether this shell's variables belong to the environment it stands in
    Check(check::Args),
    /// Approve the hook commands of this repository
    Trust(trust::Args),
    /// Look at the project and write its `.agentenv.yaml`
    Init(init::Args),
    /// Work with an environment's database: a prompt, an empty one, a copy, snapshots
    Db(db::Args),
    /// Print the file that makes a shell complete our words
    Completions(completions::Args),
    /// Print a shell function that also changes directory
    ShellInit(shell_init::Args),
    /// Make environments of the worktrees that git and coding agents make by themselves
    Hook(hook::Args),
}

const EXAMPLES: &str = "\
Examples:
  git agentenv add feature-x
  git agentenv list
  git agentenv run feature-x -- python manage.py migrate
  git agentenv remove feature-x";
