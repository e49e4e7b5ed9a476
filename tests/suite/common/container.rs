//! A container of one test's own.

use super::{servers, wait_until};
use std::hash::{BuildHasher, RandomState};
use std::process::{Child, Command, Stdio};

/// Whether Postgres answers in a container; while it initialises, it listens only at its socket.
pub const POSTGRES_READY: [&str; 3] = ["pg_isready", "-qh", "127.0.0.1"];

/// Runs docker; what it printed.
#[track_caller]
pub fn docker(args: &[&str]) -> String {
    servers::docker(args, "").unwrap_or_else(|error| panic!("docker {args:?}: {error}"))
}

/// A container that is removed with this value, unless others remove it.
pub struct Container {
    /// Its name.
    pub name: String,
    stays: bool,
}

impl Container {
    /// Starts an image of the tests, with these options for `docker run`.
    pub fn run(image: &str, options: &[&str]) -> Container {
        Self::run_command(image, options, &[])
    }

    /// Starts an image of the tests, with these options for `docker run`, and this command.
    pub fn run_command(image: &str, options: &[&str], command: &[&str]) -> Container {
        Self::make(&servers::RUN, image, options, command)
    }

    /// One of an image of the tests that is not started, with these options for `docker create`.
    pub fn create(image: &str, options: &[&str]) -> Container {
        Self::make(&["create"], image, options, &[])
    }

    fn make(how: &[&str], image: &str, options: &[&str], command: &[&str]) -> Container {
        servers::require_image(image);
        // Docker makes names of words, and tests look for words in what names a container: `determined_euler`.
        let number = RandomState::new().hash_one(image);
        let name = format!("agentenv-test-{number:016x}");
        let named = ["--label=agentenv-test", "--name", &name];
        let id = docker(&[how, &named, options, &[image], command].concat());
        let format = ["container", "inspect", "--format={{.Name}}", &id];
        let name = docker(&format).trim_start_matches('/').to_owned();
        Container { name, stays: false }
    }

    /// Waits until this command in it succeeds.
    pub fn ready(self, command: &[&str]) -> Container {
        wait_until("the server in the container answers", || self.exec(command).is_ok());
        self
    }

    /// One that others remove.
    pub(super) fn that_stays(name: String) -> Container {
        Container { name, stays: true }
    }

    /// Runs a command in it; its stdout, or what it complained of.
    pub fn exec(&self, command: &[&str]) -> Result<String, String> {
        servers::docker(&[&["exec", "-i", &self.name], command].concat(), "")
    }

    /// What it wrote to its log.
    pub fn said(&self) -> String {
        docker(&["logs", &self.name])
    }

    /// Starts a command in it that runs until its value is dropped, or the container is.
    pub fn start(&self, command: &[&str]) -> Started {
        let mut docker = Command::new("docker");
        docker.args(["exec", &self.name]).args(command).stdin(Stdio::null());
        Started(docker.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if !self.stays {
            let _ = servers::docker(&["rm", "--force", "--volumes", &self.name], "");
        }
    }
}

/// A command that runs in a container.
pub struct Started(Child);

impl Started {
    /// Whether it has not ended yet.
    pub fn runs(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
