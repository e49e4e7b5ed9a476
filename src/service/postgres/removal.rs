//! Closes, opens and drops the databases of several leases in one psql session.

use super::connection::{Connection, set};
use super::{SqlError, birth, explain, owner, parse_json, require_name, scripts, session};
use crate::error;
use crate::model::lease;
use crate::model::resource::Database;
use crate::service::inventory::Found;
use crate::service::{Gone, Server, Session};
use anyhow::Result;
use serde::{Deserialize, Serialize};

/// A database that is to be removed, and whose it is.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The database.
    pub database: &'a Database,
    /// The lease's id.
    pub id: &'a str,
    /// Sessions on it are ended.
    pub force: bool,
}

/// What a database that is to be removed is like.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// The sessions on it.
    pub sessions: Vec<Session>,
    /// The sessions on databases that tests made beside it, each with its database.
    pub beside: Vec<(String, Session)>,
    /// The bytes that it takes; `None`: it does not exist, or is not ours.
    pub size: Option<u64>,
    /// The name that a database with the lease's mark has instead: it was renamed by hand.
    pub renamed: Option<String>,
}

/// How many databases one question is about: each answer has to come in time.
const AT_ONCE: usize = 100;

/// The databases of leases on one server.
pub struct Removal(Connection);

/// A database as the scripts want it.
#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    mark: String,
    unfinished: String,
    force: bool,
    also: Vec<String>,
}

/// A database as the scripts found it.
#[derive(Debug, Clone, Deserialize)]
struct Stands {
    #[serde(flatten)]
    found: Found,
    /// It carries a wanted mark, and none of the names.
    elsewhere: bool,
    size: Option<u64>,
}

/// A wanted database, one that tests made beside it, and a session on that.
#[derive(Debug, Clone, Deserialize)]
struct Beside(String, String, Session);

impl Removal {
    /// Starts the session; nothing waits until it is connected.
    pub fn begin(server: Server) -> Self {
        Removal(Connection::begin(server))
    }

    /// Looks at databases.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn look(&mut self, wanted: &[Wanted<'_>]) -> Result<Vec<Look>> {
        self.looked(wanted, scripts::removal::LOOK, "looked")
    }

    /// Lets no client connect to the databases from now on, and looks at them: only those that carry the lease's mark.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn close(&mut self, wanted: &[Wanted<'_>]) -> Result<Vec<Look>> {
        let mut looks = Vec::new();
        for some in wanted.chunks(AT_ONCE) {
            self.ask(some, scripts::removal::LOCK, "locked")?;
            looks.extend(self.looked(some, scripts::removal::CLOSE, "closed")?);
        }
        Ok(looks)
    }

    /// Lets clients connect again.
    ///
    /// # Errors
    /// When the server does not answer or refuses.
    pub fn open(&mut self, wanted: &[Wanted<'_>]) -> Result<()> {
        for some in wanted.chunks(AT_ONCE) {
            self.ask(some, scripts::removal::OPEN, "opened")?;
        }
        Ok(())
    }

    /// Drops databases that carry their lease's mark, and the copies of them. `None`: that one failed, and is to be asked
    /// for alone.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn drop(&mut self, wanted: &[Wanted<'_>]) -> Result<Vec<Option<Gone>>> {
        let mut gone = Vec::new();
        for some in wanted.chunks(AT_ONCE) {
            let script = match has_beside(some) {
                true => scripts::removal::DROP_BESIDE,
                false => scripts::removal::DROP,
            };
            let lines = self.ask(some, script, "dropped")?;
            let [before @ .., left] = lines.as_slice() else {
                return Err(super::no_word("drop", &some[0].database.name));
            };
            let (before, left): (Vec<Stands>, Vec<String>) =
                (parse_json(&before.concat())?, parse_json(left)?);
            gone.extend(some.iter().map(|one| one.gone(&before, &left)));
        }
        Ok(gone)
    }

    fn looked(&mut self, wanted: &[Wanted<'_>], script: &str, last: &str) -> Result<Vec<Look>> {
        let mut looks = Vec::new();
        for some in wanted.chunks(AT_ONCE) {
            let found: Vec<Stands> = parse_json(&self.ask(some, script, last)?.concat())?;
            let beside = self.beside(some)?;
            looks.extend(some.iter().map(|one| one.look(&found, &beside)));
        }
        Ok(looks)
    }

    fn beside(&mut self, wanted: &[Wanted<'_>]) -> Result<Vec<Beside>> {
        if !has_beside(wanted) {
            return Ok(Vec::new());
        }
        parse_json(&self.ask(wanted, scripts::removal::BESIDE, "listed")?.concat())
    }

    fn ask(&mut self, wanted: &[Wanted<'_>], script: &str, last: &str) -> Result<Vec<String>> {
        let mut named = Vec::new();
        for one in wanted {
            require_name(&one.database.name)?;
            named.push(Named {
                name: &one.database.name,
                mark: lease::mark(one.id),
                unfinished: birth::of_lease(one.id),
                force: one.force,
                also: one.database.likes(),
            });
        }
        let script = set("wanted", &serde_json::to_string(&named)?) + script;
        let asked = self.0.ask(&script, last);
        asked.map_err(|error| match wanted {
            [one, ..] => explain(error, one.database),
            [] => error,
        })
    }
}

/// Whether tests may make databases beside one of these.
fn has_beside(wanted: &[Wanted<'_>]) -> bool {
    wanted.iter().any(|one| !one.database.also.is_empty())
}

/// Drops a database that an interrupted command left of the lease with this id, whose lock has to be held. `false`: there is
/// none any more.
///
/// # Errors
/// `Refused` while a program of that command still creates it; else when the server refuses.
pub fn drop_left_over(database: &Database, id: &str) -> Result<bool> {
    let name = &database.name;
    let session = session(&database.server, scripts::removal::CLEAR.to_owned(), name, id)
        .var("unfinished", &birth::of_lease(id))
        .var("old", &lease::mark_of_copy(id, "old", ""))
        .last(&["dropped", "kept"]);
    let said = session.run().map_err(|error| match error.downcast_ref::<SqlError>() {
        Some(sql) if sql.code == "55P03" => {
            let message = format!("a session of an interrupted command still creates `{name}`");
            error::refused(message).into()
        }
        _ => explain(error, database),
    })?;
    Ok(said.last().is_some_and(|word| word == "dropped"))
}

/// Takes the lease's mark off a database, which is the user's from then on.
///
/// # Errors
/// When the server does not answer or refuses.
pub fn disown(server: &Server, name: &str, id: &str) -> Result<()> {
    session(server, scripts::removal::DISOWN.to_owned(), name, id)
        .last(&["disowned"])
        .run()
        .map(drop)
}

impl Wanted<'_> {
    fn in_list<'a>(&self, found: &'a [Stands]) -> Option<&'a Stands> {
        found.iter().find(|stands| !stands.elsewhere && stands.found.name == self.database.name)
    }

    fn is_own(&self, stands: &Stands) -> bool {
        stands.found.mark.as_deref() == Some(&lease::mark(self.id))
    }

    fn look(&self, found: &[Stands], beside: &[Beside]) -> Look {
        let renamed = self.renamed(found);
        let beside = beside.iter().filter(|Beside(own, ..)| *own == self.database.name);
        match self.in_list(found) {
            None => Look { renamed, ..Look::default() },
            Some(stands) => Look {
                beside: beside.map(|Beside(_, name, one)| (name.clone(), one.clone())).collect(),
                sessions: stands.found.sessions.clone(),
                size: stands.size.filter(|_| self.is_own(stands)),
                renamed: renamed.filter(|_| !self.is_own(stands)),
            },
        }
    }

    fn renamed(&self, found: &[Stands]) -> Option<String> {
        let now = found.iter().find(|stands| stands.elsewhere && self.is_own(stands))?;
        Some(now.found.name.clone())
    }

    /// What became of it; `left` are the marks of which something is left that should be gone.
    fn gone(&self, before: &[Stands], left: &[String]) -> Option<Gone> {
        let stands = self.in_list(before);
        let busy =
            stands.filter(|one| self.is_own(one) && !self.force && !one.found.sessions.is_empty());
        match stands {
            _ if busy.is_some() => Some(Gone::Busy(busy?.found.sessions.clone())),
            _ if left.contains(&lease::mark(self.id)) => None,
            Some(one) if self.is_own(one) => Some(Gone::Dropped),
            other => Some(match (self.renamed(before), other) {
                (Some(now), _) => Gone::Renamed(now),
                (None, None) => Gone::Missing,
                (None, Some(one)) => Gone::NotOurs(owner(one.found.mark.as_deref())),
            }),
        }
    }
}
