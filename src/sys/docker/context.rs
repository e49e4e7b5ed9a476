//! The engine that the docker command talks to, as far as its settings tell.

use crate::model::hash::sha256;
use crate::sys::{env, exec, fs};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Where the engine of this machine listens.
const USUAL: &str = "unix:///var/run/docker.sock";

/// Set, they let the docker command talk to the engine otherwise than over its plain socket.
const OTHERWISE: [&str; 3] = ["DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CUSTOM_HEADERS"];

/// Its address, by DOCKER_HOST or the context that is in use; `None`: the usual one of this machine.
pub(super) fn engine() -> Option<String> {
    env::var("DOCKER_HOST")
        .or_else(|| of_context(&settings(&env::path)?, env::var("DOCKER_CONTEXT")))
}

/// The same, and the usual one by its address.
pub fn address() -> String {
    engine().unwrap_or_else(|| USUAL.to_owned())
}

/// The socket of the engine that the docker command talks to, where it is sure to talk to that alone; `None`: in any doubt.
pub(super) fn socket() -> Option<PathBuf> {
    socket_of(&exec::find("docker")?, &env::path)
}

/// As [`socket`], for this docker command and these variables.
fn socket_of(program: &Path, var: Variables<'_>) -> Option<PathBuf> {
    // A script in its place, such as podman's, asks what it likes, as does a program of another name behind it.
    let is_script = fs::head(program, 2).is_ok_and(|head| head == b"#!");
    let is_other = fs::canonical(program).file_name().is_none_or(|name| name != "docker");
    if is_script || is_other || OTHERWISE.iter().any(|name| var(name).is_some()) {
        return None;
    }
    let settings = settings(var)?;
    let config = plain(&settings)?;
    let engine = match var("DOCKER_HOST") {
        Some(host) => host.to_str()?.to_owned(),
        None => named(&settings, &config, var("DOCKER_CONTEXT"))?,
    };
    engine.strip_prefix("unix://").map(PathBuf::from)
}

/// The variables of this process, as paths.
type Variables<'a> = &'a dyn Fn(&str) -> Option<PathBuf>;

/// The directory of the docker command's settings.
fn settings(var: Variables<'_>) -> Option<PathBuf> {
    var("DOCKER_CONFIG").or_else(|| Some(var("HOME")?.join(".docker")))
}

/// The settings; `None` where they cannot be read, or send the engine more than the question.
fn plain(settings: &Path) -> Option<Value> {
    let content = fs::read_own(&settings.join("config.json")).ok()?;
    let config = match content {
        Some(content) => serde_json::from_slice(&content).ok()?,
        None => Value::Null,
    };
    config["HttpHeaders"].is_null().then_some(config)
}

/// As [`of_context`], and the usual address where no context is in use.
fn named(settings: &Path, config: &Value, chosen: Option<PathBuf>) -> Option<String> {
    let name = match &chosen {
        Some(chosen) => chosen.to_str()?,
        None => config["currentContext"].as_str().unwrap_or_default(),
    };
    match name {
        "" | "default" => Some(USUAL.to_owned()),
        name => of_context(settings, Some(name.to_owned())),
    }
}

/// The engine of this context, else of the one that the settings name. The default one has no file.
fn of_context(settings: &Path, chosen: Option<String>) -> Option<String> {
    let current =
        || Some(read(settings.join("config.json"))?["currentContext"].as_str()?.to_owned());
    let name = chosen.or_else(current)?;
    let id = sha256(name);
    let context = read(settings.join("contexts/meta").join(id).join("meta.json"))?;
    Some(context["Endpoints"]["docker"]["Host"].as_str()?.to_owned())
}

/// A file of the user's, perhaps behind a link.
fn read(file: PathBuf) -> Option<Value> {
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_of_a_context_is_found_as_docker_finds_it() {
        let dir = tempfile::tempdir().unwrap();
        let engine = |chosen: Option<&str>| of_context(dir.path(), chosen.map(str::to_owned));
        assert_eq!(engine(None), None);
        // What `docker context create remote` and `docker context use remote` write.
        let id = "b71199ebd070b36beab7317920c2c2f1d777df8d05e5527d8458fda57cb17a7a";
        let meta = dir.path().join("contexts/meta").join(id);
        fs::make_dir(&meta).unwrap();
        let written = br#"{"Name":"remote","Endpoints":{"docker":{"Host":"ssh://me@far"}}}"#;
        fs::replace(&meta.join("meta.json"), written).unwrap();
        assert_eq!(engine(Some("remote")).as_deref(), Some("ssh://me@far"));
        assert_eq!(engine(None), None);
        let config = dir.path().join("config.json");
        fs::replace(&config, br#"{"currentContext":"remote"}"#).unwrap();
        assert_eq!(engine(None).as_deref(), Some("ssh://me@far"));
        assert_eq!(engine(Some("default")), None);
    }

    #[test]
    fn the_socket_is_known_only_where_nothing_leaves_a_doubt() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("docker");
        fs::replace(&program, b"\x7fELF").unwrap();
        let known = |program: &Path, set: &[(&str, &str)]| {
            let var = |name: &str| {
                let set = set.iter().find(|(one, _)| *one == name);
                let config = || (name == "DOCKER_CONFIG").then(|| dir.path().to_owned());
                set.map(|(_, value)| PathBuf::from(value)).or_else(config)
            };
            socket_of(program, &var)
        };
        let usual = USUAL.strip_prefix("unix://").map(PathBuf::from);
        let host = ("DOCKER_HOST", "unix:///run/mine.sock");
        let mine = Some(PathBuf::from("/run/mine.sock"));
        let is_known = |is_known: bool, why: &str| {
            assert_eq!(known(&program, &[]), usual.clone().filter(|_| is_known), "{why}");
            assert_eq!(known(&program, &[host]), mine.clone().filter(|_| is_known), "{why}");
        };
        is_known(true, "without settings");
        assert_eq!(known(&program, &[("DOCKER_CONTEXT", "default")]), usual);
        assert_eq!(known(&program, &[("DOCKER_CONTEXT", "remote")]), None);
        assert_eq!(known(&program, &[("DOCKER_CONTEXT", "remote"), host]), mine);
        assert_eq!(known(&program, &[("DOCKER_HOST", "tcp://far:2375")]), None);
        for name in OTHERWISE {
            assert_eq!(known(&program, &[(name, "1"), host]), None, "{name}");
        }
        let config = dir.path().join("config.json");
        for (text, known) in [
            ("{}", true),
            (r#"{"currentContext":"default"}"#, true),
            (r#"{"HttpHeaders":{"X-Who":"me"}}"#, false),
            ("{", false),
        ] {
            fs::replace(&config, text.as_bytes()).unwrap();
            is_known(known, text);
        }
        fs::replace(&config, br#"{"currentContext":"remote"}"#).unwrap();
        assert_eq!((known(&program, &[]), known(&program, &[host])), (None, mine));
    }

    #[test]
    fn what_only_is_called_docker_leaves_a_doubt() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("docker");
        let known = || {
            let var = |name: &str| (name == "HOME").then(|| dir.path().to_owned());
            socket_of(&program, &var).is_some()
        };
        fs::replace(&program, b"#!/bin/sh\nexec podman \"$@\"\n").unwrap();
        assert!(!known());
        for (name, is_docker) in [("podman", false), ("engine/docker", true)] {
            let behind = dir.path().join(name);
            fs::make_dir(behind.parent().unwrap()).unwrap();
            fs::replace(&behind, b"\x7fELF").unwrap();
            fs::remove(&program).unwrap();
            std::os::unix::fs::symlink(&behind, &program).unwrap();
            assert_eq!(known(), is_docker, "{name}");
        }
    }
}
