//! What a list of containers tells of one of them.

use super::Container;
use crate::model::config::Place;

/// The container of this name, as either version of compose writes it.
pub fn pick<'a>(containers: &'a [Container], name: &str) -> Option<&'a Container> {
    let by_name = containers.iter().find(|container| container.name == name);
    by_name.or_else(|| containers.iter().find(|container| container.answers_to(name)))
}

impl Container {
    /// The addresses and ports on this machine at which a TCP port of the container is published. The engine joins ports in a
    /// row (`7000-7002->7000-7002/tcp`): these are left out.
    pub(super) fn bindings(&self, port: u16) -> impl Iterator<Item = (String, String)> {
        let inside = format!("->{port}/tcp");
        self.ports.split(", ").filter_map(move |entry| {
            let (ip, port) = entry.strip_suffix(&inside)?.rsplit_once(':')?;
            Some((ip.trim_matches(['[', ']']).to_owned(), port.to_owned()))
        })
    }

    /// Whether a server at this place is in it; one on the host is known by the port at which it is reached.
    pub fn is_at(&self, place: &Place, port: u16) -> bool {
        match place {
            Place::Host => self.ports().contains(&port),
            Place::Container(name) => self.name == *name || self.answers_to(name),
            Place::Compose { project, service } => {
                (&self.project, &self.service) == (project, service)
            }
        }
    }

    /// The port on this machine at which a TCP port of the container is published.
    pub fn published(&self, port: u16) -> Option<u16> {
        let inside = format!("->{port}/tcp");
        let entry = self.ports.split(", ").find_map(|entry| entry.strip_suffix(&inside))?;
        entry.rsplit(':').next()?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn the_addresses_of_a_published_port_keep_their_family() {
        let container = |ports: &str| Container {
            name: "x".to_owned(),
            image: String::new(),
            status: "Up 1 second".to_owned(),
            ports: ports.to_owned(),
            project: String::new(),
            service: String::new(),
            number: String::new(),
            dir: PathBuf::new(),
        };
        let of = |ports: &str| container(ports).bindings(6379).collect::<Vec<_>>();
        let at = |ip: &str| (ip.to_owned(), "7000".to_owned());
        assert_eq!(
            of("0.0.0.0:7000->6379/tcp, [::1]:7000->6379/tcp, 6380/tcp"),
            [at("0.0.0.0"), at("::1")]
        );
        assert_eq!(of(":::7000->6379/tcp"), [at("::")]);
        assert!(
            of("6379/tcp, 127.0.0.1:7000-7002->6379-6381/tcp, 1.2.3.4:9->16379/tcp").is_empty()
        );
    }
}
