//! The application's own address among its variables: `SITE_URL=http://localhost:8000`.

use super::Port;

/// What such an address begins with, before its port.
const HOSTS: [&str; 4] =
    ["http://localhost:", "http://127.0.0.1:", "https://localhost:", "ws://localhost:"];

/// Whether a value holds an address with a port of this machine.
pub(super) fn holds(value: &str) -> bool {
    let numbered = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    HOSTS.iter().any(|host| value.split(host).skip(1).any(numbered))
}

/// The value with the environment's ports in the place of the main checkout's; `None`: it names none of them.
pub(super) fn template(value: &str, ports: &[Port]) -> Option<String> {
    let mut text = String::new();
    let mut rest = value;
    let mut is_own = false;
    while let Some((at, host)) = next(rest) {
        let (before, after) = rest.split_at(at + host.len());
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

fn next(text: &str) -> Option<(usize, &'static str)> {
    HOSTS.iter().filter_map(|host| Some((text.find(host)?, *host))).min()
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("http://localhost/8000", None),
            ("http://api:8000", None),
        ] {
            assert_eq!(template(value, &ports).as_deref(), expected, "{value}");
            assert_eq!(holds(value), value.contains("host:") || value.contains(".1:"), "{value}");
        }
    }
}
