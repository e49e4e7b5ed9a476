//! The command line: global options and the list of subcommands.

use crate::commands::{
    add, adopt, check, completions, db, doctor, down, env, hook, infra, init, list, logs, mcp,
    r#move, open, path, prune, ps, remove, rename, restart, restore, run, shell_init, status,
    switch, trust, up, wait,
};
use crate::ui::Color;
use clap::{Parser, Subcommand};

/// Give each branch its own worktree, ports, database and Redis index, on shared servers
///
/// An environment is a git worktree together with what was set aside for it: ports, a database, a
/// Redis index and a Compose project. Its variables are in `.env.worktree` in the worktree. No two
/// environments on this machine share a port, a database or an index. The main checkout keeps its
/// own values and is never touched.
///
/// An environment is named by its branch, its worktree's directory name, or a path. Without a name,
/// most commands use the environment around the current directory.
#[derive(Debug, Parser)]
#[command(name = "git-agentenv", bin_name = "git agentenv", version, propagate_version = true)]
#[command(arg_required_else_help = true, max_term_width = 100)]
#[command(after_long_help = EXAMPLES)]
pub struct Cli {
    /// The subcommand
    #[command(subcommand)]
    pub command: Command,
    /// Print one JSON document on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// Print only the answer, warnings and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// When to use colours: auto, always or never
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
    /// Create an environment: worktree, ports, database, Redis index, `.env.worktree`
    #[command(long_about = add::ABOUT)]
    Add(add::Args),
    /// Turn an existing worktree into an environment, or repair one
    ///
    /// Use it for worktrees that another program created, for example plain `git worktree add`. The
    /// worktree gets ports, a database and a Redis index; its files stay as they are, except
    /// `.env.worktree`.
    ///
    /// In an environment, `adopt` restores what is missing: the environment file, the database, the
    /// Redis index. It is idempotent and never replaces existing data.
    Adopt(adopt::Args),
    /// Remove an environment and its resources
    #[command(long_about = remove::ABOUT)]
    #[command(visible_alias = "rm")]
    Remove(remove::Args),
    /// Restore a removed environment from the trash
    #[command(long_about = restore::ABOUT)]
    Restore(restore::Args),
    /// List environments
    ///
    /// Shows this repository's worktrees: the main checkout, the environments with their state,
    /// ports, running processes, database and Redis index, then plain worktrees. Reads leases and
    /// the worktrees' git directories only; no git command runs and no server is asked, so that it
    /// takes milliseconds. `--full` asks both; `--watch` shows their answers when they come. A
    /// narrow terminal leaves out the last columns first.
    ///
    /// `--json` is as fast: programs ask it often, and git needs seconds for many large worktrees.
    /// `--full --json` adds `status`, `last_activity`, `containers`, `worktree_bytes` and
    /// `database_bytes`.
    ///
    /// States: `ready`; `creating`, `removing` and `restoring` (running, or interrupted: see `git
    /// agentenv prune`); `gone` (the worktree was deleted); `no record` (the worktree exists and git does
    /// not know it: see `git agentenv doctor`); `incomplete` (the environment file is missing,
    /// or the mark in git's record of the worktree: run `git agentenv adopt`); `hooks pending` (`post_add` hooks
    /// failed or were skipped). `main` is the main checkout, `plain` a worktree that is no environment:
    /// `git agentenv adopt <path>` makes it one.
    ///
    /// Signs: `@` before the current worktree; `8012*`: a process listens on this port; `1/2`: 1 of
    /// 2 processes that `git agentenv up` started runs, the other one died; `+2 -1 main`: 2 commits
    /// ahead of main, 1 behind it; `= main`: the same commits.
    ///
    /// A lease that cannot be read is named beside the others (`failed` in JSON), and the exit code is 8.
    #[command(visible_alias = "ls")]
    List(list::Args),
    /// Show one environment: processes, connections, missing parts
    ///
    /// Asks git, the servers and the operating system about one environment. `git agentenv list` is
    /// the fast overview of all.
    Status(status::Args),
    /// Print the variables of an environment
    ///
    /// The default format is that of `.env.worktree`. `shell` and `fish` print commands that load
    /// the variables into the calling shell. In the default format, values with a
    /// semicolon, an ampersand or a space are in single quotes.
    Env(env::Args),
    /// Run a command in an environment
    ///
    /// The command runs in the worktree, with the environment's variables, on this terminal. Its
    /// exit code is the exit code of `run`; 125 means that the command never started.
    ///
    /// Refuses when the calling shell has loaded the variables of another environment: the command
    /// could use the other environment's database. `--force` runs it anyway.
    ///
    /// `--all` runs it in every environment of the repository, side by side, with nothing to read.
    /// Each line of output begins with the environment's name; the exit code is the worst one.
    /// A lease that cannot be read is named, and counts as a command that never started.
    Run(run::Args),
    /// Start the application of an environment
    #[command(long_about = up::ABOUT)]
    Up(up::Args),
    /// Stop the application of an environment
    ///
    /// Sends SIGTERM to the processes that `up` started and to their children, and SIGKILL to those
    /// that run after `--timeout`. Other processes are never stopped. The containers and networks of
    /// the environment's compose file are removed; its named volumes stay until `remove`.
    Down(down::Args),
    /// Restart the application of an environment
    ///
    /// The same as `git agentenv down`, then `git agentenv up`. Use it after a change of the
    /// configuration or of the environment file.
    Restart(restart::Args),
    /// List the processes and containers of environments
    ///
    /// Shows what `up` started, with its state. `--all` lists that of every environment of this
    /// repository.
    Ps(ps::Args),
    /// Show the output of an environment's processes and containers
    ///
    /// The output of each process is kept in a file, also after `down`; the next `up` begins another
    /// one. One that is longer than 64 MiB is cut to its end by `up`, `ps` or `logs`. Docker keeps
    /// the output of a container until `down`. `--follow` prints new lines until all of them end.
    /// `--previous` shows what a process printed before its last start, and `--previous=4` the oldest
    /// output that is kept; containers have none.
    Logs(logs::Args),
    /// Wait until the application of an environment is ready
    ///
    /// Returns when the application is ready, and fails when `--timeout` is over or a process or
    /// container ended. A process is ready when its command `ready` ends with 0, or when it, and no
    /// other program, answers at the ports that its command line names; a container when its ports
    /// answer and its health check passes. What shows neither must run for a second, and where no
    /// process shows it, the environment's first port must answer. A container may end with 0. Use
    /// it between `up` and a test run.
    Wait(wait::Args),
    /// Open the application of an environment in a browser
    ///
    /// The URL has a host name of its own, such as `http://feature-x.localhost:8012`, so that the
    /// environments do not share cookies. `--print` prints the URL only.
    Open(open::Args),
    /// Move the worktree of an environment to another directory
    ///
    /// Moves it as `git worktree move` does, then updates the variables and the Compose file
    /// that name its directory. Ports, databases and Redis indexes stay. Nothing may run in the
    /// environment or be connected to its servers. A move that was killed is finished by the same
    /// command.
    Move(r#move::Args),
    /// Rename an environment, its branch and its worktree
    ///
    /// Gives the environment the name of another branch: variables, the branch if
    /// `add` created it, and the worktree's directory if it is where the configuration places it.
    /// Databases and ports stay as they are, and keep their names. Nothing may run in the
    /// environment or be connected to its servers. A rename that was killed is finished by the same
    /// command.
    Rename(rename::Args),
    /// Print the path of an environment
    ///
    /// For use in scripts and with `cd`. The function of `git agentenv shell-init` changes
    /// directory by itself.
    Path(path::Args),
    /// Release resources of deleted worktrees and finish interrupted operations
    ///
    /// Works on the whole machine, not only on this repository. Drops databases and flushes Redis
    /// indexes whose worktree was deleted, for example by plain `git worktree remove`; rolls back
    /// interrupted `add` and finishes interrupted `remove`.
    ///
    /// Only resources that carry a mark of this program, and only those whose lease or worktree is
    /// provably gone, are touched. What cannot be released now, because a server does not answer,
    /// is kept and reported (exit 8). `prune` is idempotent; `--dry-run` shows what it would do.
    /// Processes that still run where a deleted worktree was, or listen on its ports, are named.
    ///
    /// `--idle` and `--merged` also remove environments of this repository that are not needed any
    /// more, as `remove` without `--force` does; with both, one reason is enough. Idle: for this
    /// long no file changed and HEAD did not move, and now nothing runs in the worktree, listens on
    /// its ports or is connected to its database or Redis index. Merged: the default branch, here
    /// or on `origin`, has the commits of the branch, commits with the same changes (rebased), or
    /// one commit with all of its changes (squashed). A branch without a commit of its own is not
    /// merged. The branch stays in any case.
    ///
    /// An environment is skipped, with the reason, when something would be lost: changed or
    /// untracked files, ignored files that no tool rebuilds, commits that nothing else holds. So is
    /// one that is locked, in use, or around the current directory. On a terminal it asks once, with
    /// the sizes, when a database holds rows and nothing goes to the trash; `--yes` skips that.
    Prune(prune::Args),
    /// Diagnose problems and suggest fixes
    ///
    /// Checks git, Docker, the shared servers, the leases and the worktrees of this repository.
    /// Prints each problem with what fixes it, a command or a hint, and the number of free slots in each
    /// pool. Exits with 1 when something does not work.
    ///
    /// `--fix` runs the fixes that lose no data: it finishes interrupted operations and restores
    /// what is missing.
    Doctor(doctor::Args),
    /// Start, stop and inspect the shared servers
    ///
    /// The servers run as one Docker Compose project per machine: the built-in file with Postgres
    /// and Redis, or the file named by `infra.file` in `.agentenv.yaml`, once `git agentenv trust`
    /// approved it. Every repository uses the same servers. A file of your own needs a `name:` of its
    /// own: `up` refuses to replace servers on which environments of another repository have data.
    ///
    /// `up` waits until each server answers. `down` keeps the data. `down --volumes` deletes the
    /// data, and refuses while an environment uses it.
    Infra(infra::Args),
    /// Check that this shell's variables match the current environment
    ///
    /// Compares the calling shell's variables with those of the environment around the current
    /// directory. Exits with 7 when a variable differs from the environment's, and names whose value
    /// it is. Use it before commands that write to a database, or in a prompt: it asks no server.
    ///
    /// `--servers` asks them, too, and exits with 7 when a database or Redis index is missing, was
    /// renamed, or belongs to another owner.
    Check(check::Args),
    /// Approve the commands and the compose file of this repository
    #[command(long_about = trust::ABOUT)]
    Trust(trust::Args),
    /// Detect the project's setup and write `.agentenv.yaml`
    #[command(long_about = init::ABOUT)]
    Init(init::Args),
    /// Open, reset, copy or snapshot an environment's database
    #[command(long_about = db::ABOUT)]
    Db(db::Args),
    /// Choose an environment and go there
    ///
    /// Without an argument, `switch` shows the environments with a fuzzy search and a preview. It
    /// prints the chosen path; the function of `git agentenv shell-init` goes there. `-` leads back.
    /// The branch of the main checkout leads to the main checkout. A name that does not exist is
    /// created with `--create`, or when you agree.
    Switch(switch::Args),
    /// Print a shell completion script
    ///
    /// Completes subcommands, options, branches and environments, for `git agentenv` and
    /// `git-agentenv`. `install.sh` installs the scripts.
    Completions(completions::Args),
    /// Print a shell function that changes directory
    ///
    /// The function `agentenv` runs `git agentenv`, then changes to the new worktree after `add`,
    /// to the environment after `path`, and to the main checkout after `remove` of the current
    /// directory, and to the environment that `switch` chooses. A program cannot change the directory
    /// of its shell; a function can. `--install` adds the line that loads it to the shell's own file,
    /// once, and `--uninstall` removes it.
    ShellInit(shell_init::Args),
    /// Turn worktrees made by git or coding agents into environments
    #[command(long_about = hook::ABOUT)]
    Hook(hook::Args),
    /// Serve the commands to agents as Model Context Protocol tools
    ///
    /// Speaks the protocol on stdin and stdout; an agent starts it. Each tool is a command of this
    /// program, with the arguments that an agent needs, and answers with the document of `--json`. The
    /// request `tools/list` names them. Programs run with `git agentenv run`. A call can name
    /// the directory of the repository; without it, the tool runs where the server was started.
    Mcp(mcp::Args),
}

const EXAMPLES: &str = "\
Examples:
  git agentenv add feature-x
  git agentenv list
  git agentenv run feature-x -- python manage.py migrate
  git agentenv remove feature-x";
