//! The shared servers' built-in compose file, with whichever compose this machine has.

use crate::common::{Sandbox, servers, wait_until};
use git_agentenv::model::config::{Kind, Place};
use git_agentenv::model::lease::Part;
use git_agentenv::service::{self, Made, Server, State, postgres, redis};
use git_agentenv::sys::compose::Infra;
use std::path::Path;

const ID: &str = "0123456789abcdef01234567";

#[test]
fn the_built_in_servers_come_up_and_keep_their_data_until_it_is_asked_for() {
    servers(); // the images
    let sandbox = Sandbox::new();
    let up = Up::of(&sandbox);
    let (database, index) = (up.part(Kind::Postgres, "app_x", 0), up.part(Kind::Redis, "63", 1));
    up.answer(&[&database, &index]);
    assert_eq!(up.infra.status().unwrap().len(), 2);
    let no_worktree = Path::new("/nowhere");
    for part in [&database, &index] {
        assert_eq!(service::make(part, ID, no_worktree).unwrap(), Made::Ours);
    }
    let occupied = redis::occupied(&Server::of_part(&index)).unwrap();
    assert_eq!(occupied.into_iter().collect::<Vec<_>>(), [63]);

    up.infra.up().unwrap();
    up.infra.down(false).unwrap();
    assert_eq!(up.infra.status().unwrap(), []);
    up.infra.up().unwrap();
    up.answer(&[&database]);
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
            .unwrap()
            .in_project(&sandbox.id)
            .env("AGENTENV_NETWORK", format!("{}_local", sandbox.id))
            .env("AGENTENV_POSTGRES_PORT", ports[0].to_string())
            .env("AGENTENV_REDIS_PORT", ports[1].to_string());
        let up = Up { infra, ports };
        up.infra.up().unwrap();
        up
    }

    fn part(&self, kind: Kind, holds: &str, port: usize) -> Part {
        let service = if kind == Kind::Redis { "redis" } else { "postgres" };
        let project = self.infra.project().to_owned();
        Part {
            service: service.to_owned(),
            kind,
            variable: "VARIABLE".to_owned(),
            holds: holds.to_owned(),
            place: Place::Compose { project, service: service.to_owned() },
            user: "postgres".to_owned(),
            port: self.ports[port],
        }
    }

    fn answer(&self, parts: &[&Part]) {
        for part in parts {
            let server = Server::of_part(part);
            wait_until("the server answers", || service::answers(&server).is_ok());
        }
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.infra.down(true);
    }
}
