//! The engine that the docker command talks to, as far as its settings tell.

use crate::model::hash::sha256;
use crate::sys::{env, exec, fs};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Where the engine of this machine listens.
const USUAL: &str = "unix:///var/run/docker.sock";

/// Its address, by DOCKER_HOST or the context that is in use; `None`: the usual one of this machine.
pub(super) fn engine() -> Option<String> {
    env::var("DOCKER_HOST").or_else(|| {
        let usual = || env::path("HOME").map(|home| home.join(".docker"));
        let settings = env::path("DOCKER_CONFIG").or_else(usual)?;
        of_context(&settings, env::var("DOCKER_CONTEXT"))
    })
}

/// The socket of the engine that the docker command talks to, where it is sure to talk to that alone; `None`: in any doubt.
pub(super) fn socket() -> Option<PathBuf> {
    // A script in its place, such as podman's, asks what it likes, as does a program of another name behind it.
    let program = exec::find("docker")?;
    let is_script = fs::head(&program, 2).is_ok_and(|head| head == b"#!");
    let is_other = fs::canonical(&program).file_name().is_none_or(|name| name != "docker");
    if is_script || is_other || env::var("DOCKER_TLS_VERIFY").is_some() {
        return None;
    }
    let of_settings = || {
        let usual = || env::path("HOME").map(|home| home.join(".docker"));
        let settings = env::path("DOCKER_CONFIG").or_else(usual)?;
        named(&settings, env::var("DOCKER_CONTEXT"))
    };
    let engine = env::var("DOCKER_HOST").or_else(of_settings)?;
    engine.strip_prefix("unix://").map(PathBuf::from)
}

/// As [`of_context`], and the usual address where no context is in use; `None` where the settings cannot be read, or ask for more.
fn named(settings: &Path, chosen: Option<String>) -> Option<String> {
    let content = fs::read_own(&settings.join("config.json")).ok()?;
    let config = match content {
        Some(content) => serde_json::from_slice(&content).ok()?,
        None => Value::Null,
    };
    if !config["HttpHeaders"].is_null() {
        return None;
    }
    let current = || config["currentContext"].as_str().map(str::to_owned);
    match chosen.or_else(current).filter(|name| !name.is_empty() && name != "default") {
        None => Some(USUAL.to_owned()),
        name => of_context(settings, name),
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
    fn the_socket_is_known_only_where_the_settings_leave_no_doubt() {
        let dir = tempfile::tempdir().unwrap();
        let named = |chosen: Option<&str>| named(dir.path(), chosen.map(str::to_owned));
        assert_eq!(named(None).as_deref(), Some(USUAL));
        assert_eq!(named(Some("default")).as_deref(), Some(USUAL));
        assert_eq!(named(Some("remote")), None);
        let config = dir.path().join("config.json");
        for (text, known) in [
            ("{}", true),
            (r#"{"currentContext":"default"}"#, true),
            (r#"{"currentContext":"remote"}"#, false),
            (r#"{"HttpHeaders":{"X-Who":"me"}}"#, false),
            ("{", false),
        ] {
            fs::replace(&config, text.as_bytes()).unwrap();
            assert_eq!(named(None).as_deref(), known.then_some(USUAL), "{text}");
        }
    }
}
