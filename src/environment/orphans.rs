//! What a lost lease leaves behind: marked databases and indexes, and worktrees that still use them.

use crate::environment::reclaim;
use crate::environment::worktree::{self, Neighbours};
use crate::model::config::Config;
use crate::model::lease::{Lease, Phase};
use crate::service::inventory::{self, Marked};
use crate::service::{Resource, Server};
use crate::sys::fs::{self, Stands};
use crate::sys::mounts;
use crate::sys::repo::{self, Worktree};
use crate::sys::state_dir;
use crate::sys::store::Store;
use crate::sys::trash;
use anyhow::{Context, Result, anyhow};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A resource on a server that only a lost lease of this store can have held, or that an interrupted command of a lease left.
pub struct Orphan {
    /// The lease's id.
    pub id: String,
    /// What it held.
    pub resource: Resource,
}

impl From<&Marked> for Orphan {
    fn from(marked: &Marked) -> Self {
        Orphan { id: marked.id.clone(), resource: marked.resource.clone() }
    }
}

impl Orphan {
    /// What to call it in messages.
    pub fn name(&self) -> String {
        let kind = match &self.resource {
            Resource::Database(_) => "postgres",
            Resource::MysqlDatabase(_) => "mysql",
            Resource::RedisIndex(_) => "redis",
            Resource::File(_) => "sqlite",
            Resource::Custom(custom) => &custom.service,
        };
        format!("{kind} {}", self.holds())
    }

    /// The database's name, the index, or the file.
    pub fn holds(&self) -> String {
        match &self.resource {
            Resource::Database(database) | Resource::MysqlDatabase(database) => {
                database.name.clone()
            }
            Resource::RedisIndex(index) => index.index.to_string(),
            Resource::File(file) => file.path.display().to_string(),
            Resource::Custom(custom) => custom.name.clone(),
        }
    }
}

/// A server or a repository that could not be read. What it would tell is unknown.
pub struct Silent {
    /// Where it is.
    pub server: String,
    /// Why it did not answer.
    pub why: anyhow::Error,
}

/// What lost leases left.
#[derive(Default)]
pub struct Lost {
    /// Resources that no worktree uses.
    pub orphans: Vec<Orphan>,
    /// Resources of worktrees that exist, with the worktree's directory.
    pub in_use: Vec<(Orphan, PathBuf)>,
    /// What interrupted commands left of environments that exist, each with the environment's name.
    pub left_over: Vec<(Orphan, String)>,
    /// What could not be read.
    pub silent: Vec<Silent>,
    /// The same of servers that only had templates.
    pub templates_unknown: Vec<Silent>,
}

/// Asks the servers that leases and the configuration name, and those that had templates, and looks for worktrees that carry the lost ids.
///
/// While one of the known repositories cannot be read, nothing counts as an orphan.
pub fn find(store: &Store, config: Option<&Config>, here: Option<&Path>) -> Result<Lost> {
    let mut lost = Lost::default();
    let leases = store.leases()?;
    let mut marked = Vec::new();
    let needed = used_servers(&leases, config);
    for server in inventory::distinct(servers(store, &leases, config)) {
        match inventory::marked(&server) {
            Ok(found) => marked.extend(found),
            Err(why) if !needed.contains(&server) => {
                lost.templates_unknown.push(Silent { server: server.title(), why });
            }
            Err(why) => lost.silent.push(Silent { server: server.title(), why }),
        }
    }
    // A lease is written before anything carries its mark: leases read now cover all that was seen above.
    let leases = store.leases()?;
    let trashed = trash::survey(store)?.0;
    let in_trash = trashed.iter().map(|record| &record.lease.id);
    let known: BTreeSet<&String> = leases.iter().map(|lease| &lease.id).chain(in_trash).collect();
    let ready = |id: &str| leases.iter().find(|one| one.id == id && one.phase == Phase::Ready);
    let left_over = marked.iter().filter(|one| one.is_left_over);
    let left_over = left_over.filter_map(|one| Some((one.into(), ready(&one.id)?.name.clone())));
    lost.left_over = left_over.collect();
    marked.retain(|orphan| orphan.id.starts_with(store.id()) && !known.contains(&orphan.id));
    if marked.is_empty() {
        return Ok(lost);
    }
    let repositories = repositories(store, &leases, here)?;
    let (standing, unread) = standing(&repositories);
    for orphan in marked.iter().map(Orphan::from) {
        match standing.get(&orphan.id) {
            Some(path) => lost.in_use.push((orphan, path.clone())),
            None if unread.is_empty() => lost.orphans.push(orphan),
            None => {}
        }
    }
    // Another user's repository, in a shared state directory, is no problem of this user's.
    lost.silent.extend(unread.into_iter().filter(|silent| !state_dir::is_forbidden(&silent.why)));
    Ok(lost)
}

/// Worktrees that carry the mark of a lease of this store that is lost.
pub fn worktrees(store: &Store, leases: &[Lease], here: Option<&Path>) -> Result<Vec<PathBuf>> {
    let (standing, _) = standing(&repositories(store, leases, here)?);
    let is_lost = |id: &String| id.starts_with(store.id()) && !store.file(id).exists();
    Ok(standing.into_iter().filter(|(id, _)| is_lost(id)).map(|(_, path)| path).collect())
}

/// The repositories that had environments, and the one around the current directory.
pub fn repositories(
    store: &Store,
    leases: &[Lease],
    here: Option<&Path>,
) -> Result<BTreeSet<PathBuf>> {
    let mut all: BTreeSet<PathBuf> = store.repositories()?.into_iter().collect();
    all.extend(leases.iter().map(|lease| lease.repository.clone()));
    all.extend(here.map(Path::to_owned));
    Ok(all)
}

/// The directory of each worktree that carries a mark and exists, by the mark's id; and what could not be read.
fn standing(repositories: &BTreeSet<PathBuf>) -> (BTreeMap<String, PathBuf>, Vec<Silent>) {
    let mut standing = BTreeMap::new();
    let mut unread = Vec::new();
    for common in repositories {
        match standing_in(common) {
            Ok(found) => standing.extend(found),
            Err(why) => unread.push(Silent { server: common.display().to_string(), why }),
        }
    }
    (standing, unread)
}

fn standing_in(common: &Path) -> Result<Vec<(String, PathBuf)>> {
    if fs::stands(common)? == Stands::Nothing && !reclaim::is_gone_for_good(common)? {
        return Err(anyhow!("the repository cannot be read: its disk may be unmounted"));
    }
    let main = common.parent().unwrap_or(common);
    let mut found = Vec::new();
    for tree in repo::worktrees(common).context("cannot read the repository")? {
        let Some(id) = tree.lease.clone() else { continue };
        if let Some(path) = place(main, &tree)? {
            found.push((id, path));
        }
    }
    Ok(found)
}

/// Where a worktree is: also when it was moved, or its disk is unmounted, as its lock or its record says.
fn place(main: &Path, tree: &Worktree) -> Result<Option<PathBuf>> {
    let stays = tree.locked.is_some() || mounts::away(&tree.path)?.is_some();
    if fs::stands(&tree.path)? != Stands::Nothing || stays {
        return Ok(Some(fs::canonical(&tree.path)));
    }
    worktree::moved_to(&Neighbours::default(), main, tree)
}

/// The servers that leases and the configuration know, then those that had templates, unless they are known: how one was
/// reached when it was remembered may not work any more.
pub fn servers(store: &Store, leases: &[Lease], config: Option<&Config>) -> Vec<Server> {
    let mut all: Vec<Server> = used_servers(leases, config).into_iter().collect();
    let used: BTreeSet<_> = all.iter().map(Server::stands_at).collect();
    let remembered = store.remembered_servers().unwrap_or_default().into_iter();
    let mut remembered: Vec<Server> = remembered.map(|one| one.server).collect();
    remembered.retain(|server| !used.contains(&server.stands_at()));
    all.extend(remembered);
    all
}

fn used_servers(leases: &[Lease], config: Option<&Config>) -> BTreeSet<Server> {
    let held = leases.iter().flat_map(|lease| &lease.parts).filter_map(Server::of_part);
    let configured = config.iter().flat_map(|config| config.services.values());
    held.chain(configured.filter_map(Server::of_service)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::{Kind, Place, default_service};

    #[test]
    fn a_remembered_server_does_not_stand_before_the_same_one_in_use() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path()).unwrap();
        let service = default_service(Kind::Postgres);
        let used = Server::of_service(&service).unwrap();
        let stale = Server { user: "aaa".to_owned(), ..used.clone() };
        let other = Server { place: Place::Container("aaa".to_owned()), ..stale.clone() };
        store.remember_server(&stale).unwrap();
        store.remember_server(&other).unwrap();
        let mut config = Config::default();
        config.services.clear();
        assert_eq!(servers(&store, &[], Some(&config)).len(), 2);
        config.services.insert("postgres".to_owned(), service);
        assert_eq!(servers(&store, &[], Some(&config)), [used, other]);
    }
}
