//! Reads a compose file with all that it is made of: override file, `include`, `extends`, anchors.

use super::dotenv::DOTENV;
use super::files::{Files, Read};
use super::merge::{self, merge};
use super::syntax::{self, merge_keys};
use super::{include, paths};
use anyhow::{Context, Result, anyhow, bail};
use serde_yaml::{Mapping, Value};

/// How many files may name each other in a row: more are a circle.
const DEPTH: u32 = 16;

/// The file as compose would use it; its paths are relative to its own directory.
///
/// # Errors
/// When one of the files is missing or is no compose file.
pub fn load(path: &str, read: Read<'_>) -> Result<Mapping> {
    let files = Files::of(path, read);
    let mut file = whole(At::own(path), &files, DEPTH)?;
    if let Some((stem, ending)) = path.rsplit_once('.') {
        let over = format!("{stem}.override.{ending}");
        if read(&over).is_some() {
            merge(&mut file, whole(At::own(&over), &files, DEPTH)?);
        }
    }
    Ok(file)
}

/// The file without its override file, as compose uses one that it is given by `-f`.
///
/// # Errors
/// As [`load`].
pub fn load_alone(path: &str, read: Read<'_>) -> Result<Mapping> {
    whole(At::own(path), &Files::of(path, read), DEPTH)
}

/// A file, and the directory that its paths are relative to.
#[derive(Clone, Copy)]
struct At<'a> {
    path: &'a str,
    dir: &'a str,
}

impl<'a> At<'a> {
    /// A file whose paths are relative to where it is.
    fn own(path: &'a str) -> Self {
        At { path, dir: paths::dir(path) }
    }
}

/// A file with what it includes and extends.
fn whole(at: At<'_>, files: &Files<'_>, depth: u32) -> Result<Mapping> {
    let mut own = parsed(at.path, files, depth)?;
    let names: Vec<String> = services(&own).map(|(name, _)| name.to_owned()).collect();
    for name in names {
        let service = extended(at, &own, &name, files, depth)?;
        if let Some(all) = own.get_mut("services").and_then(Value::as_mapping_mut) {
            all.insert(name.into(), service.into());
        }
    }
    let mut file = Mapping::new();
    for one in include::all(&own, at.dir) {
        let mut included = Mapping::new();
        for path in &one.files {
            merge(&mut included, whole(At { path, dir: &one.dir }, files, depth - 1)?);
        }
        let env = paths::join(paths::dir(files.first), DOTENV);
        one.require_no_values(&super::text(&included), &env, files.read)?;
        for service in merge::entries(&mut included, "services") {
            paths::rebase(service, &one.dir, at.dir);
        }
        for section in ["configs", "secrets"] {
            for one_file in merge::entries(&mut included, section) {
                paths::rebase_file(one_file, &one.dir, at.dir);
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
    at: At<'_>,
    file: &Mapping,
    name: &str,
    files: &Files<'_>,
    depth: u32,
) -> Result<Mapping> {
    let At { path, dir } = at;
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
        None => extended(at, file, base, files, depth - 1)?,
        Some(other) => {
            let other = paths::join(dir, other);
            let other = At::own(&other);
            let base_file = parsed(other.path, files, depth)?;
            let mut service = extended(other, &base_file, base, files, depth - 1)?;
            paths::rebase(&mut service, other.dir, dir);
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
    fn what_is_included_has_the_directory_that_is_named() {
        same(
            &[
                (
                    "c.yml",
                    "include: [{ path: [x/a.yml, y/b.yml] }, { path: z/c.yml, project_directory: w }]",
                ),
                ("x/a.yml", "services: { a: { build: . } }"),
                ("y/b.yml", "services: { a: { volumes: ['./b:/b'] } }"),
                ("z/c.yml", "services: { c: { build: ., extends: { service: d, file: d.yml } } }"),
                ("w/d.yml", "services: { d: { env_file: d.env } }"),
            ],
            "
services:
  a: { build: ./x, volumes: ['./x/b:/b'] }
  c: { env_file: ./w/d.env, build: ./w }
",
        );
    }

    #[test]
    fn an_included_file_with_values_of_its_own_is_refused() {
        let included = "services: { db: { image: '${IMAGE:-x}' } }";
        let with = |include: &str, files: &[(&str, &str)]| {
            let all = [&[("c.yml", include), ("x/db.yml", included)], files].concat();
            loaded(&all).map_err(|error| error.to_string())
        };
        for (include, file) in [
            ("include: [x/db.yml]", "x/.env"),
            ("include: [{ path: x/db.yml, project_directory: y }]", "y/.env"),
            ("include: [{ path: x/db.yml, env_file: [no.env, x/a.env] }]", "x/a.env"),
        ] {
            let said = with(include, &[(file, "KEY=1\nIMAGE=2")]).unwrap_err();
            let why = format!("takes values from `{file}`, which is not read: copy them to `.env`");
            assert_eq!(said, format!("`x/db.yml` {why}"));
            with(include, &[(file, "KEY=1")]).unwrap();
            with(include, &[(file, "KEY=1\nIMAGE=2"), (".env", "IMAGE=2")]).unwrap();
        }
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
