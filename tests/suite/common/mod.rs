//! A sandbox for each test: its own home, state directory and git configuration, a slice of the machine's
//! ports and Redis indexes that no other test holds, and databases whose names begin with its own word.

#![allow(dead_code)] // each test file uses its own part

use std::ffi::OsStr;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::ops::RangeInclusive;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

mod container;
pub mod hold;
pub mod mariadb;
mod postgres;
mod servers;
mod talk;
mod traces;

pub use container::{AnonymousVolumes, Container, POSTGRES_READY, Started, docker};
use servers::Slice;
pub use servers::{published, redis_at, servers};
pub use talk::Talk;

/// One test's world. What its environments hold on the shared servers is released when it is dropped.
pub struct Sandbox {
    /// The directory that holds everything; outcomes show it as `[ROOT]`.
    pub root: PathBuf,
    /// The word that every database of this sandbox begins with; outcomes show it as `[ID]`.
    pub id: String,
    slices: usize,
    slice: OnceLock<Slice>,
    _dir: tempfile::TempDir,
}

impl Sandbox {
    /// With 39 ports and 4 Redis indexes for environments.
    pub fn new() -> Self {
        Self::wide(1)
    }

    /// With `slices` times as many ports and indexes.
    pub fn wide(slices: usize) -> Self {
        Self::at(&std::env::temp_dir(), slices)
    }

    /// In memory, where the system has such a directory. It lists the newest file first: what deletes it takes its files in
    /// another order there.
    pub fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Self::at(memory, 1) } else { Self::new() }
    }

    fn at(dir: &Path, slices: usize) -> Self {
        let dir = tempfile::Builder::new().prefix("agentenv-").tempdir_in(dir).unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::create_dir(root.join("home")).unwrap();
        // Without git's fifteen sample files, which each repository would get.
        for dir in ["hooks", "info"] {
            fs::create_dir_all(root.join("template").join(dir)).unwrap();
        }
        fs::write(root.join("gitconfig"), GIT_CONFIG).unwrap();
        let id = format!("t{:08x}", RandomState::new().hash_one(0) as u32);
        Self { root, id, slices, slice: OnceLock::new(), _dir: dir }
    }

    /// A new repository with one commit.
    pub fn repo(&self, name: &str) -> Repo<'_> {
        let repo = Repo { sandbox: self, path: self.root.join(name) };
        fs::create_dir_all(&repo.path).unwrap();
        repo.git(&["init", "--quiet"]);
        repo.commit("README", "first\n");
        repo
    }

    /// A repository that was made before.
    pub fn repo_at(&self, name: &str) -> Repo<'_> {
        Repo { sandbox: self, path: self.root.join(name) }
    }

    /// The configuration of a project that uses the shared servers, with this sandbox's slots. They are reached as servers of
    /// this host: a `docker exec` takes four times as long as `psql`, and to ask where a container listens longer than Redis.
    pub fn config(&self) -> String {
        self.config_at(["host: true"; 2])
    }

    /// The servers in their containers, and an address of Redis that has a port of its own, so that no second server serves
    /// its application.
    pub fn config_with_one_redis(&self) -> String {
        self.config_in_container() + "env: { CACHE_URL: \"redis://localhost:6379/{REDIS_DB}\" }\n"
    }

    /// The same with both in their containers, as a configuration says by default: for tests of what differs there.
    pub fn config_in_container(&self) -> String {
        let (postgres, redis) = (servers().postgres, servers().redis);
        self.config_at([&format!("container: {postgres}"), &format!("container: {redis}")])
    }

    fn config_at(&self, [postgres, redis]: [&str; 2]) -> String {
        let servers = servers();
        let (ports, indexes, id) = (self.ports(), self.indexes(), &self.id);
        format!(
            r#"{}services:
  postgres: {{ kind: postgres, variable: POSTGRES_DB, name: "{id}_{{name}}", main: {id}_main, {postgres}, port: {} }}
  redis: {{ kind: redis, variable: REDIS_DB, main: 0, range: {}-{}, {redis}, port: {} }}
"#,
            self.config_of_ports(ports),
            servers.postgres_port,
            indexes.start(),
            indexes.end(),
            servers.redis_port,
        )
    }

    /// The configuration of a project that needs no server: a port and an SQLite file.
    pub fn config_without_servers(&self) -> String {
        format!(
            "{}services:\n  sqlite: {{ kind: sqlite, variable: SQLITE_FILE, name: \"{{name}}.sqlite3\", main: db.sqlite3 }}\n",
            self.config_of_ports(self.ports()),
        )
    }

    /// The ports of a configuration, with this sandbox's slots.
    pub fn config_of_own_ports(&self) -> String {
        self.config_of_ports(self.ports())
    }

    fn config_of_ports(&self, ports: RangeInclusive<u16>) -> String {
        let (first, last) = (ports.start(), ports.end());
        format!("ports:\n  DJANGO_PORT: {{ main: {first}, range: {}-{last} }}\n", first + 1)
    }

    /// The ports that no other test uses: the main checkout's, then those for environments.
    pub fn ports(&self) -> RangeInclusive<u16> {
        self.slice().ports()
    }

    /// The Redis indexes that no other test uses.
    pub fn indexes(&self) -> RangeInclusive<u16> {
        self.slice().indexes()
    }

    /// This sandbox's databases, those that tests made themselves included.
    pub fn databases(&self) -> Vec<String> {
        let mut names = servers().databases();
        names.retain(|name| name.starts_with(&self.id));
        names
    }

    /// The files of the leases, by name.
    pub fn leases(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.root.join("state/leases")).into_iter().flatten();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    /// The file of the only lease.
    #[track_caller]
    pub fn lease(&self) -> PathBuf {
        let [file] = self.leases().try_into().expect("there is one lease");
        file
    }

    /// The id of the only lease.
    #[track_caller]
    pub fn lease_id(&self) -> String {
        self.lease().file_stem().unwrap().to_str().unwrap().to_owned()
    }

    /// Deletes all leases, as one who loses the state directory does.
    pub fn lose_leases(&self) {
        self.leases().iter().for_each(|file| fs::remove_file(file).unwrap());
    }

    /// Makes a release of this program as GitHub would have it, and gives the URL that stands for GitHub's.
    pub fn publish(&self, program: &Path) -> String {
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        let script = "\"$1/.packaging/archive\" \"$(uname -m)-unknown-linux-musl\" \"$2\" release\ncd release\nsha256sum -- *.tar.gz >SHA256SUMS";
        let mut sh = self.command("sh");
        sh.args(["-euc", script, "sh"]).arg(project).arg(program).current_dir(&self.root);
        self.outcome(&mut sh).ok();
        format!("file://{}", self.root.join("release").display())
    }

    /// What identifies this sandbox's lease store; every lease id begins with it.
    pub fn store_id(&self) -> Option<String> {
        let id = fs::read_to_string(self.root.join("state/store-id")).ok()?;
        Some(id.trim().to_owned()).filter(|id| !id.is_empty())
    }

    /// A program with this sandbox's environment and nothing of the machine's but PATH and the way to Docker.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let in_root = |name: &str| self.root.join(name);
        let mut command = Command::new(path_of(program.as_ref()));
        command
            .env_clear()
            .env("PATH", path_with_binary())
            .env("HOME", in_root("home"))
            .env("XDG_CONFIG_HOME", in_root("home/.config"))
            .env("XDG_CACHE_HOME", in_root("home/.cache"))
            .env("XDG_DATA_HOME", in_root("home/.local/share"))
            .env("XDG_STATE_HOME", in_root("home/.local/state"))
            .env("AGENTENV_STATE_DIR", in_root("state"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", in_root("gitconfig"))
            .env("GIT_TEMPLATE_DIR", in_root("template"))
            .env("GIT_CEILING_DIRECTORIES", &self.root)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_AUTHOR_DATE", "2030-01-01T00:00:00Z")
            .env("GIT_COMMITTER_DATE", "2030-01-01T00:00:00Z")
            .env("TERM", "dumb")
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .env(mariadb::PASSWORD[0], mariadb::PASSWORD[1])
            .envs(way_to_docker())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end and returns what it said.
    #[track_caller]
    pub fn outcome(&self, command: &mut Command) -> Outcome {
        let output =
            command.output().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        Outcome::new(output, self.normalisations())
    }

    /// Runs `git-agentenv` in a directory, without a terminal. That git finds it is shown where shells and documents call it.
    #[track_caller]
    pub fn agentenv_in(&self, dir: impl AsRef<Path>, args: &[&str]) -> Outcome {
        let mut command = self.command(env!("CARGO_BIN_EXE_git-agentenv"));
        self.outcome(command.args(args).current_dir(dir))
    }

    /// Starts a command and leaves it running.
    #[track_caller]
    pub fn start(&self, command: &mut Command) -> Running {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let child = child.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        Running { child, normalisations: self.normalisations() }
    }

    /// The second Redis servers of this sandbox, running or not.
    pub fn second_servers(&self) -> Vec<String> {
        let Some(store) = self.store_id() else { return Vec::new() };
        let filter = format!("label=git-agentenv.overflow={store}");
        let named = docker(&["ps", "-a", "--filter", &filter, "--format", "{{.Names}}"]);
        named.lines().map(str::to_owned).collect()
    }

    /// The volumes of these.
    pub fn second_volumes(&self) -> Vec<String> {
        let Some(store) = self.store_id() else { return Vec::new() };
        let filter = format!("label=git-agentenv.overflow={store}");
        let named = docker(&["volume", "ls", "--quiet", "--filter", &filter]);
        named.lines().map(str::to_owned).collect()
    }

    fn remove_second_servers(&self) {
        // Most tests start none.
        let records = fs::read_dir(self.root.join("state/servers"));
        if records.is_ok_and(|mut all| all.next().is_some()) {
            for name in self.second_servers() {
                let _ = servers::docker(&["rm", "--force", "--volumes", &name], "");
            }
            for name in self.second_volumes() {
                let _ = servers::docker(&["volume", "rm", &name], "");
            }
        }
    }

    fn slice(&self) -> &Slice {
        self.slice.get_or_init(|| Slice::take(self.slices))
    }

    fn normalisations(&self) -> Vec<(String, String)> {
        let mut pairs = vec![
            (self.root.display().to_string(), "[ROOT]".to_owned()),
            (self.id.clone(), "[ID]".to_owned()),
        ];
        if let Some(slice) = self.slice.get() {
            let name = |n| {
                if n == 0 { "[PORT]".to_owned() } else { format!("[PORT+{n}]") }
            };
            pairs.extend(slice.ports().enumerate().map(|(n, port)| (port.to_string(), name(n))));
        }
        pairs
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let (Some(slice), Some(servers)) = (self.slice.get(), servers::started()) {
            servers.drop_databases_of(&self.id, self.store_id().as_deref());
            servers.flush(slice.indexes());
        }
        self.remove_second_servers();
    }
}

const GIT_CONFIG: &str = "\
[user]
	name = Test
	email = test@example.com
[init]
	defaultBranch = main
[protocol \"file\"]
	allow = always
[advice]
	detachedHead = false
[gc]
	auto = 0
[maintenance]
	auto = false
";

/// A repository of a sandbox.
pub struct Repo<'a> {
    /// The sandbox that it is in.
    pub sandbox: &'a Sandbox,
    /// The main checkout.
    pub path: PathBuf,
}

impl Repo<'_> {
    /// Runs git here and returns its stdout, without the newline at its end.
    #[track_caller]
    pub fn git(&self, args: &[&str]) -> String {
        let mut command = self.sandbox.command("git");
        let outcome = self.sandbox.outcome(command.args(args).current_dir(&self.path));
        outcome.ok().stdout.trim_end().to_owned()
    }

    /// Runs `git agentenv` here, without a terminal.
    #[track_caller]
    pub fn agentenv(&self, args: &[&str]) -> Outcome {
        self.sandbox.agentenv_in(&self.path, args)
    }

    /// `git-agentenv` here, not started yet.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.sandbox.command(env!("CARGO_BIN_EXE_git-agentenv"));
        command.args(args).current_dir(&self.path);
        command
    }

    /// Starts `git-agentenv` here and leaves it running.
    #[track_caller]
    pub fn start(&self, args: &[&str]) -> Running {
        self.sandbox.start(&mut self.command(args))
    }

    /// Runs `git-agentenv` here with faults, such as `before-ready:kill`.
    #[track_caller]
    pub fn struck(&self, args: &[&str], faults: &str) -> Outcome {
        self.sandbox.outcome(self.command(args).env("AGENTENV_FAULT", faults))
    }

    /// Kills `git-agentenv` here at a point.
    #[track_caller]
    pub fn killed(&self, args: &[&str], point: &str) -> Outcome {
        self.struck(args, &format!("{point}:kill")).fails(128 + 9)
    }

    /// Starts `git-agentenv` here, and waits until it hangs at a point.
    #[track_caller]
    pub fn hanging(&self, args: &[&str], point: &str) -> Running {
        hanging(&mut self.command(args), self.sandbox, point)
    }

    /// Lets a command go on that hangs at a point; it hangs at no other one then.
    pub fn let_go(&self) {
        fs::remove_file(self.sandbox.root.join("home/hanging")).unwrap();
    }

    /// Writes a file and commits it.
    #[track_caller]
    pub fn commit(&self, file: &str, text: &str) {
        let path = self.path.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self.git(&["add", "--force", file]);
        self.git(&["commit", "--quiet", "--message", file]);
    }

    /// Commits this text as `.agentenv.yaml`.
    #[track_caller]
    pub fn config(&self, yaml: &str) {
        self.commit(".agentenv.yaml", yaml);
    }

    /// A clone, with this repository as its `origin`.
    #[track_caller]
    pub fn clone_as(&self, name: &str) -> Repo<'_> {
        let path = self.sandbox.root.join(name);
        self.git(&["clone", "--quiet", ".", path.to_str().unwrap()]);
        Repo { sandbox: self.sandbox, path }
    }
}

/// Starts a command, and waits until it hangs at a point.
#[track_caller]
pub fn hanging(command: &mut Command, sandbox: &Sandbox, point: &str) -> Running {
    let mark = sandbox.root.join("home/hanging");
    let _ = fs::remove_file(&mark);
    command.env("AGENTENV_FAULT", format!("{point}:hang")).env("AGENTENV_FAULT_MARK", &mark);
    let running = sandbox.start(command);
    wait_until(&format!("it hangs at {point}"), || mark.exists());
    running
}

/// A command that runs.
pub struct Running {
    child: std::process::Child,
    normalisations: Vec<(String, String)>,
}

impl Running {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-s", name, &pid]).status().expect("kill starts");
    }

    /// Waits for its end.
    #[track_caller]
    pub fn outcome(self) -> Outcome {
        Outcome::new(self.child.wait_with_output().unwrap(), self.normalisations)
    }
}

/// What a command said and how it ended.
pub struct Outcome {
    pub stdout: String,
    pub stderr: String,
    /// The exit code; 128 and the signal's number when a signal ended it.
    pub code: i32,
    normalisations: Vec<(String, String)>,
}

impl Outcome {
    fn new(output: Output, normalisations: Vec<(String, String)>) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let status = output.status;
        Self {
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
            code: status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
            normalisations,
        }
    }

    /// Panics unless it succeeded.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.fails(0)
    }

    /// Panics unless it ended with this code.
    #[track_caller]
    pub fn fails(self, code: i32) -> Self {
        assert!(self.code == code, "expected exit {code}, got\n{}", self.show());
        self
    }

    /// The one JSON document on stdout.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is not JSON: {error}\n{}", self.show()))
    }

    /// All three together, without what differs from run to run.
    pub fn show(&self) -> String {
        let text =
            format!("exit {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr);
        self.normalisations.iter().fold(text, |text, (from, to)| replace_word(&text, from, to))
    }
}

/// Replaces `from` except where it is part of a longer number.
fn replace_word(text: &str, from: &str, to: &str) -> String {
    let is_number = from.bytes().all(|byte| byte.is_ascii_digit());
    let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let mut out = String::new();
    let mut rest = 0;
    for (at, _) in text.match_indices(from) {
        let before = at.checked_sub(1).and_then(|at| text.as_bytes().get(at));
        if is_number && (digit(before) || digit(text.as_bytes().get(at + from.len()))) {
            continue;
        }
        out += &text[rest..at];
        out += to;
        rest = at + from.len();
    }
    out + &text[rest..]
}

/// Writes a program that the kernel can start.
pub fn write_program(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What sweeps strike (`AGENTENV_SWEEP`): every point in one way, by turns (`one`), in another (`other`), or in all (`full`).
fn sweep() -> String {
    std::env::var("AGENTENV_SWEEP").unwrap_or_default()
}

/// Whether all is struck in all ways, and not a sample of it.
pub fn is_full_sweep() -> bool {
    sweep() == "full"
}

/// Where ways that are taken by turns begin.
pub fn first_turn() -> usize {
    usize::from(sweep() == "other")
}

/// Each point with one of two ways, by turns; in a full sweep with both.
pub fn pairs<T: Copy>(points: &[T]) -> Vec<(T, bool)> {
    let both = points.iter().enumerate().flat_map(|(n, point)| {
        let second = (n + first_turn()) % 2 == 1;
        let ways = if is_full_sweep() { vec![false, true] } else { vec![second] };
        ways.into_iter().map(|way| (*point, way))
    });
    both.collect()
}

/// Waits until something is true: no test knows how long a thing takes. A question that starts a process is asked less
/// often, for it takes the time of what is waited for.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let asked = Instant::now();
        if is_so() {
            return;
        }
        assert!(asked < deadline, "waited 30 s in vain until {what}");
        let rest = 3 * asked.elapsed();
        std::thread::sleep(rest.clamp(Duration::from_millis(10), Duration::from_millis(160)));
    }
}

/// The path of a program. A name that the new process's own PATH must find makes the standard library fork this process, with
/// all its memory; a path does not.
fn path_of(program: &OsStr) -> PathBuf {
    let found = which::which_in(program, Some(path_with_binary()), "/");
    found.unwrap_or_else(|_| program.into())
}

/// PATH with the built program's directory first, so that git finds its subcommand, then that of the real `psql`.
fn path_with_binary() -> std::ffi::OsString {
    let binary = Path::new(env!("CARGO_BIN_EXE_git-agentenv"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let first = [binary, servers::psql_program()].into_iter().filter_map(Path::parent);
    let first = first.filter(|dir| dir.is_absolute()).map(Path::to_owned);
    std::env::join_paths(first.chain(std::env::split_paths(&path))).unwrap()
}

/// The variables that say which Docker engine is meant, and where its client's plugins are.
fn way_to_docker() -> impl Iterator<Item = (std::ffi::OsString, std::ffi::OsString)> {
    let names = ["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY"];
    let config = std::env::var_os("DOCKER_CONFIG").or_else(|| {
        let home = PathBuf::from(std::env::var_os("HOME")?);
        Some(home.join(".docker").into_os_string())
    });
    names
        .into_iter()
        .filter_map(|name| Some((name.into(), std::env::var_os(name)?)))
        .chain(config.map(|dir| ("DOCKER_CONFIG".into(), dir)))
}
