//! Spares: finished copies of a template that wait for the next environment, which only renames and marks one.

use super::copy::{self, Copy};
use super::template::{self, Template, marked};
use super::{Database, SqlError, scripts, session};
use crate::model::source::Source;
use crate::service::Server;
use crate::sys::failpoint;
use anyhow::Result;

/// A spare on a server.
#[derive(Debug, Clone)]
pub struct Spare {
    /// Its database.
    pub database: String,
    comment: String,
}

impl Spare {
    /// It is a copy of this template as it is now.
    pub fn is_of(&self, store: &str, template: &Template) -> bool {
        self.comment == comment(store, &template.database, template.mark.at)
    }
}

/// The spares of a store on a server.
pub fn list(server: &Server, store: &str) -> Result<Vec<Spare>> {
    let rows = marked(server, &format!("git-agentenv spare {store} "))?.into_iter();
    Ok(rows.map(|row| Spare { database: row.name, comment: row.mark }).collect())
}

/// Makes a spare of a template and returns its name. `id` names the copy until it is complete; its lock has to be held.
///
/// # Errors
/// As [`copy::copy`].
pub fn make(server: &Server, store: &str, id: &str, template: &Template) -> Result<String> {
    let source = Source::Database(template.database.clone());
    let mark = comment(store, &template.database, template.mark.at);
    let target = format!("agentenv_s_{id}");
    let copy = Copy {
        server,
        id,
        source: Some(&source),
        target: &target,
        mark: mark.clone(),
        replace: false,
        force: false,
        keep: None,
    };
    copy::publish(&copy, &mark, |_| failpoint::point("spare-filled"))?;
    failpoint::point("spare-made")?;
    Ok(target)
}

/// Makes a spare of this template the database of a lease. `false`: there is none. Of two that want the same one gets it.
pub fn claim(
    database: &Database,
    store: &str,
    id: &str,
    (template, at): (&str, u64),
) -> Result<bool> {
    let claimed = session(&database.server, scripts::LOCK.to_owned(), &database.name, id)
        .then(scripts::LOCKED, scripts::CLAIM)
        .var("spare_mark", &comment(store, template, at))
        .last(&["made", "none"])
        .run();
    match claimed {
        Ok(lines) => Ok(lines.last().is_some_and(|word| word == "made")),
        // Another process was quicker: with this spare, or with the name.
        Err(error) if is_lost(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Drops a spare.
pub fn drop(server: &Server, spare: &Spare) -> Result<bool> {
    template::drop_marked(server, &spare.database, &spare.comment)
}

fn comment(store: &str, template: &str, at: u64) -> String {
    format!("git-agentenv spare {store} {template} {at}")
}

fn is_lost(error: &anyhow::Error) -> bool {
    let sql = error.downcast_ref::<SqlError>();
    sql.is_some_and(|sql| ["3D000", "42P04", "23505", "55006"].contains(&&*sql.code))
}
