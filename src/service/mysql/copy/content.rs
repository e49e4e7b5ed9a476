//! What fills a database.

use super::super::client::{self, SqlError};
use super::super::events;
use super::super::marked::unhex;
use super::super::scripts::Names;
use super::super::scripts::copy as scripts;
use super::super::scripts::copy::Target;
use super::super::{VIEW, explain, pulse, require_name};
use super::{dump, refusal};
use crate::error;
use crate::model::source::Source;
use crate::model::{glob, lease};
use crate::service::Database;
use crate::service::copy::{Copy, Dump, Means};
use crate::service::template::Mask;
use crate::sys::fs::{self, Stands};
use anyhow::Result;
use std::path::{Path, PathBuf};

/// What fills a database.
pub(super) enum Content {
    Nothing,
    Database(Box<Origin>),
    Dump { path: PathBuf, is_packed: bool, content: Option<Vec<u8>> },
}

/// A database that is copied.
#[derive(Default)]
pub(super) struct Origin {
    name: String,
    /// How it was created.
    like: String,
    bytes: u64,
    /// Where the server's data lies.
    lies: String,
    tables: Vec<String>,
    marks: Vec<String>,
    has_events: bool,
    dump: Dump,
}

impl Content {
    pub(super) fn of(copy: &Copy) -> Result<Self> {
        match copy.source {
            None => Ok(Content::Nothing),
            Some(Source::Database(name)) => Self::of_database(copy, name),
            Some(Source::Dump(path) | Source::File(path)) => Self::of_dump(path),
        }
    }

    fn of_database(copy: &Copy, name: &str) -> Result<Self> {
        require_name(name)?;
        let database = Database::new(copy.server, name);
        let lines = client::run(copy.server, scripts::source(name), None)
            .map_err(|error| explain(error, &database))?;
        let told = |what: &str| {
            let prefix = format!("{what}\t");
            let values = lines.iter().filter_map(move |line| line.strip_prefix(&prefix));
            values.map(str::to_owned).collect::<Vec<_>>()
        };
        let one = |what: &str| told(what).into_iter().next();
        let Some(like) = one("like").map(|like| commented(&like)) else {
            return Err(error::not_found(format!("no database `{name}` to copy")).into());
        };
        if is_partial(&database, &told("mark"), one("digits"))? {
            let message = format!("no database `{name}` to copy: it is not complete");
            let hint = "the command that was interrupted completes it, or `git agentenv adopt`";
            return Err(error::not_found(message).hint(hint).into());
        }
        refusal::require_copyable(name, &told("broken"), &told("refused"))?;
        let bytes = one("bytes").and_then(|bytes| bytes.parse().ok()).unwrap_or_default();
        let (lies, tables, marks) = (one("lies").unwrap_or_default(), told("table"), told("mark"));
        let (name, dump) = (name.to_owned(), copy.dump.clone());
        let has_events = one("events").is_some();
        let origin = Origin { name, like, bytes, lies, tables, marks, has_events, dump };
        Ok(Content::Database(Box::new(origin)))
    }

    /// # Errors
    /// `NotFound` without the file; `Refused` when it leads to another database.
    pub(super) fn of_dump(path: &Path) -> Result<Self> {
        let path = fs::canonical(path);
        let name = path.display();
        match fs::stands(&path)? {
            Stands::Nothing => return Err(error::not_found(format!("no dump {name}")).into()),
            Stands::Directory => {
                let message = format!("cannot restore {name}: it is a directory");
                return Err(error::refused(message).hint("make a dump of SQL text").into());
            }
            _ => {}
        }
        let is_packed = fs::head(&path, 2)? == dump::PACKED;
        Content::Dump { path, is_packed, content: None }.checked()
    }

    /// # Errors
    /// `Refused` when it leads to another database.
    pub(super) fn of_mask(Mask { path, content }: &Mask) -> Result<Self> {
        let is_packed = content.starts_with(&dump::PACKED);
        let content = Some(content.clone());
        Content::Dump { path: path.clone(), is_packed, content }.checked()
    }

    fn checked(self) -> Result<Self> {
        if let Content::Dump { path, is_packed, content } = &self
            && dump::leads_away(path, *is_packed, content)?
        {
            let name = path.display();
            let message = format!(
                "cannot restore {name}: it names a database, or holds an environment's mark"
            );
            let hint = "make the dump of one database without `--databases`, and of no environment";
            return Err(error::refused(message).hint(hint).into());
        }
        Ok(self)
    }

    fn origin(&self) -> Option<&Origin> {
        match self {
            Content::Database(origin) => Some(origin),
            Content::Nothing | Content::Dump { .. } => None,
        }
    }

    /// How the database is created.
    pub(super) fn like(&self) -> &str {
        self.origin().map_or("", |origin| &origin.like)
    }

    /// How many bytes a copy takes; 0: not known, or next to nothing.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Content::Database(origin) if !origin.dump.leaves_out() => origin.bytes,
            Content::Dump { path, .. } => fs::size(path),
            Content::Nothing | Content::Database(_) => 0,
        }
    }

    /// Where the server's data lies; empty: it did not say.
    pub(super) fn lies(&self) -> &str {
        self.origin().map_or("", |origin| &origin.lies)
    }

    /// Whether an event may be in it.
    pub(super) fn may_have_events(&self) -> bool {
        match self {
            Content::Database(origin) => origin.has_events,
            Content::Dump { .. } => true,
            Content::Nothing => false,
        }
    }

    /// How it is copied.
    pub(super) fn means(&self) -> Means {
        match self {
            Content::Nothing => Means::Empty,
            Content::Database(_) => Means::Dump,
            Content::Dump { .. } => Means::File,
        }
    }

    /// Fails when the source is not complete by now: a command that replaced it meanwhile left half of it to read.
    pub(super) fn require_unchanged(&self, copy: &Copy) -> Result<()> {
        match self {
            Content::Database(_) => Self::of(copy).map(drop),
            Content::Nothing | Content::Dump { .. } => Ok(()),
        }
    }

    /// Fills a database that was begun.
    pub(super) fn fill(&self, database: &Database, target: &Target) -> Result<()> {
        let source = self.origin().map_or("", |origin| &origin.name);
        let filling = (&*target.claim(), pulse::of(&database.server, &target.names, source));
        let said = match self {
            Content::Nothing => return Ok(()),
            Content::Database(origin) => {
                origin.reach(database)?;
                client::fill(database, &origin.reading(), filling, None)
            }
            Content::Dump { path, is_packed, content } => {
                let feed = dump::read(path, *is_packed, content);
                let edit = events::at_rest();
                let reading = client::Reading { edit, ..client::Reading::default() };
                client::fill(database, &reading, filling, Some(feed))
            }
        };
        said.map_err(|error| match error.downcast_ref::<SqlError>() {
            Some(sql) => {
                let name = &database.name;
                let what = match self {
                    Content::Dump { path, .. } => format!(" with {}", path.display()),
                    Content::Nothing | Content::Database(_) => String::new(),
                };
                error::service(format!("cannot fill database `{name}`{what}: {sql}")).into()
            }
            None => error,
        })
    }
}

impl Origin {
    /// Fails when a session has locked one of its tables: the dump would wait for ever.
    fn reach(&self, target: &Database) -> Result<()> {
        let script = scripts::reach(&self.name, &self.tables);
        let reached = client::run(&target.server, script, None);
        reached.map(drop).map_err(|error| match error.downcast_ref::<SqlError>() {
            Some(sql) if sql.number == 1205 => {
                let name = &self.name;
                let message = format!(
                    "cannot copy database `{name}`: a session has locked one of its tables for 15 s"
                );
                let hint =
                    format!("end what locks it; `SHOW PROCESSLIST` names the sessions on `{name}`");
                error::service(message).hint(hint).into()
            }
            _ => explain(error, &Database::new(&target.server, &self.name)),
        })
    }

    fn reading(&self) -> client::Reading {
        let is_bare = |table: &&String| {
            let patterns = &self.dump.without_rows;
            patterns.iter().any(|pattern| glob::matches(pattern, table))
        };
        let bare: Vec<String> = self.tables.iter().filter(is_bare).cloned().collect();
        let ignored = self.marks.iter().chain(&bare);
        let mut options: Vec<String> =
            ignored.map(|table| format!("--ignore-table={}.{table}", self.name)).collect();
        options.extend(self.dump.schema_only.then(|| "--no-data".to_owned()));
        let edit = scripts::unqualified_views(&self.name) + "\n" + &events::at_rest();
        client::Reading { source: self.name.clone(), edit, options, bare }
    }
}

/// How a database is created, with the comment that may follow in hexadecimal.
fn commented(like: &str) -> String {
    let (like, digits) = like.split_once('\t').unwrap_or((like, ""));
    match unhex(digits).unwrap_or_default().replace('\\', r"\\").replace('\'', "''") {
        comment if comment.is_empty() => like.to_owned(),
        comment => format!("{like} COMMENT '{comment}'"),
    }
}

/// Whether a database that carries these marks was begun and not completed.
fn is_partial(database: &Database, marks: &[String], digits: Option<String>) -> Result<bool> {
    let text = digits.and_then(|digits| unhex(&digits)).unwrap_or_default();
    if lease::id_of_mark(&text)
        .is_some_and(|id| text.starts_with(&lease::mark_of_copy(id, "partial", "")))
    {
        return Ok(true);
    }
    let id = marks.iter().find_map(|view| view.strip_prefix(VIEW).filter(|id| id.len() == 24));
    let Some(id) = id else { return Ok(false) };
    let script = super::super::scripts::state(&Names::new(&database.name, id));
    let said = client::run(&database.server, script, None)?;
    Ok(said.last().is_some_and(|word| word == "missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_a_literal_whatever_it_says() {
        assert_eq!(commented("COLLATE a"), "COLLATE a");
        assert_eq!(commented("COLLATE a\t27205C0A"), "COLLATE a COMMENT ''' \\\\\n'");
    }
}
