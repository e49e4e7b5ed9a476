//! The application's own address among its variables: `SITE_URL=http://localhost:8000`.

use super::Port;
use super::text::last_word;
use super::url::is_local;

/// What such an address begins with, before its port.
const HOSTS: [&str; 4] =
    ["http://localhost:", "http://127.0.0.1:", "https://localhost:", "ws://localhost:"];

/// Schemes of what a browser opens.
const WEB: [&str; 4] = ["http", "https", "ws", "wss"];

/// This machine.
const LOCAL: [&str; 2] = ["localhost", "127.0.0.1"];

/// Whether a value holds an address with a port of this machine.
pub(super) fn holds(value: &str) -> bool {
    let numbered = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    HOSTS.iter().any(|host| value.split(host).skip(1).any(numbered))
}

/// The addresses of this machine in a line, with their ports, for a server of the web.
pub(super) fn addresses(line: &str) -> Vec<(&str, u16)> {
    let found = line.match_indices("://").filter_map(|(at, mark)| {
        let scheme = last_word(&line[..at], |c| c.is_ascii_alphanumeric());
        let rest = &line[at + mark.len()..];
        let (host, after) = rest.split_once(':')?;
        let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let address = &line[at - scheme.len()..at + mark.len() + host.len() + 1 + end];
        let is_it = WEB.contains(&scheme) && is_local(host);
        is_it.then(|| Some((address, after[..end].parse().ok()?))).flatten()
    });
    found.collect()
}

/// The value with the environment's ports in the place of the main checkout's; `None`: it names none of them. In a value that
/// a file gives, a host of the web may be another name of this machine.
pub(super) fn template(value: &str, ports: &[Port], is_given: bool) -> Option<String> {
    let mut text = String::new();
    let mut rest = value;
    let mut is_own = false;
    while let Some(at) = next(rest, is_given) {
        let (before, after) = rest.split_at(at);
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let port = ports.iter().find(|port| port.main.to_string() == after[..digits]);
        is_own |= port.is_some();
        text.push_str(before);
        let written = port.map(|port| format!("{{{}}}", port.variable));
        text.push_str(written.as_deref().unwrap_or(&after[..digits]));
        rest = &after[digits..];
    }
    text.push_str(rest);
    is_own.then_some(text)
}

/// The next `scheme://login@host:` of this machine, whatever the scheme, or of a host name with a dot: where it ends.
fn next(text: &str, is_given: bool) -> Option<usize> {
    text.match_indices("://").find_map(|(at, mark)| {
        let scheme = last_word(&text[..at], |c| c.is_ascii_alphanumeric());
        let start = at + mark.len();
        let rest = &text[start..];
        let end = rest.find(['/', ',', ' ', '?', '#']).unwrap_or(rest.len());
        let login = rest[..end].rfind('@').map_or(0, |at| at + 1);
        let host = &rest[login..end];
        let host = &host[..host.find(':')?];
        let is_name = || is_given && WEB.contains(&scheme) && host.contains('.');
        let is_it = LOCAL.contains(&host) || is_name();
        is_it.then_some(start + login + host.len() + 1)
    })
}

/// Whether a host of a value is only taken for this machine.
pub(super) fn is_guess(value: &str, ports: &[Port]) -> bool {
    template(value, ports, false).is_none() && !value.contains(".localhost:")
}

/// Whether a value is nothing but addresses of this machine: it holds no secret.
pub(super) fn is_bare(value: &str) -> bool {
    let is_address = |text: &str| {
        let Some((scheme, rest)) = text.split_once("://") else { return text.is_empty() };
        let (host, port) = rest.split_once(':').unwrap_or((rest, ""));
        scheme.chars().all(|c| c.is_ascii_alphanumeric())
            && (LOCAL.contains(&host) || host.ends_with(".localhost"))
            && port.chars().all(|c| c.is_ascii_digit())
    };
    value.split([',', ' ']).all(|text| is_address(text.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_more_than_an_address_may_be_a_secret() {
        for bare in ["http://localhost:8000", "http://localhost:1/,https://127.0.0.1:2"] {
            assert!(is_bare(bare), "{bare}");
        }
        for more in ["http://localhost:1/x", "http://localhost:1?t=s", "amqp://me:pw@localhost:1"] {
            assert!(!is_bare(more), "{more}");
        }
    }

    #[test]
    fn own_ports_are_variables_and_others_stay() {
        let port = |variable: &str, main| Port { variable: variable.into(), main, why: "".into() };
        let ports = [port("PORT", 8000), port("VITE_PORT", 5173)];
        for (value, expected) in [
            ("http://localhost:8000", Some("http://localhost:{PORT}")),
            ("http://127.0.0.1:8000/ping/", Some("http://127.0.0.1:{PORT}/ping/")),
            (
                "http://localhost:5173,http://localhost:9000,https://localhost:8000",
                Some("http://localhost:{VITE_PORT},http://localhost:9000,https://localhost:{PORT}"),
            ),
            ("http://localhost:80001", None),
            ("amqp://me:me@localhost:8000/x", Some("amqp://me:me@localhost:{PORT}/x")),
            ("http://localhost/8000", None),
            ("http://api:8000", None),
        ] {
            assert_eq!(template(value, &ports, true).as_deref(), expected, "{value}");
            let is_http = !value.starts_with("amqp");
            let holds_port = value.contains("host:") || value.contains(".1:");
            assert_eq!(holds(value), is_http && holds_port, "{value}");
        }
        for (value, expected) in [
            ("https://local.inn.dev:8000", Some("https://local.inn.dev:{PORT}")),
            ("wss://a.localhost:8000/x", Some("wss://a.localhost:{PORT}/x")),
            ("amqp://mq.inn.dev:8000", None),
            ("https://inn.dev", None),
        ] {
            assert_eq!(template(value, &ports, true).as_deref(), expected, "{value}");
            assert_eq!(template(value, &ports, false), None, "{value}");
        }
    }
}
