//! What the manual pages say besides the command line's own definition.

use crate::error::Exit;

/// The date on every page: a page changes with the program, not with the day it was built.
pub const DATE: &str = "2026-01-01";

/// A term and what it stands for.
pub type Entry = (&'static str, &'static str);

/// The section FILES.
pub const FILES: &[Entry] = &[
    (
        ".agentenv.yaml",
        "The configuration, in the main checkout. All of it is optional; the README shows the defaults.",
    ),
    (
        ".env.worktree",
        "The environment's variables, in its worktree. Only the marked block belongs to git agentenv; \
         other lines are yours and stay. Git ignores the file, and nobody else may read it.",
    ),
    (
        ".git/info/exclude",
        "Gets one line for each file or directory of git agentenv that git must not track.",
    ),
    (
        "~/.local/state/git-agentenv/",
        "The leases: who holds which port, index and database on this machine; also the approvals of trust.",
    ),
];

/// The section ENVIRONMENT.
pub const ENVIRONMENT: &[Entry] = &[
    (
        "AGENTENV_STATE_DIR",
        "The directory of the leases. Everybody who shares ports and servers must share it.",
    ),
    (
        "XDG_STATE_HOME",
        "Without AGENTENV_STATE_DIR, the leases are in git-agentenv below this directory.",
    ),
    ("AGENTENV_POSTGRES_PORT", "The port at which infra up publishes the built-in Postgres."),
    ("AGENTENV_REDIS_PORT", "The port at which infra up publishes the built-in Redis."),
    ("AGENTENV_CD_FILE", "Set by the function of shell-init: the file that tells it where to go."),
    ("DOCKER_HOST, DOCKER_CONTEXT", "The Docker engine, as the docker command reads them."),
    ("NO_COLOR, CLICOLOR", "NO_COLOR, or CLICOLOR=0, switch colours off where --color is auto."),
];

/// The section EXIT STATUS: the codes and their meanings, smallest first.
pub fn exit_status() -> Vec<(String, String)> {
    let entry = |exit: Exit| {
        (exit.code().to_string(), format!("{} In JSON: {}.", exit.meaning(), exit.word()))
    };
    let mut entries: Vec<_> = Exit::ALL.into_iter().map(entry).collect();
    let run = "From git agentenv run, when the command never ran; else it ends as its command did.";
    entries.insert(entries.len() - 1, ("125".to_owned(), run.to_owned()));
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_grow_and_none_is_missing() {
        let codes: Vec<u8> = exit_status().iter().map(|(code, _)| code.parse().unwrap()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 125, 130]);
    }
}
