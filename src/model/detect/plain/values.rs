//! What a line says of a server's part.

use crate::model::config::Kind;
use crate::model::detect::engine::word;
use crate::model::detect::literals::strings;
use crate::model::detect::others::Address;
use crate::model::detect::paths::used;
use crate::model::detect::servers::is_plain;
use crate::model::detect::text::last_word;
use crate::model::detect::url::{Url, is_local, words};
use std::collections::BTreeSet;

/// The line gets a value from the environment or from a template.
pub(super) fn reads_variable(line: &str) -> bool {
    let line = line.to_lowercase();
    ["env", "${", "<%", "{{", "config(", "#{"].iter().any(|sign| line.contains(sign))
}

/// What the URLs and connection strings of a line name, but for what a variable replaces, and whether a key in them does.
pub(super) fn addresses(
    line: &str,
    defaults: &BTreeSet<String>,
) -> Vec<(Option<Kind>, String, bool)> {
    let is_free = |text: &&str| !defaults.contains(*text);
    let urls = urls(line).filter(is_free).filter_map(of_url);
    let strings = strings(line).into_iter().map(|(_, text)| text).filter(is_free);
    let words = strings.filter_map(words::parse).filter_map(|url| named(&url));
    urls.map(|(kind, part)| (kind, part, false))
        .chain(words.map(|(kind, part)| (Some(kind), part, true)))
        .collect()
}

/// The URLs of a line.
fn urls(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("://").map(|(at, _)| {
        let scheme = last_word(&line[..at], |c| c.is_ascii_alphanumeric() || "+:".contains(c));
        let rest = &line[at - scheme.len()..];
        let end = rest.find(|c: char| c.is_whitespace() || "\"'`<>(){},;".contains(c));
        &rest[..end.unwrap_or(rest.len())]
    })
}

/// The part that a URL of a server here names; of a server of another kind, where it is.
fn of_url(text: &str) -> Option<(Option<Kind>, String)> {
    if text.contains(['$', '%', '*', '#']) {
        return None;
    }
    // A URL without a host is of a socket.
    if let Some(url) = Url::parse(text) {
        if url.host.is_empty() {
            return None;
        }
        return named(&url).map(|(kind, part)| (Some(kind), part));
    }
    let address = Address::parse(text).filter(|address| address.is_server())?;
    is_here(&address.host).then(|| (None, address.to_string()))
}

/// The part of a server that is not elsewhere, and of which no example speaks.
fn named(url: &Url) -> Option<(Kind, String)> {
    let is_socket = url.host.is_empty() && url.kind == Kind::Postgres;
    if !is_here(&url.host) && !is_socket {
        return None;
    }
    match (url.kind, url.part.as_str()) {
        (Kind::Redis, "") => Some((Kind::Redis, "0".to_owned())),
        (Kind::Redis, part) => part.parse::<u16>().ok().map(|part| (Kind::Redis, part.to_string())),
        (kind, part) => is_plain(part).then(|| (kind, part.to_owned())),
    }
}

/// A host of this machine or of a compose file, and no placeholder.
fn is_here(host: &str) -> bool {
    let is_named = host.chars().any(|c| !c.is_ascii_uppercase() && c != '_');
    is_named && (is_local(host) || !host.contains('.'))
}

/// Whether a file holds settings and no program.
pub(super) fn is_data(file: &str) -> bool {
    let data = [".yml", ".yaml", ".toml", ".ini", ".properties", ".conf"];
    let copy = used(file);
    data.iter().any(|end| copy.as_deref().unwrap_or(file).ends_with(end))
}

/// Keys that name a database.
const KEYS: [&str; 4] = ["database", "dbname", "database_name", "db_name"];

/// The value of such a key: in quotes, or a bare word in a file that holds nothing else.
pub(super) fn of_key(file: &str, line: &str) -> Option<String> {
    let lower = line.to_lowercase();
    let is_data = is_data(file);
    let is_string = lower.contains("host=") || lower.contains("server=");
    for key in KEYS {
        for (at, _) in lower.match_indices(key) {
            let before = lower[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || "_-/".contains(c)) {
                continue;
            }
            let Some(after) = line.get(at + key.len()..) else { continue };
            let after = after.trim_start_matches(['"', '\'']).trim_start();
            let value = ["=>", ":", "="].iter().find_map(|mark| after.strip_prefix(mark));
            let Some(value) = value.map(str::trim_start) else { continue };
            let is_bare = !value.starts_with(['"', '\'', '`']);
            let value = value.trim_start_matches(['"', '\'', '`']);
            let end = value.find(|c: char| !c.is_ascii_alphanumeric() && !"_-./:".contains(c));
            let value = &value[..end.unwrap_or(value.len())];
            let is_file =
                value.contains(['/', ':']) || value.contains("sqlite") || value.ends_with(".db");
            let is_engine = file.ends_with(".properties") && word(value).is_some();
            let is_value =
                is_plain(value) && !is_file && !is_engine && value.parse::<f64>().is_err();
            if is_value
                && (!is_bare || is_data || is_string)
                && !["true", "false", "null"].contains(&value)
            {
                return Some(value.to_owned());
            }
        }
    }
    None
}

/// The index of Redis that lines name; 0 without one.
pub(super) fn index(lines: &[&str]) -> String {
    let of_line = |line: &&str| {
        let lower = line.to_lowercase();
        let mut parts = lower.split(['{', ',', '}']);
        let value = parts.find_map(|part| {
            let (key, value) = part.split_once([':', '='])?;
            let key = key.trim().trim_matches(['"', '\'']);
            ["db", "database", "index"].contains(&key).then(|| value.trim().to_owned())
        })?;
        value.parse::<u16>().ok()
    };
    lines.iter().find_map(of_line).unwrap_or(0).to_string()
}

/// What stands beside the name of a database says where its server is.
pub(super) fn has_server(lines: &[&str]) -> bool {
    let keys = ["host", "hostname", "server", "adapter", "addr", "dialect", "client", "username"];
    let has = |line: &&str| {
        let line = line.to_lowercase();
        keys.iter().any(|key| {
            line.match_indices(key).any(|(at, _)| {
                let is_start = !line[..at].ends_with(|c: char| c.is_alphanumeric());
                let after = line[at + key.len()..].trim_start_matches(['"', '\'', ' ']);
                is_start && after.starts_with([':', '='])
            })
        })
    };
    let is_user = |line: &&str| line.contains("user:") || line.contains("\"user\":");
    lines.iter().any(has) || lines.iter().any(is_user)
}
