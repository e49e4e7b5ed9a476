//! Addresses of servers without a scheme: `REDIS_ADDR=localhost:6379`.

use super::roles::{self, Role};
use super::url::is_local;
use super::vars::Var;
use crate::model::config::Kind;

/// The kinds of servers, each with a port of its own.
const KINDS: [Kind; 3] = [Kind::Redis, Kind::Postgres, Kind::Mysql];

/// The kind of server that a variable has the host and the port of, and that port: by its name, else by the port.
pub(super) fn of(var: &Var, sql: Kind) -> Option<(Kind, u16)> {
    let (_, port) = parse(&var.value)?;
    let kind = match roles::of(&var.name, sql) {
        Some((kind, Role::Address | Role::Host)) if is_said(&var.name, kind) => Some(kind),
        // A broker may be of another kind, and so may what is called a database.
        Some((kind, Role::Address | Role::Host | Role::Url)) => {
            of_port(port).filter(|other| *other == kind)
        }
        Some(_) => None,
        None => by_port(&var.value),
    };
    Some((kind?, port))
}

fn is_said(name: &str, kind: Kind) -> bool {
    kind == Kind::Redis || roles::kind(&name.to_ascii_uppercase()).is_some()
}

fn of_port(port: u16) -> Option<Kind> {
    KINDS.into_iter().find(|kind| kind.port() == Some(port))
}

/// The kind of a server here by its port alone.
fn by_port(value: &str) -> Option<Kind> {
    let (host, port) = parse(value)?;
    of_port(port).filter(|_| is_local(host) || !host.contains('.'))
}

/// Whether a value is the address of such a server, by its port.
pub(super) fn is_server(value: &str) -> bool {
    by_port(value).is_some()
}

/// The port of an address.
pub(super) fn port(value: &str) -> Option<u16> {
    parse(value).map(|(_, port)| port)
}

/// `localhost:6379`, `redis:6379`, `:6379`. `6379:6379` is a mapping.
fn parse(value: &str) -> Option<(&str, u16)> {
    let (host, port) = value.rsplit_once(':')?;
    let is_number = !host.is_empty() && host.chars().all(|c| c.is_ascii_digit());
    let is_part = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    let is_name = !is_number && host.chars().all(is_part);
    Some((host, port.parse().ok().filter(|port| *port > 0 && is_name)?))
}

/// Keys that name an address in code and in files of settings.
const KEYS: [&str; 4] = ["addr", "address", "host", "endpoint"];

/// The address of a server here that a line gives such a key, and its kind.
pub(super) fn in_line(line: &str) -> Option<Kind> {
    let lower = line.to_lowercase();
    if ["#", "//", "--", "*"].iter().any(|mark| lower.trim_start().starts_with(mark)) {
        return None;
    }
    let (before, value) = lower.split_once([':', '='])?;
    let key = before.trim_matches([' ', '\t', '"', '\'', '{', '-']);
    let key = key.rsplit(|c: char| !c.is_ascii_alphanumeric()).next()?;
    let value = value.trim_start_matches(['=', '>', ' ', '"', '\'', '`']);
    let end = value.find(|c: char| !c.is_ascii_alphanumeric() && !".-_:".contains(c));
    by_port(&value[..end.unwrap_or(value.len())]).filter(|_| KEYS.contains(&key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_a_line_has_a_key() {
        for (line, expected) in [
            ("  addr: localhost:6379", Some(Kind::Redis)),
            ("rdb := redis.NewClient(&redis.Options{Addr: \"localhost:6379\"})", None),
            ("\tAddr: \"redis:6379\", DB: 0,", Some(Kind::Redis)),
            ("\"address\": \"127.0.0.1:5432\",", Some(Kind::Postgres)),
            ("redis_host = '127.0.0.1:6379'", Some(Kind::Redis)),
            ("addr: cache.example.com:6379", None),
            ("ports: 6379:6379", None),
            ("addr: 6379:6379", None),
            ("# addr: localhost:6379", None),
            ("// addr: localhost:6379", None),
            ("addr: localhost:8080", None),
        ] {
            assert_eq!(in_line(line), expected, "{line}");
        }
    }
}
