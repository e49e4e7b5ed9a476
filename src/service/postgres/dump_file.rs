//! Fills a database with what is in a dump file. Text is read here and executed by psql at the server; what `pg_dump`
//! wrote in another format becomes text first.

use super::psql;
use crate::error;
use crate::service::Server;
use crate::service::executor::{Site, Task};
use crate::sys::exec::Cmd;
use crate::sys::fs::{self, Stands};
use anyhow::Result;
use std::path::{Path, PathBuf};

/// A dump that can be read.
pub(super) struct DumpFile {
    path: PathBuf,
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Text,
    Gzip,
    Custom,
    Directory,
}

/// Prints a dump as it is, then a line that says that it is complete. What stops in the middle makes psql fail: it may
/// have stopped in the data of a table, where any text is a row.
const READ: &str = r#"{ if [ "$2" = gzip ]; then gzip -dc -- "$1"
elif [ "$2" = directory ]; then pg_restore -f - -- "$1"
else cat -- "$1"; fi } && printf '\n\\echo complete\n' || printf '\n\\.\nthe dump cannot be read;\n'"#;

/// Prints a dump in the custom format, whose end `pg_restore` checks itself.
const READ_CUSTOM: &str = r#"cat -- "$1""#;

/// Executes text. `\connect` is not wanted: it would lead to another database.
const EXECUTE: &str = r#"psql -Xqw -o /dev/null -v ON_ERROR_STOP=1 -1"#;

/// The same for the custom format.
const EXECUTE_CUSTOM: &str = r#"{ pg_restore -f - && printf '\n\\echo complete\n' || printf '\n\\.\nthe dump cannot be read;\n'; } |
psql -Xqw -o /dev/null -v ON_ERROR_STOP=1 -1"#;

/// Ends well when a line of a dump is a `\connect`.
const CONNECTS: &str = r#"if [ "$2" = gzip ]; then gzip -dc -- "$1"; else cat -- "$1"; fi | LC_ALL=C grep -aqm1 '^\\c'"#;

/// Opens a dump.
///
/// # Errors
/// `NotFound` when there is none; `Refused` when it leads psql to another database.
pub(super) fn open(path: &Path) -> Result<DumpFile> {
    let path = fs::canonical(path);
    let name = path.display();
    let format = match fs::stands(&path)? {
        Stands::Nothing => return Err(error::not_found(format!("no dump {name}")).into()),
        Stands::Directory => Format::Directory,
        _ => match fs::head(&path, 5)?.as_slice() {
            b"PGDMP" => Format::Custom,
            [0x1f, 0x8b, ..] => Format::Gzip,
            _ => Format::Text,
        },
    };
    let dump = DumpFile { path: path.clone(), format };
    let is_text = matches!(format, Format::Text | Format::Gzip);
    if is_text && dump.reader(CONNECTS).output()?.success() {
        let message = format!("cannot restore {name}: it connects to a database of its own");
        let hint = "make the dump without `--create`, and of one database";
        return Err(error::refused(message).hint(hint).into());
    }
    Ok(dump)
}

impl DumpFile {
    /// Its size in bytes. Text and rows take about the same; what is compressed takes more.
    pub(super) fn bytes(&self) -> u64 {
        fs::size(&self.path)
    }

    /// Fills an empty database.
    ///
    /// # Errors
    /// When the dump is damaged, or needs a role or an extension that the server does not have; psql names it.
    pub(super) fn restore(&self, server: &Server, database: &str) -> Result<()> {
        let site = Site::with_password(server, psql::PASSWORD)?;
        let custom = self.format == Format::Custom;
        let task = Task {
            args: vec!["-c", if custom { EXECUTE_CUSTOM } else { EXECUTE }],
            vars: psql::filling(&site, server, database),
            feed: Some(self.reader(if custom { READ_CUSTOM } else { READ })),
            patience: psql::COPYING,
            ..Task::new("sh")
        };
        let output = site.run(&task)?;
        if output.success() && output.text().lines().any(|line| line == "complete") {
            return Ok(());
        }
        let said = psql::said(&output.stderr);
        let message = format!("cannot restore {}: {said}", self.path.display());
        Err(error::service(message).into())
    }

    fn reader(&self, script: &str) -> Cmd {
        let format = match self.format {
            Format::Text => "text",
            Format::Gzip => "gzip",
            Format::Custom => "custom",
            Format::Directory => "directory",
        };
        let command = Cmd::new("sh").args(["-c", script, "sh"]).arg(&self.path).arg(format);
        command.patience(Some(psql::COPYING))
    }
}
