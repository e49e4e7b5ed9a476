//! What a list of containers tells of one of them.

use super::Container;

/// The container of this name, as either version of compose writes it.
pub fn pick<'a>(containers: &'a [Container], name: &str) -> Option<&'a Container> {
    let by_name = containers.iter().find(|container| container.name == name);
    by_name.or_else(|| containers.iter().find(|container| container.answers_to(name)))
}

impl Container {
    /// The port on this machine at which a TCP port of the container is published.
    pub fn published(&self, port: u16) -> Option<u16> {
        let inside = format!("->{port}/tcp");
        let entry = self.ports.split(", ").find_map(|entry| entry.strip_suffix(&inside))?;
        entry.rsplit(':').next()?.parse().ok()
    }
}
