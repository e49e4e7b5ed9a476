//! Tells the shell function of `shell-init` which directory to change to.

use crate::sys::{env, fs};
use crate::ui::Ui;
use std::path::Path;

/// Asks the calling shell to change to this directory, if it runs our function; says whether it will.
pub fn to(ui: &Ui, dir: &Path) -> bool {
    let Some(file) = env::path(env::GO_TO) else {
        return false;
    };
    let asked = fs::replace(&file, dir.as_os_str().as_encoded_bytes());
    if let Err(error) = &asked {
        ui.warn(format!("cannot change the directory of this shell: {error:#}"));
    }
    asked.is_ok()
}
