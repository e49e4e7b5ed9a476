//! One Postgres and one Redis for every test of the machine, and the slots that keep tests apart on them.

use std::fs::{self, File};
use std::io::Write;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::wait_until;

/// The shared servers. They stay up between runs; `.ci/run` removes them.
pub struct Servers {
    /// The Postgres container's name.
    pub postgres: &'static str,
    /// Its port on this host's loopback.
    pub postgres_port: u16,
    /// The Redis container's name.
    pub redis: &'static str,
    /// Its port on this host's loopback.
    pub redis_port: u16,
}

static SERVERS: OnceLock<Servers> = OnceLock::new();

/// The servers, started by whoever asks first. There is no skipping: without Docker the test fails.
pub fn servers() -> &'static Servers {
    SERVERS.get_or_init(Servers::start)
}

/// The servers, when this process has asked for them before.
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
        let postgres = "agentenv-test-postgres";
        let redis = "agentenv-test-redis";
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
        let ready = [
            "exec",
            postgres,
            "pg_isready",
            "-q",
            "-U",
            "postgres",
            "-h",
            "127.0.0.1",
        ];
        wait_until("the test Postgres answers", || docker(&ready, "").is_ok());
        let ping = ["exec", redis, "redis-cli", "PING"];
        wait_until("the test Redis answers", || {
            docker(&ping, "").is_ok_and(|said| said == "PONG")
        });
        Self {
            postgres,
            postgres_port: published(postgres, "5432"),
            redis,
            redis_port: published(redis, "6379"),
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
        self.try_psql(database, sql)
            .unwrap_or_else(|error| panic!("psql: {sql}: {error}"))
    }

    fn try_psql(&self, database: &str, sql: &str) -> Result<String, String> {
        let psql = [
            "exec",
            "-i",
            self.postgres,
            "psql",
            "-XqAt",
            "-vON_ERROR_STOP=1",
            "-Upostgres",
            "-d",
            database,
        ];
        docker(&psql, sql)
    }

    /// Every database but the templates and the maintenance database.
    pub fn databases(&self) -> Vec<String> {
        let sql = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY 1";
        self.psql(sql).lines().map(str::to_owned).collect()
    }

    /// Runs a Redis command on an index; what it answers as text, one line for each element.
    #[track_caller]
    pub fn redis(&self, index: u16, args: &[&str]) -> String {
        self.try_redis(index, args)
            .unwrap_or_else(|error| panic!("redis: {args:?}: {error}"))
    }

    fn try_redis(&self, index: u16, args: &[&str]) -> redis::RedisResult<String> {
        let url = format!("redis://127.0.0.1:{}/{index}", self.redis_port);
        let mut connection = redis::Client::open(url)?.get_connection()?;
        let (name, rest) = args.split_first().expect("a command");
        redis::cmd(name)
            .arg(rest)
            .query(&mut connection)
            .map(|value| text(&value))
    }

    /// Empties indexes that the caller's slice holds. Says nothing: it runs while a test may be panicking.
    pub(super) fn flush(&self, indexes: RangeInclusive<u16>) {
        for index in indexes {
            let _ = self.try_redis(index, &["FLUSHDB"]);
        }
    }

    /// Drops what a sandbox left: by the word its databases begin with, and by its lease store's mark.
    pub(super) fn drop_databases_of(&self, word: &str, store_id: Option<&str>) {
        let mark = format!("git-agentenv {}", store_id.unwrap_or("none"));
        let sql = format!(
            "SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database
             WHERE starts_with(datname, '{word}')
                OR starts_with(shobj_description(oid, 'pg_database'), '{mark}') \\gexec"
        );
        let _ = self.try_psql("postgres", &sql);
    }
}

/// Some of the machine's ports and Redis indexes. A slice is a locked file: the system gives it back
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

    /// The first `count` neighbours that nobody holds.
    pub(super) fn take(count: usize) -> Self {
        let mut found = None;
        wait_until(
            "there are free ports and Redis indexes for this test",
            || {
                found = Self::try_take(count);
                found.is_some()
            },
        );
        let slice = found.expect("waited for it");
        servers().flush(slice.indexes()); // whoever held it before may have been killed
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
                return Some(Self {
                    first: number + 1 - count as u16,
                    files,
                });
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

fn require_images() {
    let images = [
        "image",
        "inspect",
        "agentenv-test/postgres",
        "agentenv-test/redis",
    ];
    if docker(&images, "").is_ok() {
        return;
    }
    let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images/build");
    let status = Command::new(build)
        .status()
        .expect("tests/images/build starts");
    assert!(status.success(), "tests/images/build failed");
}

fn ensure_running(name: &str, args: &[&str]) {
    let running = ["container", "inspect", "--format={{.State.Running}}", name];
    if docker(&running, "").is_ok_and(|said| said == "true") {
        return;
    }
    let _ = docker(&["rm", "--force", "--volumes", name], "");
    let run = ["run", "--detach", "--label=agentenv-test", "--name", name];
    docker(&[&run, args].concat(), "")
        .unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
}

fn published(name: &str, port: &str) -> u16 {
    let said = docker(&["port", name, port], "").unwrap();
    let address = said.lines().next().unwrap_or_default();
    let (_, port) = address.rsplit_once(':').expect("an address with a port");
    port.parse().expect("a port")
}

/// Runs docker; its stdout without the newline at its end, or what it complained of.
fn docker(args: &[&str], stdin: &str) -> Result<String, String> {
    let mut child = Command::new("docker")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("docker: {error}"))?;
    // A child that does not read its input has failed for a reason that stderr tells.
    let _ = child
        .stdin
        .take()
        .expect("piped")
        .write_all(stdin.as_bytes());
    let output = child
        .wait_with_output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr)
            .trim_end()
            .to_owned())
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
