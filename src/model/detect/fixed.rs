//! Ports that a program listens on, whatever the environment says.

use super::paths::name;
use super::plain;
use super::ports::UNPRIVILEGED;
use super::reads::literal;
use super::sections::is_comment;
use super::seen::Seen;
use super::{Port, Project};

/// Manifests, the ending of their language's files, and calls that listen.
const LANGUAGES: [(&str, &str, &[&str]); 2] = [
    ("Cargo.toml", ".rs", &["bind(", "SocketAddr::from("]),
    ("go.mod", ".go", &["ListenAndServe(", ".Listen(", ".Run(", ".Start("]),
];

/// The place that says the one port which the program of a manifest listens on.
pub(super) fn of(seen: &Seen, manifest: &str) -> Option<(String, u16)> {
    let (_, end, calls) = LANGUAGES.iter().find(|(known, ..)| *known == name(manifest))?;
    let files = seen.files.iter().chain(&seen.others);
    let code =
        files.filter(|(path, text)| path.ends_with(end) && plain::is_tracked(seen, path, text));
    let mut found = code.flat_map(|(path, text)| {
        let text = plain::without_tests(path, text);
        let lines = text.lines().enumerate().filter(|(_, line)| !is_comment(line));
        let each = lines
            .filter_map(|(at, line)| Some((format!("{path}:{}", at + 1), in_line(line, calls)?)));
        each.collect::<Vec<_>>()
    });
    let (place, port) = found.next()?;
    found.all(|(_, other)| other == port).then_some((place, port))
}

/// The port in what a call gets: `"0.0.0.0:8080"`, `("127.0.0.1", 8080)`, `([127, 0, 0, 1], 8080)`.
fn in_line(line: &str, calls: &[&str]) -> Option<u16> {
    let rest = calls.iter().find_map(|call| Some(line.split_once(call)?.1))?;
    let rest = rest.trim_start_matches(['&', '(', '[']);
    let behind = |text: &str| Some(text.strip_prefix(',')?.trim_start().to_owned());
    let number = match literal(rest) {
        Some((text, after)) => match text.rsplit_once(':') {
            Some((_, port)) => port.to_owned(),
            None => behind(after)?,
        },
        None => behind(rest.split_once(']')?.1)?,
    };
    let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    let port = number[..digits].parse().ok()?;
    (port >= UNPRIVILEGED).then_some(port)
}

/// Says that the program listens there in every environment, and takes it for the main checkout's port.
pub(super) fn find(project: &mut Project, seen: &Seen) {
    let mut manifests = LANGUAGES.iter().filter_map(|(manifest, ..)| seen.named(manifest).next());
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
        let (rust, go) = (LANGUAGES[0].2, LANGUAGES[1].2);
        for (line, calls, expected) in [
            ("axum::Server::bind(&\"0.0.0.0:8080\".parse()?)", rust, Some(8080)),
            ("TcpListener::bind(\"127.0.0.1:3000\").await", rust, Some(3000)),
            (".bind((\"127.0.0.1\", 8081))?", rust, Some(8081)),
            ("let addr = SocketAddr::from(([127, 0, 0, 1], 3000));", rust, Some(3000)),
            ("TcpListener::bind(\"127.0.0.1:0\")", rust, None),
            ("TcpListener::bind(format!(\"0.0.0.0:{}\", port))", rust, None),
            ("SocketAddr::from(([0, 0, 0, 0], config.port))", rust, None),
            (".bind(&address)", rust, None),
            (".bind(id).bind(\"a: 2024\")", rust, None),
            ("http.ListenAndServe(\":8080\", r)", go, Some(8080)),
            ("router.Run(\":9000\")", go, Some(9000)),
            ("e.Start(\":\" + port)", go, None),
            ("t.Run(\"a case: 1500\", func() {", go, None),
            ("app.Listen(os.Getenv(\"ADDR\"))", go, None),
        ] {
            assert_eq!(in_line(line, calls), expected, "{line}");
        }
    }
}
