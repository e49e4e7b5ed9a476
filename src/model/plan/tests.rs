mod mains;

use super::*;
use crate::error::{Exit, exit_of, hint_of};
use crate::model::slot::Taken;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn request(branch: &str) -> Request {
    let start = Start::New { commit: "c0ffee".to_owned(), from: None };
    Request {
        target: Target::Branch { name: branch.to_owned(), start },
        path: None,
        adopted: false,
        data: Data::default(),
    }
}

struct World {
    config: Config,
    repository: PathBuf,
    main: PathBuf,
    taken: Taken,
    listening: BTreeSet<u16>,
    standing: BTreeSet<PathBuf>,
}

impl World {
    fn new() -> World {
        World {
            config: Config::default(),
            repository: "/home/me/shop/.git".into(),
            main: "/home/me/shop".into(),
            taken: Taken::default(),
            listening: BTreeSet::new(),
            standing: BTreeSet::new(),
        }
    }

    fn plan(&self, branch: &str) -> Result<Plan> {
        self.with_facts(|facts| add(&self.config, facts, request(branch)))
    }

    fn restore(&self, branch: &str, held: &Held) -> Lease {
        let restored =
            self.with_facts(|facts| restore(&self.config, facts, &request(branch), held));
        restored.unwrap().lease
    }

    fn with_facts<T>(&self, plan: impl FnOnce(&Facts<'_>) -> T) -> T {
        let facts = Facts {
            id: "0123456789abcdef01234567".to_owned(),
            repository: &self.repository,
            main: &self.main,
            repo_name: "shop".to_owned(),
            taken: &self.taken,
            port_free: &|port| !self.listening.contains(&port),
            path_free: &|path| !self.standing.contains(path),
        };
        plan(&facts)
    }

    /// Plans and from then on counts what the plan holds as taken, as the leases do.
    fn take(&mut self, branch: &str) -> Lease {
        let lease = self.plan(branch).unwrap().lease;
        let holder = || format!("the environment `{}`", lease.name);
        self.taken.ports.extend(lease.ports.values().map(|&port| (port, holder())));
        for part in &lease.parts {
            match part.kind {
                Kind::Redis => {
                    drop(self.taken.indexes.insert(part.holds.parse().unwrap(), holder()))
                }
                _ => drop(self.taken.databases.insert(part.holds.clone(), holder())),
            }
        }
        self.taken.projects.insert(lease.project.clone(), holder());
        self.taken.names.insert(lease.name.clone(), holder());
        self.standing.insert(lease.path.clone());
        lease
    }
}

#[test]
fn the_defaults_are_the_articles() {
    let lease = World::new().plan("feature-x").unwrap().lease;
    let vars: Vec<String> =
        lease.vars.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        vars,
        [
            "COMPOSE_PROJECT_NAME=shop-feature-x",
            "DJANGO_PORT=8012",
            "VITE_PORT=5174",
            "POSTGRES_DB=app_feature_x",
            "REDIS_DB=1",
            "GN_PROJECT_NAME=shop-feature-x",
            "DATABASE_URL=postgres://postgres@localhost:5432/app_feature_x",
            "REDIS_URL=redis://localhost:6379/1",
        ]
    );
    assert_eq!(lease.path, Path::new("/home/me/shop-feature-x"));
}

#[test]
fn what_leases_files_and_listeners_hold_is_avoided() {
    let mut world = World::new();
    world.taken.ports.insert(8012, "../old/.env.worktree".to_owned());
    world.listening.insert(8013);
    // 8014 is free, but not the port that follows it.
    world.listening.insert(5176);
    world.taken.indexes.insert(1, "another client".to_owned());
    let lease = world.plan("x").unwrap().lease;
    assert_eq!((lease.ports["DJANGO_PORT"], lease.ports["VITE_PORT"]), (8015, 5177));
    assert_eq!(lease.vars["REDIS_DB"], "2");
}

#[test]
fn when_all_are_taken_the_holders_are_named() {
    let mut world = World::new();
    world.config.env.clear();
    (0..15).for_each(|n| drop(world.take(&format!("b{n}"))));
    let error = world.plan("one-too-many").unwrap_err();
    assert_eq!(exit_of(&error), Exit::NoSlot);
    assert!(error.to_string().contains("15: the environment `b14`"), "{error}");
    assert!(hint_of(&error).unwrap().contains("services.redis.range"));
}

#[test]
fn where_addresses_follow_a_second_server_has_more_indexes() {
    let mut world = World::new();
    let second = world.config.services["redis"].clone();
    world
        .config
        .services
        .insert("queue".to_owned(), Service { variable: "QUEUE_DB".into(), ..second });
    world.config.env.insert("QUEUE_PORT".into(), "{queue.port}".into());
    (0..7).for_each(|n| drop(world.take(&format!("b{n}"))));
    // One index is left on the first server; the services share the second.
    let of_redis = |lease: &Lease| {
        lease.parts.iter().filter(|part| part.kind == Kind::Redis).cloned().collect::<Vec<_>>()
    };
    let lease = world.take("eighth");
    let parts = of_redis(&lease);
    let place = |part: &Part| (part.holds.clone(), part.place.title(), part.port);
    assert_eq!(place(&parts[0]), ("15".into(), "agentenv-redis-1".into(), 6379));
    let (index, name, port) = place(&parts[1]);
    assert_eq!((&*index, &*name), ("64", "agentenv-redis-1-01234567-overflow"));
    assert_eq!(lease.vars["QUEUE_PORT"], port.to_string());
    assert_eq!(lease.vars["REDIS_URL"], "redis://localhost:6379/15");

    // A server that is known keeps its port, though it listens there; another one would get the next.
    world.listening.insert(port);
    world.taken.take_overflow(&parts[1].place, port);
    let lease = world.take("ninth");
    assert_eq!(of_redis(&lease).iter().map(|part| part.port).collect::<Vec<_>>(), [port, port]);
    assert_eq!(lease.vars["REDIS_URL"], format!("redis://localhost:{port}/65"));
    world.taken.overflow.clear();
    let lease = world.take("tenth");
    assert_ne!(of_redis(&lease)[0].port, port);
}

#[test]
fn the_same_branch_in_three_repositories_shares_nothing() {
    let mut world = World::new();
    let mut databases = BTreeSet::new();
    for repository in ["/a/shop/.git", "/b/shop/.git", "/c/shop/.git"] {
        world.repository = repository.into();
        world.main = world.repository.parent().unwrap().to_owned();
        world.taken.names.clear();
        let lease = world.take("feature-x");
        assert!(databases.insert(lease.vars["POSTGRES_DB"].clone()));
    }
}

#[test]
fn a_path_that_is_taken_gives_another_name() {
    let mut world = World::new();
    world.standing.insert("/home/me/shop-x".into());
    let lease = world.plan("x").unwrap().lease;
    assert!(
        lease.path.to_string_lossy().starts_with("/home/me/shop-x-"),
        "{}",
        lease.path.display()
    );
}

#[test]
fn a_lost_lease_gets_what_its_marks_name_and_no_other_name() {
    let mut world = World::new();
    let other = world.take("feature/x");
    let lost = world.take("feature-x");
    // Its application listens, and the other environment is gone: the plain name is free now.
    world.listening.insert(lost.ports["DJANGO_PORT"]);
    world.taken.names.remove(&other.name);
    world.taken.names.remove(&lost.name);
    world.taken.ports.retain(|_, holder| !holder.contains(&lost.name));
    world.taken.projects.clear();
    world.standing.clear();
    let parts = lost.parts.iter().map(|part| (part.service.clone(), part.holds.clone())).collect();
    let held = Held { parts, ports: lost.ports.clone(), ..Held::default() };
    let restored = world.restore("feature-x", &held);
    assert_eq!((&restored.name, &restored.ports), (&lost.name, &lost.ports));
    assert_eq!(restored.parts, lost.parts);

    // A port that another lease holds by now is not taken from it.
    world.taken.ports.insert(lost.ports["VITE_PORT"], "another".to_owned());
    let restored = world.restore("feature-x", &held);
    assert_ne!(restored.ports, lost.ports);
    assert_eq!(restored.parts, lost.parts);
}

#[test]
fn a_service_with_a_wide_range_makes_room_for_a_narrow_one() {
    let mut world = World::new();
    let service = world.config.services["redis"].clone();
    let ranges = [("redis", (1, 3)), ("cache", (1, 1)), ("queue", (1, 2))];
    for (name, range) in ranges {
        let service =
            Service { range: Some(range), variable: name.to_uppercase(), ..service.clone() };
        world.config.services.insert(name.to_owned(), service);
    }
    world.config.env.clear();
    let lease = world.plan("x").unwrap().lease;
    let index =
        |name: &str| lease.parts.iter().find(|part| part.service == name).unwrap().holds.clone();
    assert_eq!(["redis", "cache", "queue"].map(index), ["3", "1", "2"]);
    world.taken.indexes.insert(3, "another client".to_owned());
    assert_eq!(exit_of(&world.plan("x").unwrap_err()), Exit::NoSlot);
}

#[test]
fn a_database_is_never_the_environment_file() {
    let mut world = World::new();
    let redis = world.config.services["redis"].clone();
    let file = world.config.env_file.clone();
    let sqlite = Service { kind: Kind::Sqlite, name: file, variable: "FILE".to_owned(), ..redis };
    world.config.services.insert("sqlite".to_owned(), sqlite);
    let error = world.plan("x").unwrap_err();
    assert_eq!(exit_of(&error), Exit::Config);
    assert!(error.to_string().contains("services.sqlite"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_two_environments_share_anything(branches in proptest::collection::btree_set("[a-zA-Z/_.é-]{1,12}", 1..15)) {
        let mut world = World::new();
        let leases: Vec<Lease> = branches.iter().map(|branch| world.take(branch)).collect();
        for (n, one) in leases.iter().enumerate() {
            for other in &leases[..n] {
                prop_assert_ne!(&one.name, &other.name);
                prop_assert_ne!(&one.path, &other.path);
                prop_assert_ne!(&one.project, &other.project);
                prop_assert!(one.ports.values().all(|port| !other.ports.values().any(|taken| taken == port)));
                prop_assert!(one.parts.iter().zip(&other.parts).all(|(a, b)| a.holds != b.holds));
            }
        }
    }
}

#[test]
fn no_service_gets_the_main_index_of_another() {
    let mut world = World::new();
    let text = "services: { cache: { kind: redis, variable: CACHE, main: 0 }, \
                broker: { kind: redis, variable: BROKER, main: 1 } }";
    world.config = Config::parse("f", text).unwrap();
    let lease = world.take("a");
    let holds: Vec<&str> = lease.parts.iter().map(|part| part.holds.as_str()).collect();
    assert_eq!(holds, ["2", "3"]);
}

#[test]
fn every_environment_of_one_commit_finds_a_name() {
    let mut world = World::new();
    let mut names = BTreeSet::new();
    for number in 0..8 {
        let target =
            Target::Detached { commit: "c0ffee".to_owned(), named: "detached-c0ffee".to_owned() };
        let request = Request { target, path: None, adopted: false, data: Data::default() };
        let planned = world.with_facts(|facts| {
            let id = format!("0123456789abcdef0000000{number}");
            identity::choose(
                &world.config,
                &Facts { id, repo_name: "shop".to_owned(), ..*facts },
                &request,
            )
        });
        let name = planned.unwrap().name;
        world.taken.names.insert(name.clone(), "another".to_owned());
        names.insert(name);
    }
    assert_eq!(names.len(), 8);
}
