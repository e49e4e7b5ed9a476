//! What `trust` approves of template databases.

use super::template::Wanted;
use crate::error;
use crate::model::config::{Config, Recipe};
use crate::model::hash::sha256;
use crate::service::template::Mask;
use crate::sys::fs;
use anyhow::Result;
use std::path::Path;

/// What `trust` approves of a template: its commands, and its mask with its content. Read once, so that what was approved,
/// what names the template and what runs are the same.
#[derive(Debug)]
pub struct Approval {
    /// In words.
    pub commands: Vec<String>,
    /// The mask, as it was read.
    pub mask: Option<Mask>,
}

fn of(main: &Path, recipe: &Recipe) -> Result<Approval> {
    let mut commands = recipe.build.clone();
    let mask = recipe.mask.as_ref().map(|file| {
        let path = main.join(file);
        let content = fs::read(&path)?
            .ok_or_else(|| error::not_found(format!("no mask {}", path.display())))?;
        commands.push(format!("mask {file} (sha256 {})", sha256(&content)));
        Ok::<_, anyhow::Error>(Mask { path, content })
    });
    Ok(Approval { mask: mask.transpose()?, commands })
}

impl Wanted {
    /// What `trust` approves of it, as it was when it was first asked for.
    ///
    /// # Errors
    /// `NotFound` when there is no such mask.
    pub(super) fn approval(&self, main: &Path) -> Result<&Approval> {
        if let Some(read) = self.approval.get() {
            return Ok(read);
        }
        let read = of(main, &self.recipe)?;
        Ok(self.approval.get_or_init(|| read))
    }
}

/// What `trust` approves of all templates, by service.
///
/// # Errors
/// `NotFound` when there is no such mask.
pub fn all_commands(main: &Path, config: &Config) -> Result<Vec<Vec<String>>> {
    let recipes = config.services.values().filter_map(|service| service.template.as_ref());
    recipes.map(|recipe| Ok(of(main, recipe)?.commands)).collect()
}
