//! Slots that main checkouts of other repositories use.

use super::*;
use crate::model::slot::Slot;

/// The main checkout of another repository has these slots.
fn world(text: &str, slots: &[Slot]) -> World {
    let holder = |slot: &Slot| (*slot, "the main checkout /other".to_owned());
    let taken = Taken { mains: slots.iter().map(holder).collect(), ..Taken::default() };
    World { config: Config::parse("f", text).unwrap(), taken, ..World::new() }
}

const WIDE: &str = "ports: { PORT: { main: 10, range: 11-13 }, NEXT: { main: 20, follows: PORT } }\n\
                    services: { cache: { kind: redis, variable: CACHE, main: 0, range: 1-3 } }";
const NARROW: &str = "ports: { PORT: { main: 10, range: 11-11 }, NEXT: { main: 20, follows: PORT } }\n\
                      services: { cache: { kind: redis, variable: CACHE, main: 0, range: 1-1 } }";
const ALL: [Slot; 3] = [Slot::Port(11), Slot::Port(21), Slot::Index(1)];

fn slots(lease: &Lease) -> (u16, u16, &str) {
    (lease.ports["PORT"], lease.ports["NEXT"], &lease.parts[0].holds)
}

#[test]
fn they_are_chosen_when_no_other_is_free() {
    // 12 is free, but another main checkout has the port that follows it.
    let mut world = world(WIDE, &[ALL[0], Slot::Port(22), ALL[2], Slot::Index(2)]);
    assert_eq!(slots(&world.take("a")), (13, 23, "3"));
    assert_eq!(slots(&world.take("b")), (11, 21, "1"));
    assert_eq!(slots(&world.take("c")), (12, 22, "2"));
    let error = world.plan("d").unwrap_err();
    assert_eq!(exit_of(&error), Exit::NoSlot);
    assert!(!error.to_string().contains("/other"), "{error}");
}

#[test]
fn an_index_of_a_second_server_comes_first() {
    let followed = "services: { cache: { kind: redis, variable: CACHE, main: 0, range: 1-1, container: c } }\n\
                    env: { URL: \"redis://localhost:{cache.port}/{CACHE}\" }";
    let lease = world(followed, &ALL).take("a");
    assert_ne!(lease.parts[0].holds, "1");
}

#[test]
fn they_are_not_chosen_while_they_are_in_use() {
    let mut listening = world(NARROW, &ALL);
    listening.listening.insert(21);
    let mut connected = world(NARROW, &ALL);
    connected.taken.indexes.insert(1, "another client".to_owned());
    for (world, by) in [(listening, "a process listening on 21"), (connected, "another client")] {
        let error = world.plan("x").unwrap_err();
        assert_eq!(exit_of(&error), Exit::NoSlot);
        assert!(error.to_string().contains(by), "{error}");
    }
}

#[test]
fn a_lost_lease_keeps_them() {
    let world = world(WIDE, &ALL);
    let ports = [("PORT", 11), ("NEXT", 21)].map(|(name, port)| (name.to_owned(), port));
    let parts = IndexMap::from([("cache".to_owned(), "1".to_owned())]);
    let held = Held { parts, ports: IndexMap::from(ports), ..Held::default() };
    assert_eq!(slots(&world.restore("x", &held)), (11, 21, "1"));
}

#[test]
fn a_service_with_a_wide_range_takes_one_to_make_room() {
    let text = "services: { cache: { kind: redis, variable: CACHE, main: 0, range: 1-2 }, \
                queue: { kind: redis, variable: QUEUE, main: 0, range: 2-2 } }";
    let lease = world(text, &ALL).plan("x").unwrap().lease;
    let held: Vec<&str> = lease.parts.iter().map(|part| part.holds.as_str()).collect();
    assert_eq!(held, ["1", "2"]);
}
