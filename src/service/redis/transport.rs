//! Reaches a Redis server: by its published port, else by the client in its container. A connection takes 0.5 ms, a
//! process in the container 60 ms.

use crate::error::{self, Exit, Failure, may_have_run};
use crate::model::config::Place;
use crate::service::Server;
use crate::service::executor::{self, Site, Task};
use crate::sys::docker::Projects;
use crate::sys::parallel::locked;
use crate::sys::{budget, docker, net};
use anyhow::Result;
use redis::{Cmd, ErrorKind, FromRedisValue, Parser, RedisError, RedisResult, Value};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;
use std::time::Duration;

/// The port inside the container.
const PORT: u16 = 6379;

/// Time limit of a connection, and then of an answer. Redis works on one command at a time; after five seconds of a script
/// it answers all others with BUSY (`busy-reply-threshold`).
const PATIENCE: Duration = Duration::from_secs(6);

/// The same where many keys are read or written.
const LONG_PATIENCE: Duration = Duration::from_secs(20);

/// Runs a script with a key and arguments and returns its one line.
pub(super) fn eval(server: &Server, script: &str, key: &str, args: &[&str]) -> Result<String> {
    Route::to(server)?.eval(script, key, args)
}

/// The same for a script that works on many keys. `payload` is its last argument, of any length.
pub(super) fn eval_long(
    server: &Server,
    script: &str,
    key: &str,
    args: &[&str],
    payload: Option<&str>,
) -> Result<String> {
    let command = [&["EVAL", script, "1", key], args].concat();
    Route::to(server)?.ask(&command, payload, LONG_PATIENCE)
}

/// The way to a server.
pub(super) struct Route {
    site: Site,
    place: Place,
    password: Option<String>,
    address: Address,
}

/// Where on this machine a container is reached; `None`: nowhere.
type Address = Option<(String, u16)>;

/// Where containers were found: to find one takes a process, and a removal asks five times.
static FOUND: Mutex<BTreeMap<Place, Address>> = Mutex::new(BTreeMap::new());

/// Where a container is reached, as this process has found it before.
fn find(place: &Place) -> Result<Address> {
    let found = || locked(&FOUND);
    if let Some(address) = found().get(place) {
        return Ok(address.clone());
    }
    let address = docker::published(place, PORT)?.map(|at| (at.ip().to_string(), at.port()));
    found().insert(place.clone(), address.clone());
    Ok(address)
}

/// Takes from a list of containers where one of them is reached, if the list tells.
pub(super) fn locate(place: &Place, containers: &Projects) {
    if let Some(at) = docker::published_in(containers, place, PORT) {
        let address = Some((at.ip().to_string(), at.port()));
        locked(&FOUND).entry(place.clone()).or_insert(address);
    }
}

/// No server answered where the container was found. Where none listens, it may be somewhere else by now; one that is silent
/// is not waited for again: `docker exec` may still work, and else names the reason, such as that it is paused.
fn give_up(place: &Place, is_silent: bool) {
    let mut found = locked(&FOUND);
    if is_silent {
        found.insert(place.clone(), None);
    } else {
        found.remove(place);
    }
}

impl Route {
    /// Finds the way to a server.
    pub(super) fn to(server: &Server) -> Result<Self> {
        let password = executor::password(server, PASSWORD)?;
        let site = Site::of(server);
        let address = if site.is_host() {
            Some(("localhost".to_owned(), server.port))
        } else {
            find(&server.place)?
        };
        Ok(Route { site, place: server.place.clone(), password, address })
    }

    /// Runs a script with a key and arguments and returns its one line.
    pub(super) fn eval(&self, script: &str, key: &str, args: &[&str]) -> Result<String> {
        self.tell(&[&["EVAL", script, "1", key], args].concat())
    }

    /// Runs a command and returns its answer as text.
    pub(super) fn tell(&self, command: &[&str]) -> Result<String> {
        self.ask(command, None, PATIENCE)
    }

    fn ask(&self, command: &[&str], payload: Option<&str>, patience: Duration) -> Result<String> {
        let title = self.site.title();
        let password = self.password.as_deref();
        let mut sent = false;
        if let Some(address) = &self.address {
            let question = self.site.ask(patience)?;
            let mut cmd = redis::cmd(command[0]);
            cmd.arg(&command[1..]).arg(payload);
            match ask::<Value>(address.clone(), password, &cmd, question.limit()) {
                Ok(reply) => return Ok(answer(&reply)),
                Err(error) if error.is_io_error() && !self.site.is_host() => {
                    sent = !error.is_connection_refusal();
                    give_up(&self.place, error.is_timeout());
                }
                Err(error) if error.is_timeout() => {
                    return Err(question.unanswered(question.limit()));
                }
                Err(error) if error.is_io_error() => {
                    return Err(silent(&title, &error.to_string()));
                }
                Err(error) => return Err(refusal(&title, &text(&error))),
            }
        }
        // A paused server has the script in its socket, and runs it when it resumes.
        let reply = through_client(&self.site, password, command, payload, patience);
        if sent { reply.map_err(may_have_run) } else { reply }
    }
}

fn answer(value: &Value) -> String {
    match value {
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => redis::from_redis_value_ref(other).unwrap_or_default(),
    }
}

/// Runs one command. A host name is tried on each of its addresses.
pub(super) fn ask<T: FromRedisValue>(
    (host, port): (String, u16),
    password: Option<&str>,
    cmd: &Cmd,
    limit: Duration,
) -> RedisResult<T> {
    let mut server = net::connect(&host, port, limit)?;
    if let Some(password) = password {
        let refused = (ErrorKind::AuthenticationFailed, "Password authentication failed");
        let said = exchange(&mut server, redis::cmd("AUTH").arg(password));
        said.map_err(|error| if error.is_io_error() { error } else { refused.into() })?;
    }
    Ok(redis::from_redis_value(exchange(&mut server, cmd)?)?)
}

fn exchange(server: &mut net::Connection, cmd: &Cmd) -> RedisResult<Value> {
    server.write_all(&cmd.get_packed_command())?;
    Parser::new().parse_value(server)?.extract_error()
}

/// The variable from which redis-cli takes a password.
pub(super) const PASSWORD: &str = "REDISCLI_AUTH";

fn through_client(
    site: &Site,
    password: Option<&str>,
    command: &[&str],
    payload: Option<&str>,
    patience: Duration,
) -> Result<String> {
    let mut task = Task { patience: patience.max(budget::total() / 3), ..Task::new("redis-cli") };
    // The system limits an argument's length; what comes on stdin is the last one.
    task.args.extend(payload.map(|_| "-x"));
    task.args.extend(command);
    task.script.first = payload.unwrap_or_default().into();
    task.vars.extend(password.map(|value| (PASSWORD, value)));
    let output = site.run(&task)?;
    let said = output.text();
    if output.success() {
        return Ok(said);
    }
    if output.stderr.starts_with("Could not connect") || said.starts_with("Could not connect") {
        return Err(silent(&site.title(), output.stderr.trim_end()));
    }
    Err(site.explain(&task, &output))
}

fn text(error: &RedisError) -> String {
    if error.kind() == ErrorKind::AuthenticationFailed {
        return format!("NOAUTH {error}");
    }
    let words = [error.code(), error.detail()];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn silent(title: &str, said: &str) -> anyhow::Error {
    error::service(format!("redis at `{title}` does not answer: {said}"))
        .hint("`git agentenv infra up` starts the shared servers")
        .into()
}

/// Whether an error says that the server has fewer indexes.
pub(super) fn has_no_such_index(said: &str) -> bool {
    said.contains("out of range") || said.contains("invalid DB index")
}

/// The failure for an error of the server, with a hint chosen by its text.
pub(super) fn refusal(title: &str, said: &str) -> anyhow::Error {
    let has = |word: &str| said.contains(word);
    let (exit, hint) = if has_no_such_index(said) {
        let hint =
            "raise `databases` in the server's configuration, or lower `range` in `.agentenv.yaml`";
        (Exit::Config, hint)
    } else if has("NOAUTH") || has("WRONGPASS") {
        let hint = "set REDISCLI_AUTH to the server's password, or name another variable with `password_env` in .agentenv.yaml";
        (Exit::Service, hint)
    } else if has("NOPERM") {
        let hint =
            "the user needs EVAL, SELECT, GET, SET, DBSIZE, INFO, CLIENT and FLUSHDB on every key";
        (Exit::Service, hint)
    } else if has("cluster mode") || has("MOVED") || has("CLUSTERDOWN") {
        (Exit::Service, "a Redis Cluster has no indexes: use a server that is not in a cluster")
    } else {
        return error::service(format!("redis at `{title}` refused: {said}")).into();
    };
    // Each of these errors comes before the first change.
    Failure::new(exit, format!("redis at `{title}` refused: {said}")).hint(hint).never_ran()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_address_is_not_waited_for_again_and_one_that_refuses_is_searched_for() {
        let place = Place::Container("silent-here-only".to_owned());
        let address = Some(("127.0.0.1".to_owned(), 6379));
        locked(&FOUND).insert(place.clone(), address);
        give_up(&place, true);
        assert_eq!(find(&place).unwrap(), None, "its client in the container is asked");
        give_up(&place, false);
        assert!(!locked(&FOUND).contains_key(&place));
    }
}
