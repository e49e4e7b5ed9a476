//! What servers hold, beyond the part of one environment.

use crate::model::config::Kind;
use crate::model::lease::Part;
use crate::service::{Server, Session, postgres, redis};
use anyhow::Result;
use std::fmt;

/// Who uses this part right now.
///
/// # Errors
/// When the server does not answer.
pub fn sessions(part: &Part) -> Result<Vec<Session>> {
    if part.kind != Kind::Postgres {
        return Ok(Vec::new());
    }
    let databases = postgres::inventory(&Server::of_part(part))?;
    let own = databases.into_iter().find(|database| database.name == part.holds);
    Ok(own.map(|database| database.sessions).unwrap_or_default())
}

/// Everything on a server that carries a mark of ours, with the id of the lease that it was made for.
///
/// # Errors
/// When the server does not answer.
pub fn marked(server: &Server) -> Result<Vec<(String, Part)>> {
    Ok(match server.kind {
        Kind::Postgres => postgres::inventory(server)?
            .iter()
            .filter_map(|database| Some((database.id()?.to_owned(), part(server, &database.name))))
            .collect(),
        Kind::Redis => redis::inventory(server)?
            .iter()
            .filter_map(|index| {
                Some((index.id()?.to_owned(), part(server, &index.index.to_string())))
            })
            .collect(),
        Kind::Mysql | Kind::Sqlite => Vec::new(),
    })
}

/// Redis indexes that hold keys, each with whose they are; none when nobody answers at once.
pub fn occupied(server: &Server) -> Vec<(u32, String)> {
    let indexes = match server.kind {
        Kind::Redis => redis::occupied(server).unwrap_or_default(),
        Kind::Mysql | Kind::Postgres | Kind::Sqlite => return Vec::new(),
    };
    let holder = format!("somebody whose keys are in it ({})", server.title());
    indexes.into_iter().map(|index| (index, holder.clone())).collect()
}

/// A part that is known by nothing but what the server says.
fn part(server: &Server, holds: &str) -> Part {
    Part {
        service: match server.kind {
            Kind::Redis => "redis".to_owned(),
            _ => "postgres".to_owned(),
        },
        kind: server.kind,
        variable: String::new(),
        holds: holds.to_owned(),
        place: server.place.clone(),
        user: server.user.clone(),
        port: server.port,
    }
}

/// Sessions in one line, for a message: who uses a database.
pub fn listed(sessions: &[Session]) -> String {
    let words: Vec<String> = sessions.iter().map(ToString::to_string).collect();
    words.join(", ")
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.application.is_empty() { "a session" } else { &self.application };
        write!(f, "{name} (pid {}, {}, from {})", self.pid, self.state, self.client)
    }
}
