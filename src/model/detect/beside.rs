//! Variables that say again what a URL of the main checkout says.

use super::roles::{self, Role};
use super::seen::Seen;
use super::url::Url;
use super::vars::Var;
use crate::model::config::Kind;

/// Leaves them out: code that reads both takes the URL, or refuses to start with both.
pub(super) fn leave_out(vars: &mut Vec<Var>, seen: &Seen) {
    let urls: Vec<(String, Kind)> = vars.iter().filter_map(given).collect();
    vars.retain(|var| !urls.iter().any(|(url, kind)| is_form_of(var, seen, url, *kind)));
}

/// The URL of a database that a file gives.
fn given(var: &Var) -> Option<(String, Kind)> {
    let url = Url::parse(&var.value).filter(|url| url.kind != Kind::Redis)?;
    (var.is_named && !var.is_default).then(|| (var.name.clone(), url.kind))
}

/// A part of the same name, without a value of the main checkout's own, in a file that names the URL too.
fn is_form_of(var: &Var, seen: &Seen, url: &str, kind: Kind) -> bool {
    let parts = [Role::Part, Role::Host, Role::Port, Role::User, Role::Password];
    let role = roles::of(&var.name, kind);
    role.is_some_and(|(of, role)| of == kind && parts.contains(&role))
        && (var.is_default || var.value.is_empty())
        && roles::prefix(&var.name) == roles::prefix(url)
        && seen.text(&var.file).contains(url)
}
