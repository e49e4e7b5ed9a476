//! Lists containers and networks over the engine's socket. Starting the docker command for it keeps
//! a processor busy for longer than all else that `remove` does beside it.
//!
//! Only where the docker command is sure to ask this engine, too; in any doubt the command is asked.

use super::{Container, ENGINE, QUICK, context, http};
use crate::sys::budget::{self, Question};
use crate::sys::interrupt;
use anyhow::Result;
use rustix::io::FdFlags;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often the wait for the engine looks whether the user interrupted.
const SLICE: Duration = Duration::from_millis(100);

/// The containers that have all of these labels; `None`: the docker command has to say it, or why it cannot.
///
/// # Errors
/// When the engine has kept this command waiting in vain before, or does now, or the user interrupted.
pub(super) fn containers(labels: &[String]) -> Result<Option<Vec<Container>>> {
    ask(&request(CONTAINERS, labels)).map(as_printed)
}

fn as_printed(all: Option<Vec<Entry>>) -> Option<Vec<Container>> {
    all?.into_iter().map(Entry::container).collect()
}

/// The ids of the networks that have all of these labels; as [`containers`].
///
/// # Errors
/// As [`containers`].
pub(super) fn networks(labels: &[String]) -> Result<Option<Vec<String>>> {
    let all: Option<Vec<Network>> = ask(&request(NETWORKS, labels))?;
    Ok(all.map(|all| all.into_iter().map(|network| network.id).collect()))
}

const CONTAINERS: &str = "/containers/json?all=1&";

const NETWORKS: &str = "/networks?";

/// What the engine is asked.
fn request(list: &str, labels: &[String]) -> String {
    let filters = serde_json::json!({ "label": labels }).to_string();
    http::get(&format!("{list}filters={}", http::encoded(&filters)))
}

fn ask<T: DeserializeOwned>(request: &str) -> Result<Option<T>> {
    match context::socket() {
        Some(socket) => read(&socket, request, budget::ask(ENGINE, budget::total() / QUICK)?),
        None => Ok(None),
    }
}

fn read<T: DeserializeOwned>(
    socket: &Path,
    request: &str,
    question: Question,
) -> Result<Option<T>> {
    let Some(said) = said(socket, request, question)? else { return Ok(None) };
    let content = http::content(&said, "200");
    Ok(content.and_then(|content| serde_json::from_slice(content).ok()))
}

/// The socket, connected at once or not at all: an engine that accepts nothing keeps who waits for it for ever.
fn connect(socket: &Path) -> std::io::Result<UnixStream> {
    let engine = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&engine, FdFlags::CLOEXEC)?;
    let engine = UnixStream::from(engine);
    engine.set_nonblocking(true)?;
    rustix::net::connect(&engine, &SocketAddrUnix::new(socket)?)?;
    engine.set_nonblocking(false)?;
    Ok(engine)
}

/// All that the engine answers.
fn said(socket: &Path, request: &str, question: Question) -> Result<Option<Vec<u8>>> {
    let Ok(mut engine) = connect(socket) else { return Ok(None) };
    let limit = question.limit();
    let deadline = Instant::now() + limit;
    let is_ready = engine.set_read_timeout(Some(SLICE.min(limit))).is_ok()
        && engine.set_write_timeout(Some(limit)).is_ok();
    if !is_ready || engine.write_all(request.as_bytes()).is_err() {
        return Ok(None);
    }
    let (mut said, mut buffer) = (Vec::new(), [0; 1 << 14]);
    loop {
        let read = engine.read(&mut buffer);
        interrupt::check()?;
        match read {
            Ok(0) => return Ok(Some(said)),
            Ok(count) => said.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return Ok(None),
        }
        if Instant::now() >= deadline {
            return Err(question.unanswered(limit));
        }
    }
}

/// A container as the engine lists it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    names: Vec<String>,
    image: String,
    status: String,
    ports: Option<Vec<Port>>,
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Network {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Port {
    #[serde(rename = "IP")]
    ip: Option<String>,
    private_port: u16,
    public_port: Option<u16>,
    #[serde(rename = "Type")]
    protocol: String,
}

impl Entry {
    /// It as `docker ps` prints it; there, ports in a row are joined, and an image that is an id may be shortened.
    fn container(self) -> Option<Container> {
        // Another container's name for it has a second slash.
        let mut names = self.names.iter().filter_map(|name| name.strip_prefix('/'));
        let name = names.find(|name| !name.contains('/'))?.to_owned();
        let mut labels = self.labels.unwrap_or_default();
        let mut label =
            |name: &str| labels.remove(&format!("com.docker.compose.{name}")).unwrap_or_default();
        let ports = self.ports.unwrap_or_default();
        Some(Container {
            name,
            image: self.image,
            status: self.status,
            ports: ports.iter().map(Port::to_string).collect::<Vec<_>>().join(", "),
            project: label("project"),
            service: label("service"),
            number: label("container-number"),
            dir: PathBuf::from(label("project.working_dir")),
        })
    }
}

impl std::fmt::Display for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Port { ip, private_port, public_port, protocol } = self;
        if let (Some(public), Some(ip)) = (public_port, ip.as_deref().filter(|ip| !ip.is_empty())) {
            match ip.contains(':') {
                true => write!(f, "[{ip}]:{public}->")?,
                false => write!(f, "{ip}:{public}->")?,
            }
        }
        write!(f, "{private_port}/{protocol}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Exit, exit_of};
    use std::os::unix::net::UnixListener;
    use std::thread;

    /// What comes of an engine that is asked for containers and answers this; without an answer it
    /// is silent.
    fn of(answer: Option<String>, limit: Duration) -> Result<Option<Vec<Container>>> {
        asked(&request(CONTAINERS, &[]), answer, limit).map(as_printed)
    }

    fn asked<T: DeserializeOwned>(
        question: &str,
        answer: Option<String>,
        limit: Duration,
    ) -> Result<Option<T>> {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("engine.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let name = format!("the engine at {}", socket.display());
        thread::scope(|scope| {
            let (done, is_done) = std::sync::mpsc::channel::<()>();
            scope.spawn(move || {
                let (mut client, _) = listener.accept().unwrap();
                let mut asked = vec![0; question.len()];
                client.read_exact(&mut asked).unwrap();
                assert_eq!(asked, question.as_bytes());
                match answer {
                    Some(answer) => client.write_all(answer.as_bytes()).unwrap(),
                    None => drop(is_done.recv()),
                }
            });
            let found = read(&socket, question, budget::ask(&name, limit).unwrap());
            drop(done);
            found
        })
    }

    fn answer(body: &str) -> Option<String> {
        Some(format!("HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{body}"))
    }

    #[test]
    fn containers_are_as_docker_prints_them() {
        let body = r#"[{"Id":"1","Names":["/other/alias","/shop-web-1"],"Image":"app:1","Status":"Up 2 hours","Ports":[
            {"IP":"0.0.0.0","PrivatePort":8000,"PublicPort":8012,"Type":"tcp"},
            {"IP":"::","PrivatePort":8000,"PublicPort":8012,"Type":"tcp"},
            {"IP":"","PrivatePort":8443,"PublicPort":8013,"Type":"tcp"},
            {"PrivatePort":9000,"Type":"udp"}],
            "Labels":{"com.docker.compose.project":"shop","com.docker.compose.service":"web",
            "com.docker.compose.container-number":"1","com.docker.compose.project.working_dir":"/srv/a,b","x":"y"}},
            {"Names":["/plain"],"Image":"x","Status":"Created","Ports":[],"Labels":null}]"#;
        let found = of(answer(body), Duration::from_secs(10)).unwrap().unwrap();
        assert_eq!(found.len(), 2);
        let web = &found[0];
        assert_eq!(web.ports, "0.0.0.0:8012->8000/tcp, [::]:8012->8000/tcp, 8443/tcp, 9000/udp");
        assert_eq!((web.name.as_str(), web.published(8000)), ("shop-web-1", Some(8012)));
        assert_eq!((web.project.as_str(), web.service.as_str()), ("shop", "web"));
        assert_eq!((web.number.as_str(), &*web.dir), ("1", Path::new("/srv/a,b")));
        assert_eq!((found[1].name.as_str(), &*found[1].project), ("plain", ""));
    }

    #[test]
    fn networks_are_named_by_their_ids() {
        let said = answer(r#"[{"Name":"bridge","Id":"73fc"},{"Name":"shop_default","Id":"0a1b"}]"#);
        let found: Option<Vec<Network>> =
            asked(&request(NETWORKS, &[]), said, Duration::from_secs(10)).unwrap();
        let ids: Vec<String> = found.unwrap().into_iter().map(|network| network.id).collect();
        assert_eq!(ids, ["73fc", "0a1b"]);
    }

    #[test]
    fn labels_are_asked_for_as_the_engine_wants_them() {
        let asked = request(CONTAINERS, &["a=b".to_owned()]);
        let filters = "%7B%22%6C%61%62%65%6C%22%3A%5B%22%61%3D%62%22%5D%7D";
        assert!(
            asked.starts_with(&format!("GET /containers/json?all=1&filters={filters} HTTP/1.0"))
        );
    }

    #[test]
    fn what_is_no_whole_list_is_left_to_the_docker_command() {
        let limit = Duration::from_secs(10);
        for said in [
            "HTTP/1.1 403 Forbidden\r\n\r\n[]".to_owned(),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n[]".to_owned(),
            answer(r#"[{"Names":["/x"],"Image":"x","Sta"#).unwrap(),
            answer(r#"[{"Names":["/other/x"],"Image":"x","Status":"Up"}]"#).unwrap(),
            String::new(),
        ] {
            assert_eq!(of(Some(said.clone()), limit).unwrap(), None, "{said}");
        }
        let nowhere = Path::new("/nonexistent/engine.sock");
        let found: Option<Vec<String>> =
            read(nowhere, "", budget::ask("no engine", limit).unwrap()).unwrap();
        assert_eq!(found, None);
    }

    #[test]
    fn an_engine_that_accepts_nobody_is_left_to_the_docker_command() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("engine.sock");
        let _listener = UnixListener::bind(&socket).unwrap();
        // Until the queue is full.
        let waiting: Vec<_> = std::iter::from_fn(|| connect(&socket).ok()).collect();
        let question = budget::ask("a full engine", Duration::from_secs(10)).unwrap();
        assert_eq!(read::<Vec<String>>(&socket, "", question).unwrap(), None);
        drop(waiting);
    }

    #[test]
    fn an_engine_that_is_silent_is_not_asked_again() {
        let error = of(None, Duration::from_millis(150)).unwrap_err();
        assert_eq!(exit_of(&error), Exit::Service);
        assert!(error.to_string().contains("did not answer within"), "{error}");
    }
}
