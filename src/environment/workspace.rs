//! What every command that changes an environment carries along: repository, configuration and user interface.

use crate::environment::context::Context;
use crate::environment::effective_config;
use crate::model::config::Config;
use crate::ui::Ui;
use anyhow::Result;

/// A repository with the configuration that applies to it and the user to report to.
pub struct Workspace<'a> {
    /// The repository and this user's leases.
    pub context: &'a Context,
    /// The project's configuration, or the default that stands in for it.
    pub config: Config,
    /// Where progress, warnings and answers go.
    pub ui: &'a Ui,
}

impl<'a> Workspace<'a> {
    /// Reads the project's configuration. A project without one gets a default, and a line says which.
    pub fn open(context: &'a Context, ui: &'a Ui) -> Result<Self> {
        Ok(Workspace { context, config: effective_config::configuration(context, ui)?, ui })
    }
}
