//! The second Redis of a server whose indexes are all held. Its indexes are numbers that the first server does not have: an
//! application that goes to the first one's port with one of them gets an error, never another environment's keys.

use super::config::{Config, Kind, Place, Service};
use super::hash::sha256;
use super::template::Template;

/// How many indexes a second server has, those below [`first_index`] included.
pub const DATABASES: u32 = 1024;

/// The lowest index that is used on a second server; `infra up` starts first ones with the indexes below it.
const LOWEST: u32 = 64;

/// What its container's name ends with.
const SUFFIX: &str = "-overflow";

/// Ports of second servers.
const PORTS: std::ops::Range<u16> = 16_380..17_380;

/// Where the second server of a first one is, for the store with this id; `None`: a server of this host has none.
pub fn place(first: &Place, store: &str) -> Option<Place> {
    let first = match first {
        Place::Container(name) => name.clone(),
        // As version 2 names it; version 1's is found by this name, too.
        Place::Compose { project, service } => format!("{project}-{service}-1"),
        Place::Host => return None,
    };
    Some(Place::Container(format!("{first}-{store}{SUFFIX}")))
}

/// The first server of a second one; `None`: it is none.
pub fn first(second: &Place) -> Option<Place> {
    let Place::Container(name) = second else { return None };
    let (first, store) = name.strip_suffix(SUFFIX)?.rsplit_once('-')?;
    let is_store = store.len() == 8 && store.bytes().all(|b| b.is_ascii_hexdigit());
    is_store.then(|| Place::Container(first.to_owned()))
}

/// The first index that a service may have on a second server.
pub fn first_index(service: &Service) -> u32 {
    service.range.map_or(LOWEST, |(_, last)| LOWEST.max(last.saturating_add(1)))
}

/// The ports in the order in which a store tries them: those of two users seldom meet.
pub fn ports(store: &str) -> impl Iterator<Item = u16> + Clone {
    let count = PORTS.end - PORTS.start;
    let hash = u16::from_str_radix(&sha256(store)[..4], 16).unwrap_or_default();
    (0..count).map(move |step| PORTS.start + (hash % count + step) % count)
}

/// Whether an environment's application goes to another server when the environment is on one: each address under `env:` that
/// has the index has the port, too, and there is such an address.
pub fn is_followed(config: &Config, name: &str) -> bool {
    let Some(service) = config.services.get(name) else { return false };
    let port = format!("{name}.port");
    let templates =
        || config.env.values().filter_map(|text| Template::parse(text).ok().zip(Some(text)));
    let is_fixed = |(template, text): (Template, &String)| {
        template.has(&service.variable) && is_address(text) && !template.has(&port)
    };
    service.kind == Kind::Redis
        && service.password_env.is_none()
        && templates().any(|(template, _)| template.has(&port))
        && !templates().any(is_fixed)
}

/// Whether a text names a server: it is a URL, or has a colon with a port.
fn is_address(text: &str) -> bool {
    let has_port = |rest: &str| rest.starts_with(|first: char| first.is_ascii_digit());
    text.contains("://") || text.split(':').skip(1).any(has_port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::default_service;

    #[test]
    fn a_second_server_knows_its_first() {
        let container = |name: &str| Place::Container(name.to_owned());
        let compose = Place::Compose { project: "shop".to_owned(), service: "redis".to_owned() };
        for (one, named) in [(container("a-b"), "a-b"), (compose, "shop-redis-1")] {
            let second = place(&one, "0a1b2c3d").unwrap();
            assert_eq!(second, container(&format!("{named}-0a1b2c3d-overflow")));
            assert_eq!(first(&second), Some(container(named)));
        }
        assert_eq!(place(&Place::Host, "0a1b2c3d"), None);
        for other in ["redis-overflow", "redis", "x-0a1b2c-overflow", "agentenv-redis-1"] {
            assert_eq!(first(&container(other)), None, "{other}");
        }
    }

    #[test]
    fn its_indexes_begin_behind_those_of_the_first() {
        let with = |range| Service { range, ..default_service(Kind::Redis) };
        for (range, index) in [(None, 64), (Some((1, 15)), 64), (Some((1, 100)), 101)] {
            assert_eq!(first_index(&with(range)), index, "{range:?}");
        }
    }

    #[test]
    fn every_address_has_to_follow() {
        let followed = |env: &[(&str, &str)]| {
            let env = env.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
            is_followed(&Config { env, ..Config::default() }, "redis")
        };
        let url = ("URL", "redis://{redis.host}:{redis.port}/{REDIS_DB}");
        assert!(followed(&[url]) && followed(&[url, ("PREFIX", "x{REDIS_DB}")]));
        assert!(followed(&[("REDIS_PORT", "{redis.port}")]));
        assert!(!followed(&[]) && !followed(&[("PREFIX", "x{REDIS_DB}")]));
        assert!(!followed(&[url, ("OTHER", "redis://localhost:6379/{REDIS_DB}")]));
        assert!(!followed(&[url, ("OTHER", "localhost:6379/{REDIS_DB}")]));
        assert!(followed(&[url, ("PREFIX", "{name}:x:{REDIS_DB}")]));
    }

    #[test]
    fn a_store_tries_each_port_once() {
        let all: std::collections::BTreeSet<u16> = ports("0a1b2c3d").collect();
        assert_eq!((all.len(), all.first().copied()), (1000, Some(PORTS.start)));
    }
}
