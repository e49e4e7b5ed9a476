//! The volumes of a Compose project.

use super::{ask, question};
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A container with the names of its volumes and the paths of other directories that are mounted, joined by commas.
#[derive(Deserialize)]
struct Mounting {
    name: String,
    mounts: String,
}

const LINE: &str = r#"{"name":{{json .Names}},"mounts":{{json .Mounts}}}"#;

/// The volumes of a project, also those without a name of their own, each with the containers that use it.
///
/// # Errors
/// When the engine does not answer.
pub fn volumes(project: &str) -> Result<BTreeMap<String, Vec<String>>> {
    let filter = format!("label=com.docker.compose.project={project}");
    let named = ask(question("volume ls -q").args(["--filter", &filter]), "")?;
    let list = question("ps -a --no-trunc").args(["--filter", &filter, "--format", LINE]);
    by_name(&named, &ask(list, "")?)
}

fn by_name(named: &str, mounting: &str) -> Result<BTreeMap<String, Vec<String>>> {
    let mut volumes: BTreeMap<String, Vec<String>> =
        named.lines().map(|name| (name.to_owned(), Vec::new())).collect();
    for line in mounting.lines() {
        let one: Mounting =
            serde_json::from_str(line).context("cannot read what `docker ps` printed")?;
        // A directory of this machine stays where it is.
        for volume in one.mounts.split(',').filter(|at| !at.is_empty() && !at.starts_with('/')) {
            volumes.entry(volume.to_owned()).or_default().push(one.name.clone());
        }
    }
    Ok(volumes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_is_listed_with_the_containers_that_use_it() {
        let mounting = r#"{"name":"a","mounts":"data,/home/x,0a1b"}
{"name":"b","mounts":""}"#;
        let volumes = by_name("data\nidle", mounting).unwrap();
        let all: Vec<_> = volumes.iter().map(|(name, by)| (name.as_str(), by.join(","))).collect();
        assert_eq!(
            all,
            [("0a1b", "a".to_owned()), ("data", "a".to_owned()), ("idle", String::new())]
        );
    }
}
