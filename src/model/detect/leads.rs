//! Variables that lead an environment's application to the main checkout's database or index.

use super::compose;
use super::roles::{self, Role};
use super::seen::Seen;
use super::url::Url;
use super::vars::{self, Var};
use crate::model::config::{Config, Kind};
use std::fmt;

/// A variable that the application reads, that no environment sets, and that names a database or an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead {
    /// Its name.
    pub variable: String,
    /// The file that gives it its value.
    pub file: String,
    /// The database or the index, in words.
    part: String,
    /// It is the main checkout's; else it is one that no service covers.
    is_main: bool,
    /// The value that an environment would need, as a template.
    template: Option<String>,
}

impl Lead {
    /// What the user can do.
    pub fn way_out(&self) -> String {
        match &self.template {
            Some(template) => {
                format!("set it under `env:` in .agentenv.yaml: {}: \"{template}\"", self.variable)
            }
            None => "add a service for it to .agentenv.yaml".to_owned(),
        }
    }
}

impl fmt::Display for Lead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Lead { variable, file, part, .. } = self;
        let whose = if self.is_main { "the main checkout's " } else { "" };
        write!(f, "{variable} of {file} leads every environment to {whose}{part}")
    }
}

/// The variables of a project that lead its environments to the main checkout's parts.
pub fn to_main(seen: &Seen, config: &Config) -> Vec<Lead> {
    let vars = vars::of(seen, &compose::stacks(seen)).into_iter();
    vars.filter(|var| !is_set(config, &var.name)).filter_map(|var| lead(config, &var)).collect()
}

/// An environment gives the variable a value.
fn is_set(config: &Config, name: &str) -> bool {
    config.ports.contains_key(name)
        || config.env.contains_key(name)
        || config.services.values().any(|service| service.variable == name)
        || name == "COMPOSE_PROJECT_NAME"
}

fn lead(config: &Config, var: &Var) -> Option<Lead> {
    let url = Url::parse(&var.value);
    let (kind, part) = match &url {
        // A name with a dot is a server elsewhere, and no environment's.
        Some(url) if !url.is_local() && url.host.contains('.') => return None,
        Some(url) if url.kind == Kind::Redis && url.part.is_empty() => (url.kind, "0"),
        Some(url) => (url.kind, url.part.as_str()),
        None => match roles::of(&var.name)? {
            (kind, Role::Part) => (kind, var.value.as_str()),
            _ => return None,
        },
    };
    let mut of_kind = config.services.iter().filter(|(_, service)| service.kind == kind).peekable();
    // Without a service of this kind the project may not use it at all while it is developed.
    of_kind.peek()?;
    if part.is_empty() || part.contains(['$', '{', '%']) {
        return None;
    }
    let covering = of_kind.find(|(_, service)| service.main == part);
    let template = covering.map(|(key, service)| match &url {
        None => format!("{{{}}}", service.variable),
        Some(url) if (url.is_open() || var.tracked) && !var.value.contains('$') => {
            url.template(key, &service.variable)
        }
        Some(url) => Url { password: None, ..url.clone() }.template(key, &service.variable),
    });
    Some(Lead {
        variable: var.name.clone(),
        file: var.file.clone(),
        part: match kind {
            Kind::Redis => format!("redis index {part}"),
            _ => format!("database `{part}`"),
        },
        is_main: covering.is_some(),
        template,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::Config;

    const CONFIG: &str = "services:
  postgres: { kind: postgres, variable: POSTGRES_DB, name: \"shop_{name}\", main: shop }
  redis: { kind: redis, variable: REDIS_DB, main: 0 }
env: { DATABASE_URL: \"postgres://localhost/{POSTGRES_DB}\" }
";

    fn leads(files: &[(&str, &str)]) -> Vec<String> {
        let own = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        let files: std::collections::BTreeMap<_, _> = files.iter().map(own).collect();
        let tracked = files.keys().filter(|path| *path != ".env").cloned().collect();
        let seen = Seen { repo: "shop".to_owned(), files, tracked };
        let config = Config::parse("t", CONFIG).unwrap();
        let words = |lead: Lead| format!("{lead}; {}", lead.way_out());
        to_main(&seen, &config).into_iter().map(words).collect()
    }

    #[test]
    fn what_no_environment_sets_leads_to_the_main_checkout() {
        assert_eq!(
            leads(&[("app/settings.py", "X = os.environ.get(\"REPORTS_DB_NAME\", \"shop\")")]),
            [concat!(
                "REPORTS_DB_NAME of app/settings.py leads every environment to the main checkout's database `shop`; ",
                "set it under `env:` in .agentenv.yaml: REPORTS_DB_NAME: \"{POSTGRES_DB}\""
            )]
        );
        assert_eq!(
            leads(&[(".env", "CACHE_URL=redis://:secret@localhost:6379\n")]),
            [concat!(
                "CACHE_URL of .env leads every environment to the main checkout's redis index 0; ",
                "set it under `env:` in .agentenv.yaml: CACHE_URL: \"redis://localhost:6379/{REDIS_DB}\""
            )]
        );
        assert_eq!(
            leads(&[("config/settings.py", "env('CELERY_BROKER_URL', default='redis://redis/1')")]),
            [concat!(
                "CELERY_BROKER_URL of config/settings.py leads every environment to redis index 1; ",
                "add a service for it to .agentenv.yaml"
            )]
        );
    }

    #[test]
    fn what_an_environment_sets_or_nobody_uses_does_not() {
        for (path, text) in [
            ("app/settings.py", "os.environ['DATABASE_URL']"),
            (".env", "DATABASE_URL=postgres://localhost/shop\nPOSTGRES_DB=shop\n"),
            (".env", "AUDIT_DATABASE_URL=postgres://db.example.com/shop\n"),
            (".env", "CACHE_URL=locmem://\nDEBUG=1\nDB_NAME=\n"),
            ("compose.yml", "services: { web: { environment: { DB_NAME: \"${NAME}\" } } }"),
        ] {
            assert_eq!(leads(&[(path, text)]), [] as [String; 0], "{text}");
        }
    }
}
