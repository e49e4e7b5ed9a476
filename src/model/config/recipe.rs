//! The key `template` of a service: how its template database is made, and when it is stale.

use super::reader::At;
use super::{Kind, layout};
use crate::model::config::diagnostic::Checked;
use serde::{Deserialize, Serialize};

/// How a template database is made, and when it is stale.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// Patterns of the files whose content names the template.
    pub key: Vec<String>,
    /// Commands that run once in the main checkout, with the variables of the template.
    pub build: Vec<String>,
    /// A file of SQL, relative to the main checkout, that runs before the template is published.
    pub mask: Option<String>,
    /// How many copies of the template are kept ready for the next `add`.
    pub spares: u16,
}

/// More would be a mistake: each has the size of the source.
const MOST_SPARES: u16 = 20;

/// Reads the key.
pub(super) fn read(at: &At, kind: Kind) -> Checked<Option<Recipe>> {
    let fields = at.fields(&["key", "build", "mask", "spares"])?;
    let mut recipe = Recipe::default();
    fields.set("key", &mut recipe.key, At::texts)?;
    fields.set("build", &mut recipe.build, At::texts)?;
    fields.set("mask", &mut recipe.mask, |at| {
        let file = at.text()?;
        layout::inside(&at.path, &file)?;
        Ok(Some(file))
    })?;
    fields.set("spares", &mut recipe.spares, |at| {
        if kind == Kind::Mysql {
            let message = "has no meaning for MySQL, which cannot rename a database";
            return Err(at.error(message).hint("omit `spares`"));
        }
        let count = at.text_or_number()?.parse().ok().filter(|count| *count <= MOST_SPARES);
        count.ok_or_else(|| at.expected(&format!("a number from 0 to {MOST_SPARES}")))
    })?;
    Ok(Some(recipe))
}
