//! Whether the server works for a client that fills a database.

use super::client::{self, SqlError};
use super::scripts::{Names, text};
use crate::service::Server;
use crate::sys::budget;
use crate::sys::exec::{LOOKS, Pulse};
use std::sync::atomic::{AtomicU64, Ordering};

/// The states of a session that waits for its client, in the words of the old and the new servers.
const WAITING: &str =
    "'Writing to net', 'Reading from net', 'Sending to client', 'Receiving from client'";

/// Prints another word each time while a session works: the one of the client that fills the
/// database, which holds the lock of its lease, or one on `source` that reads rows for a dump or
/// waits for a lock. One that waits for its client counts when it has done something in the last
/// `seconds`.
fn work(names: &Names, source: &str, seconds: u64) -> String {
    let (lock, source) = (text(&names.birth), text(source));
    format!(
        "SET @filling = IS_USED_LOCK({lock});
SELECT IF(COUNT(*) > 0, UUID(), 'nothing') FROM information_schema.processlist
WHERE (id = @filling OR db = {source} AND (info LIKE 'SELECT /*!40001 SQL_NO_CACHE */%'
    OR state LIKE 'Waiting for %lock' OR state = 'Waiting for table flush'))
  AND (time <= {seconds} OR command <> 'Sleep' AND COALESCE(state, '') NOT IN ({WAITING}));\n"
    )
}

/// The pulse of what fills a database with the content of `source`.
pub(super) fn of(server: &Server, names: &Names, source: &str) -> Pulse {
    let silence = budget::total();
    let since_the_last_look = (silence / LOOKS).as_secs().max(1);
    let (server, work) = (server.clone(), work(names, source, since_the_last_look));
    let looks = AtomicU64::new(0);
    Pulse::new(silence, move || match client::glance(&server, work.clone()) {
        Ok(lines) => Some(lines.concat()),
        // It answers, and refuses this session: as a rule, it has no room for another one.
        Err(error) if error.is::<SqlError>() => {
            Some(format!("refused {}", looks.fetch_add(1, Ordering::Relaxed)))
        }
        Err(_) => None,
    })
}
