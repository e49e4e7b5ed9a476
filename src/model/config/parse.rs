//! Reads `.agentenv.yaml` into a [`Config`].

use super::reader::{At, Fields};
use super::{
    Compose, Config, Hooks, Infra, defaults, layout, ports, processes, services, trash, variables,
    yaml,
};
use crate::model::config::diagnostic::Checked;
use anyhow::Result;
use indexmap::IndexMap;

const SECTIONS: [&str; 14] = [
    "worktree",
    "env_file",
    "project",
    "url",
    "ports",
    "services",
    "env",
    "compose",
    "copy",
    "link",
    "processes",
    "hooks",
    "trash",
    "infra",
];

impl Config {
    /// Reads a configuration file; omitted keys have their defaults. Reports the first error as
    /// `FILE:LINE: key: message`.
    pub fn parse(file_name: &str, text: &str) -> Result<Config> {
        read(text).map_err(|wrong| wrong.failure(file_name, text).into())
    }
}

fn read(text: &str) -> Checked<Config> {
    let root = yaml::load(text)?;
    if root == yaml::Node::Null {
        return Ok(Config::default());
    }
    let sections = At::root(&root).fields(&SECTIONS)?;
    let mut config = build(&sections)?;
    layout::check(&config)?;
    ports::check(&config.ports)?;
    services::check(&config.services)?;
    variables::check(&config)?;
    layout::tidy(&mut config);
    Ok(config)
}

fn build(sections: &Fields) -> Checked<Config> {
    let mut config = Config::default();
    sections.set("worktree", &mut config.worktree, At::text)?;
    sections.set("env_file", &mut config.env_file, At::text)?;
    sections.set("project", &mut config.project, At::text)?;
    sections.set("url", &mut config.url, |at| at.text().map(Some))?;
    sections.set("ports", &mut config.ports, ports::read)?;
    sections.set("services", &mut config.services, services::read)?;
    sections.set("compose", &mut config.compose, |at| compose(at).map(Some))?;
    sections.set("copy", &mut config.copy, At::lines)?;
    sections.set("link", &mut config.link, At::lines)?;
    sections.set("processes", &mut config.processes, processes::read)?;
    sections.set("hooks", &mut config.hooks, hooks)?;
    sections.set("trash", &mut config.trash, |at| trash::read(at).map(Some))?;
    sections.set("infra", &mut config.infra, infra)?;
    config.env = IndexMap::new();
    config.env = match sections.get("env") {
        Some(at) => env(&at)?,
        None => defaults::env(&config),
    };
    Ok(config)
}

fn env(at: &At) -> Checked<IndexMap<String, String>> {
    let entries = at.entries()?.into_iter();
    entries.map(|(name, value)| Ok((name.to_owned(), value.value()?))).collect()
}

fn hooks(at: &At) -> Checked<Hooks> {
    let fields = at.fields(&["post_add", "pre_remove"])?;
    let mut hooks = Hooks::default();
    fields.set("post_add", &mut hooks.post_add, At::texts)?;
    fields.set("pre_remove", &mut hooks.pre_remove, At::texts)?;
    Ok(hooks)
}

fn compose(at: &At) -> Checked<Compose> {
    let fields = at.fields(&["file", "keep"])?;
    let mut compose = Compose { file: fields.need("file")?.text()?, keep: Vec::new() };
    fields.set("keep", &mut compose.keep, At::lines)?;
    Ok(compose)
}

fn infra(at: &At) -> Checked<Infra> {
    let fields = at.fields(&["file"])?;
    let mut infra = Infra::default();
    fields.set("file", &mut infra.file, |at| at.text().map(Some))?;
    Ok(infra)
}
