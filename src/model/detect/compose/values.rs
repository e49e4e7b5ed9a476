//! Single values of a compose file.

use crate::model::compose::syntax::{colons, scalar};
use serde_yaml::Value;

/// What is mounted from this machine, in the short form and in the long one.
pub(super) fn mounts(service: &Value) -> impl Iterator<Item = &str> {
    let volumes = service.get("volumes").and_then(Value::as_sequence);
    volumes.into_iter().flatten().filter_map(|volume| match volume.as_str() {
        Some(text) => colons(text).first().copied(),
        None => volume.get("source").and_then(Value::as_str),
    })
}

/// `127.0.0.1:${PORT:-8000}:80/tcp`, or the long form.
pub(super) fn mapping(port: &Value) -> Option<(String, String)> {
    if let Some(published) = port.get("published") {
        let target = port.get("target").map(scalar).unwrap_or_default();
        return Some((scalar(published), target));
    }
    let text = scalar(port);
    match *colons(&text) {
        [.., host, target] => Some((host.to_owned(), target.to_owned())),
        _ => None,
    }
}

/// A service's name as the beginning of a variable's.
pub(in crate::model::detect) fn variable(name: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    name.chars().map(kept).collect()
}

/// As compose makes it of a directory's name.
pub(super) fn project_name(text: &str) -> String {
    let kept = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(*c);
    let name: String = text.to_lowercase().chars().filter(kept).collect();
    name.trim_start_matches(['_', '-']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_mappings_are_read_in_every_form() {
        let host = |text: &str| mapping(&serde_yaml::from_str(text).unwrap()).map(|(host, _)| host);
        for (text, expected) in [
            ("\"8000:80\"", Some("8000")),
            ("\"127.0.0.1:8000:80/tcp\"", Some("8000")),
            ("\"${DJANGO_PORT:-8011}:8000\"", Some("${DJANGO_PORT:-8011}")),
            ("\"127.0.0.1:${PORT:-1}:8000\"", Some("${PORT:-1}")),
            ("{ target: 80, published: 8000 }", Some("8000")),
            ("\"80\"", None),
        ] {
            assert_eq!(host(text).as_deref(), expected, "{text}");
        }
    }
}
