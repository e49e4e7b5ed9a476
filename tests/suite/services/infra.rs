//! The shared servers' built-in compose file, with whichever compose this machine has.

use crate::common::{Sandbox, servers, wait_until};
use git_agentenv::model::config::{Kind, Place};
use git_agentenv::service::{self, Database, Made, RedisIndex, Resource, Server, State};
use git_agentenv::service::{postgres, redis};
use git_agentenv::sys::compose::Infra;

const ID: &str = "0123456789abcdef01234567";

#[test]
fn the_built_in_servers_come_up_and_keep_their_data_until_it_is_asked_for() {
    servers(); // the images
    let sandbox = Sandbox::new();
    let up = Up::of(&sandbox);
    let (postgres_server, redis_server) = (up.server(Kind::Postgres, 0), up.server(Kind::Redis, 1));
    let database = Database::new(&postgres_server, "app_x");
    let index = RedisIndex { server: redis_server.clone(), index: 63, claimed_on: None };
    answer(&[&postgres_server, &redis_server]);
    assert_eq!(up.infra.status().unwrap().len(), 2);
    for resource in [Resource::Database(database.clone()), Resource::RedisIndex(index)] {
        assert!(matches!(service::create(&resource, ID, None).unwrap(), Made::Ours(_)));
    }
    for (setting, value) in [("max_connections", "500"), ("max_locks_per_transaction", "256")] {
        let sql = format!("SHOW {setting}");
        let shown = postgres::client(&database, &["-Atc", &sql], false).unwrap().read().unwrap();
        assert_eq!(shown, value, "{setting}");
    }
    // A busy server still lists the clients of a moment ago, on the index where all begin.
    wait_until("only the index that was claimed is occupied", || {
        redis::occupied(&redis_server).unwrap().into_keys().eq([63])
    });

    up.infra.up().unwrap();
    up.infra.down(false).unwrap();
    assert_eq!(up.infra.status().unwrap(), []);
    up.infra.up().unwrap();
    answer(&[&postgres_server]);
    assert_eq!(postgres::state(&database, ID).unwrap(), State::Ours);
}

struct Up {
    infra: Infra,
    ports: [u16; 2],
}

impl Up {
    fn of(sandbox: &Sandbox) -> Self {
        let ports = [*sandbox.ports().start(), *sandbox.ports().start() + 1];
        let infra = Infra::of(None)
            .in_project(&sandbox.id)
            .env("AGENTENV_NETWORK", format!("{}_local", sandbox.id))
            .env("AGENTENV_POSTGRES_PORT", ports[0].to_string())
            .env("AGENTENV_REDIS_PORT", ports[1].to_string());
        let up = Up { infra, ports };
        up.infra.up().unwrap();
        up
    }

    fn server(&self, kind: Kind, port: usize) -> Server {
        let service = if kind == Kind::Redis { "redis" } else { "postgres" };
        let project = self.infra.project().to_owned();
        Server {
            kind,
            place: Place::Compose { project, service: service.to_owned() },
            user: "postgres".to_owned(),
            port: self.ports[port],
            password_env: None,
        }
    }
}

fn answer(servers: &[&Server]) {
    for server in servers {
        wait_until("the server answers", || service::ping(server).is_ok());
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.infra.down(true);
    }
}
