//! Chooses the names of an environment: name, path, Compose project, databases.

use super::{Facts, Request, Target};
use crate::error;
use crate::model::config::{Config, Kind};
use crate::model::name;
use crate::model::slot::Holder;
use crate::model::template::Template;
use anyhow::Result;
use indexmap::IndexMap;
use std::path::{Component, Path, PathBuf};

/// The names derived from one environment name.
pub struct Identity {
    pub name: String,
    pub path: PathBuf,
    pub project: String,
    /// Databases and files, by service.
    pub holds: IndexMap<String, String>,
}

/// The first candidate of which no derived name is taken.
pub fn choose(config: &Config, facts: &Facts<'_>, request: &Request) -> Result<Identity> {
    let named = request.target.named();
    let mut last = None;
    // A commit can be checked out any number of times, a branch once.
    let again = matches!(request.target, Target::Detached { .. }).then(|| {
        let [pretty, ..] = name::candidates(named);
        name::with_hash(&pretty, &facts.id, '-', name::LONGEST)
    });
    for name in candidates(named, facts).into_iter().chain(again) {
        let identity = identity(config, facts, request, name)?;
        match taken(&identity, config, facts, request) {
            None => return Ok(identity),
            Some(clash) => last = Some(clash),
        }
    }
    let (what, holder) = last.unwrap_or_default();
    let message = format!("{what} is taken by {holder}");
    let hint = "choose another path with `--path <dir>`, or remove what is there";
    Err(error::refused(message).hint(hint).into())
}

/// The plain name, two with hashes of this branch, and one unique to this branch in this repository.
pub fn candidates(named: &str, facts: &Facts<'_>) -> [String; 4] {
    let [pretty, short, distinct] = name::candidates(named);
    let salt = format!("{}\0{named}", facts.repository.display());
    let own = name::with_hash(&pretty, &salt, '-', name::LONGEST);
    [pretty, short, distinct, own]
}

fn identity(
    config: &Config,
    facts: &Facts<'_>,
    request: &Request,
    name: String,
) -> Result<Identity> {
    let mut holds = IndexMap::new();
    for (service, settings) in config.services.iter().filter(|(_, one)| one.kind != Kind::Redis) {
        holds.insert(service.clone(), settings.part(&facts.repo_name, &name)?);
    }
    let path = match &request.path {
        Some(path) => path.clone(),
        None => path(config, facts, &name)?,
    };
    let project = name::fit(&render(&config.project, facts, &name)?, '-', name::IDENTIFIER);
    Ok(Identity { name, path, project, holds })
}

/// Where the configuration places the worktree of this name.
pub fn path(config: &Config, facts: &Facts<'_>, name: &str) -> Result<PathBuf> {
    Ok(normal(&facts.main.join(render(&config.worktree, facts, name)?)))
}

fn render(template: &str, facts: &Facts<'_>, name: &str) -> Result<String> {
    Template::parse(template)?.render(&|key| match key {
        "repo" => Some(facts.repo_name.clone()),
        "main" => Some(facts.main.to_string_lossy().into_owned()),
        "name" => Some(name.to_owned()),
        _ => None,
    })
}

/// The first of these names that is taken, and its holder.
fn taken(
    identity: &Identity,
    config: &Config,
    facts: &Facts<'_>,
    request: &Request,
) -> Option<(String, Holder)> {
    let Identity { name, path, project, holds } = identity;
    let taken = facts.taken;
    if let Some(holder) = taken.names.get(name) {
        return Some((format!("the name `{name}`"), holder.clone()));
    }
    if let Some(holder) = taken.projects.get(project) {
        return Some((format!("the Compose project `{project}`"), holder.clone()));
    }
    for database in holds.values() {
        if config.services.values().any(|service| service.main == *database) {
            return Some((format!("the database `{database}`"), "the main checkout".into()));
        }
        if let Some(holder) = taken.databases.get(database) {
            return Some((format!("the database `{database}`"), holder.clone()));
        }
    }
    if !request.adopted && !(facts.path_free)(path) {
        return Some((
            format!("the path {}", path.display()),
            "an existing file or worktree".into(),
        ));
    }
    None
}

/// The path without `.` and `..`, without asking the file system.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}
