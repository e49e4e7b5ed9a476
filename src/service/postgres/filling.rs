//! Programs that fill a database that is being created.

use super::{psql, pulse};
use crate::error;
use crate::service::Server;
use crate::service::executor::{Site, Task};
use crate::sys::exec::Script;
use anyhow::Result;

/// Settings of the database, the user or the server are for the application. Between two tables, the one that fills it waits
/// in its transaction for the one that reads.
const OPTIONS: &str = "-c client_min_messages=warning -c role=none -c default_transaction_read_only=off \
                       -c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0";

/// Settings of the same kind that only newer servers know, which refuse others as options.
macro_rules! limits {
    () => {
        " FROM pg_settings WHERE name IN ('transaction_timeout', 'idle_session_timeout')"
    };
}

/// Takes them off a session.
const UNLIMITED: &str = concat!("SELECT set_config(name, '0', false)", limits!(), ";\n");

/// Takes them off all that a shell script starts from here on.
pub(super) const UNLIMITED_SHELL: &str = concat!(
    "limits=$(psql -XqAtw -v ON_ERROR_STOP=1 -c \"SELECT coalesce(string_agg('-c ' || name || '=0', ' '), '')",
    limits!(),
    "\" </dev/null) || exit\nexport PGOPTIONS=\"$PGOPTIONS $limits\"\n"
);

/// Runs a script on a database that is being created.
pub(super) fn run_on(server: &Server, database: &str, script: &str) -> Result<()> {
    let site = Site::with_password(server, psql::PASSWORD)?;
    let name = pulse::name()?;
    let mut task = task("psql", &site, server, (database, &name));
    task.args.extend(["-Xqw", "-o", "/dev/null", "-v", "ON_ERROR_STOP=1"]);
    // The line tells that the server answers.
    let first = format!("\\echo begun\n{UNLIMITED}{script}").into_bytes();
    task.script = Script { first, ..Script::default() };
    let output = site.run(&task)?;
    match output.success() {
        true => Ok(()),
        false => Err(error::service(said(&output.stderr).to_owned()).into()),
    }
}

/// A program that fills this database by sessions of this name.
pub(super) fn task<'b>(
    program: &'b str,
    site: &'b Site,
    server: &'b Server,
    (database, name): (&'b str, &'b str),
) -> Task<'b> {
    let mut vars = vec![
        ("PGDATABASE", database),
        ("PGUSER", &server.user),
        ("PGAPPNAME", name),
        ("PGCONNECT_TIMEOUT", "10"),
        ("PGOPTIONS", OPTIONS),
    ];
    vars.extend(site.password());
    if site.is_host() {
        vars.extend([("PGHOST", "localhost"), ("PGPORT", site.port()), ("PGHOSTADDR", "")]);
    }
    let pulse = Some(pulse::of(server, name));
    Task { vars, patience: psql::COPYING, pulse, ..Task::new(program) }
}

/// What psql complained of, without the lines that only follow from it.
pub(super) fn said(stderr: &str) -> &str {
    let complaint = stderr.lines().find(|line| line.contains("ERROR:") || line.contains("error:"));
    complaint.unwrap_or(stderr).trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::exec::Cmd;

    #[test]
    fn limits_that_the_server_knows_are_taken_off_what_a_script_starts() {
        let filled = |psql: &str| {
            let script = format!("psql() {{ {psql}; }}\n{UNLIMITED_SHELL}sh -c 'echo $PGOPTIONS'");
            let shell = Cmd::new("sh").args(["-c", &script]).env("PGOPTIONS", "-c role=none");
            shell.output().unwrap().text().trim().to_owned()
        };
        assert_eq!(filled("echo '-c x=0 -c y=0'"), "-c role=none -c x=0 -c y=0");
        assert_eq!(filled("echo"), "-c role=none");
        assert_eq!(filled("false"), "");
    }
}
