//! What a copy of a database does not bring along.

use crate::model::lease::Part;
use crate::model::source::Source;
use crate::service::{Resource, mysql};
use crate::ui::Ui;

/// Names the users who may use the source of a new database and not the database: on MySQL, privileges are on names. A server
/// that does not say so is no reason to fail.
pub fn warn_of_lacking(ui: &Ui, resource: &Resource, part: &Part) {
    let (Resource::MysqlDatabase(copy), Some(Source::Database(source))) = (resource, &part.from)
    else {
        return;
    };
    for one in mysql::lacking(copy, source).unwrap_or_default() {
        let (user, grant, name) = (one.user, one.grant, &copy.name);
        let message = format!("{user} may use database `{source}` and not its copy `{name}`");
        ui.warn(format!("{message}\nhint: grant the same: {grant}"));
    }
}
