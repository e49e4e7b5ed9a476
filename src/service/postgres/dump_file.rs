//! Fills a database with what is in a dump file. Text is read here and executed by psql at the server; what `pg_dump`
//! wrote in another format becomes text first.

use super::{filling, psql, pulse};
use crate::error;
use crate::service::Server;
use crate::service::executor::Site;
use crate::service::template::Mask;
use crate::sys::exec::Cmd;
use crate::sys::fs::{self, Stands};
use crate::sys::store::random_hex;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// A dump that can be read.
pub(super) struct DumpFile {
    path: PathBuf,
    format: Format,
    /// What was in it, where it was read before.
    content: Option<Vec<u8>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Text,
    Gzip,
    Custom,
    Directory,
}

/// Prints a dump as it is, then lines that say that it is complete, or one that says that it is broken.
const READ: &str = r#"{ if [ "$2" = gzip ]; then gzip -dc -- "$1"
elif [ "$2" = directory ]; then pg_restore -f - -- "$1"
else cat -- "$1"; fi } && printf '\n\\unrestrict %s\n\\echo complete\n' "$3" || printf '\nbroken %s\n' "$3""#;

/// Prints a dump in the custom format, whose end `pg_restore` checks itself.
const READ_CUSTOM: &str = r#"cat -- "$1""#;

/// Executes text.
const EXECUTE: &str = "execute";

/// The same for the custom format.
const EXECUTE_CUSTOM: &str = r#"{ pg_restore -f - && printf '\n\\unrestrict %s\n\\echo complete\n' "$AGENTENV_KEY" || printf '\nbroken %s\n' "$AGENTENV_KEY"; } | execute"#;

/// Lets psql run nothing but SQL of what it reads, until the line with the key: other text of a dump could run commands on
/// this host, or lead to another database. Such a mode of psql came with 13.22, 14.19, 15.14, 16.10 and 17.6. For one before
/// it, a backslash stands only where it may begin an escape in the data of a table: commands of these letters do no harm, but
/// psql runs what stands in backquotes after any command. In what looks like a table's data a backquote becomes its octal
/// escape there, and fails else, or where the encoding has letters that end with the byte of a backquote. What is `trusted` is
/// executed as it is. A dump that sets the mode itself has lines that do not count here. What is broken makes psql fail by
/// text after the end of a table's data: it may have stopped there, where any text is a row.
const RESTRICTED: &str = r#"execute() {
  mode=none
  if [ -z "$AGENTENV_TRUSTED" ]; then
    psql --help=commands | grep -q '\\restrict' && mode=psql || mode=here
  fi
  { [ "$mode" != psql ] || printf '\\restrict %s\n' "$AGENTENV_KEY"
    LC_ALL=C awk -v key="$AGENTENV_KEY" -v mode="$mode" '
      function fail(why) {
        print "error: " why | "cat >&2"
        close("cat >&2")
        print "\n\\.\nit is no dump;"
        exit
      }
      $0 == "broken " key { fail("it cannot be read to its end") }
      $0 == "\\unrestrict " key { over = 1; if (mode != "psql") next }
      !over && length($0) > 40 && /^\\(un)?restrict [A-Za-z0-9]+$/ { next }
      !over && mode == "here" {
        rest = $0
        gsub(/\\[Nbfnrtvx0-7\\.]/, "", rest)
        if (/^SET client_encoding = .(BIG5|GB|JOHAB|SJIS|SHIFT|UHC)/) wide = 1
        data = data && $0 != "\\." || /^COPY .* FROM stdin;$/
        runs = /\\.*`/
        if (index(rest, "\\") || runs && (wide || !data))
          fail("psql cannot keep a line with a backslash from running a command: " $0)
        if (runs) gsub(/`/, "\\140")
      }
      { print }'
  } | psql -Xqw -o /dev/null -v ON_ERROR_STOP=1 -1
}
"#;

/// Ends well when a line of a dump is a `\connect`.
const CONNECTS: &str = r#"if [ "$2" = gzip ]; then gzip -dc -- "$1"; else cat -- "$1"; fi | LC_ALL=C grep -aqm1 '^[[:space:]]*\\c'"#;

/// Opens a dump.
///
/// # Errors
/// `NotFound` when there is none; `Refused` when it leads psql to another database.
pub(super) fn open(path: &Path) -> Result<DumpFile> {
    let path = fs::canonical(path);
    let name = path.display();
    let format = match fs::stands(&path)? {
        Stands::Nothing => return Err(error::not_found(format!("no dump {name}")).into()),
        Stands::Directory => {
            require_restorer(&path)?;
            Format::Directory
        }
        _ => Format::of(&fs::head(&path, 5)?),
    };
    DumpFile { path, format, content: None }.checked()
}

/// Takes a mask for a dump.
///
/// # Errors
/// `Refused` when it leads psql to another database.
pub(super) fn of_mask(Mask { path, content }: &Mask) -> Result<DumpFile> {
    let format = Format::of(content);
    DumpFile { path: path.clone(), format, content: Some(content.clone()) }.checked()
}

/// A directory is read here, where the server's own programs may be missing.
fn require_restorer(path: &Path) -> Result<()> {
    if Cmd::new("sh").args(["-c", "command -v pg_restore"]).output()?.success() {
        return Ok(());
    }
    let message = format!("cannot read {}: no pg_restore on this machine", path.display());
    let hint = "install PostgreSQL's client programs, or make the dump with `-Fc`";
    Err(error::service(message).hint(hint).into())
}

impl Format {
    /// The format of a file that begins so.
    fn of(head: &[u8]) -> Self {
        match head {
            [b'P', b'G', b'D', b'M', b'P', ..] => Format::Custom,
            [0x1f, 0x8b, ..] => Format::Gzip,
            _ => Format::Text,
        }
    }
}

impl DumpFile {
    fn checked(self) -> Result<Self> {
        let is_text = matches!(self.format, Format::Text | Format::Gzip);
        if is_text && self.reader(CONNECTS).output()?.success() {
            let name = self.path.display();
            let message = format!("cannot restore {name}: it connects to a database of its own");
            let hint = "make the dump without `--create`, and of one database";
            return Err(error::refused(message).hint(hint).into());
        }
        Ok(self)
    }

    /// Its size in bytes. Text and rows take about the same; what is compressed takes more.
    pub(super) fn bytes(&self) -> u64 {
        fs::size(&self.path)
    }

    /// Fills an empty database with SQL; `trusted`: what psql itself is told, too, was approved.
    ///
    /// # Errors
    /// When the dump is damaged, has commands of psql, or needs a role or an extension that the server does not have; psql
    /// names it.
    pub(super) fn restore(&self, server: &Server, database: &str, trusted: bool) -> Result<()> {
        let site = Site::with_password(server, psql::PASSWORD)?;
        let custom = self.format == Format::Custom;
        let key = random_hex(16)?;
        let name = pulse::name()?;
        let mut task = filling::task("sh", &site, server, (database, &name));
        task.vars.extend([
            ("AGENTENV_KEY", key.as_str()),
            ("AGENTENV_TRUSTED", if trusted { "yes" } else { "" }),
        ]);
        let execute = if custom { EXECUTE_CUSTOM } else { EXECUTE };
        let script = [filling::UNLIMITED_SHELL, RESTRICTED, execute].concat();
        task.args.extend(["-c", &script]);
        task.feed = Some(self.reader(if custom { READ_CUSTOM } else { READ }).arg(&key));
        let output = site.run(&task)?;
        if output.success() && output.text().lines().any(|line| line == "complete") {
            return Ok(());
        }
        let said = filling::said(&output.stderr);
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
        Cmd::reading(script, &self.path, self.content.as_deref())
            .arg(format)
            .patience(Some(psql::COPYING))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a psql of another version reads of this dump, and what is said.
    fn executed(has_mode: bool, trusted: &str, dump: &str) -> (String, String) {
        let help = if has_mode { "\\\\restrict KEY" } else { "" };
        let psql = format!(
            "psql() {{ if [ \"$1\" = --help=commands ]; then echo '{help}'; else cat; fi; }}\n"
        );
        let script = format!("{psql}{RESTRICTED}printf '%s' \"$1\" | execute");
        let shell = Cmd::new("sh").args(["-c", &script, "sh", dump]);
        let shell = shell.env("AGENTENV_KEY", "k1").env("AGENTENV_TRUSTED", trusted);
        let output = shell.output().unwrap();
        (output.text().to_owned(), output.stderr)
    }

    #[test]
    fn psql_reads_nothing_but_sql_until_the_end() {
        let own = "r".repeat(63);
        let dump = format!(
            "\\restrict {own}\nCOPY t FROM stdin;\na\\tb\\\\!\\N\n\\.\n\\unrestrict {own}\n\\unrestrict k1\n\\echo complete\n"
        );
        let sql = "COPY t FROM stdin;\na\\tb\\\\!\\N\n\\.\n";
        let end = "\\unrestrict k1\n\\echo complete";
        assert_eq!(executed(true, "", &dump).0, format!("\\restrict k1\n{sql}{end}"));
        for (has_mode, trusted) in [(false, ""), (true, "yes"), (false, "yes")] {
            let read = executed(has_mode, trusted, &dump).0;
            assert_eq!(read, format!("{sql}\\echo complete"), "{has_mode} {trusted}");
        }
    }

    #[test]
    fn a_dump_that_cannot_be_read_to_its_end_fails_and_says_so() {
        for (has_mode, begin) in [(true, "\\restrict k1\n"), (false, "")] {
            let (read, said) = executed(has_mode, "", "COPY t FROM stdin;\nhalf a li\nbroken k1\n");
            assert_eq!(
                read,
                format!("{begin}COPY t FROM stdin;\nhalf a li\n\n\\.\nit is no dump;")
            );
            assert_eq!(said, "error: it cannot be read to its end");
        }
    }

    #[test]
    fn a_psql_without_the_mode_reads_no_line_that_may_hold_a_command() {
        for line in ["\\! touch x", " select 1; \\connect x", "\\\\\\! x", "*/ \\i x", "a \\"] {
            let dump = format!("/*\nCOPY t FROM stdin;\n{line}\nafter;\n");
            let (read, said) = executed(false, "", &dump);
            assert!(!read.contains(line) && !read.contains("after"), "{read}");
            assert!(said.contains(line) && said.starts_with("error: psql cannot keep"), "{said}");
            assert_eq!(executed(false, "yes", &dump).0, dump.trim_end(), "trusted");
        }
    }

    #[test]
    fn a_psql_without_the_mode_runs_no_text_in_backquotes() {
        for line in ["\\t `touch x`", " \\x\\f `touch x`", "select '`\\n`';"] {
            let (read, said) = executed(false, "", &format!("a;\n{line}\nafter;\n"));
            assert!(!read.contains(line) && !read.contains("after"), "{read}");
            assert!(said.contains(line) && said.starts_with("error: psql cannot keep"), "{said}");
        }
        let table = |row: &str| format!("`a`;\nCOPY t FROM stdin;\n`\n{row}\n\\.\n`b`;");
        let read = |dump: &str| executed(false, "", dump).0;
        assert_eq!(read(&table("`a`\\n\\\\`b`")), table("\\140a\\140\\n\\\\\\140b\\140"));
        let wide = format!("SET client_encoding = 'SJIS';\n{}", table("\\n`"));
        assert!(read(&wide).ends_with("it is no dump;"), "half a letter there");
    }
}
