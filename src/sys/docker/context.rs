//! The engine that the docker command talks to, as far as its settings tell.

use crate::model::hash::sha256;
use crate::sys::env;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Its address, by DOCKER_HOST or the context that is in use; `None`: the usual one of this machine.
pub(super) fn engine() -> Option<String> {
    env::var("DOCKER_HOST").or_else(|| {
        let usual = || env::path("HOME").map(|home| home.join(".docker"));
        let settings = env::path("DOCKER_CONFIG").or_else(usual)?;
        of_context(&settings, env::var("DOCKER_CONTEXT"))
    })
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
    use crate::sys::fs;

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
}
