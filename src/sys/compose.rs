//! The shared servers, through compose: `docker compose` (2 and later) or `docker-compose` (1.29).

use super::docker::{self, Container};
use super::exec::{self, Cmd, Output};
use crate::error;
use crate::model::config::Place;
use anyhow::{Context, Result};
use serde_yaml::{Mapping, Value};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The compose file of the built-in servers.
pub const BUILT_IN: &str = include_str!("infra.yml");

/// The compose project that they run in, unless the file names another.
pub const PROJECT: &str = "agentenv";

/// How long compose has to say its version.
const QUICK: Duration = Duration::from_secs(10);

/// The compose file that describes the shared servers, and how to call it.
#[derive(Debug, Clone)]
pub struct Infra {
    /// `None`: the built-in one.
    file: Option<PathBuf>,
    project: String,
    env: Vec<(String, String)>,
}

impl Infra {
    /// The servers of this file, or the built-in ones.
    pub fn of(file: Option<&Path>) -> Result<Self> {
        let project = match file {
            None => PROJECT.to_owned(),
            Some(path) => project_of(path)?,
        };
        Ok(Infra { file: file.map(Path::to_owned), project, env: Vec::new() })
    }

    /// The same in another compose project.
    pub fn in_project(mut self, name: impl Into<String>) -> Self {
        self.project = name.into();
        self
    }

    /// A variable for compose and the file, such as `AGENTENV_POSTGRES_PORT`.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// The compose project's name.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// Creates and starts what is not running yet. It does not wait until the servers answer.
    pub fn up(&self) -> Result<()> {
        self.call(&["up", "-d"])
    }

    /// Stops and removes the servers; their data only when `volumes` is set.
    ///
    /// # Errors
    /// As [`Infra::up`].
    pub fn down(&self, volumes: bool) -> Result<()> {
        self.call(if volumes { &["down", "-v"] } else { &["down"] })
    }

    /// The servers' containers, whether they run or not.
    pub fn status(&self) -> Result<Vec<Container>> {
        let all = docker::containers()?.into_iter();
        Ok(all.filter(|c| c.project == self.project).collect())
    }

    /// Whether a server at this place is one of these: by its container's name, or one of `containers`, which are these.
    pub fn runs(&self, place: &Place, containers: &[Container]) -> bool {
        match place {
            Place::Host => false,
            Place::Compose { project, .. } => *project == self.project,
            Place::Container(name) => {
                docker::pick(containers, name).is_some() || is_named_for(&self.project, name)
            }
        }
    }

    /// Checks that compose is installed.
    pub fn is_callable(&self) -> Result<()> {
        self.compose().map(drop)
    }

    fn call(&self, args: &[&str]) -> Result<()> {
        let (cmd, version) = self.compose()?;
        let cmd = cmd.args(["-p", &self.project, "-f"]);
        let cmd = match (&self.file, version) {
            (Some(path), Version::Two) => cmd.arg(path),
            (Some(path), Version::One) => {
                let dir = path.parent().unwrap_or(Path::new("/"));
                cmd.args(["-", "--project-directory"]).arg(dir).stdin(without_name(path)?)
            }
            // Not from where the user stands: compose would read that directory's `.env` and write the
            // directory on the containers, as if they belonged to that worktree.
            (None, _) => cmd.arg("-").stdin(BUILT_IN).dir("/"),
        };
        let output = cmd.args(args).patience(None).output()?;
        if output.success() { Ok(()) } else { Err(self.failed(args[0], &output)) }
    }

    /// The installed compose; the plugin first, because version 1 is no longer maintained.
    fn compose(&self) -> Result<(Cmd, Version)> {
        let with_env = |cmd: Cmd| {
            let vars = self.env.iter();
            vars.fold(cmd, |cmd, (name, value)| cmd.env(name, value))
        };
        let plugin = with_env(Cmd::new("docker").arg("compose"));
        let asked = plugin.clone().arg("version").stdin("").patience(Some(QUICK));
        if asked.output().is_ok_and(|output| output.success()) {
            return Ok((plugin, Version::Two));
        }
        if exec::find("docker-compose").is_some() {
            return Ok((with_env(Cmd::new("docker-compose")), Version::One));
        }
        Err(error::service("docker compose is not installed")
            .hint("install the compose plugin of Docker: https://docs.docker.com/compose/install/")
            .into())
    }

    /// Why compose failed, with the way out. What it said is the cause.
    fn failed(&self, what: &str, output: &Output) -> anyhow::Error {
        // An engine that is down is the usual reason; then the engine's own words are better than compose's.
        if let Err(error) = docker::containers() {
            return error;
        }
        let said = &output.stderr;
        let (why, hint) = explained(said);
        let message = format!("{what} of the servers (project `{}`): {why}", self.project);
        let last: Vec<&str> = said.lines().rev().take(LINES).collect();
        let cause: Vec<&str> = last.into_iter().rev().collect();
        anyhow::anyhow!(cause.join("\n")).context(error::service(message).hint(hint))
    }
}

/// What compose means by what it said, and the way out.
fn explained(said: &str) -> (&'static str, &'static str) {
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    // It creates nothing before all images are there.
    let pulling = said.rsplit_once("Pulling").is_some_and(|(_, then)| !then.contains("Creating"));
    if has(&["address already in use", "port is already allocated"]) {
        let hint = "stop the process that listens there, or choose another `port` for the service; \
                    AGENTENV_POSTGRES_PORT and AGENTENV_REDIS_PORT set those of the built-in servers";
        ("a port is in use", hint)
    } else if pulling || has(&["pull access denied", "manifest unknown", "no such host"]) {
        (
            "an image cannot be pulled",
            "check the network; `docker pull` of the image shows the reason",
        )
    } else {
        ("compose failed", "`docker compose logs` shows the reason")
    }
}

/// How much of what compose said is shown, from its end.
const LINES: usize = 4;

/// Which compose there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    /// `docker-compose` 1.29, or whatever goes by that name.
    One,
    /// Docker's plugin, version 2 and later.
    Two,
}

/// Whether version 1 or 2 of compose calls a container of the project so, which need not be there.
fn is_named_for(project: &str, container: &str) -> bool {
    ['-', '_'].into_iter().any(|between| {
        let own = container.strip_prefix(project).and_then(|rest| rest.strip_prefix(between));
        let number = own.and_then(|own| own.rsplit_once(between)).map(|(_, number)| number);
        number.is_some_and(|number| number.parse::<u32>().is_ok())
    })
}

fn project_of(path: &Path) -> Result<String> {
    let named = parsed(path)?;
    let name = named.get("name").and_then(Value::as_str);
    Ok(name.unwrap_or(PROJECT).to_owned())
}

/// The file for version 1, which calls a top-level `name` a mistake; `-p` says the same.
fn without_name(path: &Path) -> Result<String> {
    let mut file = parsed(path)?;
    file.remove("name");
    serde_yaml::to_string(&file).context("cannot write a compose file")
}

fn parsed(path: &Path) -> Result<Mapping> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read `{shown}`"))
        .map_err(|error| error::config(format!("{error:#}")))?;
    let parsed = serde_yaml::from_str(&text)
        .map_err(|error| error::config(format!("`{shown}`: {error}")))?;
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_can_name_its_project() {
        let project = |text: &str| {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(text.as_bytes()).unwrap();
            project_of(file.path())
        };
        assert_eq!(project("name: shared\nservices: {}\n").unwrap(), "shared");
        assert_eq!(project("services: {}\n").unwrap(), PROJECT);
        assert!(project("services: [\n").is_err());
    }

    #[test]
    fn containers_of_a_project_are_known_by_their_names() {
        for name in ["shop-redis-1", "shop_my_redis_12"] {
            assert!(is_named_for("shop", name), "{name}");
        }
        for name in ["shop", "shop-redis", "shop-test-redis", "shopping-redis-1", "redis-1"] {
            assert!(!is_named_for("shop", name), "{name}");
        }
    }

    #[test]
    fn an_image_that_was_pulled_is_not_why_it_failed() {
        let pulled = " redis Pulling \n a1b2 Pulling fs layer \n redis Pulled \n";
        let conflict = format!("{pulled} Container x-redis-1  Creating\nname is already in use");
        assert_eq!(explained(&conflict).0, "compose failed");
        assert_eq!(
            explained(" redis Pulling \n redis Error i/o timeout").0,
            "an image cannot be pulled"
        );
        assert_eq!(explained("manifest unknown").0, "an image cannot be pulled");
    }

    #[test]
    fn version_1_gets_the_file_without_its_name() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"name: shared\nservices:\n  redis: { image: \"redis:7\" }\n").unwrap();
        let text = without_name(file.path()).unwrap();
        assert_eq!(text.trim(), "services:\n  redis:\n    image: redis:7");
    }

    #[test]
    fn the_built_in_file_has_nothing_that_version_1_does_not_know() {
        let file: Value = serde_yaml::from_str(BUILT_IN).unwrap();
        let keys: Vec<_> =
            file.as_mapping().unwrap().keys().filter_map(|key| key.as_str()).collect();
        assert_eq!(keys, ["services", "volumes", "networks"]);
    }
}
