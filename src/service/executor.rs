//! Runs a server's client programs: on this host, or in the server's container. A service never knows which.

use crate::error;
use crate::model::config::Place;
use crate::service::Server;
use crate::sys::budget::Question;
use crate::sys::exec::{self, Cmd, Conversation, Output, Pulse, Script};
use crate::sys::{budget, docker, env};
use anyhow::Result;
use std::time::Duration;

/// The password of a server: from the variable that its `password_env` names, else from the client's usual variable.
///
/// # Errors
/// When the named variable is not set: nothing has run then.
pub fn password(server: &Server, usual: &str) -> Result<Option<String>> {
    let Some(name) = &server.password_env else {
        return Ok(env::var(usual));
    };
    env::var(name).map(Some).ok_or_else(|| {
        let title = server.title();
        error::service(format!("no password for `{title}`: variable `{name}` is not set"))
            .hint(format!("set `{name}`, which `password_env` in .agentenv.yaml names"))
            .never_ran()
    })
}

/// A place to run client programs, and what they need to reach the server from there.
pub struct Site {
    place: Place,
    called: String,
    port: String,
    password: Option<(&'static str, String)>,
}

/// A client program to run.
#[derive(Debug, Clone)]
pub struct Task<'a> {
    /// The program.
    pub program: &'a str,
    /// Its arguments. They show in process lists.
    pub args: Vec<&'a str>,
    /// Variables for it. They never show in process lists.
    pub vars: Vec<(&'a str, &'a str)>,
    /// What it reads on stdin, and the lines to wait for.
    pub script: Script,
    /// A program on this host whose output it reads instead.
    pub feed: Option<Cmd>,
    /// How long it may take; beyond [`budget::total`], once it has printed a line.
    pub patience: Duration,
    /// What tells that the server works for it, where it may take long.
    pub pulse: Option<Pulse>,
    /// It can be done without: a server that is silent to it is asked other things all the same.
    pub optional: bool,
}

impl<'a> Task<'a> {
    /// A program without input, with the usual time limit.
    pub fn new(program: &'a str) -> Self {
        Task {
            program,
            args: Vec::new(),
            vars: Vec::new(),
            script: Script::default(),
            feed: None,
            patience: budget::total(),
            pulse: None,
            optional: false,
        }
    }
}

impl Site {
    /// The site of a server.
    pub fn of(server: &Server) -> Self {
        let (place, title) = (server.place.clone(), server.title());
        let called = match &place {
            Place::Host => format!("the server at {title}:{}", server.port),
            Place::Container(_) | Place::Compose { .. } => format!("container `{title}`"),
        };
        Site { place, called, port: server.port.to_string(), password: None }
    }

    /// The site of a server, with its password in the client's usual variable.
    ///
    /// # Errors
    /// As [`password`].
    pub fn with_password(server: &Server, usual: &'static str) -> Result<Self> {
        let password = password(server, usual)?.map(|value| (usual, value));
        Ok(Site { password, ..Site::of(server) })
    }

    /// The server's port on this host.
    pub fn port(&self) -> &str {
        &self.port
    }

    /// The variable that gives a client the password, and its value.
    pub fn password(&self) -> Option<(&str, &str)> {
        self.password.as_ref().map(|(name, value)| (*name, value.as_str()))
    }

    /// Begins to wait for the server itself, without a client program.
    ///
    /// # Errors
    /// When it was waited for in vain before.
    pub fn ask(&self, longest: Duration) -> Result<Question> {
        budget::ask(&self.called, longest)
    }

    /// It is this host, where a client needs host and port.
    pub fn is_host(&self) -> bool {
        self.place == Place::Host
    }

    /// What messages call it.
    pub fn title(&self) -> String {
        self.place.title()
    }

    /// Runs a program there to its end. A non-zero exit code is not an error.
    pub fn run(&self, task: &Task) -> Result<Output> {
        let Place::Container(name) = &self.place else {
            return self.run_in(self.container()?.as_deref(), task);
        };
        // Run first: listing the containers first would make every call a fifth slower.
        let output = self.run_in(Some(name), task)?;
        if docker::says_missing(&output) {
            return self.run_in(Some(&docker::find(&self.place)?), task);
        }
        Ok(output)
    }

    /// Starts a program there that is asked several times. `found`: a container that has not the plain name is searched for,
    /// as [`Site::run`] does after the plain name failed.
    pub fn converse(&self, task: &Task, found: bool) -> Result<Conversation> {
        let container = match &self.place {
            Place::Container(name) if !found => Some(name.clone()),
            _ => self.container()?,
        };
        let cmd = match &container {
            Some(name) => {
                docker::require_answers()?;
                docker::exec(name, task.program, &task.args, &task.vars)
            }
            None => host(task),
        };
        cmd.patience(Some(task.patience)).asks(&self.called).converse()
    }

    /// An interactive program on this process's stdin and stdout; `terminal`: these are a terminal.
    pub fn terminal(&self, task: &Task, terminal: bool) -> Result<Cmd> {
        Ok(match self.container()? {
            Some(name) => {
                docker::exec_terminal(&name, task.program, &task.args, &task.vars, terminal)
            }
            None => host(task),
        }
        .patience(None))
    }

    /// The container's name as the engine knows it; `None` on the host.
    pub fn container(&self) -> Result<Option<String>> {
        match &self.place {
            Place::Host => Ok(None),
            place => docker::find(place).map(Some),
        }
    }

    /// The error of a program that failed before it did its own work.
    pub fn explain(&self, task: &Task, output: &Output) -> anyhow::Error {
        match &self.place {
            Place::Host => {
                let message = exec::complaint(task.program, output);
                error::service(message).into()
            }
            place => {
                let name = docker::called(place);
                docker::diagnose(output, &name)
            }
        }
    }

    fn run_in(&self, container: Option<&str>, task: &Task) -> Result<Output> {
        let input = |cmd: Cmd| match &task.feed {
            Some(feed) => cmd.fed_by(feed.clone()),
            None => cmd.talk(task.script.clone()),
        };
        let limited = |cmd: Cmd| match input(cmd).patience(Some(task.patience)) {
            cmd if task.optional => cmd,
            cmd => task.pulse.iter().cloned().fold(cmd.asks(&self.called), Cmd::pulse),
        };
        match container {
            Some(name) => {
                docker::run(limited(docker::exec(name, task.program, &task.args, &task.vars)))
            }
            None => limited(host(task)).output(),
        }
    }
}

fn host(task: &Task) -> Cmd {
    task.vars
        .iter()
        .fold(Cmd::new(task.program).args(&task.args), |cmd, (name, value)| cmd.env(name, value))
}
