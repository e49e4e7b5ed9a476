//! Where other containers reach a container.

use super::inspect;
use crate::model::config::Place;
use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A container with the networks that it is on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Attached {
    /// Its name.
    pub name: String,
    /// The image that it runs.
    pub image: String,
    /// The networks, by name.
    networks: BTreeMap<String, Value>,
}

impl Attached {
    /// The first network on which containers have names; Docker's own `bridge` gives them none.
    pub fn network(&self) -> Option<&str> {
        let own = |name: &&String| !["bridge", "host", "none"].contains(&name.as_str());
        self.networks.keys().find(own).map(String::as_str)
    }

    /// Whether it is on the network of this name.
    pub fn is_on(&self, network: &str) -> bool {
        self.networks.contains_key(network)
    }

    /// Whether it is on a network at all.
    pub fn is_on_any(&self) -> bool {
        !self.networks.is_empty()
    }

    /// The id of the network of this name, as it was when the container was connected to it.
    pub fn id_of(&self, network: &str) -> &str {
        self.networks.get(network).and_then(|one| one["NetworkID"].as_str()).unwrap_or_default()
    }

    /// It uses the network of this machine.
    pub fn is_on_host(&self) -> bool {
        self.networks.contains_key("host")
    }
}

/// The container at a place; `None`: the place is no container.
///
/// # Errors
/// When it is missing, or the engine does not answer.
pub fn attached(place: &Place) -> Result<Option<Attached>> {
    let Some(text) = inspect(place, LINE)? else { return Ok(None) };
    let found: Attached =
        serde_json::from_str(&text).context("cannot read what `docker inspect` printed")?;
    Ok(Some(Attached { name: found.name.trim_start_matches('/').to_owned(), ..found }))
}

const LINE: &str = r#"{"name":{{json .Name}},"image":{{json .Config.Image}},"networks":{{json .NetworkSettings.Networks}}}"#;
