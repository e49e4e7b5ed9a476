//! Where other containers reach a container.

use super::{diagnose, find, question, run, says_missing};
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
    let name = match place {
        Place::Host => return Ok(None),
        Place::Container(name) => name.clone(),
        Place::Compose { .. } => find(place)?,
    };
    let inspect = |name: &str| question("container inspect --format").args([LINE, "--", name]);
    let mut output = run(inspect(&name))?;
    if says_missing(&output) {
        output = run(inspect(&find(place)?))?;
    }
    if !output.success() {
        return Err(diagnose(&output, &name));
    }
    let found: Attached = serde_json::from_str(&output.text())
        .context("cannot read what `docker inspect` printed")?;
    Ok(Some(Attached { name: found.name.trim_start_matches('/').to_owned(), ..found }))
}

const LINE: &str = r#"{"name":{{json .Name}},"image":{{json .Config.Image}},"networks":{{json .NetworkSettings.Networks}}}"#;
