//! Fields that are filled from variables of the same name: settings of pydantic, options of Rust's clap.

use super::{Read, literal, value};
use crate::model::envfile::is_name;

pub(super) fn of(text: &str) -> Vec<Read> {
    let mut found = options(text);
    if text.contains("BaseSettings") {
        found.extend(classes(text).flat_map(of_class));
    }
    found
}

/// The text from each line that begins a class at the left margin to the next one.
fn classes(text: &str) -> impl Iterator<Item = &str> {
    let starts = text.match_indices("\nclass ").map(|(at, _)| at + 1);
    let ends: Vec<usize> = [0].into_iter().chain(starts).chain([text.len()]).collect();
    (1..ends.len()).map(move |at| &text[ends[at - 1]..ends[at]])
}

/// The fields of a class, with the prefix that its configuration puts before their names.
fn of_class(text: &str) -> Vec<Read> {
    let prefix = prefix(text).unwrap_or_default();
    let fields = text.lines().filter_map(field);
    let named = fields
        .map(|read| Read { name: format!("{prefix}{}", read.name).to_ascii_uppercase(), ..read });
    named.filter(|read| is_name(&read.name)).collect()
}

/// `env_prefix="inn_"`, `env_prefix: str = "inn_"`, `"env_prefix": "inn_"`.
fn prefix(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("env_prefix")?;
    let line = rest.lines().next()?.trim_start_matches(['"', '\'']);
    let (_, rest) = line.split_once('=').or_else(|| line.split_once(':'))?;
    literal(rest.trim_start()).map(|(prefix, _)| prefix)
}

/// `    POSTGRES_PORT: int = 5432` in a class of pydantic's settings: the name is the variable, in any case.
fn field(line: &str) -> Option<Read> {
    let (name, rest) = line.strip_prefix("    ")?.split_once(':')?;
    let kind = rest.split('=').next()?.trim();
    let is_type = kind.starts_with(|c: char| c.is_ascii_alphabetic()) && !kind.contains('(');
    if !is_name(name) || !is_type {
        return None;
    }
    let default = rest.split_once('=').and_then(|(_, text)| value(text.trim()));
    Some(Read { name: name.to_ascii_uppercase(), default })
}

/// `#[arg(long, env)]` before `database_url: String`; `env = "X"` names another variable.
fn options(text: &str) -> Vec<Read> {
    let mut found = Vec::new();
    for (at, mark) in ["#[arg(", "#[clap("].iter().flat_map(|mark| text.match_indices(mark)) {
        let rest = &text[at + mark.len()..];
        let Some((inside, after)) = rest.split_once(")]") else { continue };
        let mut words = inside.split(',').map(|word| {
            let (key, given) = word.split_once('=').unwrap_or((word, ""));
            (key.trim(), literal(given.trim()).map(|(text, _)| text))
        });
        let default = words.clone().find(|(key, _)| *key == "default_value");
        let Some((_, name)) = words.find(|(key, _)| *key == "env") else { continue };
        let name = name.or_else(|| next_field(after)).unwrap_or_default().to_ascii_uppercase();
        if is_name(&name) {
            let default = default.and_then(|(_, text)| text).map(ToOwned::to_owned);
            found.push(Read { name, default });
        }
    }
    found
}

/// The name of the field behind an attribute.
fn next_field(text: &str) -> Option<&str> {
    let mut lines = text.lines().map(str::trim);
    let line = lines.find(|line| !line.is_empty() && !line.starts_with(['#', '/']))?;
    line.split(':').next()?.split_whitespace().last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_variables() {
        let class = |text: &str| format!("class A(BaseSettings):\n{text}");
        for (text, expected) in [
            (class("    DB_NAME: str = \"inn\"\n"), "DB_NAME=inn"),
            (class("    db: str\n    class Config:\n        env_prefix = 'inn_'\n"), "INN_DB"),
            (class("    model_config = {\"env_prefix\": \"X_\"}\n    db: str\n"), "X_DB"),
            (
                class("    env_prefix: ClassVar[str] = \"X_\"\n    db: str = ''\n"),
                "X_ENV_PREFIX=X_ X_DB=",
            ),
            (
                class("    a: str\n\nclass B(A):\n    b: str\n    c = Config(env_prefix='X_')\n"),
                "A X_B",
            ),
            (
                "#[arg(long, env)]\n    #[serde(skip)]\n    pub(crate) db_url: String,\n".into(),
                "DB_URL",
            ),
            ("#[clap(env = \"X\", default_value = \"y\")]\n a: B,\n".into(), "X=y"),
            ("#[arg(long)]\n    db_url: String,\n".into(), ""),
        ] {
            let told = |Read { name, default }: Read| {
                default.map_or(name.clone(), |default| format!("{name}={default}"))
            };
            let found: Vec<String> = of(&text).into_iter().map(told).collect();
            assert_eq!(found.join(" "), expected, "{text}");
        }
    }
}
