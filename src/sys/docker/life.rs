//! How a container is, by what the engine says of it.

use super::Container;

/// A container's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// It runs; a paused one does too.
    Up {
        /// For how many seconds, as exactly as the engine tells: whole minutes, hours or days.
        seconds: u64,
        /// Its health check has not passed: not yet, or no more.
        unhealthy: bool,
    },
    /// The engine starts it again and again.
    Restarting,
    /// It has ended with this exit code.
    Ended(i32),
    /// It was never started.
    Created,
}

impl Container {
    /// How it is. The forms are those of `State.String` and `units.HumanDuration` in Docker's engine.
    pub fn life(&self) -> Life {
        let status = self.status.as_str();
        let code = || status.split(['(', ')']).nth(1)?.parse().ok();
        if let Some(since) = status.strip_prefix("Up ") {
            let unhealthy = ["(unhealthy)", "(health: starting)"];
            let unhealthy = unhealthy.iter().any(|words| since.ends_with(words));
            return Life::Up { seconds: seconds(since), unhealthy };
        }
        match status.split(' ').next() {
            Some("Restarting") => Life::Restarting,
            Some("Exited") => Life::Ended(code().unwrap_or(0)),
            Some("Created") => Life::Created,
            // `Dead` and `Removal In Progress`: killed, and on the way out.
            _ => Life::Ended(137),
        }
    }

    /// The ports on this machine at which it is published, in order.
    pub fn ports(&self) -> Vec<u16> {
        let entries = self.ports.split(", ").filter_map(|entry| entry.split_once("->"));
        let ranges = entries.filter_map(|(outside, _)| range(outside.rsplit(':').next()?));
        let mut ports: Vec<u16> = ranges.flatten().collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }
}

/// `8012`, or `7000-7002`: the engine joins neighbours.
fn range(text: &str) -> Option<std::ops::RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

/// `2 hours`, `About a minute`, `Less than a second`.
fn seconds(since: &str) -> u64 {
    const UNITS: [(&str, u64); 7] = [
        ("second", 1),
        ("minute", 60),
        ("hour", 3_600),
        ("day", 86_400),
        ("week", 7 * 86_400),
        ("month", 30 * 86_400),
        ("year", 365 * 86_400),
    ];
    let mut words = since.split(' ');
    let count = match words.next() {
        Some("Less") => return 0,
        // `a` or `an` follows.
        Some("About") => words.next().map_or(0, |_| 1),
        Some(count) => count.parse().unwrap_or(0),
        None => 0,
    };
    let unit = words.next().unwrap_or_default();
    let unit = UNITS.iter().find(|(name, _)| unit.starts_with(name)).map_or(0, |(_, unit)| *unit);
    count * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(status: &str, ports: &str) -> Container {
        let line = serde_json::json!({
            "name": "x", "image": "x", "status": status, "ports": ports,
            "project": "p", "service": "s", "number": "1", "dir": "/",
        });
        serde_json::from_value(line).unwrap()
    }

    #[test]
    fn what_the_engine_says_of_a_container_is_read() {
        let up = |seconds, unhealthy| Life::Up { seconds, unhealthy };
        for (status, life) in [
            ("Up Less than a second", up(0, false)),
            ("Up 1 second", up(1, false)),
            ("Up 59 seconds (health: starting)", up(59, true)),
            ("Up About a minute (healthy)", up(60, false)),
            ("Up 5 minutes (unhealthy)", up(300, true)),
            ("Up About an hour (Paused)", up(3_600, false)),
            ("Up 3 days", up(3 * 86_400, false)),
            ("Exited (0) 2 minutes ago", Life::Ended(0)),
            ("Exited (137) About an hour ago", Life::Ended(137)),
            ("Restarting (1) 3 seconds ago", Life::Restarting),
            ("Created", Life::Created),
            ("Dead", Life::Ended(137)),
        ] {
            assert_eq!(container(status, "").life(), life, "{status}");
        }
    }

    #[test]
    fn published_ports_are_those_of_this_machine() {
        for (text, ports) in [
            ("", vec![]),
            ("8000/tcp", vec![]),
            ("0.0.0.0:8012->8000/tcp, [::]:8012->8000/tcp, 9000/tcp", vec![8012]),
            (
                "127.0.0.1:7000-7002->7000-7002/tcp, 127.0.0.1:53->53/udp",
                vec![53, 7000, 7001, 7002],
            ),
        ] {
            assert_eq!(container("Up 1 second", text).ports(), ports, "{text}");
        }
    }
}
