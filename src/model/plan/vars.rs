//! The variables of an environment.

use crate::model::config::Config;
use crate::model::envfile::check_value;
use crate::model::lease::Lease;
use crate::model::template::Template;
use anyhow::{Context, Result};
use indexmap::IndexMap;

/// Everything that the environment file says, in its order.
pub fn of(config: &Config, lease: &Lease, repo: &str) -> Result<IndexMap<String, String>> {
    let mut vars = IndexMap::new();
    vars.insert("COMPOSE_PROJECT_NAME".to_owned(), lease.project.clone());
    for (name, port) in &lease.ports {
        vars.insert(name.clone(), port.to_string());
    }
    for part in &lease.parts {
        vars.insert(part.variable.clone(), part.holds.clone());
    }
    let known = vars.clone();
    for (name, template) in &config.env {
        let value = Template::parse(template)
            .and_then(|template| template.render(&|key| lookup(key, &known, lease, repo)))
            .with_context(|| format!("cannot make the variable {name}"))?;
        vars.insert(name.clone(), value);
    }
    for (name, value) in &vars {
        check_value(name, value)?;
    }
    Ok(vars)
}

fn lookup(key: &str, vars: &IndexMap<String, String>, lease: &Lease, repo: &str) -> Option<String> {
    match key {
        "repo" => Some(repo.to_owned()),
        "name" => Some(lease.name.clone()),
        "project" => Some(lease.project.clone()),
        "path" => Some(percent_encoded(&lease.path.to_string_lossy())),
        _ => vars.get(key).cloned().or_else(|| of_service(key, lease)),
    }
}

fn of_service(key: &str, lease: &Lease) -> Option<String> {
    let (service, field) = key.split_once('.')?;
    let part = lease.parts.iter().find(|part| part.service == service)?;
    match field {
        "port" => Some(part.port.to_string()),
        "user" => Some(percent_encoded(&part.user)),
        // A server in a container is reached at the port that it publishes on this machine.
        "host" => Some("localhost".to_owned()),
        _ => None,
    }
}

/// What a URL may hold, and every reader of environment files reads alike.
fn percent_encoded(text: &str) -> String {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"_./:@+,=-".contains(&byte);
    let encode = |byte: u8| {
        if safe(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(encode).collect()
}
