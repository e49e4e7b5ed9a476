//! Reads the files that say how a project is run.

use crate::commands::init::detect::{FILES, Seen};
use crate::environment::context::Context;
use crate::sys::fs;
use anyhow::Result;
use std::collections::BTreeMap;

/// Reads the files that exist. Skips symbolic links, binary files and files over 1 MiB.
pub fn around(context: &Context) -> Result<Seen> {
    let main = &context.repo.main;
    let mut files = BTreeMap::new();
    let settings = fs::entries(main)?.into_iter().map(|dir| dir.join("settings.py"));
    for path in FILES.iter().map(|file| main.join(file)).chain(settings) {
        let Ok(Some(content)) = fs::read(&path) else { continue };
        let name = path.strip_prefix(main).unwrap_or(&path).to_string_lossy().into_owned();
        files.insert(name, String::from_utf8_lossy(&content).into_owned());
    }
    Ok(Seen { repo: context.repo.name(), files })
}
