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
    /// To create an environment in. A project without a configuration gets a default, and a line says which.
    pub fn open(context: &'a Context, ui: &'a Ui) -> Result<Self> {
        let (config, choice) = effective_config::configuration(context)?;
        choice.into_iter().for_each(|line| ui.say(line));
        Ok(Workspace { context, config, ui })
    }

    /// To work on what was created before.
    pub fn of_existing(context: &'a Context, ui: &'a Ui) -> Result<Self> {
        let (config, _) = effective_config::configuration(context)?;
        Ok(Workspace { context, config, ui })
    }
}
