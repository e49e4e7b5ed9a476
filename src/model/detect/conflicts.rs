//! Names that two applications of a repository give different meanings: one environment file holds one value.

use crate::model::detect::roles::Role;
use crate::model::detect::url::Url;
use crate::model::detect::vars::Var;
use crate::model::detect::{Evidence, Project};

/// Says which.
pub(super) fn find(project: &mut Project, evidence: &Evidence<'_>) {
    for var in &evidence.vars {
        let Some(own) = meaning(evidence, var, &var.value) else { continue };
        let others = var.others.iter().filter_map(|(file, value)| {
            Some((file, meaning(evidence, var, value).filter(|other| *other != own)?))
        });
        for (file, other) in others {
            project.notes.push(format!(
                "{} is {own} in {}, and {other} in {file}: an environment has one value for both, so they share what it \
                 names; give one of them a variable of its own name",
                var.name, var.file
            ));
        }
    }
}

/// The part or the port that a value names, without what may be secret.
fn meaning(evidence: &Evidence<'_>, var: &Var, value: &str) -> Option<String> {
    if let Some(url) = Url::parse(value) {
        let port = url.port().filter(|_| url.is_local());
        let server = port.map_or_else(String::new, |port| format!(" at port {port}"));
        return Some(format!("`{}`{server}", url.part));
    }
    let is_part = matches!(evidence.role(&var.name), Some((_, Role::Part)));
    let is_port = var.name == "PORT" || var.name.ends_with("_PORT");
    let is_number = value.parse::<u16>().is_ok();
    (!value.contains('$') && (is_part || (is_port && is_number))).then(|| format!("`{value}`"))
}
