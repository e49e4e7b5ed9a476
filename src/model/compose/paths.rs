//! Paths in compose files, which are relative to the file's directory.

use serde_yaml::{Mapping, Value};

/// The directory of a path; empty at the top.
pub(super) fn dir(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

/// A path relative to a directory, without `.` and `..` where they can go.
pub fn join(dir: &str, path: &str) -> String {
    if path.starts_with('/') {
        return path.to_owned();
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in dir.split('/').chain(path.split('/')).filter(|part| !matches!(*part, "" | ".")) {
        match parts.last() {
            Some(last) if part == ".." && *last != ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

/// A path that is relative to `from`, relative to `to`.
fn moved(path: &str, from: &str, to: &str) -> String {
    let (at, to) = (join(from, path), join("", to));
    let at_parts: Vec<&str> = at.split('/').filter(|part| !part.is_empty()).collect();
    let to: Vec<&str> = to.split('/').filter(|part| !part.is_empty()).collect();
    let common = at_parts.iter().zip(&to).take_while(|(one, other)| one == other).count();
    let up = std::iter::repeat_n("..", to.len() - common);
    let parts: Vec<&str> = up.chain(at_parts[common..].iter().copied()).collect();
    match parts.first() {
        Some(&"..") => parts.join("/"),
        _ => format!("./{}", parts.join("/")),
    }
}

/// Makes a path relative to `to`. One that only compose or a shell knows stays.
fn change(value: &mut Value, from: &str, to: &str) {
    let relative = |path: &&str| !path.starts_with(['/', '~', '$']) && !path.contains("://");
    if let Some(path) = value.as_str().filter(relative) {
        *value = moved(path, from, to).into();
    }
}

/// Makes a service's paths, which are relative to `from`, relative to `to`.
pub(super) fn rebase(service: &mut Mapping, from: &str, to: &str) {
    let change = |value: &mut Value| change(value, from, to);
    match service.get_mut("build") {
        Some(Value::Mapping(build)) => build.get_mut("context").into_iter().for_each(change),
        Some(build) => change(build),
        None => {}
    }
    match service.get_mut("env_file") {
        Some(Value::Sequence(list)) => list.iter_mut().for_each(|entry| match entry {
            Value::Mapping(long) => long.get_mut("path").into_iter().for_each(change),
            entry => change(entry),
        }),
        Some(file) => change(file),
        None => {}
    }
    for volume in service.get_mut("volumes").and_then(Value::as_sequence_mut).into_iter().flatten()
    {
        if volume.get("type").and_then(Value::as_str) == Some("bind") {
            volume.get_mut("source").into_iter().for_each(change);
        } else if let Some((path, rest)) = volume.as_str().and_then(|text| text.split_once(':'))
            // What begins otherwise is the name of a volume.
            && path.starts_with('.')
        {
            *volume = format!("{}:{rest}", moved(path, from, to)).into();
        }
    }
}

/// Makes the path of a configuration file or secret, which is relative to `from`, relative to `to`.
pub(super) fn rebase_file(entry: &mut Mapping, from: &str, to: &str) {
    entry.get_mut("file").into_iter().for_each(|file| change(file, from, to));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_without_detours() {
        for (dir, path, joined) in [
            ("", "./a/b", "a/b"),
            ("docker/compose", "../../x.yml", "x.yml"),
            ("a", "../../x", "../x"),
            ("a", "/x", "/x"),
            ("a/", ".", "a"),
        ] {
            assert_eq!(join(dir, path), joined, "{dir} {path}");
        }
    }
}
