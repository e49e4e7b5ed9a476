//! Published ports: moved to those of the environment, or published nowhere.

use super::syntax::{colons, interpolated, scalar};
use serde_yaml::{Mapping, Value};
use std::ops::RangeInclusive;

/// A port of the environment.
#[derive(Debug, Clone)]
pub struct Slot {
    /// The variable that holds it.
    pub variable: String,
    /// The main checkout's port.
    pub main: u16,
    /// The environment's port.
    pub own: u16,
}

/// What becomes of one entry of `ports`: what is published instead, and what is not published, as it was written.
#[derive(Debug, Default)]
pub(super) struct Moved {
    pub(super) ports: Vec<Value>,
    pub(super) hidden: Option<String>,
}

/// One entry, taken apart.
struct Port {
    address: Option<String>,
    /// On this machine, as it was written; empty: any free one.
    host: String,
    target: String,
    protocol: Option<String>,
}

/// Moves one entry. One that publishes any free port stays as it is.
pub(super) fn moved(entry: &Value, slots: &[Slot]) -> Moved {
    let port = match entry {
        Value::Mapping(long) => Port::of_long(long),
        short => Port::of_short(&scalar(short)),
    };
    if port.host.is_empty() {
        return Moved { ports: vec![entry.clone()], hidden: None };
    }
    let ports = port.moved(slots);
    let hidden = ports.is_empty().then(|| port.host.clone());
    Moved { ports, hidden }
}

impl Port {
    /// `[[ADDRESS:]HOST:]CONTAINER[/PROTOCOL]`.
    fn of_short(text: &str) -> Port {
        let (text, protocol) = match text.rsplit_once('/') {
            Some((text, protocol)) => (text, Some(protocol.to_owned())),
            None => (text, None),
        };
        let (address, host, target) = match *colons(text) {
            [address, host, target] => (Some(address.to_owned()), host, target),
            [host, target] => (None, host, target),
            [target] => (None, "", target),
            _ => (None, text, ""),
        };
        Port { address, host: host.to_owned(), target: target.to_owned(), protocol }
    }

    fn of_long(long: &Mapping) -> Port {
        let text = |key: &str| long.get(key).map(scalar).filter(|text| !text.is_empty());
        Port {
            address: text("host_ip"),
            host: text("published").unwrap_or_default(),
            target: text("target").unwrap_or_default(),
            protocol: text("protocol"),
        }
    }

    fn moved(&self, slots: &[Slot]) -> Vec<Value> {
        let (value, variable) = interpolated(&self.host);
        if let Some(slot) = slots.iter().find(|slot| Some(&slot.variable) == variable.as_ref()) {
            return vec![self.published(slot.own, &self.target)];
        }
        let (Some(hosts), targets) = (range(&value), range(&interpolated(&self.target).0)) else {
            return Vec::new();
        };
        let target = |at: usize| match &targets {
            Some(targets) if hosts.len() > 1 && targets.len() == hosts.len() => {
                targets.clone().nth(at).map(|target| target.to_string())
            }
            _ => Some(self.target.clone()),
        };
        let found = hosts.clone().enumerate().filter_map(|(at, host)| {
            let slot = slots.iter().find(|slot| slot.main == host)?;
            Some(self.published(slot.own, &target(at)?))
        });
        found.collect()
    }

    /// As an entry. YAML 1.1, which version 1 of compose reads, takes `8012:22` for a number in base 60; and that
    /// version knows no address in the long form.
    fn published(&self, host: u16, target: &str) -> Value {
        let number = target.parse::<u16>().ok();
        match (&self.address, number) {
            (None, Some(target)) => {
                let mut long = Mapping::new();
                long.insert("target".into(), target.into());
                long.insert("published".into(), host.into());
                long.insert("protocol".into(), self.protocol.as_deref().unwrap_or("tcp").into());
                long.into()
            }
            (address, _) => {
                let address = address.as_ref().map_or("0.0.0.0", String::as_str);
                let protocol = self.protocol.as_ref().map(|protocol| format!("/{protocol}"));
                format!("{address}:{host}:{target}{}", protocol.unwrap_or_default()).into()
            }
        }
    }
}

/// `8000` or `8000-8010`.
fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(entry: &str) -> (Vec<String>, Option<String>) {
        let slots = [("WEB_PORT", 8000, 8012), ("API_PORT", 3003, 3103)];
        let slots =
            slots.map(|(variable, main, own)| Slot { variable: variable.to_owned(), main, own });
        let moved = moved(&serde_yaml::from_str(entry).unwrap(), &slots);
        let line = |value: &Value| match value {
            Value::Mapping(long) => long.values().map(scalar).collect::<Vec<_>>().join(" "),
            short => scalar(short),
        };
        (moved.ports.iter().map(line).collect(), moved.hidden)
    }

    #[test]
    fn ports_move_to_the_environments_in_every_form() {
        for (entry, ports) in [
            ("'8000:80'", &["80 8012 tcp"][..]),
            ("'${WEB_PORT:-1}:80'", &["80 8012 tcp"]),
            ("'${OTHER:-8000}:80/udp'", &["80 8012 udp"]),
            ("'127.0.0.1:8000:80/tcp'", &["127.0.0.1:8012:80/tcp"]),
            ("'[::1]:8000:80'", &["[::1]:8012:80"]),
            ("'8000:${INSIDE:-80}'", &["0.0.0.0:8012:${INSIDE:-80}"]),
            ("{ target: 80, published: '8000', mode: host }", &["80 8012 tcp"]),
            ("{ target: 80, published: 8000, host_ip: 127.0.0.1 }", &["127.0.0.1:8012:80"]),
            ("'3000-3005:4000-4005'", &["4003 3103 tcp"]),
            ("'8000-8001:80'", &["80 8012 tcp"]),
            ("8000", &["8000"]),
            ("'127.0.0.1::80'", &["127.0.0.1::80"]),
            ("{ target: 80 }", &["80"]),
        ] {
            assert_eq!(
                shown(entry),
                (ports.iter().map(|p| (*p).to_owned()).collect(), None),
                "{entry}"
            );
        }
    }

    #[test]
    fn a_port_that_is_no_environments_is_not_published() {
        for (entry, hidden) in [
            ("'9000:80'", "9000"),
            ("'${OTHER}:80'", "${OTHER}"),
            ("'9000-9005:80-85'", "9000-9005"),
            ("{ target: 80, published: 9000 }", "9000"),
        ] {
            assert_eq!(shown(entry), (Vec::new(), Some(hidden.to_owned())), "{entry}");
        }
    }
}
