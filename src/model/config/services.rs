//! The section `services`.

use super::reader::{At, Fields};
use super::{Commands, Kind, Place, Service, also, defaults, layout, origin, recipe};
use crate::model::config::diagnostic::{Checked, Diagnostic};
use crate::model::name;
use crate::model::suggest::suggestion;
use crate::model::template::Template;
use anyhow::Result;
use indexmap::IndexMap;

/// Keys of all kinds.
const COMMON: [&str; 5] = ["kind", "variable", "name", "main", "from"];

/// Keys of kinds that have a server.
const OF_SERVERS: [&str; 9] =
    ["template", "also", "range", "container", "compose", "host", "user", "port", "password_env"];

/// Keys of the kind custom.
const COMMANDS: [&str; 3] = ["create", "exists", "drop"];

const PLACES: [&str; 3] = ["container", "compose", "host"];

/// Reads the section.
pub(super) fn read(at: &At) -> Checked<IndexMap<String, Service>> {
    let entries = at.entries()?.into_iter();
    entries
        .map(|(name, entry)| {
            if !is_plain(name) {
                return Err(entry.error("a service name consists of letters, digits, `_` and `-`"));
            }
            Ok((name.to_owned(), service(&entry)?))
        })
        .collect()
}

/// Checks the names of databases.
pub(super) fn check(services: &IndexMap<String, Service>) -> Checked<()> {
    also::check(services)?;
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
            let message = match service.kind {
                Kind::Custom => format!("`{key}` and `{other}` have one name in one container"),
                _ => format!("`{key}` and `{other}` would share one database"),
            };
            return Err(Diagnostic::at(&path, message).hint(format!("give `{key}` another `name`")));
        }
    }
    Ok(())
}

impl Service {
    /// The database name or SQLite file of the environment `name`.
    ///
    /// A name that is too long for an identifier is cut and gets a hash. Cannot fail for a service
    /// from [`super::Config::parse`].
    pub fn part(&self, repo: &str, name: &str) -> Result<String> {
        let (file, custom) = (self.kind == Kind::Sqlite, self.kind == Kind::Custom);
        let value = |text: &str| {
            if file || custom { text.to_owned() } else { name::database(text) }
        };
        let part = Template::parse(&self.name)?.render(&|key| match key {
            "repo" => Some(value(repo)),
            "name" => Some(value(name)),
            _ => None,
        })?;
        Ok(match self.kind {
            Kind::Sqlite => part,
            Kind::Custom => name::fit(&part, '-', name::DATABASE),
            _ => name::fit(&part, '_', name::DATABASE),
        })
    }
}

fn service(at: &At) -> Checked<Service> {
    let fields = at.fields(&[&COMMON[..], &OF_SERVERS, &COMMANDS].concat())?;
    let mut service = defaults::service(kind(&fields.need("kind")?)?);
    suits(&fields, service.kind)?;
    fields.set("variable", &mut service.variable, At::text)?;
    fields.set("name", &mut service.name, At::text)?;
    fields.set("main", &mut service.main, |at| main(at, service.kind))?;
    fields.set("from", &mut service.from, |at| origin::read(at, service.kind))?;
    fields.set("template", &mut service.template, |at| recipe::read(at, service.kind))?;
    let own = service.variable.clone();
    fields.set("also", &mut service.also, |at| also::read(at, &own))?;
    fields.set("range", &mut service.range, |at| {
        let (first, last) = at.range(0)?;
        Ok(Some((first.into(), last.into())))
    })?;
    fields.set("user", &mut service.user, |at| word(at, "user"))?;
    fields.set("port", &mut service.port, At::port)?;
    fields.set("password_env", &mut service.password_env, |at| variable(at).map(Some))?;
    match place(&fields)? {
        Some(place) => service.place = place,
        None if service.kind == Kind::Custom => drop(fields.need("container")?),
        None => {}
    }
    if service.kind == Kind::Custom {
        fields.need("variable")?;
        service.commands = Commands {
            create: fields.need("create")?.text()?,
            exists: fields.need("exists")?.text()?,
            drop: fields.need("drop")?.text()?,
        };
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
        "custom" => Kind::Custom,
        _ => {
            let hint = suggestion(&text, ["postgres", "mysql", "sqlite", "redis", "custom"]);
            return Err(at.error(format!("unknown kind `{text}`")).hint(hint));
        }
    })
}

/// Rejects keys that have no meaning for the kind.
fn suits(fields: &Fields, kind: Kind) -> Checked<()> {
    let idle: &[&str] = match kind {
        Kind::Postgres => &["range"],
        Kind::Mysql => &["range"],
        Kind::Redis => &["name", "from", "template", "also"],
        Kind::Sqlite => &OF_SERVERS,
        Kind::Custom => &["from", "template", "also", "range", "host"],
    };
    if let Some(at) =
        COMMANDS.iter().find_map(|key| fields.get(key)).filter(|_| kind != Kind::Custom)
    {
        let hint = "write `kind: custom` to create it by commands of your own";
        return Err(at.error("has a meaning for the kind custom only").hint(hint));
    }
    let idle = idle.iter().find_map(|key| fields.get(key));
    let (what, instead) = match kind {
        Kind::Custom => ("the kind custom", "its commands run in its `container`"),
        Kind::Postgres | Kind::Mysql => ("a database", "use the template `name`"),
        Kind::Redis => ("a redis index", "use `range` for the indexes"),
        Kind::Sqlite => ("a file", "a file has no server"),
    };
    idle.map_or(Ok(()), |at| {
        let message = format!("has no meaning for {what}");
        Err(at.error(message).hint(instead))
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
        Kind::Postgres | Kind::Mysql | Kind::Custom => database(at, &main),
    }
}

/// The name of a database that is there.
pub(super) fn database(at: &At, text: &str) -> Checked<String> {
    if text.len() > name::IDENTIFIER {
        return Err(at.error(format!("is longer than {} bytes", name::IDENTIFIER)));
    }
    plain(at, text.to_owned(), "database")
}

fn place(fields: &Fields) -> Checked<Option<Place>> {
    let given: Vec<&str> = PLACES.into_iter().filter(|key| fields.get(key).is_some()).collect();
    if let [first, second, ..] = given[..] {
        let message = format!("excludes `{first}`: a service has one place");
        return Err(fields.need(second)?.error(message));
    }
    if let Some(at) = fields.get("container") {
        return Ok(Some(Place::Container(word(&at, "container")?)));
    }
    if let Some(at) = fields.get("compose") {
        let fields = at.fields(&["project", "service"])?;
        let project = word(&fields.need("project")?, "Compose project")?;
        let service = word(&fields.need("service")?, "Compose service")?;
        return Ok(Some(Place::Compose { project, service }));
    }
    match fields.get("host") {
        Some(at) if at.flag()? => Ok(Some(Place::Host)),
        Some(at) => Err(at.error("`false` has no meaning").hint("omit `host`, or set `container`")),
        None => Ok(None),
    }
}

/// The name of a variable: a password that stands here by mistake is not echoed.
fn variable(at: &At) -> Checked<String> {
    let text = at.text()?;
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text.chars().all(inner) && !text.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(text);
    }
    let wrong = at.error("not a valid variable name");
    Err(wrong.hint("name the variable that holds the password, for example PGPASSWORD"))
}

fn word(at: &At, what: &str) -> Checked<String> {
    plain(at, at.text()?, what)
}

/// A name that is passed as a command argument: it must not look like an option.
fn plain(at: &At, text: String, what: &str) -> Checked<String> {
    let inner = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if text.chars().all(inner) && !text.starts_with(['-', '.']) {
        return Ok(text);
    }
    let wrong = at.error(format!("{text:?} is not a valid {what} name"));
    Err(wrong.hint("use letters, digits, `_`, `.` and `-`; start with a letter, digit or `_`"))
}

fn check_name(path: &[&str], service: &Service) -> Checked<()> {
    let because = |error| Diagnostic::because(path, &error);
    let template = Template::parse(&service.name).map_err(because)?;
    template.check(["name", "repo"]).map_err(because)?;
    let part = service.part("repo", "name").map_err(because)?;
    if service.kind == Kind::Sqlite {
        return layout::inside(path, &part);
    }
    if !template.has("name") {
        let message = match service.kind {
            Kind::Custom => "lacks `{name}`: all environments would have one name",
            _ => "lacks `{name}`: all environments would share one database",
        };
        return Err(
            Diagnostic::at(path, message).hint(format!("write `{}_{{name}}`", service.name))
        );
    }
    let inner = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if !part.chars().all(inner) || part.starts_with(['-', '.']) {
        let message = "a database name consists of letters, digits, `_`, `.` and `-`";
        return Err(Diagnostic::at(path, message));
    }
    Ok(())
}

fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
}
