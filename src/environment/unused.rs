//! What uses environments, and whether their branches are merged: the facts for what is not needed any more.

use crate::environment::trees::Trees;
use crate::environment::{parts, processes};
use crate::error;
use crate::model::lease::{Lease, Phase};
use crate::model::unused::{Merged, Use};
use crate::service::removal::{Look, Servers};
use crate::sys::docker::Projects;
use crate::sys::process::{self, Dir};
use crate::sys::repo::Worktree;
use crate::sys::{clock, fs, git, listeners, parallel};
use anyhow::Result;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// For how many seconds nothing has used each of these environments; `None` where that is less than `limit`: a file or HEAD
/// changed, something runs in it or is connected to what it holds.
///
/// # Errors
/// Of each, what could not be looked at.
pub fn idle(leases: &[&Lease], limit: u64) -> Vec<Result<Option<u64>>> {
    let now = clock::now();
    let trees = Trees::of(leases.iter().copied());
    let containers = Projects::list();
    let active = active(leases, containers.as_ref().ok());
    let facts: Vec<_> = leases.iter().zip(active).collect();
    let looked = parallel::each(&facts, |(lease, active)| {
        let tree = trees.find(lease)?.filter(|tree| tree.is_present());
        let Some(tree) = tree.filter(|_| lease.phase == Phase::Ready && active.is_empty()) else {
            return Ok(None);
        };
        let last_change = last_change(lease, tree, now.saturating_sub(limit))?;
        let idle = Use { last_change, active: active.clone() }.idle(now, limit);
        idle.map(|idle| require_seen(lease, &containers).map(|()| idle)).transpose()
    });
    let looked = leases.iter().zip(looked).map(|(lease, looked)| match looked {
        Ok(Some(idle)) => Ok((*lease, idle)),
        answer => Err(answer),
    });
    parallel::rest(looked, |quiet| {
        let (quiet, idle): (Vec<&Lease>, Vec<u64>) = quiet.into_iter().unzip();
        let both = |(idle, connected): (u64, Result<bool>)| Ok((!connected?).then_some(idle));
        idle.into_iter().zip(connected(&quiet)).map(both).collect()
    })
}

/// What runs in each of these environments, or serves one of its ports. Without an engine there are no containers.
pub fn active(leases: &[&Lease], containers: Option<&Projects>) -> Vec<Vec<String>> {
    let started = processes::running_in(leases);
    let (dirs, listening) = (process::dirs(), listeners::ports());
    let of = |lease: &&Lease| {
        let mut active = Vec::new();
        if started.contains(&lease.id) {
            active.push("its processes are up".to_owned());
        }
        if containers.is_some_and(|all| all.is_up(&lease.project, &lease.path)) {
            active.push("its containers are up".to_owned());
        }
        let (path, dir) = (&lease.path, Dir::at(&lease.path));
        let is_inside = |(pid, cwd): &(&u32, &PathBuf)| dir.holds(**pid, cwd, path);
        for (pid, _) in dirs.iter().filter(is_inside) {
            active.push(format!("{} (pid {pid}) runs in it", process::program(*pid)));
        }
        let serves = |port: &&u16| listening.as_ref().is_none_or(|all| all.contains(*port));
        for &port in lease.ports.values().filter(serves) {
            active.extend(listeners::on(port).iter().map(|who| format!("port {port}: {who}")));
        }
        active
    };
    leases.iter().map(of).collect()
}

/// Fails where containers of an environment could run that no engine answered for. Without a stack there are none.
pub fn require_seen(lease: &Lease, containers: &Result<Projects>) -> Result<()> {
    seen(lease.compose_file.is_some(), containers)
}

fn seen<T>(has_stack: bool, containers: &Result<T>) -> Result<()> {
    match containers {
        Err(why) if has_stack => {
            Err(error::again(why).context("cannot tell whether its containers run"))
        }
        _ => Ok(()),
    }
}

/// Whether a client is connected to what each of these environments holds.
///
/// # Errors
/// Of each, when a server does not say.
pub fn connected(leases: &[&Lease]) -> Vec<Result<bool>> {
    let servers = Servers::of(leases);
    let looks = parts::look(&servers, leases).into_iter();
    let is_used = |looks: Vec<Result<Look>>| {
        looks.into_iter().try_fold(false, |used, look| Ok(used || !look?.sessions.is_empty()))
    };
    looks.map(is_used).collect()
}

fn last_change(lease: &Lease, tree: &Worktree, since: u64) -> Result<u64> {
    let known = moved_or_staged(&tree.admin)?;
    Ok(if known >= since { known } else { known.max(fs::newest(&lease.path, since)?) })
}

/// When HEAD moved or the index changed last in the worktree with this admin directory, in seconds since 1970.
///
/// # Errors
/// When its files cannot be read.
pub fn moved_or_staged(admin: &Path) -> Result<u64> {
    let moved = match head_moved(admin) {
        Some(moved) => moved,
        None => fs::changed(&admin.join("HEAD"))?.unwrap_or(0),
    };
    Ok(moved.max(fs::changed(&admin.join("index"))?.unwrap_or(0)))
}

/// When HEAD moved last, as its reflog tells: the file itself changes when git expires old entries.
fn head_moved(admin: &Path) -> Option<u64> {
    let log = fs::read_own(&admin.join("logs/HEAD")).ok()??;
    // `<old> <new> <name> <<mail>> <seconds> <zone>\t<what>`
    let log = String::from_utf8_lossy(&log);
    let who = log.lines().last()?.split('\t').next()?;
    who.rsplit(' ').nth(1)?.parse().ok()
}

/// How the branch of each of these environments is merged, and into which branch; `None`: it is not.
///
/// # Errors
/// Of each, when git cannot tell.
pub fn merged(leases: &[&Lease]) -> Vec<Result<Option<(Merged, String)>>> {
    let mut defaults = BTreeMap::new();
    for lease in leases {
        defaults
            .entry(&lease.repository)
            .or_insert_with(|| git::default_branch(&lease.main, &lease.repository));
    }
    parallel::each(leases, |lease| match &defaults[&lease.repository] {
        Ok(None) => Ok(None),
        Ok(Some((name, references))) => merged_into(lease, name, references),
        Err(error) => Err(error::again(error)),
    })
}

fn merged_into(lease: &Lease, name: &str, into: &[String]) -> Result<Option<(Merged, String)>> {
    let Some(branch) = lease.branch.as_ref().filter(|branch| *branch != name) else {
        return Ok(None);
    };
    for reference in into {
        let born = lease.branch_created_at.as_deref();
        let history = git::history(&lease.main, branch, born, reference)?;
        if let Some(how) = history.merged() {
            let short = reference.strip_prefix("refs/heads/").unwrap_or(reference);
            return Ok(Some((how, short.trim_start_matches("refs/remotes/").to_owned())));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_does_not_answer_hides_only_the_containers_of_a_stack() {
        let silent = Err::<(), _>(error::service("the Docker engine is not running").into());
        let why = seen(true, &silent).unwrap_err();
        assert!(
            format!("{why:#}").starts_with("cannot tell whether its containers run: the Docker")
        );
        assert!(seen(false, &silent).is_ok() && seen(true, &Ok(())).is_ok());
    }
}
