//! Extras of a Python package: an installer takes none by itself, and a driver may be in one.

use super::frameworks::PYTHON;
use super::paths::names_stage;
use super::seen::Seen;
use crate::model::config::Kind;
use toml_edit::{DocumentMut, Item};

/// The extra with the driver for each of these servers of which the package depends on none anyway: the smallest.
pub(super) fn needed(seen: &Seen, near: &str, kinds: &[Kind]) -> Vec<String> {
    let file = format!("{near}pyproject.toml");
    let Ok(root) = seen.text(&file).parse::<DocumentMut>() else { return Vec::new() };
    let project = root.get("project");
    let always = project.and_then(|table| table.get("dependencies")).map(requirements);
    let extras = project.and_then(|table| table.get("optional-dependencies"));
    let extras = extras.and_then(Item::as_table_like).into_iter().flat_map(|table| table.iter());
    let extras: Vec<(&str, Vec<&str>)> =
        extras.map(|(name, list)| (name, requirements(list))).collect();
    let extra = |(_, drivers): &(Kind, &[&str])| {
        let has = |list: &[&str]| {
            list.iter().any(|text| drivers.iter().any(|driver| text.starts_with(driver)))
        };
        let found = extras.iter().filter(|(name, list)| is_part(name) && has(list));
        let smallest = found.min_by_key(|(_, list)| list.len()).map(|(name, _)| (*name).to_owned());
        smallest.filter(|_| !has(always.as_deref().unwrap_or_default()))
    };
    PYTHON.iter().filter(|(kind, _)| kinds.contains(kind)).filter_map(extra).collect()
}

/// An extra for a part of the package, and not for a stage or for all of them.
fn is_part(name: &str) -> bool {
    !names_stage(name) && !["all", "docs"].contains(&name)
}

fn requirements(list: &Item) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(|one| one.as_str()).collect()
}
