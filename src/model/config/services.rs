//! The section `services`.

use super::reader::{At, Fields};
use super::{Kind, Place, Service, defaults, layout};
use crate::model::config::diagnostic::{Checked, Wrong};
use crate::model::name;
use crate::model::suggest::suggestion;
use crate::model::template::Template;
use anyhow::Result;
use indexmap::IndexMap;

const KEYS: [&str; 10] =
    ["kind", "variable", "name", "main", "range", "container", "compose", "host", "user", "port"];

const PLACES: [&str; 3] = ["container", "compose", "host"];

/// Reads the section.
pub(super) fn read(at: &At) -> Checked<IndexMap<String, Service>> {
    let entries = at.entries()?.into_iter();
    entries
        .map(|(name, entry)| {
            if !is_plain(name) {
                return Err(entry.wrong("a service's name holds letters, digits, `_` and `-` only"));
            }
            Ok((name.to_owned(), service(&entry)?))
        })
        .collect()
}

/// Looks at the names of databases.
pub(super) fn check(services: &IndexMap<String, Service>) -> Checked<()> {
    for (at, (key, service)) in services.iter().enumerate() {
        if service.kind == Kind::Redis {
            continue;
        }
        let path = ["services", key, "name"];
        check_name(&path, service)?;
        let shares = |other: &Service| {
            let same_server = (other.kind, &other.place) == (service.kind, &service.place);
            same_server && other.name == service.name
        };
        let mut earlier = services.iter().take(at);
        if let Some((other, _)) = earlier.find(|(_, other)| shares(other)) {
            let message = format!("`{key}` and `{other}` would share one database");
            return Err(Wrong::at(&path, message).hint(format!("give `{key}` another `name`")));
        }
    }
    Ok(())
}

impl Service {
    /// What an environment of this name holds of the service: a database's name, or sqlite's file.
    ///
    /// A name that is too long for an identifier is cut and told apart by a hash.
    ///
    /// # Errors
    /// When the template is none, which [`super::Config::parse`] has ruled out.
    pub fn part(&self, repo: &str, name: &str) -> Result<String> {
        let file = self.kind == Kind::Sqlite;
        let value = |text: &str| {
            if file { text.to_owned() } else { name::database(text) }
        };
        let part = Template::parse(&self.name)?.render(&|key| match key {
            "repo" => Some(value(repo)),
            "name" => Some(value(name)),
            _ => None,
        })?;
        Ok(if file { part } else { name::fit(&part, '_', name::IDENTIFIER) })
    }
}

fn service(at: &At) -> Checked<Service> {
    let fields = at.fields(&KEYS)?;
    let mut service = defaults::service(kind(&fields.need("kind")?)?);
    suits(&fields, service.kind)?;
    fields.set("variable", &mut service.variable, At::text)?;
    fields.set("name", &mut service.name, At::text)?;
    fields.set("main", &mut service.main, |at| main(at, service.kind))?;
    fields.set("range", &mut service.range, |at| {
        let (first, last) = at.range(0)?;
        Ok(Some((first.into(), last.into())))
    })?;
    fields.set("user", &mut service.user, |at| word(at, "a user"))?;
    fields.set("port", &mut service.port, At::port)?;
    if let Some(place) = place(&fields)? {
        service.place = place;
    }
    Ok(service)
}

fn kind(at: &At) -> Checked<Kind> {
    let text = at.text()?;
    Ok(match text.as_str() {
        "postgres" => Kind::Postgres,
        "mysql" => Kind::Mysql,
        "sqlite" => Kind::Sqlite,
        "redis" => Kind::Redis,
        _ => {
            let hint = suggestion(&text, ["postgres", "mysql", "sqlite", "redis"]);
            return Err(at.wrong(format!("unknown kind `{text}`")).hint(hint));
        }
    })
}

/// A key that means nothing for the kind is a misunderstanding that should come to light.
fn suits(fields: &Fields, kind: Kind) -> Checked<()> {
    let idle: &[&str] = match kind {
        Kind::Postgres | Kind::Mysql => &["range"],
        Kind::Redis => &["name"],
        Kind::Sqlite => &["range", "container", "compose", "host", "user", "port"],
    };
    let idle = idle.iter().find_map(|key| fields.get(key));
    let (what, instead) = match kind {
        Kind::Postgres | Kind::Mysql => ("a database", "its `name` is a template"),
        Kind::Redis => ("a redis index", "its `range` says which there are"),
        Kind::Sqlite => ("a file", "it has no server"),
    };
    idle.map_or(Ok(()), |at| {
        let message = format!("has no meaning for {what}");
        Err(at.wrong(message).hint(instead))
    })
}

fn main(at: &At, kind: Kind) -> Checked<String> {
    let main = at.text_or_number()?;
    match kind {
        Kind::Redis => match main.parse::<u16>() {
            Ok(index) => Ok(index.to_string()),
            Err(_) => Err(at.expected("an index from 0 to 65535")),
        },
        Kind::Sqlite => layout::inside(&at.path, &main).map(|()| main),
        Kind::Postgres | Kind::Mysql if main.len() > name::IDENTIFIER => {
            Err(at.wrong(format!("is longer than {} bytes", name::IDENTIFIER)))
        }
        Kind::Postgres | Kind::Mysql => plain(at, main, "a database"),
    }
}

fn place(fields: &Fields) -> Checked<Option<Place>> {
    let given: Vec<&str> = PLACES.into_iter().filter(|key| fields.get(key).is_some()).collect();
    if let [first, second, ..] = given[..] {
        let message = format!("excludes `{first}`: a service is in one place");
        return Err(fields.need(second)?.wrong(message));
    }
    if let Some(at) = fields.get("container") {
        return Ok(Some(Place::Container(word(&at, "a container")?)));
    }
    if let Some(at) = fields.get("compose") {
        let fields = at.fields(&["project", "service"])?;
        let project = word(&fields.need("project")?, "a compose project")?;
        let service = word(&fields.need("service")?, "a compose service")?;
        return Ok(Some(Place::Compose { project, service }));
    }
    match fields.get("host") {
        Some(at) if at.flag()? => Ok(Some(Place::Host)),
        Some(at) => {
            Err(at.wrong("`false` says nothing").hint("leave it out, or name the `container`"))
        }
        None => Ok(None),
    }
}

fn word(at: &At, what: &str) -> Checked<String> {
    plain(at, at.text()?, what)
}

/// A name that goes into a command's arguments: it must not look like an option.
fn plain(at: &At, text: String, what: &str) -> Checked<String> {
    let inner = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if text.chars().all(inner) && !text.starts_with(['-', '.']) {
        return Ok(text);
    }
    let wrong = at.wrong(format!("{text:?} is not the name of {what}"));
    Err(wrong.hint(
        "it may hold letters, digits, `_`, `.` and `-`, but begins with none of the last two",
    ))
}

fn check_name(path: &[&str], service: &Service) -> Checked<()> {
    let because = |error| Wrong::because(path, &error);
    let template = Template::parse(&service.name).map_err(because)?;
    template.check(["name", "repo"]).map_err(because)?;
    let part = service.part("repo", "name").map_err(because)?;
    if service.kind == Kind::Sqlite {
        return layout::inside(path, &part);
    }
    if !template.has("name") {
        let message = "lacks `{name}`, so all environments would share one database";
        return Err(Wrong::at(path, message).hint(format!("write `{}_{{name}}`", service.name)));
    }
    let inner = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if !part.chars().all(inner) || part.starts_with(['-', '.']) {
        let message = "a database's name may hold letters, digits, `_`, `.` and `-` only";
        return Err(Wrong::at(path, message));
    }
    Ok(())
}

fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
}
