//! A second container beside a server's: of the same image, on the same network, and ours.

use super::network::{Attached, attached};
use super::{Container, ENGINE, containers, diagnose, inspect, list, pick, run};
use crate::error;
use crate::model::config::Place;
use crate::sys::exec::Cmd;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::fmt;

/// The label that holds the id of the store that it belongs to.
const LABEL: &str = "git-agentenv.overflow";

/// Where its data is.
const DATA: &str = "/data";

/// The network that each engine has.
const USUAL: &str = "bridge";

/// What a second server is made of.
#[derive(Debug, Clone, Copy)]
pub struct Second<'a> {
    /// Its name.
    pub name: &'a str,
    /// The store's id.
    pub store: &'a str,
}

/// A server that was to be new could not be started, because another process has its port: what the
/// engine says. Nothing of the server is left.
#[derive(Debug)]
pub struct PortTaken(String);

impl fmt::Display for PortTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PortTaken {}

/// What is known of the first container.
#[derive(Deserialize)]
struct Model {
    image: String,
    command: Option<Vec<String>>,
}

const MODEL: &str = r#"{"image":{{json .Image}},"command":{{json .Config.Cmd}}}"#;

const BOUND: &str = "{{range .HostConfig.PortBindings}}{{range .}}{{.HostPort}}{{end}}{{end}}";

impl Second<'_> {
    /// The names of all of a store, each with its port on this machine.
    pub fn all(store: &str) -> Result<Vec<(String, u16)>> {
        let mut all = Vec::new();
        for Container { name, .. } in list(&[format!("{LABEL}={store}")])? {
            let port = inspect(&Place::Container(name.clone()), BOUND)?;
            if let Some(port) = port.and_then(|port| port.trim().parse().ok()) {
                all.push((name, port));
            }
        }
        Ok(all)
    }

    /// The container, whether it runs or not; `None`: there is none, or it is not ours.
    pub fn find(self) -> Result<Option<Container>> {
        let all = list(&[format!("{LABEL}={}", self.store)])?;
        Ok(all.into_iter().find(|container| container.name == self.name))
    }

    /// Whether its data is there, perhaps without a container.
    pub fn has_data(self) -> Result<bool> {
        let label = format!("label={LABEL}={}", self.store);
        let cmd = super::question("volume ls --quiet").args(["--filter", &label]);
        Ok(super::ask(cmd, self.name)?.lines().any(|name| name == self.volume()))
    }

    /// Starts it as a server of the first one's image, which is on this machine, and creates it unless it exists. Its port
    /// `inside` is published at `port` on this machine's loopback. Gives whether it is new and empty.
    ///
    /// # Errors
    /// When it has to be created and the first container is missing, the port is in use (with
    /// [`PortTaken`] where it would be new, and nothing of it is left), or another container has
    /// the name.
    pub fn start(self, first: &Place, (port, inside): (u16, u16), args: &[&str]) -> Result<bool> {
        let is_new = self.find()?.is_none();
        let is_empty = is_new && !self.has_data()?;
        let ready = match is_new {
            true => self.create(first, (port, inside), args),
            false => self.reconnect(first),
        };
        let is_ready = ready.is_ok();
        let Err(error) = ready.and_then(|()| self.docker("start", &[self.name])) else {
            return Ok(is_empty);
        };
        // What this call created, and no more; the first error is the one to tell.
        let mut is_gone = false;
        if is_empty {
            is_gone = self.remove().is_ok();
        } else if is_new && self.find()?.is_some() {
            self.docker("rm", &["--force", self.name]).ok();
        }
        Err(if is_ready { self.cannot_start(error, port, is_gone) } else { error })
    }

    /// Stops it, and takes it off the first one's network, which is about to be removed. What it holds stays.
    pub fn stop(self) -> Result<()> {
        self.docker("stop", &[self.name])?;
        let network = attached(&self.place())?.and_then(|own| own.network().map(str::to_owned));
        network.map_or(Ok(()), |network| self.disconnect(&network))
    }

    /// Removes it with all that it holds.
    pub fn remove(self) -> Result<()> {
        if self.find()?.is_some() {
            self.docker("rm", &["--force", "--volumes", self.name])?;
        }
        if self.has_data()? { self.docker("volume rm", &[&self.volume()]) } else { Ok(()) }
    }

    fn place(self) -> Place {
        Place::Container(self.name.to_owned())
    }

    fn volume(self) -> String {
        format!("{}-data", self.name)
    }

    fn create(self, first: &Place, (port, inside): (u16, u16), args: &[&str]) -> Result<()> {
        let beside = attached(first)?;
        let model = inspect(first, MODEL)?.context("a server of this host has no image")?;
        let model: Model =
            serde_json::from_str(&model).context("cannot read what `docker inspect` printed")?;
        let label = format!("{LABEL}={}", self.store);
        let (volume, publish) = (self.volume(), format!("127.0.0.1:{port}:{inside}"));
        self.docker("volume create", &["--label", &label, &volume])?;
        let mount = format!("{volume}:{DATA}");
        let mut words = vec!["--name", self.name, "--label", &label, "--publish", &publish];
        words.extend(["--volume", &mount, "--restart", "unless-stopped"]);
        let network = beside.as_ref().and_then(Attached::network);
        words.extend(network.iter().flat_map(|network| ["--network", *network]));
        let Some(command) = command(model.command.unwrap_or_default()) else {
            let message = format!("no second Redis can be started beside {}", first.title());
            let hint = "its container runs a script or has a configuration file, which a second one would not have: widen `range`, or remove an environment";
            return Err(error::no_slot(message).hint(hint).into());
        };
        words.push(&model.image);
        words.extend(command.iter().map(String::as_str));
        words.extend(args);
        self.docker("create", &words)
    }

    /// Puts it on the network on which the first one is now: the engine knows a network by its id, and one that was made anew
    /// under the same name has another. Without a first one it keeps its own, if that is there.
    fn reconnect(self, first: &Place) -> Result<()> {
        let Some(own) = attached(&self.place())? else { return Ok(()) };
        let is_found = match first {
            Place::Container(name) => pick(&containers()?, name).is_some(),
            _ => true,
        };
        let beside = if is_found { attached(first)? } else { None };
        let wanted = beside.as_ref().and_then(|first| Some((first.network()?, first)));
        if let Some((network, first)) = wanted {
            if own.network() == Some(network) && own.id_of(network) == first.id_of(network) {
                return Ok(());
            }
        } else if own.network().is_none_or(|network| self.is_there(own.id_of(network)))
            && own.is_on_any()
        {
            return Ok(());
        }
        for network in own.network().into_iter().chain(own.is_on(USUAL).then_some(USUAL)) {
            // What is gone cannot be left.
            self.disconnect(network).ok();
        }
        let network = wanted.map_or(USUAL, |(network, _)| network);
        self.docker("network connect", &[network, self.name])
    }

    fn is_there(self, network: &str) -> bool {
        self.docker("network inspect", &[network]).is_ok()
    }

    fn disconnect(self, network: &str) -> Result<()> {
        self.docker("network disconnect", &["--force", network, self.name])
    }

    fn docker(self, what: &str, args: &[&str]) -> Result<()> {
        let cmd = Cmd::new("docker").called(format!("docker {what}")).args(what.split(' '));
        let output = run(cmd.args(args).asks(ENGINE).stdin(""))?;
        if output.success() { Ok(()) } else { Err(diagnose(&output, self.name)) }
    }

    fn cannot_start(self, error: anyhow::Error, port: u16, is_gone: bool) -> anyhow::Error {
        let hint = format!("stop the process that listens on {port}, then try again");
        let failure = error::service(format!("cannot start the second Redis `{}`", self.name));
        let said = format!("{error:#}");
        let in_use = ["port is already allocated", "address already in use"];
        let is_port = in_use.iter().any(|words| said.contains(words));
        match is_port {
            true if is_gone => anyhow::Error::new(PortTaken(said)).context(failure.hint(hint)),
            true => error.context(failure.hint(hint)),
            false => error.context(failure),
        }
    }
}

/// The first one's command, to which options can be added; `None`: it is a script, or has files that only the first one has.
fn command(command: Vec<String>) -> Option<Vec<String>> {
    let (program, options) = command.split_first()?;
    let is_option = |word: &String| word.starts_with('-');
    let is_server = program.ends_with("-server") && options.first().is_none_or(is_option);
    let names_file = |pair: &[String]| pair[1].contains('/') && pair[0] != "--dir";
    // An image puts its program before options alone.
    ((is_server || is_option(program)) && !command.windows(2).any(names_file)).then_some(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_with_options_gets_a_second_one() {
        let command =
            |words: &str| command(words.split_whitespace().map(str::to_owned).collect()).is_some();
        for taken in [
            "redis-server",
            "valkey-server --appendonly yes",
            "--save 60 1",
            "redis-server --dir /data --appendonly yes",
        ] {
            assert!(command(taken), "{taken}");
        }
        for refused in [
            "",
            "sh -c redis-server",
            "redis-server /etc/redis.conf",
            "redis-server --aclfile /etc/users.acl",
            "/opt/scripts/run.sh",
        ] {
            assert!(!command(refused), "{refused}");
        }
    }
}
