//! Clients that are connected to an index, as `CLIENT LIST` shows them. What they will write next goes to the index.

use super::transport::Route;
use crate::service::Session;
use anyhow::Result;
use std::thread;
use std::time::{Duration, Instant};

/// How long the server may list a client whose process has just ended.
const SETTLE: Duration = Duration::from_millis(500);

/// How often the server is asked meanwhile.
const PAUSE: Duration = Duration::from_millis(25);

/// What a client says before it selects its index, and what our own say, which select none.
const GREETINGS: [&str; 9] =
    ["NULL", "auth", "client|setinfo", "client|setname", "eval", "hello", "info", "ping", "select"];

/// A client of a Redis server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Client {
    /// Its id, which no other client of this server ever gets.
    id: u64,
    /// The index that it has selected.
    pub(super) index: u32,
    /// What messages say of it.
    pub(super) session: Session,
}

/// The clients of an index. One that is about to close its connection is not among them.
///
/// # Errors
/// When the server does not answer.
pub(super) fn on(route: &Route, index: u32) -> Result<Vec<Client>> {
    let deadline = Instant::now() + SETTLE;
    loop {
        let clients = look(route, index)?;
        if clients.is_empty() || Instant::now() > deadline {
            return Ok(clients);
        }
        thread::sleep(PAUSE);
    }
}

/// Closes the connections of these clients that still use the index.
///
/// # Errors
/// When the server does not answer or refuses.
pub(super) fn end(route: &Route, index: u32) -> Result<()> {
    for client in look(route, index)? {
        route.tell(&["CLIENT", "KILL", "ID", &client.id.to_string()])?;
    }
    Ok(())
}

fn look(route: &Route, index: u32) -> Result<Vec<Client>> {
    let listed = match route.tell(&["CLIENT", "LIST"]) {
        // A user whose rights do not include it knows no clients.
        Err(error) if error.to_string().contains("NOPERM") => return Ok(Vec::new()),
        listed => parse(&listed?),
    };
    Ok(listed.into_iter().filter(|client| client.index == index).collect())
}

/// Every client but those that ask for this list or have not selected their index yet.
pub(super) fn parse(list: &str) -> Vec<Client> {
    list.lines().filter_map(client).collect()
}

fn client(line: &str) -> Option<Client> {
    let field =
        |name: &str| line.split(' ').find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
    let command = field("cmd").unwrap_or_default();
    let asks = match command {
        "client|list" => true,
        // Before Redis 7, without the subcommand.
        "client" => field("idle") == Some("0"),
        // Every client begins at index 0, and selects its own then.
        _ => field("db") == Some("0") && field("age") == Some("0") && GREETINGS.contains(&command),
    };
    let id = field("id")?.parse().ok()?;
    let names = [field("name"), field("lib-name")].into_iter().flatten();
    let name = names.into_iter().find(|name| !name.is_empty()).unwrap_or("client");
    let idle = format!("idle for {} s", field("idle").unwrap_or("0"));
    let is_known = !matches!(command, "" | "NULL");
    (!asks).then_some(Client {
        id,
        index: field("db")?.parse().ok()?,
        session: Session {
            pid: None,
            application: format!("{name} {id}"),
            client: field("addr").unwrap_or("local").to_owned(),
            state: if is_known { format!("last command `{command}`, {idle}") } else { idle },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_each_version_is_read() {
        let list = "\
            id=3 addr=172.17.0.1:40012 name= age=9 idle=7 flags=N db=2 sub=0 cmd=brpop user=default lib-name=redis-py(kombu) lib-ver=5.0\n\
            id=4 addr=127.0.0.1:1 laddr=127.0.0.1:6379 name=worker age=0 idle=0 db=11 cmd=get\n\
            id=5 addr=127.0.0.1:2 name= age=0 idle=0 db=0 cmd=client|list\n\
            id=6 addr=127.0.0.1:3 name= age=0 idle=0 db=0 cmd=client\n\
            id=7 addr=127.0.0.1:4 name= age=0 idle=0 db=0 cmd=client|setinfo\n\
            NOPERM this user has no permissions\n\n";
        let clients = parse(list);
        assert_eq!(
            clients.iter().map(|one| (one.id, one.index)).collect::<Vec<_>>(),
            [(3, 2), (4, 11)]
        );
        assert_eq!(
            clients[0].session.to_string(),
            "redis-py(kombu) 3 (last command `brpop`, idle for 7 s, from 172.17.0.1:40012)"
        );
        assert_eq!(clients[1].session.application, "worker 4");
    }
}
