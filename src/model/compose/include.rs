//! The `include` of a compose file (<https://docs.docker.com/reference/compose-file/include/>).

use super::dotenv::{self, DOTENV, deciding};
use super::files::Read;
use super::paths;
use anyhow::{Result, bail};
use serde_yaml::{Mapping, Value};

/// Files that are included together: the later ones are merged into the first.
pub(super) struct Included {
    /// The files, relative to the checkout.
    pub(super) files: Vec<String>,
    /// The directory that their paths are relative to.
    pub(super) dir: String,
    /// Where compose finds the values of their variables, besides its own `.env`.
    env_files: Vec<String>,
}

/// What a file in this directory includes. Short form: a path; long form: `path`, one or several, with the directory and
/// the files of variables.
pub(super) fn all(file: &Mapping, dir: &str) -> Vec<Included> {
    let entries = file.get("include").and_then(Value::as_sequence).into_iter().flatten();
    let one = |entry: &Value| {
        let paths =
            |value: &Value| texts(value).iter().map(|path| paths::join(dir, path)).collect();
        let files: Vec<String> = paths(entry.get("path").unwrap_or(entry));
        let own = files.first().map_or("", |first| paths::dir(first)).to_owned();
        let base = entry.get("project_directory").and_then(Value::as_str);
        let base = base.map_or(own, |base| paths::join(dir, base));
        let env_files = entry.get("env_file").map(paths);
        let env_files = env_files.unwrap_or_else(|| vec![paths::join(&base, DOTENV)]);
        Included { files, dir: base, env_files }
    };
    entries.map(one).collect()
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Sequence(list) => list.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

impl Included {
    /// Refuses variables whose values are in a file of their own: compose gets one file, with one `.env`, which is `own`.
    pub(super) fn require_no_values(&self, text: &str, own: &str, read: Read<'_>) -> Result<()> {
        let of = |path: &str| read(path).map(|env| deciding(text, &env)).unwrap_or_default();
        let known = of(own);
        let known = dotenv::last(&known);
        for path in self.env_files.iter().filter(|path| *path != own) {
            if dotenv::last(&of(path)).iter().any(|(name, line)| known.get(name) != Some(line)) {
                let files = self.files.join("`, `");
                bail!(
                    "`{files}` takes values from `{path}`, which is not read: copy them to `{own}`"
                );
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_variable_is_the_one_that_is_known() {
        let one = || vec!["one.env".to_owned()];
        let included = Included { files: one(), dir: String::new(), env_files: one() };
        for (other, is_known) in
            [("A=2\n", true), ("A=1\n", false), ("A=1\r\nA=2\r\n", true), ("A=2\nA=1\n", false)]
        {
            let read =
                |path: &str| Some(if path == DOTENV { "A=1\nA=2\n" } else { other }.to_owned());
            let known = included.require_no_values("$A", DOTENV, &read);
            assert_eq!(known.is_ok(), is_known, "{other:?}");
        }
    }
}
