//! The servers that have templates of this store: they outlive every lease, and the configuration that names them.

use super::Store;
use crate::model::hash::sha256;
use crate::model::server::Server;
use crate::sys::fs;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The directory of the records in the store.
const DIR: &str = "servers";

/// A server that was recorded.
#[derive(Debug)]
pub struct Remembered {
    /// The server.
    pub server: Server,
    /// The engine in which its container is; only a second Redis has one.
    pub engine: Option<String>,
    file: PathBuf,
    content: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Record {
    server: Server,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    engine: Option<String>,
    /// What tells this time from others.
    noted: String,
}

impl Store {
    /// Records that a template is made on a server. Call it again once the template is there: a record can be deleted while
    /// nothing is there to be found.
    pub fn remember_server(&self, server: &Server) -> Result<()> {
        self.record_server(server, None)
    }

    /// Records a second Redis, whose container is in the engine at this address.
    pub fn remember_second(&self, server: &Server, engine: String) -> Result<()> {
        self.record_server(server, Some(engine))
    }

    fn record_server(&self, server: &Server, engine: Option<String>) -> Result<()> {
        let record = Record { server: server.clone(), engine, noted: self.new_id()? };
        let text = serde_yaml::to_string(&record).context("cannot write a server's record")?;
        let _one = self.lock(|| ())?;
        self.access.make_dir(&self.dir.join(DIR))?;
        self.access.replace(&self.server_file(server), text.as_bytes())
    }

    /// Records a server on which a template was found, unless it is recorded: an earlier version recorded none.
    pub fn remember_found(&self, server: &Server) -> Result<()> {
        if self.server_file(server).exists() { Ok(()) } else { self.remember_server(server) }
    }

    fn server_file(&self, server: &Server) -> PathBuf {
        let name = &sha256(format!("{server:?}"))[..16];
        self.dir.join(DIR).join(format!("{name}.yaml"))
    }

    /// The servers that were recorded, as far as the records can be read.
    pub fn remembered_servers(&self) -> Result<Vec<Remembered>> {
        let mut found = Vec::new();
        for (file, content) in self.records(DIR)? {
            if let Ok(Record { server, engine, .. }) = serde_yaml::from_slice(&content) {
                found.push(Remembered { server, engine, file, content });
            }
        }
        Ok(found)
    }

    /// Deletes a record, unless the server was recorded again since it was read.
    pub fn forget_server(&self, remembered: &Remembered) -> Result<()> {
        let _one = self.lock(|| ())?;
        match fs::read(&remembered.file)? {
            Some(content) if content == remembered.content => fs::remove(&remembered.file),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::{Kind, default_service};

    #[test]
    fn a_server_is_forgotten_unless_it_was_recorded_again() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path()).unwrap();
        let server = Server::of_service(&default_service(Kind::Postgres)).unwrap();
        store.remember_server(&server).unwrap();
        let content = |known: &Remembered| known.content.clone();
        let [first] = store.remembered_servers().unwrap().try_into().unwrap();
        store.remember_found(&server).unwrap();
        let [known] = store.remembered_servers().unwrap().try_into().unwrap();
        assert_eq!(content(&known), content(&first));
        store.remember_server(&server).unwrap();
        let [known] = store.remembered_servers().unwrap().try_into().unwrap();
        assert_eq!(known.server, server);
        store.remember_server(&server).unwrap();
        store.forget_server(&known).unwrap();
        let [known] = store.remembered_servers().unwrap().try_into().unwrap();
        store.forget_server(&known).unwrap();
        assert!(store.remembered_servers().unwrap().is_empty());
    }
}
