//! Sections of the manual pages that clap does not know.

use git_agentenv::error::Exit;

/// The date on every page, fixed so that a page changes only with the program.
pub const DATE: &str = "2026-01-01";

/// A term and its explanation.
pub type Entry = (&'static str, &'static str);

/// The section FILES.
pub const FILES: &[Entry] = &[
    (
        ".agentenv.yaml",
        "The configuration, in the main checkout. Every key is optional; README.md shows the defaults.",
    ),
    (
        ".env.worktree",
        "The environment's variables, in its worktree. git agentenv rewrites only its marked block; \
         your own lines stay. Git ignores the file. Its mode is 0600.",
    ),
    (
        ".git/info/exclude",
        "One line is added for each file or directory of git agentenv that git must not track.",
    ),
    (".git/agentenv-trash/", "The worktrees in the trash, until git agentenv restore or prune."),
    (
        "~/.local/state/git-agentenv/",
        "The leases (which environment holds which port, index and database), the records of the trash, and the approvals \
         of git agentenv trust.",
    ),
];

/// The section ENVIRONMENT.
pub const ENVIRONMENT: &[Entry] = &[
    (
        "AGENTENV_STATE_DIR",
        "The directory of the leases, an absolute path. Users and sandboxes that share ports or servers must share it.",
    ),
    (
        "XDG_STATE_HOME",
        "Without AGENTENV_STATE_DIR, leases are stored in git-agentenv below this directory.",
    ),
    (
        "AGENTENV_TIMEOUT",
        "How many seconds one command waits in all for servers and a Docker engine that do not answer; 30 when not set. \
         A server that was silent once is not asked again in that command. Git, hooks, and copies that have begun take \
         as long as they need; a copy ends after a day, or when the server is idle for AGENTENV_TIMEOUT seconds.",
    ),
    (
        "AGENTENV_POSTGRES_PORT",
        "The port on which git agentenv infra up publishes the built-in Postgres.",
    ),
    (
        "AGENTENV_REDIS_PORT",
        "The port on which git agentenv infra up publishes the built-in Redis.",
    ),
    (
        "AGENTENV_NETWORK",
        "The name of the network of the built-in servers; app_local when not set.",
    ),
    (
        "AGENTENV_MAIN",
        "Set for every command that git agentenv runs in an environment: the main checkout.",
    ),
    (
        "AGENTENV_WORKING",
        "When it is not empty, the post-checkout hook of git agentenv hook install does nothing.",
    ),
    (
        "PGPASSWORD, MYSQL_PWD, REDISCLI_AUTH",
        "The password of a Postgres, MySQL or Redis server whose service has no password_env.",
    ),
    (
        "AGENTENV_CD_FILE",
        "Set by the function of git agentenv shell-init: the file that names the directory to change to.",
    ),
    ("DOCKER_HOST, DOCKER_CONTEXT", "The Docker engine, as the docker command reads them."),
    (
        "NO_COLOR, CLICOLOR, CLICOLOR_FORCE",
        "NO_COLOR, or CLICOLOR=0, disables colours where --color is auto. CLICOLOR_FORCE=1 enables them without a terminal.",
    ),
];

/// The section EXIT STATUS: the codes and their meanings, smallest first.
pub fn exit_status() -> Vec<(String, String)> {
    let entry = |exit: Exit| {
        (
            exit.code().to_string(),
            format!("{} In JSON: {}.", exit.meaning().replace('`', ""), exit.word()),
        )
    };
    let mut entries: Vec<_> = Exit::ALL.into_iter().map(entry).collect();
    let run = "From git agentenv run: the command never started. Otherwise run exits as the command does.";
    entries.insert(entries.len() - 1, ("125".to_owned(), run.to_owned()));
    entries
}

#[test]
fn codes_grow_and_none_is_missing() {
    let codes: Vec<u8> = exit_status().iter().map(|(code, _)| code.parse().unwrap()).collect();
    assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 125, 130]);
}
