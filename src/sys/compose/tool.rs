//! The installed compose, and what it means by what it says.

use crate::error;
use crate::sys::docker;
use crate::sys::exec::{self, Cmd, Output};
use anyhow::Result;
use std::time::Duration;

/// How long compose has to say its version.
const QUICK: Duration = Duration::from_secs(10);

/// How much of what compose said is shown, from its end.
const LINES: usize = 4;

/// Compose refuses every command then.
const OF_NETWORK: &str =
    "list them: `docker network ls`; remove one: `docker network rm <id>`; then try again";

/// The installed compose; the plugin first, because version 1 is no longer maintained.
pub(super) fn installed() -> Result<Cmd> {
    let plugin = Cmd::new("docker").arg("compose");
    let asked = plugin.clone().arg("version").stdin("").patience(Some(QUICK));
    if asked.output().is_ok_and(|output| output.success()) {
        return Ok(plugin);
    }
    if exec::find("docker-compose").is_some() {
        return Ok(Cmd::new("docker-compose"));
    }
    Err(error::service("docker compose is not installed")
        .hint("install the compose plugin of Docker: https://docs.docker.com/compose/install/")
        .into())
}

/// Why compose failed at `what`, with the way out where a port is in use, or for other reasons. What it said is the cause.
pub(super) fn failed(what: &str, output: &Output, of_port: &str, of_other: &str) -> anyhow::Error {
    // An engine that is down is the usual reason; then the engine's own words are better than compose's.
    if let Err(error) = docker::containers() {
        return error;
    }
    let said = &output.stderr;
    let (why, hint) = match why(said) {
        Why::Port => ("a port is in use", of_port),
        Why::Image => (
            "an image cannot be pulled",
            "check the network; `docker pull` of the image shows the reason",
        ),
        Why::Network => ("two networks have one name", OF_NETWORK),
        Why::Other => ("compose failed", of_other),
    };
    let last: Vec<&str> = said.lines().rev().take(LINES).collect();
    let cause: Vec<&str> = last.into_iter().rev().collect();
    anyhow::anyhow!(cause.join("\n")).context(error::service(format!("{what}: {why}")).hint(hint))
}

/// What compose means by what it said.
#[derive(Debug, PartialEq, Eq)]
enum Why {
    Port,
    Image,
    Network,
    Other,
}

fn why(said: &str) -> Why {
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    // It creates nothing before all images are there.
    let pulling = said.rsplit_once("Pulling").is_some_and(|(_, then)| !then.contains("Creating"));
    if has(&["address already in use", "port is already allocated"]) {
        Why::Port
    } else if pulling || has(&["pull access denied", "manifest unknown", "no such host"]) {
        Why::Image
    } else if has(&["is ambiguous"]) {
        Why::Network
    } else {
        Why::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_was_pulled_is_not_why_it_failed() {
        let pulled = " redis Pulling \n a1b2 Pulling fs layer \n redis Pulled \n";
        let conflict = format!("{pulled} Container x-redis-1  Creating\nname is already in use");
        assert_eq!(why(&conflict), Why::Other);
        assert_eq!(why(" redis Pulling \n redis Error i/o timeout"), Why::Image);
        assert_eq!(why("manifest unknown"), Why::Image);
    }

    #[test]
    fn two_networks_of_one_name_are_a_reason_of_their_own() {
        let said = "ERROR: network agentenv_default is ambiguous (2 matches found on name)";
        assert_eq!(why(said), Why::Network);
    }
}
