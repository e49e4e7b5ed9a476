//! The volumes of a Compose project.

use super::{ask, question};
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A volume.
#[derive(Debug, PartialEq, Eq)]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// The containers that use it, each with the directory in it.
    pub users: Vec<(String, String)>,
}

impl Volume {
    /// Whether the engine made up the name.
    pub fn is_anonymous(&self) -> bool {
        is_made_up(&self.name)
    }
}

/// A container with what is mounted in it.
#[derive(Deserialize)]
struct Mounting {
    name: String,
    mounts: Vec<Mount>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Mount {
    r#type: String,
    #[serde(default)]
    name: String,
    destination: String,
}

const LINE: &str = r#"{"name":{{json .Name}},"mounts":{{json .Mounts}}}"#;

/// The volumes that compose deletes with a project: those that it made, and those without a name of their own.
///
/// # Errors
/// When the engine does not answer.
pub fn volumes(project: &str) -> Result<Vec<Volume>> {
    let filter = format!("label=com.docker.compose.project={project}");
    let named = ask(question("volume ls -q").args(["--filter", &filter]), "")?;
    let containers = ask(question("ps -aq").args(["--filter", &filter]), "")?;
    let mounting = match containers.trim() {
        "" => String::new(),
        ids => ask(question("container inspect").args(["--format", LINE]).args(ids.lines()), "")?,
    };
    by_name(&named, &mounting)
}

fn by_name(named: &str, mounting: &str) -> Result<Vec<Volume>> {
    let mut volumes: BTreeMap<String, Vec<(String, String)>> =
        named.lines().map(|name| (name.to_owned(), Vec::new())).collect();
    for line in mounting.lines() {
        let Mounting { name: container, mounts } =
            serde_json::from_str(line).context("cannot read what `docker inspect` printed")?;
        let container = container.trim_start_matches('/');
        // A directory of this machine stays where it is, and so does a volume that was made outside the project.
        let is_meant = |one: &Mount| {
            one.r#type == "volume" && (volumes.contains_key(&one.name) || is_made_up(&one.name))
        };
        let meant: Vec<Mount> = mounts.into_iter().filter(is_meant).collect();
        for Mount { name, destination, .. } in meant {
            volumes.entry(name).or_default().push((container.to_owned(), destination));
        }
    }
    Ok(volumes.into_iter().map(|(name, users)| Volume { name, users }).collect())
}

fn is_made_up(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_is_listed_with_the_containers_that_use_it() {
        let made_up = "0a1b".repeat(16);
        let mount =
            |name: &str| format!(r#"{{"Type":"volume","Name":"{name}","Destination":"/d"}}"#);
        let bind = r#"{"Type":"bind","Source":"/home/x","Destination":"/x"}"#;
        let mounts = [mount("data"), mount("external"), mount(&made_up), bind.to_owned()].join(",");
        let mounting =
            format!("{{\"name\":\"/a\",\"mounts\":[{mounts}]}}\n{{\"name\":\"/b\",\"mounts\":[]}}");
        let volumes = by_name("data\nidle", &mounting).unwrap();
        let users: Vec<_> =
            volumes.iter().map(|one| (one.name.as_str(), one.users.len())).collect();
        assert_eq!(users, [(made_up.as_str(), 1), ("data", 1), ("idle", 0)]);
        assert_eq!(volumes[1].users, [("a".to_owned(), "/d".to_owned())]);
    }
}
