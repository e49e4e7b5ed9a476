//! Whether the server works for a client that fills a database.

use super::client;
use super::scripts::{Names, text};
use crate::service::Server;
use crate::sys::budget;
use crate::sys::exec::{LOOKS, Pulse};
use std::sync::atomic::{AtomicU64, Ordering};

/// What a server says that has no room for another session.
const CROWDED: &str = "Too many connections";

/// Prints another word each time while a session works: the one of the client that fills the database, which holds the lock
/// of its lease, or one that reads rows of `source` for a dump. One that waits for its client counts when it has done
/// something in the last `seconds`.
fn work(names: &Names, source: &str, seconds: u64) -> String {
    let (lock, source) = (text(&names.birth), text(source));
    format!(
        "SET @filling = IS_USED_LOCK({lock});
SELECT IF(COUNT(*) > 0, UUID(), 'nothing') FROM information_schema.processlist
WHERE (id = @filling OR db = {source} AND info LIKE 'SELECT /*!40001 SQL_NO_CACHE */%')
  AND (time <= {seconds} OR command <> 'Sleep' AND COALESCE(state, '') NOT IN ('Writing to net', 'Reading from net'));\n"
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
        Err(error) if format!("{error:#}").contains(CROWDED) => {
            Some(format!("refused {}", looks.fetch_add(1, Ordering::Relaxed)))
        }
        Err(_) => None,
    })
}
