//! Spares: finished copies of a template that wait for the next environment, which only renames and marks one.

use super::mark::{comment, digits, mark};
use super::{Database, SqlError, scripts, session};
use crate::model::source::Source;
use crate::model::template_key;
use crate::service::Server;
use crate::service::copy::{self, Copy};
use crate::service::template::{self, Row, Template, marked};
use crate::sys::failpoint;
use anyhow::Result;

/// Makes a spare of the template as it is now the database `name`, under the lock of the lease. The comment is what
/// two of them wait for each other at; the second finds no database of that name any more. Prints `made` or `none`.
const CLAIM: &str = concat!(
    "SELECT coalesce((SELECT s.datname FROM pg_database s JOIN (SELECT ",
    mark!("oid", "datname"),
    " AS mark FROM pg_database WHERE datname = :'template') t ON left(t.mark, length(:'prefix')) = :'prefix'
    WHERE s.datconnlimit <> -2 AND ",
    mark!("s.oid", "s.datname"),
    r#" = :'spare_mark' || ' ' || (substr(t.mark, length(:'prefix') + 1)::json->>'at')
    ORDER BY random() LIMIT 1), '') AS spare,
  EXISTS (SELECT FROM pg_database WHERE datname = :'name') AS taken \gset
SELECT :'spare' = '' OR :'taken'::boolean AS none \gset
\if :none
  \echo none
  \q
\endif
"#,
    comment!("comment", "mark", ":'name'"),
    r#"BEGIN;
COMMENT ON DATABASE :"spare" IS :'comment';
ALTER DATABASE :"spare" ALLOW_CONNECTIONS true;
ALTER DATABASE :"spare" RENAME TO :"name";
COMMIT;
\echo made
"#
);

/// A spare on a server.
#[derive(Debug, Clone)]
pub struct Spare {
    /// Its database.
    pub database: String,
    /// Its size on the server, in bytes.
    pub bytes: u64,
    comment: String,
}

impl From<Row> for Spare {
    fn from(row: Row) -> Self {
        Spare { database: row.name, bytes: row.bytes, comment: row.mark }
    }
}

impl Spare {
    /// It is a copy of this template as it is now.
    pub fn is_of(&self, store: &str, template: &Template) -> bool {
        self.comment == comment(store, &template.database, template.mark.at)
    }
}

/// The spares of a store on a server.
pub fn list(server: &Server, store: &str) -> Result<Vec<Spare>> {
    let rows = marked(server, &prefix(store))?.into_iter().filter(|row| !row.is_broken);
    Ok(rows.map(Spare::from).collect())
}

/// Makes a spare of a template and returns its name. `id` names the copy until it is complete; its lock has to be held.
///
/// # Errors
/// As [`copy::copy`].
pub fn make(server: &Server, store: &str, id: &str, template: &Template) -> Result<String> {
    let source = Source::Database(template.database.clone());
    let mark = comment(store, &template.database, template.mark.at);
    let target = format!("agentenv_s_{id}");
    let copy = Copy::new(server, id, Some(&source), &target, mark.clone());
    copy::publish(&copy, &mark, |_| failpoint::point("spare-filled"))?;
    failpoint::point("spare-made")?;
    Ok(target)
}

/// How many spares are tried that another process takes first.
const TRIES: usize = 5;

/// Makes a spare of this template the database of a lease. `false`: there is none. Of two that want the same one gets it,
/// and the other tries the next.
///
/// # Errors
/// When the server refuses.
pub fn claim(database: &Database, store: &str, id: &str, template: &str) -> Result<bool> {
    for _ in 0..TRIES {
        match claim_one(database, store, id, template) {
            // Another process was quicker with this spare; or with the name, of which what comes next says whose it is.
            Err(error) if refused(&error, &["3D000", "55006"]) => {}
            Err(error) if refused(&error, &["42P04", "23505"]) => return Ok(false),
            claimed => return claimed,
        }
    }
    Ok(false)
}

fn claim_one(database: &Database, store: &str, id: &str, template: &str) -> Result<bool> {
    let claimed = session(&database.server, scripts::LOCK.to_owned(), &database.name, id)
        .then(scripts::LOCKED, CLAIM)
        .var("template", template)
        .var("prefix", &template_key::prefix(store))
        .var("spare_mark", &of(store, template))
        .last(&["made", "none"])
        .run()?;
    Ok(claimed.last().is_some_and(|word| word == "made"))
}

/// Drops a spare, unless it is another database by now.
pub fn drop(server: &Server, spare: &Spare) -> Result<bool> {
    template::drop_marked(server, &spare.database, &spare.comment)
}

fn comment(store: &str, template: &str, at: u64) -> String {
    format!("{} {at}", of(store, template))
}

/// What the comment of a spare begins with; the time of its template follows.
fn of(store: &str, template: &str) -> String {
    format!("{}{template}", prefix(store))
}

/// What the comment of a spare of this store begins with.
pub(in crate::service) fn prefix(store: &str) -> String {
    format!("git-agentenv spare {store} ")
}

fn refused(error: &anyhow::Error, codes: &[&str]) -> bool {
    error.downcast_ref::<SqlError>().is_some_and(|sql| codes.contains(&&*sql.code))
}
