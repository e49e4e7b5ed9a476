//! One service of a compose file.

use super::values::{mapping, mounts};
use crate::model::compose::kind::{is_tool, server};
use crate::model::compose::syntax::{environment, interpolated, scalar};
use crate::model::config::Kind;
use serde_yaml::Value;

/// The condition of compose for what has to end first.
const ENDED: &str = "service_completed_successfully";

/// A service of a compose file.
pub(in crate::model::detect) struct Service {
    pub(super) name: String,
    pub(in crate::model::detect) kind: Option<Kind>,
    pub(super) container: Option<String>,
    image: String,
    /// Host port as it stands there, and the port in the container.
    pub(super) ports: Vec<(String, String)>,
    /// Its image is built from the repository.
    pub(super) is_built: bool,
    /// The repository's own files are mounted in it.
    pub(super) is_mounted: bool,
    pub(super) environment: Vec<(String, String)>,
    command: Option<String>,
    /// Compose starts it only on demand.
    pub(super) is_optional: bool,
    /// It runs on, by itself, with a port or data.
    keeps: bool,
    /// The services that it depends on; `true`: until they have ended.
    needs: Vec<(String, bool)>,
}

/// Reads one.
pub(super) fn read(name: &str, service: &Value) -> Option<Service> {
    let text = |key: &str| service.get(key).and_then(Value::as_str);
    let ports = service.get("ports").and_then(Value::as_sequence);
    let is_optional = is_optional(service.get("profiles"));
    let is_running = text("restart") != Some("no") && !is_optional;
    let needs = needs(service);
    let keeps =
        service.get("ports").is_some() || (service.get("volumes").is_some() && needs.is_empty());
    // The name goes into comments: it is one line.
    Some(Service {
        name: name.split_whitespace().collect::<Vec<_>>().join(" "),
        kind: service.as_mapping().and_then(server),
        container: text("container_name").map(|name| interpolated(name).0),
        image: text("image").unwrap_or_default().to_lowercase(),
        ports: ports.into_iter().flatten().filter_map(mapping).collect(),
        is_built: service.get("build").is_some(),
        is_mounted: mounts(service).any(|from| [".", ".."].contains(&from.trim_end_matches('/'))),
        environment: environment(service.get("environment")),
        is_optional,
        command: service.get("command").map(words),
        keeps: is_running && keeps && text("image").is_some_and(|image| !is_tool(image)),
        needs,
    })
}

/// It has a profile, and not only a variable for one.
fn is_optional(profiles: Option<&Value>) -> bool {
    let mut all = profiles.and_then(Value::as_sequence).into_iter().flatten();
    all.any(|profile| !interpolated(&scalar(profile)).0.is_empty())
}

/// A command, a text or a list.
fn words(command: &Value) -> String {
    match command {
        Value::Sequence(list) => list.iter().map(scalar).collect::<Vec<_>>().join(" "),
        one => scalar(one),
    }
}

/// What `depends_on` says, a list or a mapping.
fn needs(service: &Value) -> Vec<(String, bool)> {
    match service.get("depends_on") {
        Some(Value::Sequence(list)) => list.iter().map(|name| (scalar(name), false)).collect(),
        Some(Value::Mapping(map)) => {
            let ends = |how: &Value| how.get("condition").map(scalar).as_deref() == Some(ENDED);
            map.iter().map(|(name, how)| (scalar(name), ends(how))).collect()
        }
        _ => Vec::new(),
    }
}

impl Service {
    /// It runs the application itself.
    pub(in crate::model::detect) fn runs_application(&self) -> bool {
        self.kind.is_none() && (self.is_built || self.is_mounted) && !self.is_optional
    }

    pub(in crate::model::detect) fn name(&self) -> &str {
        &self.name
    }

    /// Containers of its network reach it under this name.
    pub(in crate::model::detect) fn is_called(&self, host: &str) -> bool {
        self.name == host || self.container.as_deref() == Some(host)
    }

    /// The port on this machine: that of the server itself, where a page of its own stands beside it.
    pub(in crate::model::detect) fn published(&self) -> Option<u16> {
        let port = self.kind.and_then(Kind::port).map(|port| port.to_string());
        let is_own = |target: &str| interpolated(target).0.split('/').next() == port.as_deref();
        let mut own = self.ports.iter().filter(|(_, target)| is_own(target));
        let (host, _) = own.next().or_else(|| self.ports.first())?;
        interpolated(host).0.parse().ok()
    }

    /// A value that its container gets.
    pub(in crate::model::detect) fn value(&self, name: &str) -> Option<String> {
        self.raw(name).map(|value| interpolated(value).0).filter(|value| !value.is_empty())
    }

    /// The same as it stands in the file.
    pub(in crate::model::detect) fn raw(&self, name: &str) -> Option<&str> {
        let found = self.environment.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The password without which this Redis answers nothing, as it stands in the file.
    pub(in crate::model::detect) fn required(&self) -> Option<&str> {
        let command = self.command.as_deref().unwrap_or_default();
        let after = command.split_once("requirepass").map(|(_, after)| after);
        let word = after.and_then(|after| after.split_whitespace().next());
        word.map(|word| word.trim_matches(['"', '\''])).or_else(|| self.raw("REDIS_PASSWORD"))
    }

    /// It is neither built from the repository nor a server that environments share.
    pub(in crate::model::detect) fn is_other(&self) -> bool {
        self.kind.is_none() && !self.is_built && !self.is_mounted
    }

    /// It runs an image of the project with this name, and not another one of its owner's.
    pub(in crate::model::detect) fn is_of(&self, repo: &str) -> bool {
        // `registry.example/owner/project/part`, and less of it.
        let (first, rest) = self.image.split_once('/').unwrap_or(("", &self.image));
        let path = if first.contains(['.', ':']) { rest } else { &self.image };
        let name = path.split_once('/').map_or(path, |(_, name)| name);
        name.split(['/', ':', '-', '_']).any(|word| word == repo.to_lowercase())
    }

    /// It is a server, whether a variable leads there or not: no application of those that environments share, and nothing
    /// that others of its file wait for to end.
    pub(in crate::model::detect) fn keeps(&self, all: &[Service]) -> bool {
        let needs = |one: &Service, other: &Service, until_end: bool| {
            one.needs.iter().any(|(name, ends)| *name == other.name && (*ends || !until_end))
        };
        self.keeps
            && !all.iter().any(|one| needs(one, self, true))
            && !all.iter().any(|one| one.kind.is_some() && needs(self, one, false))
    }

    /// It answers at this port of this machine.
    pub(in crate::model::detect) fn publishes(&self, port: u16) -> bool {
        self.ports.iter().any(|(host, _)| interpolated(host).0.parse() == Ok(port))
    }
}
