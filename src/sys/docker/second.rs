//! A second container beside a server's: of the same image, on the same network, and ours.

use super::network::attached;
use super::{Container, ENGINE, Life, diagnose, inspect, list, run};
use crate::error;
use crate::model::config::Place;
use crate::sys::exec::Cmd;
use anyhow::{Context, Result};
use serde::Deserialize;

/// The label that holds the id of the store that it belongs to.
const LABEL: &str = "git-agentenv.overflow";

/// What a second server is made of.
#[derive(Debug, Clone, Copy)]
pub struct Second<'a> {
    /// Its name.
    pub name: &'a str,
    /// The store's id.
    pub store: &'a str,
}

/// What is known of the first container.
#[derive(Deserialize)]
struct Model {
    image: String,
    command: Option<Vec<String>>,
}

const MODEL: &str = r#"{"image":{{json .Image}},"command":{{json .Config.Cmd}}}"#;

impl Second<'_> {
    /// The container, whether it runs or not; `None`: there is none, or it is not ours.
    pub fn find(self) -> Result<Option<Container>> {
        let all = list(&[format!("{LABEL}={}", self.store)])?;
        Ok(all.into_iter().find(|container| container.name == self.name))
    }

    /// Starts it as a server of the first one's image, which is on this machine, and creates it unless it exists. Its port
    /// `inside` is published at `port` on this machine's loopback.
    ///
    /// # Errors
    /// When the first container is missing, the port is in use, or another container has the name.
    pub fn start(self, first: &Place, (port, inside): (u16, u16), args: &[&str]) -> Result<()> {
        let network = attached(first)?.and_then(|first| first.network().map(str::to_owned));
        if self.find()?.is_none() {
            self.create(first, network.as_deref(), (port, inside), args)?;
        } else if let Some(network) = network
            && !attached(&self.place())?.is_some_and(|own| own.is_on(&network))
        {
            self.docker("network connect", &[&network, self.name])?;
        }
        let started = self.docker("start", &[self.name]);
        if started.is_err() && self.find()?.is_some_and(|one| one.life() == Life::Created) {
            self.remove()?;
        }
        started.map_err(|error| self.cannot_start(error, port))
    }

    /// Stops it, and takes it off the first one's network, which is about to be removed. What it holds stays.
    pub fn stop(self, network: Option<&str>) -> Result<()> {
        self.docker("stop", &[self.name])?;
        network.map_or(Ok(()), |network| {
            self.docker("network disconnect", &["--force", network, self.name])
        })
    }

    /// The network on which it is.
    pub fn network(self) -> Result<Option<String>> {
        Ok(attached(&self.place())?.and_then(|own| own.network().map(str::to_owned)))
    }

    /// Removes it with all that it holds.
    pub fn remove(self) -> Result<()> {
        self.docker("rm", &["--force", "--volumes", self.name])
    }

    fn place(self) -> Place {
        Place::Container(self.name.to_owned())
    }

    fn create(
        self,
        first: &Place,
        network: Option<&str>,
        (port, inside): (u16, u16),
        args: &[&str],
    ) -> Result<()> {
        let model = inspect(first, MODEL)?.context("a server of this host has no image")?;
        let model: Model =
            serde_json::from_str(&model).context("cannot read what `docker inspect` printed")?;
        let command = model.command.unwrap_or_default().into_iter().next();
        let program = command.filter(|command| command.ends_with("-server"));
        let program = program.unwrap_or_else(|| "redis-server".to_owned());
        let label = format!("{LABEL}={}", self.store);
        let publish = format!("127.0.0.1:{port}:{inside}");
        let mut words = vec!["--name", self.name, "--label", &label, "--publish", &publish];
        words.extend(["--restart", "unless-stopped"]);
        words.extend(network.iter().flat_map(|network| ["--network", *network]));
        words.extend([model.image.as_str(), &program]);
        words.extend(args);
        self.docker("create", &words)
    }

    fn docker(self, what: &str, args: &[&str]) -> Result<()> {
        let cmd = Cmd::new("docker").called(format!("docker {what}")).args(what.split(' '));
        let output = run(cmd.args(args).asks(ENGINE).stdin(""))?;
        if output.success() { Ok(()) } else { Err(diagnose(&output, self.name)) }
    }

    fn cannot_start(self, error: anyhow::Error, port: u16) -> anyhow::Error {
        let hint = format!("stop the process that listens on {port}, then try again");
        let failure = error::service(format!("cannot start the second Redis `{}`", self.name));
        let is_port = format!("{error:#}").contains("port");
        error.context(if is_port { failure.hint(hint) } else { failure })
    }
}
