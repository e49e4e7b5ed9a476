//! The client program: `mariadb` or `mysql`, in the server's container or on this host.

use crate::error;
use crate::service::executor::{Site, Task};
use crate::service::room::free_kilobytes;
use crate::service::{Database, Server};
use crate::sys::copy::LONGEST;
use crate::sys::exec::{Cmd, Output, Pulse, Script};
use anyhow::Result;
use std::time::Duration;

/// The variable from which the client takes a password.
const PASSWORD: &str = "MYSQL_PWD";

/// Runs whichever client there is. In an official image the administrator's password is a variable of the container,
/// which its own client may use.
const CLIENT: &str = r#"client=$(command -v mariadb || command -v mysql) || { echo "no mariadb or mysql client" >&2; exit 127; }
export MYSQL_PWD="${MYSQL_PWD-${MARIADB_ROOT_PASSWORD-${MYSQL_ROOT_PASSWORD-}}}"
exec "$client" "$@""#;

/// Fills a database in one process, while another reads the source or stdin is read. A reader that ends early says so: its
/// text may have been cut anywhere. The client that fills takes SQL only: commands of its own would run on this host, and a
/// file of it would be read.
const FILL: &str = r#"client=$(command -v mariadb || command -v mysql) || { echo "no mariadb or mysql client" >&2; exit 127; }
dump=$(command -v mariadb-dump || command -v mysqldump) || { echo "no mariadb-dump or mysqldump" >&2; exit 127; }
export MYSQL_PWD="${MYSQL_PWD-${MARIADB_ROOT_PASSWORD-${MYSQL_ROOT_PASSWORD-}}}"
echo begun
fill() { "$client" "$@" --loose-sandbox --local-infile=0 --batch --skip-reconnect --binary-mode --database="$AGENTENV_TARGET" >/dev/null; }
edit() { LC_ALL=C sed -E -e "$AGENTENV_EDIT"; }
options="--single-transaction --quick --triggers --hex-blob --no-tablespaces"
IFS='
'; set -f
content() {
  if [ -z "$AGENTENV_SOURCE" ]; then { cat; echo "$?" >&3; } | edit; return; fi
  IFS=' '; set -- "$@" $options; IFS='
'
  if "$dump" --help | grep -q -e --set-gtid-purged; then set -- "$@" --set-gtid-purged=OFF; fi
  { { [ -z "$AGENTENV_BARE" ] || "$dump" "$@" --no-data -- "$AGENTENV_SOURCE" $AGENTENV_BARE; } &&
    "$dump" "$@" --routines --events $AGENTENV_OPTIONS -- "$AGENTENV_SOURCE"; echo "$?" >&3; } | edit
}
ended=$({ { printf '%s' "$AGENTENV_FIRST"; content "$@"; echo "$?" >&3; } | fill "$@"; echo "$?" >&3; } 3>&1)
unset IFS
[ "$(echo $ended)" = "0 0 0" ] && echo copied"#;

/// Prints how many kilobytes are free where a directory lies.
const FREE: &str = concat!("echo begun; echo \"free $(", free_kilobytes!("$AGENTENV_LIES"), ")\"");

/// Time limit of a glance.
const GLANCE: Duration = Duration::from_secs(5);

/// Time limit of a copy.
pub(super) const COPYING: Duration = LONGEST;

/// What a server said about a statement: `ERROR 1007 (HY000) at line 3: Can't create database …`; or the client about a
/// command: `ERROR at line 3: Unknown command …`.
#[derive(Debug)]
pub(super) struct SqlError {
    /// The server's error number: the same in every language, unlike the text; 0: it is the client's error.
    pub(super) number: u16,
    /// What it said.
    pub(super) message: String,
}

impl SqlError {
    fn of(stderr: &str) -> Option<Self> {
        let line = stderr.lines().find(|line| line.starts_with("ERROR "))?;
        let number = match line["ERROR ".len()..].split(' ').next()? {
            "at" => 0,
            number => number.parse().ok()?,
        };
        let message = line.split_once(": ").map_or(line, |(_, message)| message);
        Some(SqlError { number, message: message.to_owned() })
    }

    /// It comes from the server, and not from the client.
    fn is_answer(&self) -> bool {
        self.number != 0 && !(2000..3000).contains(&self.number)
    }

    /// The client never got a session: the server is missing, or it refused the user.
    fn is_about_the_connection(&self) -> bool {
        (2000..3000).contains(&self.number)
            || matches!(self.number, 1040 | 1045 | 1129 | 1130 | 1698)
    }
}

impl std::fmt::Display for SqlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let who = if self.number == 0 { "client" } else { "server" };
        write!(f, "the {who} refused: {}", self.message)
    }
}

impl std::error::Error for SqlError {}

/// Runs a script, and gives the lines that it printed. With `then`, the rest is sent once a line says `locked`.
///
/// Fails with [`SqlError`] for what the server refused, else with the reason why it could not be asked.
pub(super) fn run(server: &Server, first: String, then: Option<String>) -> Result<Vec<String>> {
    let then = then.map(|rest| ("locked".to_owned(), rest.into_bytes()));
    let site = Site::with_password(server, PASSWORD)?;
    let mut task = asking(&site, server);
    task.script = Script { first: first.into_bytes(), then, last: Vec::new() };
    let output = site.run(&task)?;
    if output.success() { Ok(lines(&output)) } else { Err(failure(&site, &task, &output)) }
}

/// The same for a glance, which the command can do without: see [`Task::optional`].
///
/// # Errors
/// [`SqlError`] for all that the server answers, also where it refuses the session.
pub(super) fn glance(server: &Server, script: String) -> Result<Vec<String>> {
    let site = Site::with_password(server, PASSWORD)?;
    let mut task = asking(&site, server);
    task.script = Script { first: script.into_bytes(), ..Script::default() };
    (task.optional, task.patience) = (true, GLANCE);
    let output = site.run(&task)?;
    if output.success() {
        return Ok(lines(&output));
    }
    let refused = SqlError::of(&output.stderr).filter(SqlError::is_answer);
    Err(refused.map_or_else(|| failure(&site, &task, &output), Into::into))
}

fn lines(output: &Output) -> Vec<String> {
    output.text().lines().map(str::to_owned).collect()
}

/// What a dump reads.
#[derive(Default)]
pub(super) struct Reading {
    /// The database; empty: stdin is read.
    pub(super) source: String,
    /// A program for `sed -E` that changes its text.
    pub(super) edit: String,
    /// Options of the program that dumps.
    pub(super) options: Vec<String>,
    /// Tables whose rows are left out.
    pub(super) bare: Vec<String>,
}

/// Fills a database with what is read, or with what `feed` prints. The client that fills it says
/// `first` before; the pulse tells that it works.
///
/// # Errors
/// As [`run`].
pub(super) fn fill(
    database: &Database,
    reading: &Reading,
    (first, pulse): (&str, Pulse),
    feed: Option<Cmd>,
) -> Result<()> {
    let Database { server, name, .. } = database;
    let site = Site::with_password(server, PASSWORD)?;
    let (options, bare) = (reading.options.join("\n"), reading.bare.join("\n"));
    let mut task = connected(&site, server, FILL);
    task.vars.extend([
        ("AGENTENV_SOURCE", reading.source.as_str()),
        ("AGENTENV_TARGET", name),
        ("AGENTENV_OPTIONS", &options),
        ("AGENTENV_BARE", &bare),
        ("AGENTENV_EDIT", &reading.edit),
        ("AGENTENV_FIRST", first),
    ]);
    task.feed = feed;
    (task.patience, task.pulse) = (COPYING, Some(pulse));
    let output = site.run(&task)?;
    if output.success() && output.text().lines().any(|line| line == "copied") {
        return Ok(());
    }
    Err(failure(&site, &task, &output))
}

/// How many bytes are free where a directory of the server's lies; `None`: it cannot be told.
pub(super) fn free(server: &Server, lies: &str) -> Result<Option<u64>> {
    let site = Site::of(server);
    let task =
        Task { args: vec!["-c", FREE], vars: vec![("AGENTENV_LIES", lies)], ..Task::new("sh") };
    let output = site.run(&task)?;
    let free = output.text().lines().find_map(|line| line.strip_prefix("free ")?.parse().ok());
    Ok(free.map(|kilobytes: u64| kilobytes * 1024))
}

/// A client for a person or a script, on this process's own stdin and stdout.
pub(super) fn interactive(
    server: &Server,
    database: &str,
    args: &[&str],
    terminal: bool,
) -> Result<Cmd> {
    let site = Site::with_password(server, PASSWORD)?;
    let choice = format!("--database={database}");
    let mut task = client(&site, server);
    task.args.push(&choice);
    task.args.extend(args);
    site.terminal(&task, terminal)
}

/// A client that prints what a script selects.
fn asking<'a>(site: &'a Site, server: &'a Server) -> Task<'a> {
    let mut task = client(site, server);
    task.args.extend(["--batch", "--raw", "--skip-column-names", "--unbuffered", "--binary-mode"]);
    task
}

fn client<'a>(site: &'a Site, server: &'a Server) -> Task<'a> {
    let mut task = connected(site, server, CLIENT);
    task.args.push("--connect-timeout=10");
    task
}

/// A shell script whose arguments are what every program of the server needs to reach it.
fn connected<'a>(site: &'a Site, server: &'a Server, script: &'a str) -> Task<'a> {
    let mut args = vec!["-c", script, "mysql", "--user", &server.user];
    args.push("--default-character-set=utf8mb4");
    if site.is_host() {
        args.extend(["--host=127.0.0.1", "--protocol=tcp", "--port", site.port()]);
    }
    Task { args, vars: site.password().into_iter().collect(), ..Task::new("sh") }
}

fn failure(site: &Site, task: &Task, output: &Output) -> anyhow::Error {
    let Some(refused) = SqlError::of(&output.stderr) else {
        return site.explain(task, output);
    };
    if !refused.is_about_the_connection() {
        return refused.into();
    }
    let message = format!("mysql in `{}` does not answer: {}", site.title(), refused.message);
    let hint = match refused.number {
        1045 | 1698 => {
            "look at `user` of this service in .agentenv.yaml; give its password in MYSQL_PWD, or in the variable that `password_env` names"
        }
        _ => {
            "a server that was just started needs a moment; `git agentenv infra status` looks closer"
        }
    };
    error::service(message).hint(hint).never_ran()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_an_error_is_found() {
        let said = "ERROR 1007 (HY000) at line 3: Can't create database 'x'; database exists";
        let error = SqlError::of(said).unwrap();
        assert_eq!(error.number, 1007);
        assert_eq!(error.message, "Can't create database 'x'; database exists");
        assert!(!error.is_about_the_connection());
        assert!(SqlError::of("ERROR 2002 (HY000): no socket").unwrap().is_about_the_connection());
        let error = SqlError::of("ERROR at line 4: Unknown command '\\!'.").unwrap();
        assert_eq!(error.to_string(), "the client refused: Unknown command '\\!'.");
        assert!(SqlError::of("Error: No such container: x").is_none());
    }

    #[test]
    fn a_server_that_refuses_a_session_answers() {
        let is_answer = |said: &str| SqlError::of(said).is_some_and(|error| error.is_answer());
        for said in [
            "ERROR 1040 (08004): Zu viele Verbindungen",
            "ERROR 1203 (42000): User app already has more than 'max_user_connections'",
            "ERROR 1226 (42000): User 'app' has exceeded 'max_connections_per_hour'",
            "ERROR 1146 (42S02) at line 1: Table 'a.b' doesn't exist",
        ] {
            assert!(is_answer(said), "{said}");
        }
        for said in [
            "ERROR 2002 (HY000): Can't connect to local server through socket",
            "ERROR 2013 (HY000): Lost connection to server at 'handshake'",
            "ERROR at line 4: Unknown command '\\!'.",
            "Error: No such container: x",
        ] {
            assert!(!is_answer(said), "{said}");
        }
    }
}
