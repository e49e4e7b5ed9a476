//! Ports that a program listens on, whatever the environment says.

use super::paths::name;
use super::plain;
use super::ports::{SERVERS_PORTS, UNPRIVILEGED};
use super::reads::literal;
use super::sections::is_comment;
use super::seen::Seen;
use super::{Port, Project};

/// How programs of a language listen.
pub(super) struct Language {
    manifest: &'static str,
    /// The ending of its files.
    end: &'static str,
    /// Calls that do nothing else.
    pub(super) listening: &'static [&'static str],
    /// Calls that listen where they get an address.
    pub(super) others: &'static [&'static str],
}

/// An address of a socket by itself is none of them, as it may be that of another server.
pub(super) const LANGUAGES: [Language; 2] = [
    Language {
        manifest: "Cargo.toml",
        end: ".rs",
        listening: &["TcpListener::bind(", "Server::bind("],
        others: &[".bind("],
    },
    Language {
        manifest: "go.mod",
        end: ".go",
        listening: &["ListenAndServe(", "ListenAndServeTLS(", "net.Listen("],
        others: &[".Listen(", ".Run(", ".Start("],
    },
];

/// What an address that a program is given holds: the name of a variable, or the mark before a port.
pub(super) const ADDRESS: [&str; 3] = ["addr", "port", "\":"];

/// Where a call listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Port(u16),
    /// Where a value says it.
    Value,
}

/// The place that says the one port which the program of a manifest listens on, if it listens on no other.
pub(super) fn of(seen: &Seen, manifest: &str) -> Option<(String, u16)> {
    let language = LANGUAGES.iter().find(|language| language.manifest == name(manifest))?;
    let files = seen.files.iter().chain(&seen.others);
    let is_code = |(path, text): &(&String, &String)| {
        path.ends_with(language.end) && plain::is_tracked(seen, path, text)
    };
    let found = files.filter(is_code).flat_map(|(path, text)| {
        let text = plain::without_tests(path, text);
        let lines = text.lines().enumerate().filter(|(_, line)| !is_comment(line));
        let each = lines.filter_map(|(at, line)| {
            Some((format!("{path}:{}", at + 1), in_line(line, language)?))
        });
        each.collect::<Vec<_>>()
    });
    let port = |(place, at)| if let At::Port(port) = at { Some((place, port)) } else { None };
    let found: Vec<(String, u16)> = found.map(port).collect::<Option<_>>()?;
    let first = found.first()?;
    found.iter().all(|(_, port)| *port == first.1).then(|| first.clone())
}

/// Where a line listens, if it does. On the port of a server that applications use, it is a client.
fn in_line(line: &str, language: &Language) -> Option<At> {
    let argument = |calls: &[&str]| calls.iter().find_map(|call| Some(line.split_once(call)?.1));
    let listening = argument(language.listening);
    let text = listening.or_else(|| argument(language.others))?;
    match port(text) {
        Some(port) if SERVERS_PORTS.contains(&port) => None,
        Some(port) if port >= UNPRIVILEGED => Some(At::Port(port)),
        _ => {
            let inside = text.split(')').next().unwrap_or_default().to_lowercase();
            let is_address = || ADDRESS.iter().any(|word| inside.contains(word));
            (listening.is_some() || is_address()).then_some(At::Value)
        }
    }
}

/// The port in what a call gets: `"0.0.0.0:8080"`, `("127.0.0.1", 8080)`, `([127, 0, 0, 1], 8080)`.
fn port(text: &str) -> Option<u16> {
    let text = text.strip_prefix("&SocketAddr::from(").unwrap_or(text);
    let rest = text.trim_start_matches(['&', '(', '[']);
    let behind = |text: &str| Some(text.strip_prefix(',')?.trim_start().to_owned());
    let number = match literal(rest) {
        Some((text, after)) => match text.rsplit_once(':') {
            Some((_, port)) => port.to_owned(),
            None => behind(after)?,
        },
        None => behind(rest.split_once(']')?.1)?,
    };
    let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..digits].parse().ok()
}

/// Says that the program listens there in every environment, and takes it for the main checkout's port.
pub(super) fn find(project: &mut Project, seen: &Seen) {
    let mut manifests = LANGUAGES.iter().filter_map(|one| seen.named(one.manifest).next());
    let Some((place, main)) = manifests.find_map(|manifest| of(seen, manifest)) else { return };
    let variable = "PORT".to_owned();
    project.notes.push(format!(
        "{place}: the server listens on port {main} in every environment: make it read a variable, {variable}"
    ));
    project.ports.push(Port { variable, main, why: place });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_found_where_no_variable_decides_them() {
        let [rust, go] = &LANGUAGES;
        let at = |port| Some(At::Port(port));
        for (line, language, expected) in [
            ("axum::Server::bind(&\"0.0.0.0:8080\".parse()?)", rust, at(8080)),
            ("TcpListener::bind(\"127.0.0.1:3000\").await", rust, at(3000)),
            (".bind((\"127.0.0.1\", 8081))?", rust, at(8081)),
            ("Server::bind(&SocketAddr::from(([127, 0, 0, 1], 3000)))", rust, at(3000)),
            ("let addr = SocketAddr::from(([127, 0, 0, 1], 3000));", rust, None),
            ("UdpSocket::bind(\"0.0.0.0:9125\")", rust, None),
            ("TcpListener::bind(\"127.0.0.1:6379\")", rust, None),
            ("TcpListener::bind(\"127.0.0.1:0\")", rust, Some(At::Value)),
            ("TcpListener::bind(format!(\"0.0.0.0:{}\", port))", rust, Some(At::Value)),
            (".bind(&address)", rust, Some(At::Value)),
            (".bind(id).bind(\"a: 2024\")", rust, None),
            ("http.ListenAndServe(\":8080\", r)", go, at(8080)),
            ("router.Run(\":9000\")", go, at(9000)),
            ("e.Start(\":\" + port)", go, Some(At::Value)),
            ("net.Listen(\"tcp\", \":9000\")", go, Some(At::Value)),
            ("t.Run(\"a case: 1500\", func() {", go, None),
            ("app.Listen(os.Getenv(\"ADDR\"))", go, Some(At::Value)),
            ("cmd.Run()", go, None),
        ] {
            assert_eq!(in_line(line, language), expected, "{line}");
        }
    }

    #[test]
    fn a_port_is_the_applications_only_where_the_program_listens_on_no_other() {
        let found = |manifest: &str, files: &[(&str, &str)]| {
            let own = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
            let others: std::collections::BTreeMap<_, _> = files.iter().map(own).collect();
            let tracked = others.keys().cloned().collect();
            of(&Seen { others, tracked, ..Seen::default() }, manifest).map(|(_, port)| port)
        };
        let serve = ("main.go", "http.ListenAndServe(\":8080\", nil)\n");
        let value = ("serve.go", "s := http.Server{Addr: cfg.Addr}\ns.ListenAndServe()\n");
        let own = ("src/main.rs", "let l = TcpListener::bind(\"0.0.0.0:8080\");\n");
        assert_eq!(found("go.mod", &[serve]), Some(8080));
        assert_eq!(found("go.mod", &[serve, value]), None);
        assert_eq!(found("go.mod", &[serve, ("a.go", "metrics.Start(\":9090\")\n")]), None);
        assert_eq!(found("go.mod", &[serve, ("a.go", "cmd.Run()\nt.Start(ctx)\n")]), Some(8080));
        assert_eq!(found("go.mod", &[serve, ("a.go", "router.Run(cfg.Addr)\n")]), None);
        assert_eq!(found("Cargo.toml", &[own]), Some(8080));
        for other in [
            "UdpSocket::bind(\"0.0.0.0:9125\");\n",
            "connect(SocketAddr::from(([127, 0, 0, 1], 9000)));\n",
            "query.bind(id);\n",
        ] {
            let other = ("src/other.rs", other);
            assert_eq!(found("Cargo.toml", &[other]), None, "{other:?}");
            assert_eq!(found("Cargo.toml", &[own, other]), Some(8080), "{other:?}");
        }
        let value = ("src/other.rs", "TcpListener::bind(&config.addr);\n");
        assert_eq!(found("Cargo.toml", &[own, value]), None);
    }
}
