//! Containers, through the docker command line. Nothing else (but compose) knows that it exists.

mod carrier;
mod context;
mod diagnosis;
mod engine;
mod http;
mod life;
mod listed;
mod logs;
mod network;
mod port;
mod project;
mod second;
mod volumes;

pub use carrier::carry;
pub use context::address;
pub use diagnosis::{diagnose, says_missing};
pub use life::Life;
pub use listed::pick;
pub use logs::{follow, logs};
pub use network::{Attached, attached};
pub use port::{Reached, published, published_in, reached};
pub use project::{Projects, remove_networks, remove_volumes};
pub use second::{PortTaken, Second};
pub use volumes::{Volume, volumes};

use super::budget;
use super::exec::{Cmd, Output};
use crate::model::config::Place;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::path::PathBuf;

/// What messages call the engine.
const ENGINE: &str = "the Docker engine";

/// The part of the command's time that the engine has for a question that starts nothing; it needs some 12 ms.
const QUICK: u32 = 3;

/// A container, running or not, with what compose wrote on it (empty when compose did not make it).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// The image it was made from.
    pub image: String,
    /// What the engine says of it: `Up 2 hours (healthy)`, `Exited (0) 3 days ago`.
    pub status: String,
    /// Its ports, as the engine prints them.
    pub ports: String,
    /// The compose project.
    pub project: String,
    /// The service in the project.
    pub service: String,
    /// Its number in the service, from 1.
    pub number: String,
    /// The directory where compose was called.
    pub dir: PathBuf,
}

impl Container {
    /// It runs; a paused one does too.
    pub fn is_up(&self) -> bool {
        self.status.starts_with("Up")
    }

    /// It is one of its service, and not of a command that compose ran beside it.
    pub fn is_of_service(&self) -> bool {
        self.answers_to(&self.name)
    }

    /// Whether compose would have given it this name, version 1 or 2.
    fn answers_to(&self, name: &str) -> bool {
        let Container { project, service, number, .. } = self;
        !project.is_empty()
            && (name == format!("{project}-{service}-{number}")
                || name == format!("{project}_{service}_{number}"))
    }
}

/// A program to run in a container, reading stdin. The values of `vars` do not show in the argument list.
pub fn exec<S: AsRef<str>>(
    container: &str,
    program: &str,
    args: &[S],
    vars: &[(&str, &str)],
) -> Cmd {
    let cmd = command(&["exec", "-i"], container, program, args, vars)
        .called(format!("docker exec {container} {program}"));
    carrier::carried(cmd)
}

/// The same for a program that a person talks to.
pub fn exec_terminal<S: AsRef<str>>(
    container: &str,
    program: &str,
    args: &[S],
    vars: &[(&str, &str)],
    terminal: bool,
) -> Cmd {
    let how = if terminal { "-it" } else { "-i" };
    command(&["exec", how], container, program, args, vars).patience(None)
}

fn command<S: AsRef<str>>(
    how: &[&str],
    container: &str,
    program: &str,
    args: &[S],
    vars: &[(&str, &str)],
) -> Cmd {
    let mut cmd = Cmd::new("docker").args(how);
    for (name, value) in vars {
        cmd = cmd.args(["-e", name]).env(name, value);
    }
    cmd.args(["--", container, program]).args(args.iter().map(AsRef::as_ref))
}

/// Every container there is.
pub fn containers() -> Result<Vec<Container>> {
    list(&[])
}

/// The containers that have all of these labels, each with its value: `name=value`.
fn list(labels: &[String]) -> Result<Vec<Container>> {
    if let Some(found) = engine::containers(labels)? {
        return Ok(found);
    }
    let mut cmd = question("ps -a").args(["--format", LINE]);
    for label in labels {
        cmd = cmd.args(["--filter", &format!("label={label}")]);
    }
    let text = ask(cmd, "")?;
    text.lines()
        .map(|line| serde_json::from_str(line).context("cannot read what `docker ps` printed"))
        .collect()
}

/// One label at a time, because in the engine's list of them a comma in a value looks like the next label.
const LINE: &str = r#"{"name":{{json .Names}},"image":{{json .Image}},"status":{{json .Status}},"ports":{{json .Ports}},"project":{{json (.Label "com.docker.compose.project")}},"service":{{json (.Label "com.docker.compose.service")}},"number":{{json (.Label "com.docker.compose.container-number")}},"dir":{{json (.Label "com.docker.compose.project.working_dir")}}}"#;

/// The container at a place, by the labels that compose wrote, for when no container has the plain name.
pub fn find(place: &Place) -> Result<String> {
    let found = match place {
        Place::Host => None,
        Place::Container(name) => pick(&containers()?, name).cloned(),
        Place::Compose { project, service } => list(&[
            format!("com.docker.compose.project={project}"),
            format!("com.docker.compose.service={service}"),
            "com.docker.compose.oneoff=False".to_owned(),
        ])?
        .into_iter()
        .min_by_key(|c| (!c.is_up(), c.number.parse::<u32>().unwrap_or(u32::MAX))),
    };
    found.map(|c| c.name).ok_or_else(|| diagnosis::missing(&place.title()))
}

/// Whether there is a container of this name, running or not.
///
/// # Errors
/// When the engine does not answer.
pub fn exists(name: &str) -> Result<bool> {
    Ok(pick(&containers()?, name).is_some())
}

/// What messages call a server: its container's own name, which compose 1 and 2 write differently.
pub fn called(place: &Place) -> String {
    find(place).unwrap_or_else(|_| place.title())
}

/// A docker command that starts nothing.
fn question(what: &str) -> Cmd {
    Cmd::new("docker")
        .called(format!("docker {what}"))
        .args(what.split(' '))
        .patience(Some(budget::total() / QUICK))
        .asks(ENGINE)
        .stdin("")
}

/// What `docker container inspect` prints in this format of the container at a place; `None`: the place is no container.
///
/// # Errors
/// When it is missing, or the engine does not answer.
fn inspect(place: &Place, format: &str) -> Result<Option<String>> {
    let name = match place {
        Place::Host => return Ok(None),
        Place::Container(name) => name.clone(),
        Place::Compose { .. } => find(place)?,
    };
    let inspect =
        |name: &str| run(question("container inspect --format").args([format, "--", name]));
    let mut output = inspect(&name)?;
    if says_missing(&output) {
        output = inspect(&find(place)?)?;
    }
    match output.success() {
        true => Ok(Some(output.text())),
        false => Err(diagnose(&output, &name)),
    }
}

/// Runs a docker command that is about `container`, and gives what it printed.
fn ask(cmd: Cmd, container: &str) -> Result<String> {
    let output = run(cmd)?;
    if output.success() {
        return Ok(output.text());
    }
    Err(diagnose(&output, container))
}

/// Runs a docker command to its end.
///
/// # Errors
/// When the engine has kept this command waiting in vain before, or does now.
pub fn run(cmd: Cmd) -> Result<Output> {
    budget::require_answers(ENGINE)?;
    cmd.output()
}

/// Refuses when the engine has kept this command waiting in vain before.
pub fn require_answers() -> Result<()> {
    budget::require_answers(ENGINE)
}
