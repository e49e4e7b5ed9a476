//! The key `also` of a service: the databases that tests make beside an environment's own.

use super::reader::At;
use super::{Kind, Service};
use crate::model::config::diagnostic::{Checked, Diagnostic};
use crate::model::glob;
use crate::model::template::Template;
use indexmap::IndexMap;

/// What stands for the database's own name in a pattern.
pub const OWN: &str = "{}";

/// Reads the patterns; `variable` is the one that names the environment's own database.
pub(super) fn read(at: &At, variable: &str) -> Checked<Vec<String>> {
    let patterns = at.lines()?;
    patterns.iter().map(|pattern| own(at, pattern, variable)).collect()
}

/// A pattern with [`OWN`] in the place of the variable.
fn own(at: &At, pattern: &str, variable: &str) -> Checked<String> {
    let template =
        Template::parse(pattern).map_err(|error| Diagnostic::because(&at.path, &error))?;
    if template.keys().count() != 1 || !template.has(variable) {
        let message = format!("`{pattern}` does not hold `{{{variable}}}` exactly once");
        let hint = format!(
            "write `test_{{{variable}}}`: the pattern must contain the own name of an environment"
        );
        return Err(at.error(message).hint(hint));
    }
    let rendered = template.render(&|_| Some(OWN.to_owned()));
    let rendered = rendered.map_err(|error| Diagnostic::because(&at.path, &error))?;
    let rest = rendered.replacen(OWN, "", 1);
    if !rest.chars().all(|c| c.is_ascii_alphanumeric() || "_.-*".contains(c)) {
        let message = format!("`{pattern}` is not a pattern of database names");
        return Err(at.error(message).hint("use letters, digits, `_`, `.`, `-` and `*`"));
    }
    if !rest.chars().any(|c| c.is_ascii_alphanumeric()) {
        let message = format!("`{pattern}` would match databases of other environments");
        return Err(at.error(message).hint(format!("add a word: `test_{{{variable}}}`")));
    }
    Ok(rendered)
}

/// Checks that no pattern can match the database of a main checkout.
pub(super) fn check(services: &IndexMap<String, Service>) -> Checked<()> {
    for (key, service) in services {
        let names = service.name.replace("{name}", "*").replace("{repo}", "*");
        let mains = services.values().filter(|other| other.kind != Kind::Redis);
        let mains: Vec<&String> = mains.map(|other| &other.main).collect();
        for pattern in &service.also {
            let all = pattern.replace(OWN, &names);
            if let Some(main) = mains.iter().find(|main| glob::matches(&all, main)) {
                let pattern = pattern.replace(OWN, &format!("{{{}}}", service.variable));
                let message = format!("`{pattern}` would match `{main}`, the main checkout's");
                return Err(Diagnostic::at(&["services", key, "also"], message));
            }
        }
    }
    Ok(())
}
