//! What `trust` approves of template databases.

use crate::error;
use crate::model::config::{Config, Recipe};
use crate::model::hash::sha256;
use crate::sys::fs;
use anyhow::Result;
use std::path::Path;

/// What `trust` approves of a template: its commands, and its mask with its content.
///
/// # Errors
/// `NotFound` when there is no such mask.
pub fn commands(main: &Path, recipe: &Recipe) -> Result<Vec<String>> {
    let mut commands = recipe.build.clone();
    if let Some(file) = &recipe.mask {
        let path = main.join(file);
        let content = fs::read(&path)?
            .ok_or_else(|| error::not_found(format!("no mask {}", path.display())))?;
        commands.push(format!("mask {file} (sha256 {})", sha256(content)));
    }
    Ok(commands)
}

/// What `trust` approves of all templates, by service.
///
/// # Errors
/// `NotFound` when there is no such mask.
pub fn all_commands(main: &Path, config: &Config) -> Result<Vec<Vec<String>>> {
    let recipes = config.services.values().filter_map(|service| service.template.as_ref());
    recipes.map(|recipe| commands(main, recipe)).collect()
}
