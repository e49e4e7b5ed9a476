//! Creates a database as a copy: of another one on the server, by its own programs, or of a dump.
//!
//! A database cannot be renamed, so an incomplete one is told by the announcement that stays until all content is there:
//! what looks at it takes it for missing, and creates it anew.

use super::client::{self, SqlError};
use super::scripts::{self, Names};
use super::{explain, no_answer, not_ours, require_name};
use crate::error;
use crate::model::source::Source;
use crate::service::Database;
use crate::sys::exec::Cmd;
use crate::sys::failpoint;
use crate::sys::fs::{self, Stands};
use anyhow::Result;
use std::path::{Path, PathBuf};

/// Prints a dump.
const READ: &str = r#"if [ "$2" = gzip ]; then gzip -dc -- "$1"; else cat -- "$1"; fi"#;

/// Ends well when a dump leads to another database, or carries the mark of an environment.
const LEADS_AWAY: &str = r#"if [ "$2" = gzip ]; then gzip -dc -- "$1"; else cat -- "$1"; fi |
LC_ALL=C grep -aqiE '^(/\*!?[0-9]* *)?(use|create database|drop database) |`agentenv_[0-9a-f]{24}`'"#;

/// What fills a database.
enum Content {
    Database { name: String, like: String, without: Vec<String> },
    Dump { path: PathBuf, is_packed: bool },
}

/// Creates a database with the lease's mark as a copy. Does nothing when it is there and complete.
///
/// # Errors
/// `NotFound` without a source; `Refused` when the source has what cannot be copied, or the database is not ours.
pub(super) fn create(database: &Database, id: &str, source: &Source) -> Result<()> {
    require_name(&database.name)?;
    let content = Content::of(database, source)?;
    let names = Names::new(&database.name, id);
    let run = |then| {
        client::run(&database.server, scripts::lock(&names), Some(then))
            .map_err(|error| explain(error, database))
    };
    let made = run(scripts::begin(&names, content.like()))?;
    match made.last().map(String::as_str) {
        Some("made") => {}
        Some("ours") => return Ok(()),
        Some("taken") => return Err(not_ours(&database.name)),
        _ => return Err(no_answer("create", &database.name)),
    }
    failpoint::point("mysql-begun")?;
    content.fill(database, &names)?;
    failpoint::point("mysql-filled")?;
    match run(scripts::finish(&names))?.last().map(String::as_str) {
        Some("complete") => Ok(()),
        _ => Err(no_answer("create", &database.name)),
    }
}

impl Content {
    fn of(database: &Database, source: &Source) -> Result<Self> {
        match source {
            Source::Database(name) => Self::of_database(database, name),
            Source::Dump(path) | Source::File(path) => Self::of_dump(path),
        }
    }

    fn of_database(database: &Database, name: &str) -> Result<Self> {
        require_name(name)?;
        let lines = client::run(&database.server, scripts::source(name), None)
            .map_err(|error| explain(error, database))?;
        let told = |what: &str| {
            let prefix = format!("{what}\t");
            let values = lines.iter().filter_map(move |line| line.strip_prefix(&prefix));
            values.map(str::to_owned).collect::<Vec<_>>()
        };
        let Some(like) = told("like").into_iter().next() else {
            return Err(error::not_found(format!("no database `{name}` to copy")).into());
        };
        let refused = told("refused");
        if !refused.is_empty() {
            let message = format!("cannot copy database `{name}`: {}", refused.join(", "));
            let hint =
                "copy a dump instead, `from: { dump: <file> }`, or let these name no database";
            return Err(error::refused(message).hint(hint).into());
        }
        let without = told("mark").into_iter().map(|view| format!("--ignore-table={name}.{view}"));
        Ok(Content::Database { name: name.to_owned(), like, without: without.collect() })
    }

    fn of_dump(path: &Path) -> Result<Self> {
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
        let is_packed = fs::head(&path, 2)? == [0x1f, 0x8b];
        if reader(LEADS_AWAY, &path, is_packed).output()?.success() {
            let message = format!(
                "cannot restore {name}: it names a database, or holds an environment's mark"
            );
            let hint = "make the dump of one database without `--databases`, and of no environment";
            return Err(error::refused(message).hint(hint).into());
        }
        Ok(Content::Dump { path, is_packed })
    }

    /// How the database is created.
    fn like(&self) -> &str {
        match self {
            Content::Database { like, .. } => like,
            Content::Dump { .. } => "",
        }
    }

    fn fill(&self, database: &Database, names: &Names) -> Result<()> {
        let (source, without, feed) = match self {
            Content::Database { name, without, .. } => (name.as_str(), without.as_slice(), None),
            Content::Dump { path, is_packed } => {
                ("", &[][..], Some(reader(READ, path, *is_packed)))
            }
        };
        let said = client::fill(database, source, without, &scripts::claim(names), feed);
        said.map_err(|error| match error.downcast_ref::<SqlError>() {
            Some(sql) => {
                let name = &database.name;
                error::service(format!("cannot fill database `{name}`: {sql}")).into()
            }
            None => error,
        })
    }
}

fn reader(script: &str, path: &Path, is_packed: bool) -> Cmd {
    let format = if is_packed { "gzip" } else { "text" };
    let command = Cmd::new("sh").args(["-c", script, "sh"]).arg(path).arg(format);
    command.patience(Some(client::COPYING))
}
