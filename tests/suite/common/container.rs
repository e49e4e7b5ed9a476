//! A container of one test's own.

use super::servers;
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
        // The last name of two counts.
        let named = ["--label=agentenv-test", "--name", &name];
        docker(&[how, &named, options, &[image], command].concat());
        let other =
            options.windows(2).find(|pair| pair[0] == "--name").map(|pair| pair[1].to_owned());
        Container { name: other.unwrap_or(name), stays: false }
    }

    /// Waits until this command in it succeeds. It is tried again in there: each `docker exec` takes the engine 50 ms.
    #[track_caller]
    pub fn ready(self, command: &[&str]) -> Container {
        let tries = r#"until "$@"; do sleep 0.05; done >/dev/null 2>&1"#;
        // The command itself may hang.
        let mut docker = Command::new("timeout");
        docker.args(["60", "docker", "exec", &self.name, "sh", "-c", tries, "sh"]).args(command);
        let ended = docker.stdin(Stdio::null()).status().unwrap();
        assert!(ended.success(), "the server in {} does not answer: {ended}", self.name);
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

/// The volumes without a name that the containers of a compose project have now. They are removed with this value: where
/// `down` removes the containers and keeps the volumes, no later command knows these.
pub struct AnonymousVolumes(Vec<String>);

impl AnonymousVolumes {
    /// Those of this project.
    #[track_caller]
    pub fn of(project: &str) -> Self {
        let label = format!("label=com.docker.compose.project={project}");
        let containers = docker(&["ps", "-aq", "--filter", &label]);
        let format = "--format={{range .Mounts}}{{.Name}} {{end}}";
        let inspect = ["container", "inspect", format].into_iter().chain(containers.lines());
        let named = docker(&inspect.collect::<Vec<_>>());
        let is_anonymous =
            |name: &&str| name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        Self(named.split_whitespace().filter(is_anonymous).map(str::to_owned).collect())
    }
}

impl Drop for AnonymousVolumes {
    fn drop(&mut self) {
        let names = self.0.iter().map(String::as_str);
        // Those that a later `down --volumes` removed are missing.
        let _ = servers::docker(&["volume", "rm"].into_iter().chain(names).collect::<Vec<_>>(), "");
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
