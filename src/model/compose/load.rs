//! Reads a compose file with all that it is made of: override file, `include`, `extends`, anchors.

use super::merge::{self, merge};
use super::paths;
use super::syntax::{self, merge_keys};
use anyhow::{Context, Result, anyhow, bail};
use serde_yaml::{Mapping, Value};
use std::cell::Cell;

/// How many files may name each other in a row: more are a circle.
const DEPTH: u32 = 16;

/// How many files may be read for one, each as often as it is named, and how many bytes in all. A branch that nobody has read
/// must not keep a command busy for hours.
const FILES: usize = 1000;
const BYTES: usize = 4 << 20;

/// Gives a file's text by its path relative to the checkout; `None`: there is none.
pub type Read<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The file as compose would use it; its paths are relative to its own directory.
///
/// # Errors
/// When one of the files is missing or is no compose file.
pub fn load(path: &str, read: Read<'_>) -> Result<Mapping> {
    let files = Files::of(path, read);
    let mut file = whole(path, &files, DEPTH)?;
    if let Some((stem, ending)) = path.rsplit_once('.') {
        let over = format!("{stem}.override.{ending}");
        if read(&over).is_some() {
            merge(&mut file, whole(&over, &files, DEPTH)?);
        }
    }
    Ok(file)
}

/// The file without its override file, as compose uses one that it is given by `-f`.
///
/// # Errors
/// As [`load`].
pub fn load_alone(path: &str, read: Read<'_>) -> Result<Mapping> {
    whole(path, &Files::of(path, read), DEPTH)
}

/// What the files of one `load` are read with.
struct Files<'a> {
    read: Read<'a>,
    /// The file that names all others.
    first: &'a str,
    /// How many files and bytes may still be read.
    left: Cell<(usize, usize)>,
}

impl<'a> Files<'a> {
    fn of(first: &'a str, read: Read<'a>) -> Self {
        Files { read, first, left: Cell::new((FILES, BYTES)) }
    }

    fn text(&self, path: &str) -> Result<String> {
        let text = (self.read)(path).ok_or_else(|| anyhow!("`{path}` does not exist"))?;
        let (files, bytes) = self.left.get();
        match (files.checked_sub(1), bytes.checked_sub(text.len())) {
            (Some(files), Some(bytes)) => self.left.set((files, bytes)),
            _ => bail!(
                "`{}` and the files that it includes or extends are too many or too large",
                self.first
            ),
        }
        Ok(text)
    }
}

/// A file with what it includes and extends.
fn whole(path: &str, files: &Files<'_>, depth: u32) -> Result<Mapping> {
    let mut own = parsed(path, files, depth)?;
    let names: Vec<String> = services(&own).map(|(name, _)| name.to_owned()).collect();
    for name in names {
        let service = extended(path, &own, &name, files, depth)?;
        if let Some(all) = own.get_mut("services").and_then(Value::as_mapping_mut) {
            all.insert(name.into(), service.into());
        }
    }
    let mut file = Mapping::new();
    for included in includes(&own) {
        let at = paths::join(paths::dir(path), &included);
        let mut included = whole(&at, files, depth - 1)?;
        for service in merge::entries(&mut included, "services") {
            paths::rebase(service, paths::dir(&at), paths::dir(path));
        }
        for section in ["configs", "secrets"] {
            for one in merge::entries(&mut included, section) {
                paths::rebase_file(one, paths::dir(&at), paths::dir(path));
            }
        }
        merge(&mut file, included);
    }
    own.shift_remove("include");
    merge(&mut file, own);
    Ok(file)
}

fn parsed(path: &str, files: &Files<'_>, depth: u32) -> Result<Mapping> {
    if depth == 0 {
        bail!("`{path}` includes or extends itself");
    }
    let text = files.text(path)?;
    let wrong = || format!("`{path}` is no compose file");
    let mut file: Value = syntax::parsed(&text).with_context(wrong)?;
    merge_keys(&mut file).with_context(wrong)?;
    match file {
        Value::Mapping(file) => Ok(file),
        _ => Err(anyhow!(wrong())),
    }
}

/// A service with what it extends: in this file, or in another.
fn extended(
    path: &str,
    file: &Mapping,
    name: &str,
    files: &Files<'_>,
    depth: u32,
) -> Result<Mapping> {
    let service = file.get("services").and_then(|all| all.get(name)?.as_mapping());
    let service = service.ok_or_else(|| anyhow!("`{path}` has no service `{name}`"))?;
    let mut own = service.clone();
    let Some(extends) = own.shift_remove("extends") else { return Ok(own) };
    if depth == 0 {
        bail!("service `{name}` of `{path}` extends itself");
    }
    let base = extends.as_str().or_else(|| extends.get("service")?.as_str());
    let base = base.ok_or_else(|| anyhow!("`extends` of `{name}` in `{path}` names no service"))?;
    let mut service = match extends.get("file").and_then(Value::as_str) {
        None => extended(path, file, base, files, depth - 1)?,
        Some(other) => {
            let at = paths::join(paths::dir(path), other);
            let mut service = extended(&at, &parsed(&at, files, depth)?, base, files, depth - 1)?;
            paths::rebase(&mut service, paths::dir(&at), paths::dir(path));
            service
        }
    };
    merge(&mut service, own);
    Ok(service)
}

/// The services that are mappings.
pub(super) fn services(file: &Mapping) -> impl Iterator<Item = (&str, &Mapping)> {
    let all = file.get("services").and_then(Value::as_mapping).into_iter().flatten();
    all.filter_map(|(name, service)| Some((name.as_str()?, service.as_mapping()?)))
}

/// Short form: a path; long form: `path`, one or several.
fn includes(file: &Mapping) -> Vec<String> {
    let entries = file.get("include").and_then(Value::as_sequence).into_iter().flatten();
    let paths = entries.map(|entry| entry.get("path").unwrap_or(entry));
    let each = paths.flat_map(|path| match path {
        Value::Sequence(list) => list.iter().collect(),
        one => vec![one],
    });
    each.filter_map(|path| path.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(files: &[(&str, &str)]) -> Result<String> {
        let read = |path: &str| {
            let found = files.iter().find(|(name, _)| *name == path);
            found.map(|(_, text)| (*text).to_owned())
        };
        Ok(serde_yaml::to_string(&load(files[0].0, &read)?)?)
    }

    fn same(files: &[(&str, &str)], expected: &str) {
        let value = |text: &str| serde_yaml::from_str::<Value>(text).unwrap();
        assert_eq!(value(&loaded(files).unwrap()), value(expected));
    }

    #[test]
    fn anchors_and_extended_services_are_written_out() {
        let text = "
x-app: &app { image: app, environment: { A: 1 } }
x-all: &all { <<: *app, init: true }
services:
  web: { <<: *app, ports: ['80:80'] }
  all: { <<: [*all], environment: { <<: { A: 2, B: 2 }, A: 3 } }
  worker: { extends: web, command: work }
  beat: { extends: { service: worker, file: other/base.yml }, image: mine }
";
        let other = "services: { worker: { extends: { service: root }, env_file: ./env }, root: { build: ../src } }";
        same(
            &[("c.yml", text), ("other/base.yml", other)],
            "
x-app: { image: app, environment: { A: 1 } }
x-all: { image: app, environment: { A: 1 }, init: true }
services:
  web: { image: app, environment: { A: 1 }, ports: ['80:80'] }
  all: { image: app, environment: { A: 3, B: 2 }, init: true }
  worker: { image: app, environment: { A: 1 }, ports: ['80:80'], command: work }
  beat: { build: ./src, env_file: ./other/env, image: mine }
",
        );
    }

    #[test]
    fn included_and_override_files_are_merged() {
        same(
            &[
                (
                    "docker/c.yml",
                    "include: [../db.yml, { path: [x/mail.yml] }]\nservices: { web: { image: a } }",
                ),
                ("docker/c.override.yml", "services: { web: { image: b, ports: ['1:1'] } }"),
                (
                    "db.yml",
                    "services: { db: { volumes: ['./data:/data', 'named:/x'] } }\nvolumes: { named: }",
                ),
                (
                    "docker/x/mail.yml",
                    "services: { mail: { build: { context: . } } }\nsecrets: { key: { file: ./key }, env: { environment: E } }",
                ),
            ],
            "
services:
  db: { volumes: ['../data:/data', 'named:/x'] }
  mail: { build: { context: ./x } }
  web: { image: b, ports: ['1:1'] }
volumes: { named: }
secrets: { key: { file: ./x/key }, env: { environment: E } }
",
        );
    }

    #[test]
    fn what_is_included_again_and_again_ends() {
        let text = |path: &str| {
            let level: u32 = path.strip_prefix('c')?.strip_suffix(".yml")?.parse().ok()?;
            let next = format!("c{}.yml", level + 1);
            Some(match level {
                5 => "services: {}".to_owned(),
                _ => format!("include: [{}]", vec![next; 8].join(", ")),
            })
        };
        let error = load("c1.yml", &text).unwrap_err();
        assert!(error.to_string().ends_with("are too many or too large"), "{error}");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (files, wrong) in [
            (&[("c.yml", "services: [")][..], "`c.yml` is no compose file"),
            (&[("c.yml", "- a")], "`c.yml` is no compose file"),
            (&[("c.yml", "include: [d.yml]")], "`d.yml` does not exist"),
            (&[("c.yml", "include: [c.yml]")], "`c.yml` includes or extends itself"),
            (
                &[("c.yml", "services: { a: { extends: a } }")],
                "service `a` of `c.yml` extends itself",
            ),
            (&[("c.yml", "services: { a: { extends: b } }")], "`c.yml` has no service `b`"),
        ] {
            assert_eq!(loaded(files).unwrap_err().to_string(), wrong);
        }
    }
}
