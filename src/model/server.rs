//! A shared server, as a lease or a configuration names it.

use super::config::{Kind, Place, Service};
use super::lease::Part;
use serde::{Deserialize, Serialize};

/// A shared server.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Server {
    /// What kind it is.
    pub kind: Kind,
    /// Where it runs.
    pub place: Place,
    /// The user to connect as.
    pub user: String,
    /// The port on this machine where applications reach it.
    pub port: u16,
    /// The variable that holds its password.
    pub password_env: Option<String>,
}

impl Server {
    /// The server of a lease's part; `None` for a file.
    pub fn of_part(part: &Part) -> Option<Self> {
        (part.kind != Kind::Sqlite).then(|| Server {
            kind: part.kind,
            place: part.place.clone(),
            user: part.user.clone(),
            port: part.port,
            password_env: part.password_env.clone(),
        })
    }

    /// The server of a configured service; `None` for a file.
    pub fn of_service(service: &Service) -> Option<Self> {
        (service.kind != Kind::Sqlite).then(|| Server {
            kind: service.kind,
            place: service.place.clone(),
            user: service.user.clone(),
            port: service.port,
            password_env: service.password_env.clone(),
        })
    }

    /// What tells it from other servers, however it is reached.
    pub fn stands_at(&self) -> (Kind, Place, u16) {
        (self.kind, self.place.clone(), self.port)
    }

    /// What messages call it.
    pub fn title(&self) -> String {
        self.place.title()
    }
}

impl Place {
    /// What messages call it: the container's name, `project/service`, or `localhost`.
    pub fn title(&self) -> String {
        match self {
            Place::Container(name) => name.clone(),
            Place::Compose { project, service } => format!("{project}/{service}"),
            Place::Host => "localhost".to_owned(),
        }
    }
}
