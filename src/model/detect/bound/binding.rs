//! How libraries make names of variables of the paths of settings.

use crate::model::config::is_free_name;
use crate::model::detect::migrations::{MANIFESTS, is_springs};
use crate::model::detect::reads::literal;
use crate::model::detect::seen::Seen;

/// What such names are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binding {
    prefix: String,
    /// What stands between keys; empty: only settings at the top have a variable.
    separator: String,
    /// What stands for characters that no name has; `None`: keys stay as they are.
    other: Option<&'static str>,
    /// What the names of its files begin with.
    files: &'static str,
}

impl Binding {
    /// The variable for a setting.
    pub(super) fn variable(&self, path: &[String]) -> Option<String> {
        if path.len() > 1 && self.separator.is_empty() {
            return None;
        }
        let keys: Vec<String> = path.iter().map(|key| self.key(key)).collect();
        let name = format!("{}{}", self.prefix, keys.join(&self.separator));
        is_free_name(&name).then_some(name)
    }

    fn key(&self, key: &str) -> String {
        let Some(other) = self.other else { return key.to_owned() };
        let upper = |c: char| match c.is_ascii_alphanumeric() || c == '_' {
            true => c.to_ascii_uppercase().to_string(),
            false => other.to_owned(),
        };
        key.chars().map(upper).collect()
    }

    /// Whether it reads files of this name.
    pub(super) fn reads(&self, name: &str) -> bool {
        name.starts_with(self.files)
    }

    pub(super) fn is_springs(&self) -> bool {
        self.files == "application" && self.other == Some("")
    }
}

/// Those of the libraries that the project uses.
pub(super) fn of(seen: &Seen) -> Vec<Binding> {
    let has = |ends: &[&str], is_it: &dyn Fn(&str) -> bool| {
        seen.ending(ends).any(|(_, text)| is_it(text))
    };
    let binding = |separator: &str, other, files| Binding {
        prefix: String::new(),
        separator: separator.to_owned(),
        other,
        files,
    };
    let springs = has(&MANIFESTS, &is_springs);
    let javas = has(&MANIFESTS, &|text| text.contains("quarkus") || text.contains("micronaut"));
    let mut found = Vec::new();
    found.extend(springs.then(|| binding("_", Some(""), "application")));
    found.extend(javas.then(|| binding("_", Some("_"), "application")));
    found.extend(has(&[".csproj"], &|_| true).then(|| binding("__", None, "appsettings")));
    let files = seen.files.iter().chain(&seen.others);
    found.extend(files.filter_map(|(path, text)| of_code(path, text)));
    found
}

/// The crates `config` and figment, and viper.
fn of_code(path: &str, text: &str) -> Option<Binding> {
    let argument = |call: &str| {
        let (_, rest) = text.split_once(call)?;
        literal(rest.trim_start()).map(|(text, _)| text.to_uppercase())
    };
    let (prefix, separator) = if path.ends_with(".go") && text.contains("AutomaticEnv()") {
        let prefix = argument("SetEnvPrefix(").map(|prefix| format!("{prefix}_"));
        let is_replaced = text.contains("NewReplacer(\".\", \"_\"");
        (prefix, if is_replaced { "_" } else { "" }.to_owned())
    } else if path.ends_with(".rs") && text.contains("Environment::") {
        let separator = argument(".separator(").unwrap_or_default();
        let between = argument(".prefix_separator(");
        let usual = if separator.is_empty() { "_" } else { &separator };
        let between = between.unwrap_or_else(|| usual.to_owned());
        let prefix = argument("Environment::with_prefix(");
        if prefix.is_none() && separator.is_empty() {
            return None;
        }
        (prefix.map(|prefix| prefix + &between), separator)
    } else if path.ends_with(".rs") && text.contains("Env::prefixed(") {
        (argument("Env::prefixed("), argument(".split(").unwrap_or_default())
    } else {
        return None;
    };
    Some(Binding { prefix: prefix.unwrap_or_default(), separator, other: Some("_"), files: "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_library_has_names_of_its_own() {
        for (path, text, expected) in [
            (
                "src/config.rs",
                "Environment::with_prefix(\"APP\")\n.prefix_separator(\"_\")\n.separator(\"__\")",
                Some("APP_DATABASE__NAME"),
            ),
            (
                "src/config.rs",
                "Environment::with_prefix(\"app\").separator(\"__\")",
                Some("APP__DATABASE__NAME"),
            ),
            ("src/config.rs", "Environment::default().separator(\"_\")", Some("DATABASE_NAME")),
            ("src/config.rs", "Environment::with_prefix(\"APP\")", None),
            (
                "src/a.rs",
                "merge(Env::prefixed(\"APP_\").split(\"__\"))",
                Some("APP_DATABASE__NAME"),
            ),
            (
                "config.go",
                "viper.SetEnvPrefix(\"app\")\nviper.SetEnvKeyReplacer(strings.NewReplacer(\".\", \"_\"))\nviper.AutomaticEnv()",
                Some("APP_DATABASE_NAME"),
            ),
            ("config.go", "viper.AutomaticEnv()", None),
            ("config.go", "viper.ReadInConfig()", None),
        ] {
            let binding = of_code(path, text);
            let name = binding.and_then(|one| one.variable(&["database".into(), "name".into()]));
            assert_eq!(name.as_deref(), expected, "{text}");
        }
        let key = |other, key: &str| {
            let files = "";
            Binding { prefix: String::new(), separator: String::new(), other, files }.key(key)
        };
        assert_eq!(key(Some(""), "driver-class-name"), "DRIVERCLASSNAME");
        assert_eq!(key(Some("_"), "db-kind"), "DB_KIND");
        assert_eq!(key(None, "DefaultConnection"), "DefaultConnection");
    }
}
