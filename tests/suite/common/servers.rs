//! One Postgres and one Redis for all test processes of the machine, the slots that keep tests apart on them, and the
//! names of the servers that one test holds at a time.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::ops::RangeInclusive;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::postgres::{self, Session};
use super::wait_until;

/// The shared servers. The last test process that uses them removes them when it ends.
pub struct Servers {
    /// The Postgres container's name.
    pub postgres: &'static str,
    /// Its port on this host's loopback.
    pub postgres_port: u16,
    /// The Redis container's name.
    pub redis: &'static str,
    /// Its port on this host's loopback.
    pub redis_port: u16,
    /// Sessions with the maintenance database that no test uses just now.
    idle: Mutex<Vec<Session>>,
    _in_use: InUse,
}

/// Held until this process ends.
struct InUse {
    _shared_lock: File,
    _remover: Child,
}

static SERVERS: OnceLock<Servers> = OnceLock::new();

/// The servers, started by the first test that asks. Without Docker the test fails; none is skipped.
pub fn servers() -> &'static Servers {
    SERVERS.get_or_init(Servers::start)
}

/// The servers, if a test of this process has asked for them before.
pub(super) fn started() -> Option<&'static Servers> {
    SERVERS.get()
}

impl Servers {
    fn start() -> Self {
        let lock = File::create(machine_dir().join("servers.lock")).unwrap();
        lock.lock().unwrap();
        if let Err(error) = docker(&["version"], "") {
            panic!("these tests need a Docker engine, and none answers: {error}");
        }
        require_images();
        let [postgres, redis] = ["postgres", "redis"].map(container_name);
        let in_use = InUse::mark(&[&[postgres, redis], &mariadbs()[..]].concat());
        ensure_running(
            postgres,
            &[
                "--tmpfs=/var/lib/postgresql/data",
                "--shm-size=256m",
                "--env=POSTGRES_HOST_AUTH_METHOD=trust",
                "--publish=127.0.0.1::5432",
                "agentenv-test/postgres",
                "postgres",
                "-cfsync=off",
                "-cfull_page_writes=off",
                "-csynchronous_commit=off",
                // It would look at each of hundreds of databases, and hold up copies of them.
                "-cautovacuum=off",
                // To drop a database looks through all of them.
                "-cshared_buffers=16MB",
                "-cmax_connections=300",
            ],
        );
        ensure_running(
            redis,
            &[
                "--publish=127.0.0.1::6379",
                "agentenv-test/redis",
                "redis-server",
                "--databases",
                "256",
                "--save",
                "",
            ],
        );
        let ready = ["exec", postgres, "pg_isready", "-q", "-U", "postgres", "-h", "127.0.0.1"];
        wait_until("the test Postgres answers", || docker(&ready, "").is_ok());
        let ping = ["exec", redis, "redis-cli", "PING"];
        wait_until("the test Redis answers", || docker(&ping, "").is_ok_and(|said| said == "PONG"));
        Self {
            postgres,
            postgres_port: published(postgres, "5432"),
            redis,
            redis_port: published(redis, "6379"),
            idle: Mutex::default(),
            _in_use: in_use,
        }
    }

    /// Runs SQL, or psql's own commands, on the maintenance database: unaligned rows without a header.
    #[track_caller]
    pub fn psql(&self, sql: &str) -> String {
        self.psql_on("postgres", sql)
    }

    /// The same on another database.
    #[track_caller]
    pub fn psql_on(&self, database: &str, sql: &str) -> String {
        self.try_psql(database, sql).unwrap_or_else(|error| panic!("psql: {sql}: {error}"))
    }

    fn try_psql(&self, database: &str, sql: &str) -> Result<String, String> {
        if !postgres::is_one_statement(sql) {
            return said(&mut self.client(database), sql);
        }
        let rows = if database == "postgres" {
            self.maintain(sql)
        } else {
            let answer = Session::open(self.postgres_port, database)?.run(sql);
            answer.map_err(|error| error.to_string())?
        };
        Ok(rows?.join("\n").trim_end().to_owned())
    }

    /// Runs a statement on the maintenance database, in a session that outlives it: to begin one takes the server longer
    /// than most statements.
    fn maintain(&self, statement: &str) -> postgres::Answer {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let known = idle().pop();
        // A test may have ended it.
        let known = known.and_then(|mut known| Some((known.run(statement).ok()?, known)));
        let (answer, session) = match known {
            Some(done) => done,
            None => {
                let mut fresh = Session::open(self.postgres_port, "postgres")?;
                (fresh.run(statement).map_err(|error| error.to_string())?, fresh)
            }
        };
        idle().push(session);
        answer
    }

    /// A psql on a database, not started yet. Not in the container: `docker exec` takes six times as long.
    pub(super) fn client(&self, database: &str) -> Command {
        let port = self.postgres_port.to_string();
        let mut psql = Command::new(psql_program());
        psql.args(["-XqAt", "-vON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", &port]);
        psql.args(["-U", "postgres", "-d", database]);
        psql
    }

    /// Runs a program beside the Postgres server.
    #[track_caller]
    pub fn beside_postgres(&self, args: &[&str]) -> String {
        let args = [&["exec", self.postgres], args].concat();
        docker(&args, "").unwrap_or_else(|error| panic!("{args:?}: {error}"))
    }

    /// Every database but the templates and the maintenance database.
    pub fn databases(&self) -> Vec<String> {
        let sql = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY 1";
        self.psql(sql).lines().map(str::to_owned).collect()
    }

    /// Runs a Redis command on an index; returns the answer as text, one line for each element.
    #[track_caller]
    pub fn redis(&self, index: u16, args: &[&str]) -> String {
        self.try_redis(index, args).unwrap_or_else(|error| panic!("redis: {args:?}: {error}"))
    }

    fn try_redis(&self, index: u16, args: &[&str]) -> redis::RedisResult<String> {
        redis_at(self.redis_port, index, args)
    }

    /// A client that is connected to an index and does nothing, like that of a pool.
    pub fn redis_client(&self, index: u16) -> RedisClient {
        let url = format!("redis://127.0.0.1:{}/{index}", self.redis_port);
        let client = redis::Client::open(url).unwrap().get_connection().unwrap();
        RedisClient(client.into())
    }

    /// Flushes indexes that the caller's slice holds. Ignores errors: a test may be panicking.
    pub(super) fn flush(&self, indexes: RangeInclusive<u16>) {
        for index in indexes {
            let _ = self.try_redis(index, &["FLUSHDB"]);
        }
    }

    /// Drops what a sandbox left: by the prefix of its databases, and by its lease store's mark.
    pub(super) fn drop_databases_of(&self, word: &str, store_id: Option<&str>) {
        let mark = format!("git-agentenv {}", store_id.unwrap_or("none"));
        let unfinished = format!("agentenv_{}", store_id.unwrap_or("none"));
        let template = mark.replace("agentenv ", "agentenv template ");
        let trash = mark.replace("agentenv ", "agentenv-trash ");
        let spare = mark.replace("agentenv ", "agentenv spare ");
        let sql = format!(
            "SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database
             WHERE starts_with(datname, '{word}') OR starts_with(datname, '{unfinished}')
                OR starts_with(shobj_description(oid, 'pg_database'), '{mark}')
                OR starts_with(shobj_description(oid, 'pg_database'), '{template}')
                OR starts_with(shobj_description(oid, 'pg_database'), '{trash}')
                OR starts_with(shobj_description(oid, 'pg_database'), '{spare}')"
        );
        for drop in self.maintain(&sql).into_iter().flatten() {
            let _ = self.maintain(&drop);
        }
    }
}

/// Runs a command on an index of the Redis at this port; returns the answer as text, one line for each element.
pub fn redis_at(port: u16, index: u16, args: &[&str]) -> redis::RedisResult<String> {
    let url = format!("redis://127.0.0.1:{port}/{index}");
    let mut connection = redis::Client::open(url)?.get_connection()?;
    let (name, rest) = args.split_first().expect("a command");
    let answer = redis::cmd(name).arg(rest).query(&mut connection).map(|value| text(&value));
    // The server may list this connection for a moment after it is closed: as a client of no test's index.
    redis::cmd("SELECT").arg(0).exec(&mut connection)?;
    answer
}

/// A connection to Redis.
pub struct RedisClient(RefCell<redis::Connection>);

impl RedisClient {
    /// The server has not closed it.
    pub fn is_connected(&self) -> bool {
        redis::cmd("PING").exec(&mut self.0.borrow_mut()).is_ok()
    }
}

/// Some of the machine's ports and Redis indexes. A slice is a locked file: the kernel releases it
/// however this process ends.
pub(super) struct Slice {
    first: u16,
    files: Vec<File>,
}

impl Slice {
    const COUNT: u16 = 63;
    const PORTS: u16 = 40;
    const INDEXES: u16 = 4;
    const FIRST_PORT: u16 = 20_000;

    /// The first `count` neighbours that no other test holds.
    pub(super) fn take(count: usize) -> Self {
        let mut found = None;
        wait_until("there are free ports and Redis indexes for this test", || {
            found = Self::try_take(count);
            found.is_some()
        });
        let slice = found.expect("waited for it");
        servers().flush(slice.indexes()); // the test that held it before may have been killed
        slice
    }

    fn try_take(count: usize) -> Option<Self> {
        let mut files = Vec::new();
        for number in 0..Self::COUNT {
            let file = File::create(machine_dir().join(format!("slice-{number}"))).unwrap();
            if file.try_lock().is_err() {
                files.clear();
                continue;
            }
            files.push(file);
            if files.len() == count {
                return Some(Self { first: number + 1 - count as u16, files });
            }
        }
        None
    }

    pub(super) fn ports(&self) -> RangeInclusive<u16> {
        let first = Self::FIRST_PORT + self.first * Self::PORTS;
        first..=first + self.width() * Self::PORTS - 1
    }

    pub(super) fn indexes(&self) -> RangeInclusive<u16> {
        let first = 1 + self.first * Self::INDEXES;
        first..=first + self.width() * Self::INDEXES - 1
    }

    fn width(&self) -> u16 {
        self.files.len() as u16
    }
}

/// What all test processes of this machine share.
fn machine_dir() -> PathBuf {
    let dir = std::env::temp_dir().join("agentenv-test");
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// A container's name. Test processes share a container exactly if they share its lock.
fn container_name(server: &str) -> &'static str {
    let mut hasher = DefaultHasher::new();
    machine_dir().hash(&mut hasher);
    format!("agentenv-test-{server}-{:08x}", hasher.finish() as u32).leak()
}

/// How many tests can hold a MariaDB at a time.
const MARIADBS: usize = 8;

fn mariadbs() -> [&'static str; MARIADBS] {
    std::array::from_fn(|number| container_name(&format!("mariadb-{number}")))
}

/// The container of a MariaDB that no other test holds, and the lock that holds it.
pub(super) fn free_mariadb() -> Option<(String, File)> {
    mariadbs().into_iter().find_map(|name| {
        let file = File::create(machine_dir().join(name)).unwrap();
        file.try_lock().is_ok().then(|| (name.to_owned(), file))
    })
}

impl InUse {
    /// Takes a shared lock, and starts a process that removes those of the containers that are there once no test process
    /// holds the lock.
    fn mark(containers: &[&str]) -> Self {
        let path = machine_dir().join("servers-in-use.lock");
        let shared_lock = File::create(&path).unwrap();
        shared_lock.lock_shared().unwrap();
        let remover = Command::new("sh")
            .args(["-c", CLOSED, "sh", "flock", "--exclusive"])
            .arg(path)
            .args(["docker", "rm", "--force", "--volumes"])
            .args(containers)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0) // Ctrl-C ends the tests, not the clean-up
            .spawn()
            .expect("flock, of util-linux, is installed");
        Self { _shared_lock: shared_lock, _remover: remover }
    }
}

/// Runs a program without the files that the caller of the tests has open: it outlives them, and one of these files may be
/// a lock that others wait for.
const CLOSED: &str = r#"for file in 3 4 5 6 7 8 9; do eval "exec $file>&-"; done; exec "$@""#;

fn require_images() {
    require_image("agentenv-test/postgres");
    require_image("agentenv-test/redis");
    require_image("agentenv-test/mariadb");
}

/// Builds the images of the tests, unless this one is there.
pub(super) fn require_image(image: &str) {
    static PRESENT: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut present = PRESENT.lock().unwrap_or_else(PoisonError::into_inner);
    if present.contains(image) {
        return;
    }
    let is_there = || docker(&["image", "inspect", image], "").is_ok();
    if !is_there() {
        let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images/build");
        let status = Command::new(build).status().expect("tests/images/build starts");
        // One that cannot be made fails the tests that need it alone.
        assert!(status.success() || is_there(), "tests/images/build made no {image}");
    }
    present.insert(image.to_owned());
}

pub(super) fn ensure_running(name: &str, args: &[&str]) {
    let running = ["container", "inspect", "--format={{.State.Running}}", name];
    if docker(&running, "").is_ok_and(|said| said == "true") {
        return;
    }
    let _ = docker(&["rm", "--force", "--volumes", name], "");
    let label = format!("--label=agentenv-test={}", machine_dir().display());
    docker(&[&RUN[..], &[&label, "--name", name], args].concat(), "")
        .unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
}

/// Starts a server of the tests. Building the engine's filter of system calls takes a third of every `docker exec`, and
/// the tests make thousands.
pub(super) const RUN: [&str; 3] = ["run", "--detach", "--security-opt=seccomp=unconfined"];

pub fn published(name: &str, port: &str) -> u16 {
    let said = docker(&["port", name, port], "").unwrap();
    let address = said.lines().next().unwrap_or_default();
    let (_, port) = address.rsplit_once(':').expect("an address with a port");
    port.parse().expect("a port")
}

/// Runs docker; returns its stdout without the final newline, or its stderr.
pub(super) fn docker(args: &[&str], stdin: &str) -> Result<String, String> {
    said(Command::new("docker").args(args), stdin)
}

/// Debian's `psql` is a Perl script that finds the real one, and takes four times as long as that.
pub(super) fn psql_program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let programs = versions.map(|version| version.path().join("bin/psql"));
        programs.filter(|program| program.is_file()).max().unwrap_or_else(|| "psql".into())
    })
}

pub(super) fn said(command: &mut Command, stdin: &str) -> Result<String, String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{command:?}: {error}"))?;
    // A child that does not read its input has failed; stderr has the reason.
    let _ = child.stdin.take().expect("piped").write_all(stdin.as_bytes());
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim_end().to_owned())
    }
}

fn text(value: &redis::Value) -> String {
    use redis::Value;
    match value {
        Value::Nil => String::new(),
        Value::Int(number) => number.to_string(),
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::SimpleString(text) => text.clone(),
        Value::Okay => "OK".to_owned(),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join("\n"),
        other => format!("{other:?}"),
    }
}
