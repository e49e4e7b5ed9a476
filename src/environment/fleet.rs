//! All worktrees of one repository or of this machine: environments, main checkouts and others.

use crate::environment::context::Context;
use crate::environment::facts::{Facts, Known, Place};
use crate::environment::state::{Glance, State};
use crate::model::lease::Lease;
use crate::sys::store::{Broken, Store};
use anyhow::Result;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A worktree that is no environment.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Plain {
    /// The repository's main checkout; of a bare repository, its directory.
    pub main: PathBuf,
    /// The absolute path of the worktree.
    pub path: PathBuf,
    /// The branch; null for a detached HEAD.
    pub branch: Option<String>,
    /// It is the main checkout.
    pub is_main: bool,
    /// What takes longer to find out.
    #[serde(flatten)]
    pub facts: Facts,
}

/// All worktrees, and where to look for what takes longer to find out.
pub struct Fleet {
    /// The environments, in the order of their branches.
    pub environments: Vec<(Lease, State)>,
    /// The other worktrees: of each repository the main checkout, then the others by branch.
    pub plain: Vec<Plain>,
    /// Leases that could not be read.
    pub broken: Vec<Broken>,
    /// Where each worktree is.
    pub places: Vec<Place>,
}

impl Fleet {
    /// Looks at the worktrees of the current repository, or with `all` at those of every repository with an environment.
    /// No server is asked, and no git command runs.
    pub fn look(all: bool) -> Result<Fleet> {
        let mut repositories = BTreeMap::new();
        let mut broken = Vec::new();
        let (mut leases, mut glance) = Glance::take(|| {
            if !all {
                let context = Context::here()?;
                repositories.insert(context.repo.common.clone(), context.repo.main.clone());
                let (leases, unread) = context.survey()?;
                broken = unread;
                return Ok(leases);
            }
            let (leases, unread) = Store::open()?.survey()?;
            broken = unread;
            let of_lease = |lease: &Lease| (lease.repository.clone(), lease.main.clone());
            repositories.extend(leases.iter().map(of_lease));
            Ok(leases)
        })?;
        leases.sort_by(|a, b| (&a.main, &a.branch, &a.name).cmp(&(&b.main, &b.branch, &b.name)));
        let mut places: Vec<Place> =
            leases.iter().filter_map(|lease| glance.place(lease)).collect();
        let mut plain = Vec::new();
        for (common, main) in repositories {
            let trees = glance.plain(&common, &leases);
            let beside = glance.main_branch(&common);
            let checkout = (common != main).then(|| (main.clone(), common.clone(), beside.clone()));
            let mut others: Vec<_> =
                trees.into_iter().map(|tree| (tree.path, tree.admin, tree.branch)).collect();
            others.sort_by(|a, b| (&a.2, &a.0).cmp(&(&b.2, &b.0)));
            for (path, admin, branch) in checkout.into_iter().chain(others) {
                let is_main = admin == common;
                // The main checkout's branch has nothing beside it but its upstream.
                let beside = beside.clone().filter(|_| !is_main);
                places.push(Place { path: path.clone(), admin, beside });
                let facts = Facts::default();
                plain.push(Plain { main: main.clone(), path, branch, is_main, facts });
            }
        }
        let with_state = |lease: Lease| {
            let state = glance.of(&lease);
            (lease, state)
        };
        let environments = leases.into_iter().map(with_state).collect();
        Ok(Fleet { environments, plain, broken, places })
    }

    /// Only these environments, without the other worktrees.
    pub fn retain(&mut self, is_meant: impl Fn(&Lease) -> bool) {
        self.environments.retain(|(lease, _)| is_meant(lease));
        self.plain.clear();
        let left = &self.environments;
        self.places.retain(|place| left.iter().any(|(lease, _)| lease.path == place.path));
    }

    /// The leases of its environments.
    pub fn leases(&self) -> Vec<Lease> {
        self.environments.iter().map(|(lease, _)| lease.clone()).collect()
    }

    /// Whether something is known of all its worktrees.
    pub fn is_known(&self, known: &Known) -> bool {
        self.places.iter().all(|place| known.of(&place.path).is_some())
    }

    /// Gives each worktree what is known of it.
    pub fn learn(&mut self, known: &Known) {
        let environments = self.environments.iter_mut();
        let environments = environments.map(|(lease, state)| (&lease.path, &mut state.facts));
        let plain = self.plain.iter_mut().map(|plain| (&plain.path, &mut plain.facts));
        for (path, facts) in environments.chain(plain) {
            known.of(path).into_iter().for_each(|more| facts.learn(more));
        }
    }
}
