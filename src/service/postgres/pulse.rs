//! Whether the server works for a program that says nothing until all is done.

use super::psql::Session;
use crate::service::Server;
use crate::sys::budget;
use crate::sys::exec::Pulse;
use crate::sys::store::random_hex;
use anyhow::Result;
use std::sync::atomic::{AtomicU64, Ordering};

/// Prints another word each time while a session of this name works, or talks with its client. One that reads or writes the rows
/// of a table for its client is active all the time: from PostgreSQL 14 on, it is known how far it is. One whose state is hidden
/// or not recorded counts as one that works.
const WORK: &str = r#"SET ROLE NONE;
SELECT current_setting('server_version_num')::int >= 140000 AS counts \gset
\if :counts
  SELECT CASE WHEN bool_or(hidden OR state = 'active' AND wait_event_type IS DISTINCT FROM 'Client') THEN clock_timestamp()::text
    ELSE string_agg(concat_ws(' ', pid, state_change, bytes_processed), ',' ORDER BY pid) END
  FROM pg_stat_activity LEFT JOIN pg_stat_progress_copy USING (pid),
    LATERAL (SELECT coalesce(state, 'disabled') = 'disabled' AS hidden) h WHERE application_name = :'session';
\else
  SELECT CASE WHEN bool_or(coalesce(state, 'disabled') IN ('disabled', 'active')) THEN clock_timestamp()::text
    ELSE string_agg(concat_ws(' ', pid, state_change), ',' ORDER BY pid) END
  FROM pg_stat_activity WHERE application_name = :'session';
\endif
"#;

/// The name that sessions of this program have on the server.
pub(super) const NAME: &str = "git-agentenv";

/// A name for sessions that may take long, unlike all others.
pub(super) fn name() -> Result<String> {
    Ok(format!("{NAME} {}", random_hex(4)?))
}

/// The pulse of the sessions of this name.
pub(super) fn of(server: &Server, session: &str) -> Pulse {
    let (server, session) = (server.clone(), session.to_owned());
    let looks = AtomicU64::new(0);
    Pulse::new(budget::total(), move || {
        let look = Session::new(&server, WORK).var("session", &session).glance();
        match look.run() {
            Ok(lines) => Some(lines.concat()),
            // It answers, and has no room for another session.
            Err(error) if format!("{error:#}").contains("FATAL:") => {
                Some(format!("refused {}", looks.fetch_add(1, Ordering::Relaxed)))
            }
            Err(_) => None,
        }
    })
}
