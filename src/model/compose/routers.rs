//! Services that ask the engine for containers: those of one environment see those of all.

use super::syntax::{colons, scalar};
use serde_yaml::{Mapping, Value};

/// What compose writes on each container of a project.
const PROJECT: &str = "com.docker.compose.project";

/// What a Traefik takes the containers by to which it sends requests.
const OPTION: &str = "--providers.docker.constraints";

/// Lets a Traefik send requests to containers of its own project only; without that it takes turns between environments,
/// whose labels are the same. Names the rest that can reach the engine.
pub(super) fn separate(file: &mut Mapping, project: &str, notes: &mut Vec<String>) {
    let services = file.get_mut("services").and_then(Value::as_mapping_mut).into_iter().flatten();
    for (name, service) in services {
        let (Some(name), Some(service)) = (name.as_str(), service.as_mapping_mut()) else {
            continue;
        };
        if has_socket(service) && !constrain(service, project) {
            notes.push(format!(
                "service `{name}` mounts the socket of Docker: it sees the containers of all environments"
            ));
        }
    }
}

fn has_socket(service: &Mapping) -> bool {
    let mounts = service.get("volumes").and_then(Value::as_sequence).into_iter().flatten();
    let source = |mount: &Value| match mount.as_str() {
        Some(text) => colons(text).first().map(|source| (*source).to_owned()),
        None => mount.get("source").map(scalar),
    };
    mounts.filter_map(source).any(|source| is_socket(&source))
}

/// Whether a mount is the socket of the engine.
pub(super) fn is_socket(source: &str) -> bool {
    source.ends_with("docker.sock")
}

/// Whether the service is a Traefik that sees containers of this project only.
fn constrain(service: &mut Mapping, project: &str) -> bool {
    let image = service.get("image").map(scalar).unwrap_or_default();
    let is_traefik = image.rsplit('/').next().is_some_and(|name| name.starts_with("traefik"));
    let Some(command) = service.get_mut("command").filter(|_| is_traefik) else { return false };
    let words = match &*command {
        Value::Sequence(words) => words.iter().map(scalar).collect::<Vec<_>>().join(" "),
        text => scalar(text),
    };
    let own = format!("Label(`{PROJECT}`,`{project}`)");
    if words.contains(OPTION) {
        return words.contains(PROJECT) || join(command, &own);
    }
    if !words.contains("--providers.docker") {
        return false;
    }
    let option = format!("{OPTION}={own}");
    match command {
        Value::Sequence(words) => words.push(option.into()),
        text => *text = format!("{words} '{option}'").into(),
    }
    true
}

/// Adds a condition to the one that a list of words has; `false`: it is not a word of its own.
fn join(command: &mut Value, own: &str) -> bool {
    let Value::Sequence(words) = command else { return false };
    let condition =
        |word: &Value| word.as_str()?.strip_prefix(OPTION)?.strip_prefix('=').map(str::to_owned);
    let Some((word, condition)) =
        words.iter_mut().find_map(|word| condition(word).map(|condition| (word, condition)))
    else {
        return false;
    };
    *word = format!("{OPTION}={own} && ({condition})").into();
    true
}
