//! Listening processes where there is no `/proc` (macOS, the BSDs): `lsof(8)`.

use crate::sys::exec::Cmd;
use crate::sys::listeners::Listener;
use std::path::PathBuf;

/// The processes of this user that listen on a TCP port.
pub fn on(port: u16) -> Vec<Listener> {
    let mut found = parse(&read(&["-nP", &format!("-iTCP:{port}"), "-sTCP:LISTEN", "-Fpc"]));
    for listener in &mut found {
        let cwd = read(&["-a", "-d", "cwd", "-p", &listener.pid.to_string(), "-Fn"]);
        listener.dir = cwd.lines().find_map(|line| line.strip_prefix('n').map(PathBuf::from));
    }
    found
}

/// The processes of this user that have one of these files open.
pub fn with_open(files: &[PathBuf]) -> Vec<Listener> {
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    parse(&read(&[&["-Fpc", "--"][..], &names].concat()))
}

fn read(args: &[&str]) -> String {
    Cmd::new("lsof").args(args).output().map(|output| output.text()).unwrap_or_default()
}

/// `-F` prints one field on a line, each after its letter; a process begins with `p`.
fn parse(text: &str) -> Vec<Listener> {
    let mut found: Vec<Listener> = Vec::new();
    for line in text.lines() {
        match (line.split_at_checked(1), found.last_mut()) {
            (Some(("p", pid)), _) => found.extend(pid.parse().ok().map(|pid| Listener {
                pid,
                program: String::new(),
                dir: None,
            })),
            (Some(("c", program)), Some(last)) => last.program = program.to_owned(),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_belong_to_the_process_before_them() {
        let found = parse("p4711\ncnode\nf21\np4712\ncpython3.12\nf3\n");
        let shown: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["node (pid 4711)", "python3.12 (pid 4712)"]);
        assert!(parse("").is_empty());
    }
}
