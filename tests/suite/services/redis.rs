//! Redis indexes on a real server: claimed when empty, flushed only with our own mark in them.

use crate::common::{Outcome, Sandbox, servers};
use git_agentenv::error::{Exit, exit_of, hint_of};
use git_agentenv::model::config::{Kind, Place};
use git_agentenv::model::lease::mark;
use git_agentenv::service::{Gone, Made, RedisIndex, Server, State, redis};
use std::net::TcpListener;

const ID: &str = "0123456789abcdef01234567";
const OTHER: &str = "76543210fedcba9876543210";

#[test]
fn an_index_is_claimed_and_emptied_over_each_way() {
    let sandbox = Sandbox::new();
    let first = *sandbox.indexes().start();
    let here = Place::Host;
    let inside = Place::Container(servers().redis.to_owned());
    for (index, place) in [(first, here), (first + 1, inside)] {
        let part = part(index, place);
        assert_eq!(redis::state(&part, ID).unwrap(), State::Missing);
        assert_eq!(redis::release(&part, ID, false).unwrap(), Gone::Missing);
        let first = redis::claim(&part, ID).unwrap();
        assert!(matches!(first, Made::Ours(Some(_))), "{first:?}");
        assert_eq!(redis::claim(&part, ID).unwrap(), first);
        servers().redis(index, &["SET", "key", "value"]);
        assert_eq!(redis::state(&part, ID).unwrap(), State::Ours);
        assert_eq!(redis::release(&part, ID, false).unwrap(), Gone::Dropped);
        assert_eq!(servers().redis(index, &["DBSIZE"]), "0");
    }
}

#[test]
fn what_another_repositorys_main_checkout_uses_is_given_away_last() {
    let sandbox = Sandbox::new();
    let (ports, indexes) = (sandbox.ports(), sandbox.indexes());
    let (port, index) = (ports.start() + 1, *indexes.start());
    // It names the server in another way, does not run, and has no environment any more.
    let other = sandbox.repo("other");
    let config = sandbox.config_in_container().replace("main: 0,", &format!("main: {index},"));
    let own = [port - 1, port].map(|main| format!("main: {main}, range: {}-", main + 1));
    other.config(&config.replace(&own[0], &own[1]));
    other.agentenv(&["add", "a"]).ok();
    other.agentenv(&["remove", "a", "--force"]).ok();
    let repo = sandbox.repo("shop");
    repo.config(&sandbox.config());
    let slots = |answer: &Outcome| {
        let variables = &answer.json()["variables"];
        ["DJANGO_PORT", "REDIS_DB"].map(|name| variables[name].as_str().unwrap().to_owned())
    };
    let added = repo.agentenv(&["add", "b", "--json"]).ok();
    assert_eq!(slots(&added), [(port + 1).to_string(), (index + 1).to_string()]);
    assert!(!added.stderr.contains("warning"), "{}", added.show());

    let narrow = sandbox
        .config()
        .replace(&format!("{port}-{}", ports.end()), &format!("{port}-{port}"))
        .replace(&format!("{index}-{}", indexes.end()), &format!("{index}-{index}"));
    repo.config(&narrow);
    let added = repo.agentenv(&["add", "c", "--json"]).ok();
    assert_eq!(slots(&added), [port.to_string(), index.to_string()]);
    for slot in [format!("port {port}"), format!("redis index {index}")] {
        let main = other.path.display();
        let said = format!("{slot} is also configured for the main checkout {main}");
        assert!(added.stderr.contains(&said), "{}", added.show());
    }
    repo.agentenv(&["remove", "c", "--keep"]).ok();
    let restored = repo.agentenv(&["restore", "c", "--json"]).ok();
    assert_eq!(slots(&restored), [port.to_string(), index.to_string()]);
}

#[test]
fn what_does_not_carry_our_mark_stays() {
    let sandbox = Sandbox::new();
    let index = *sandbox.indexes().start();
    let part = part(index, Place::Host);
    let stays = |what: &str| {
        let Made::Occupied(by) = redis::claim(&part, ID).unwrap() else {
            panic!("claimed in spite of {what}");
        };
        assert!(by.contains(what), "{by}");
        let gone = redis::release(&part, ID, false).unwrap();
        assert_eq!(gone, Gone::NotOurs(by.clone()));
        let state = redis::state(&part, ID).unwrap();
        assert!(state == State::NotOurs(by.clone()) || state == State::Unmarked(by), "{state:?}");
        assert_ne!(servers().redis(index, &["DBSIZE"]), "0");
        servers().redis(index, &["FLUSHDB"]);
    };
    servers().redis(index, &["SET", "key", "value"]);
    stays("a key and no");
    servers().redis(index, &["MSET", "key", "value", "k", "v"]);
    stays("2 keys and no");
    redis::claim(&part, OTHER).unwrap();
    stays(&mark(OTHER));
    servers().redis(index, &["LPUSH", redis::MARKER, "x"]);
    stays("not a string");
    servers().redis(index, &["SET", redis::MARKER, &format!("{} or so", mark(ID))]);
    stays("or so");
}

#[test]
fn a_mark_that_was_flushed_is_put_back_but_never_over_anothers() {
    let sandbox = Sandbox::new();
    let index = *sandbox.indexes().start();
    let part = part(index, Place::Host);
    redis::claim(&part, OTHER).unwrap();
    assert!(matches!(redis::reclaim(&part, ID).unwrap(), Made::Occupied(_)));
    assert!(matches!(redis::state(&part, ID).unwrap(), State::NotOurs(_)));
    servers().redis(index, &["FLUSHDB"]);
    servers().redis(index, &["SET", "key", "value"]);
    assert!(matches!(redis::state(&part, ID).unwrap(), State::Unmarked(_)));
    assert!(matches!(redis::reclaim(&part, ID).unwrap(), Made::Ours(_)));
    assert_eq!(redis::release(&part, ID, false).unwrap(), Gone::Dropped);
    assert_eq!(servers().redis(index, &["DBSIZE"]), "0");
}

#[test]
fn keys_on_another_server_than_the_claimed_one_are_not_reclaimed() {
    let sandbox = Sandbox::new();
    let index = *sandbox.indexes().start();
    let Made::Ours(Some(run_id)) = redis::claim(&part(index, Place::Host), ID).unwrap() else {
        panic!("not claimed");
    };
    servers().redis(index, &["FLUSHDB"]);
    servers().redis(index, &["SET", "key", "value"]);
    let known = RedisIndex { claimed_on: Some(run_id), ..part(index, Place::Host) };
    assert!(matches!(redis::state(&known, ID).unwrap(), State::Unmarked(_)));
    // What the name leads to now is another server.
    let replaced = RedisIndex { claimed_on: Some("0".repeat(40)), ..known.clone() };
    assert!(matches!(redis::state(&replaced, ID).unwrap(), State::NotOurs(_)));
    assert!(matches!(redis::reclaim(&replaced, ID).unwrap(), Made::Occupied(_)));
    assert!(matches!(redis::state(&known, ID).unwrap(), State::Unmarked(_)), "nothing was marked");
    // Without keys it is free, and with our mark it is ours.
    servers().redis(index, &["FLUSHDB"]);
    assert!(matches!(redis::reclaim(&replaced, ID).unwrap(), Made::Ours(_)));
    assert_eq!(redis::state(&replaced, ID).unwrap(), State::Ours);
    assert_eq!(redis::release(&replaced, ID, false).unwrap(), Gone::Dropped);
}

#[test]
fn an_index_that_the_server_does_not_have_touches_nothing() {
    let sandbox = Sandbox::new();
    let index = *sandbox.indexes().start();
    servers().redis(index, &["SET", "key", "value"]);
    for place in [Place::Host, Place::Container(servers().redis.to_owned())] {
        let error = redis::claim(&part(9999, place.clone()), ID).unwrap_err();
        assert_eq!(exit_of(&error), Exit::Config);
        assert!(error.to_string().contains("index 9999"), "{error}");
        assert!(hint_of(&error).unwrap().contains("databases"));
        assert_eq!(redis::release(&part(9999, place), ID, false).unwrap(), Gone::Missing);
    }
    assert_eq!(servers().redis(index, &["GET", "key"]), "value");
}

#[test]
fn a_range_beyond_the_server_leaves_nothing_on_record() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let range = format!("range: {}-{}", sandbox.indexes().start(), sandbox.indexes().end());
    repo.config(&sandbox.config().replace(&range, "range: 9998-9999"));
    let said = repo.agentenv(&["add", "x"]).fails(3);
    assert!(said.stderr.contains("lower `range`"), "{}", said.show());
    let listed = repo.agentenv(&["list", "--json"]).ok().json();
    assert_eq!(listed["environments"].as_array().unwrap().len(), 0);
    assert!(sandbox.databases().is_empty());
    repo.config(&sandbox.config());
    repo.agentenv(&["add", "x"]).ok();
    repo.agentenv(&["remove", "x"]).ok();
}

#[test]
fn an_index_with_a_client_is_not_claimed_and_kept_until_forced() {
    let sandbox = Sandbox::new();
    let first = *sandbox.indexes().start();
    for (index, place) in
        [(first, Place::Host), (first + 1, Place::Container(servers().redis.to_owned()))]
    {
        let part = part(index, place);
        let orphan = servers().redis_client(index);
        let Made::Occupied(by) = redis::claim(&part, ID).unwrap() else {
            panic!("claimed under a client");
        };
        assert!(by.starts_with("client ") && by.contains("idle for"), "{by}");
        assert_eq!(redis::release(&part, ID, true).unwrap(), Gone::Missing);
        assert!(orphan.is_connected(), "it was no client of ours");
        let occupied = redis::occupied(&part.server).unwrap();
        assert!(occupied[&index.into()].contains("idle for"), "{occupied:?}");
        drop(orphan);

        assert!(matches!(redis::claim(&part, ID).unwrap(), Made::Ours(_)));
        let [own, neighbour] = [index, index + 2].map(|index| servers().redis_client(index));
        assert_eq!(redis::sessions(&part).unwrap().len(), 1);
        // What is ours already is not refused.
        assert!(matches!(redis::claim(&part, ID).unwrap(), Made::Ours(_)));
        let busy = redis::release(&part, ID, false).unwrap();
        assert!(matches!(busy, Gone::Busy(sessions) if sessions.len() == 1));
        assert_eq!(redis::state(&part, ID).unwrap(), State::Ours);
        assert_eq!(redis::release(&part, OTHER, true).unwrap(), Gone::NotOurs(theirs()));
        assert!(own.is_connected());
        assert_eq!(redis::release(&part, ID, true).unwrap(), Gone::Dropped);
        assert!(!own.is_connected() && neighbour.is_connected());
    }
}

fn theirs() -> String {
    format!("its `{}` is `{}`", redis::MARKER, mark(ID))
}

#[test]
fn the_inventory_says_who_holds_what() {
    let sandbox = Sandbox::new();
    let first = *sandbox.indexes().start();
    redis::claim(&part(first, Place::Host), ID).unwrap();
    servers().redis(first + 1, &["SET", "k\"", "v"]);
    for place in [Place::Host, Place::Container(servers().redis.to_owned())] {
        let server = part(first, place).server;
        let found = redis::inventory(&server).unwrap();
        let at = |index: u16| found.iter().find(|found| found.index == u32::from(index));
        assert_eq!(at(first).unwrap().id(), Some(ID));
        assert_eq!(at(first + 1).unwrap().mark, None);
        assert_eq!(at(first + 1).unwrap().keys, 1);
        assert_eq!(at(first + 2), None);
    }
    let occupied = redis::occupied(&part(first, Place::Host).server).unwrap();
    assert!(occupied.contains_key(&first.into()) && occupied.contains_key(&(first + 1).into()));
    assert!(!occupied.contains_key(&(first + 2).into()));
}

#[test]
fn a_port_where_no_server_answers_fails_at_once() {
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = deaf.local_addr().unwrap().port();
    let mut part = part(1, Place::Host);
    part.server.port = port;
    assert_eq!(redis::occupied(&part.server), None);
    drop(deaf);
    assert_eq!(redis::occupied(&part.server), None);
    let error = redis::claim(&part, ID).unwrap_err();
    assert_eq!(exit_of(&error), Exit::Service);
    assert!(error.to_string().contains("does not answer"), "{error}");
}

fn part(index: u16, place: Place) -> RedisIndex {
    let user = "default".to_owned();
    let port = servers().redis_port;
    let server = Server { kind: Kind::Redis, place, user, port, password_env: None };
    RedisIndex { server, index: index.into(), claimed_on: None }
}
