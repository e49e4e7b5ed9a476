//! The lease: the record of everything that one environment holds.

use super::config::{Commands, Config, Kind, Place};
use super::source::Source;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// The version of the lease files that this program writes, and the newest that it reads.
pub const VERSION: u32 = 1;

/// Everything that one environment holds. While it exists, no other environment gets any of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// The version of this record.
    pub version: u32,
    /// Never reused: the store's id (8 hexadecimal digits), then 16 random digits.
    pub id: String,
    /// Its phase.
    pub phase: Phase,
    /// The repository's common git directory, canonical.
    pub repository: PathBuf,
    /// The main checkout; of a bare repository, its directory.
    pub main: PathBuf,
    /// The environment's name: the branch, made valid for databases, hosts and Compose.
    pub name: String,
    /// The worktree's directory.
    pub path: PathBuf,
    /// The worktree's git admin directory, `worktrees/<x>` in the common directory, once it exists.
    pub admin: Option<PathBuf>,
    /// The branch; `None` for a detached HEAD.
    pub branch: Option<String>,
    /// The commit at which `add` created the branch; `None` when the branch existed before.
    pub branch_created_at: Option<String>,
    /// `remove` deletes the branch too, if it still points at this commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_branch_at: Option<String>,
    /// Git no longer knows the worktree, and something in its directory could not be deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub remains: bool,
    /// The worktree existed before `adopt` turned it into an environment.
    #[serde(default)]
    pub adopted: bool,
    /// `post_add` hooks have not all succeeded yet.
    #[serde(default)]
    pub hooks_pending: bool,
    /// The Compose project's name.
    pub project: String,
    /// The ports, by variable.
    pub ports: IndexMap<String, u16>,
    /// Its parts of the shared servers.
    pub parts: Vec<Part>,
    /// The processes that `up` started, by name.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub processes: IndexMap<String, Started>,
    /// The environment file, relative to the worktree.
    pub env_file: String,
    /// The compose file that is made over for it, relative to the worktree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compose_file: Option<String>,
    /// All variables, in the order of the environment file.
    pub vars: IndexMap<String, String>,
    /// Where its application is reached, when the configuration says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// The phases of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Being created; `add` again or `prune` rolls it back.
    Creating,
    /// Complete.
    Ready,
    /// Being closed for a last look before it is destroyed; `remove` again or `prune` opens it again.
    Closing,
    /// Being destroyed; `remove` again or `prune` finishes it.
    Removing,
    /// Being moved to the trash; `remove` again or `prune` finishes it.
    Keeping,
    /// Being restored from the trash; `restore` again or `prune` finishes it.
    Restoring,
}

/// A process that `up` started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Started {
    /// The process id of its supervisor, which is its process group's too; 0: it is about to be launched.
    pub pid: u32,
    /// What tells it from another process that gets the same id later.
    pub identity: String,
    /// When it was started, in seconds since 1970.
    pub since: u64,
    /// The file that holds what it prints.
    pub log: PathBuf,
}

/// One environment's part of one service. In words: `db app_x`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The service's name in the configuration.
    pub service: String,
    /// What kind of server it is.
    pub kind: Kind,
    /// The variable that names the part.
    pub variable: String,
    /// The database's name, the Redis index in decimal, the SQLite file relative to the worktree, or the name that the
    /// service's own commands get.
    pub holds: String,
    /// Where the server runs.
    pub place: Place,
    /// The user to connect as.
    pub user: String,
    /// The port on this machine where applications reach the server.
    pub port: u16,
    /// What the database was created as a copy of; `None`: of nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Source>,
    /// Names of databases that tests make beside it, and that go with it: patterns with `*`, in which `{}` stands for
    /// its own name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// The variable that holds the server's password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_env: Option<String>,
    /// The server that had the part when it was created: the run id of a Redis, the container of a custom one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_id: Option<String>,
    /// What creates and drops a custom part, as it was approved when the environment was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commands: Option<Commands>,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.service, self.holds)
    }
}

impl Lease {
    /// The lease of an environment that is complete, with its worktree's admin directory.
    pub fn into_ready(self, admin: PathBuf) -> Self {
        Lease { phase: Phase::Ready, admin: Some(admin), ..self }
    }

    /// The lease of an environment that is being closed.
    pub fn into_closing(self) -> Self {
        Lease { phase: Phase::Closing, ..self }
    }

    /// The lease of an environment that was closed and is open again, without the processes that were ended.
    pub fn into_open(self) -> Self {
        Lease {
            phase: Phase::Ready,
            delete_branch_at: None,
            processes: IndexMap::default(),
            ..self
        }
    }

    /// The lease of an environment that is being destroyed: from here on it is only ever finished.
    pub fn into_removing(self) -> Self {
        Lease { phase: Phase::Removing, ..self }
    }

    /// The lease of an environment that is being moved to the trash.
    pub fn into_keeping(self) -> Self {
        Lease { phase: Phase::Keeping, ..self }
    }

    /// The lease of an environment that is being restored from the trash.
    pub fn into_restoring(self) -> Self {
        Lease { phase: Phase::Restoring, ..self }
    }

    /// Adds the patterns of `also` that the configuration has and that it had not when the environment was created.
    pub fn learn_also(&mut self, config: &Config) {
        for part in &mut self.parts {
            let service = config.services.get(&part.service);
            let service = service.filter(|one| (one.kind, &one.place) == (part.kind, &part.place));
            let known = part.also.clone();
            let new = service.into_iter().flat_map(|service| &service.also);
            part.also.extend(new.filter(|pattern| !known.contains(pattern)).cloned());
        }
    }

    /// It was ready once. Before that, its Redis index may not have been claimed, and hold the keys of others.
    pub fn was_whole(&self) -> bool {
        self.admin.is_some()
    }

    /// The mark of this lease, written on each resource that it holds.
    pub fn mark(&self) -> String {
        mark(&self.id)
    }
}

/// The mark of the lease with this id.
pub fn mark(id: &str) -> String {
    format!("git-agentenv {id}")
}

/// The mark of a database that is the lease's copy of its database `of`.
pub fn mark_of_copy(id: &str, copy: &str, of: &str) -> String {
    format!("{} {copy} of {of}", mark(id))
}

/// The id of the store that made this lease id: all but its last 16 digits.
pub fn store_of(id: &str) -> &str {
    id.split_at_checked(id.len().saturating_sub(16)).map_or("", |(store, _)| store)
}

/// The lease id in a mark of [`mark`] or [`mark_of_copy`]; `None` when the text is no mark.
pub fn id_of_mark(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("git-agentenv ")?;
    rest.split(' ').next().filter(|id| is_id(id))
}

/// Whether this has the form of a lease id.
pub fn is_id(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
impl Lease {
    /// The lease of the worktree `/r-x` that is being removed.
    pub fn example() -> Lease {
        let lease = "{version: 1, id: '012345670000000000000001', phase: removing, repository: /r/.git, main: /r, name: x,
            path: /r-x, branch: x, project: x, ports: {}, parts: [], env_file: .env.worktree, vars: {}}";
        serde_yaml::from_str(lease).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_names_its_lease_and_nothing_else_does() {
        let id = "0123456789abcdef01234567";
        assert_eq!(id_of_mark(&mark(id)), Some(id));
        assert_eq!(id_of_mark(&mark_of_copy(id, "snapshot x", "app_y")), Some(id));
        let short = format!("git-agentenv {}", &id[1..]);
        for other in [
            "",
            "mine",
            "git-agentenv",
            "git-agentenv  x",
            short.as_str(),
            &format!("{}0", mark(id)),
        ] {
            assert_eq!(id_of_mark(other), None, "{other}");
        }
    }
}
