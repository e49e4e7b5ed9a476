//! Compose files.

mod choice;
mod filled;
mod service;
mod values;

use crate::model::compose::syntax::{interpolated, parsed};
use crate::model::compose::{env_files, join, load};
use crate::model::config::{Kind, Place};
use crate::model::detect::Port;
use crate::model::detect::examples::of_example;
use crate::model::detect::paths::dir;
use crate::model::detect::seen::Seen;
use crate::model::envfile;
use choice::MAIN;
pub(super) use choice::stacks;
use filled::fill;
use serde_yaml::{Mapping, Value};
pub(super) use service::Service;
use service::read;
use values::project_name;
pub(super) use values::variable;

/// The variable that names the project, whatever the file says.
const PROJECT: &str = "COMPOSE_PROJECT_NAME";

/// A compose file.
pub(super) struct Stack {
    pub(super) file: String,
    project: String,
    /// The variable that the project's name is made of.
    pub(super) name_variable: Option<String>,
    /// Those that always run come first.
    pub(super) services: Vec<Service>,
    /// Files of variables for its containers, from the top of the repository on.
    pub(super) env_files: Vec<String>,
    /// Why only what stands in the file itself is known.
    pub(super) fault: Option<String>,
}

fn stack(file: &str, seen: &Seen) -> Option<Stack> {
    let plain = || parsed(seen.text(file)).ok();
    let (mut root, fault) = match load(file, &|path| seen.files.get(path).cloned()) {
        Ok(root) => (root, None),
        Err(error) => (plain()?, Some(error.to_string())),
    };
    let vars = envfile::parse(seen.text(&format!("{}.env", dir(file))).as_bytes());
    fill(&mut root, &vars, false);
    fill(&mut root, &of_example(seen, dir(file)), true);
    let mut services = services(&root)?;
    for (path, names) in env_files(&root) {
        let vars = envfile::parse(seen.text(&join(dir(file), &path)).as_bytes());
        let servers = services.iter_mut().filter(|service| service.kind.is_some());
        for service in servers.filter(|service| names.contains(&service.name)) {
            service.environment.extend(vars.clone());
        }
    }
    services.sort_by_key(|service| service.is_optional);
    let env_files = env_files(&root).into_keys();
    let env_files = env_files.map(|path| join(dir(file), &path)).collect();
    let given = vars.iter().find(|(name, value)| name == PROJECT && !value.is_empty());
    let (project, name_variable) = match (given, root.get("name").and_then(Value::as_str)) {
        (Some((_, name)), _) => (name.clone(), None),
        (None, Some(name)) => interpolated(name),
        (None, None) => (directory_name(file, &seen.repo), None),
    };
    Some(Stack {
        file: file.to_owned(),
        project: project_name(&project),
        name_variable: name_variable.filter(|name| name != PROJECT),
        services,
        env_files,
        fault,
    })
}

/// A project without a name is called like the file's directory; editors name that of `.devcontainer` so.
fn directory_name(file: &str, repo: &str) -> String {
    match dir(file).trim_end_matches('/').rsplit('/').next() {
        None | Some("") => repo.to_owned(),
        Some(".devcontainer") => format!("{repo}_devcontainer"),
        Some(dir) => dir.to_owned(),
    }
}

fn services(root: &Mapping) -> Option<Vec<Service>> {
    let services = root.get("services")?.as_mapping()?;
    Some(services.iter().filter_map(|(name, service)| read(name.as_str()?, service)).collect())
}

impl Stack {
    /// It runs a server that environments can share.
    pub(super) fn has_servers(&self) -> bool {
        self.services.iter().any(|service| service.kind.is_some())
    }

    /// The kinds of its servers.
    pub(super) fn kinds(&self) -> impl Iterator<Item = Kind> + '_ {
        self.services.iter().filter_map(|service| service.kind)
    }

    /// Variables that the application's own services get.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let own = self.services.iter().filter(|service| service.kind.is_none());
        let vars = own.flat_map(|service| &service.environment);
        vars.map(|(name, value)| (name.clone(), interpolated(value).0)).collect()
    }

    /// In words.
    pub(super) fn found(&self) -> String {
        let names: Vec<&str> = self.services.iter().map(|service| service.name.as_str()).collect();
        format!("{}: {}", self.file, names.join(", "))
    }

    /// All of it are servers that environments share.
    pub(super) fn only_servers(&self) -> bool {
        !self.services.is_empty() && self.services.iter().all(|service| service.kind.is_some())
    }

    /// It runs the application, and not only an editor's container, the servers, or tools from elsewhere.
    pub(super) fn runs_application(&self) -> bool {
        let is_editors = self.file.split('/').any(|part| part == ".devcontainer");
        !is_editors && self.services.iter().any(Service::runs_application)
    }

    /// The ports that a variable decides, of the application or of what runs beside it.
    pub(super) fn ports(&self, is_own: bool) -> Vec<Port> {
        let published = self.published().filter(|(.., own)| *own == is_own);
        let of = |(service, host, ..): (&Service, &str, u16, bool)| {
            let (port, variable) = interpolated(host);
            Some(Port { variable: variable?, main: port.parse().ok()?, why: self.why(service) })
        };
        published.filter_map(of).collect()
    }

    /// The ports that are fixed, with the port in the container, and whether they are the application's.
    pub(super) fn fixed_ports(&self) -> Vec<(Port, u16, bool)> {
        let mut fixed: Vec<_> = self.published().collect();
        fixed.sort_by_key(|(service, ..)| !service.is_built);
        let mut found: Vec<(Port, u16, bool)> = Vec::new();
        for (service, host, target, is_own) in fixed {
            let Ok(main) = host.parse::<u16>() else { continue };
            let name = variable(&service.name);
            let is_taken = found.iter().any(|(port, ..)| port.variable == format!("{name}_PORT"));
            let variable =
                if is_taken { format!("{name}_{main}_PORT") } else { format!("{name}_PORT") };
            let why = self.why(service);
            found.push((Port { variable, main, why }, target, is_own));
        }
        found
    }

    /// What services that are no servers publish: the port on this machine, that in the container, and whether the
    /// application is reached there. That is what is built here, or else what stands in front of it.
    fn published(&self) -> impl Iterator<Item = (&Service, &str, u16, bool)> {
        let is_built = |service: &Service| service.is_built || service.is_mounted;
        let is_own = move |service: &Service| is_built(service) && !service.is_optional;
        let others = || self.services.iter().filter(|service| service.kind.is_none());
        let is_reached = others().any(|service| is_own(service) && !service.ports.is_empty());
        let is_front = others().any(is_own) && !is_reached;
        others().flat_map(move |service| {
            let target = |text: &str| interpolated(text).0.split('/').next()?.parse().ok();
            let is_own = is_own(service) || (is_front && !service.is_optional);
            let each = service.ports.iter();
            each.map(move |(host, inner)| {
                (service, host.as_str(), target(inner).unwrap_or(0), is_own)
            })
        })
    }

    /// Where a service of this file runs.
    pub(super) fn place(&self, service: &Service) -> Place {
        match &service.container {
            Some(name) => Place::Container(name.clone()),
            None => Place::Compose { project: self.project.clone(), service: service.name.clone() },
        }
    }

    /// The command for the main checkout that starts these services, as developers run it there.
    pub(super) fn start(&self, names: &[&str]) -> String {
        let names = names.join(" ");
        match MAIN.contains(&self.file.as_str()) {
            true => format!("docker compose up -d {names}"),
            false => format!("docker compose -f {} -p {} up -d {names}", self.file, self.project),
        }
    }

    /// What says where a service runs.
    pub(super) fn why(&self, service: &Service) -> String {
        format!("{}: {}", self.file, service.name)
    }
}
