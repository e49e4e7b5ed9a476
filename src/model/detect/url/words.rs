//! Addresses of databases in words: libpq's `host=localhost dbname=shop`, and connection strings of .NET.

use super::Url;
use crate::model::config::Kind;

/// The address, when it is one. For libpq's words, a URL stands for the same.
pub(in crate::model::detect) fn parse(text: &str) -> Option<Url> {
    let is_string = text.contains(';');
    let parts = text.split(|c: char| if is_string { c == ';' } else { c.is_whitespace() });
    let parts = parts.map(str::trim).filter(|part| !part.is_empty());
    let mut words: Vec<(String, &str)> = parts.map(word).collect::<Option<_>>()?;
    let mut take = |names: &[&str]| {
        let at = words.iter().position(|(name, _)| names.contains(&name.as_str()))?;
        Some(words.remove(at).1.to_owned())
    };
    let host = take(&["host"]);
    let server = take(&["server", "datasource"]);
    let part = take(if is_string { &["database", "initialcatalog"] } else { &["dbname"] })?;
    let port = take(&["port"]).and_then(|port| port.parse().ok());
    let user = take(&["user", "username", "userid", "uid"]).unwrap_or_default();
    let is_mysqls = || port == Some(3306) || text.to_lowercase().contains("uid=");
    let kind = match host {
        None if is_string && is_mysqls() => Kind::Mysql,
        // Microsoft's own server has such strings, too.
        None if is_string && port != Some(5432) && user != "postgres" => return None,
        _ => Kind::Postgres,
    };
    let host = host.or(server).unwrap_or_default();
    let password = take(&["password", "pwd"]);
    let more = words.iter().map(|(name, value)| format!("{name}={value}"));
    let more = more.collect::<Vec<_>>().join("&");
    let query = if more.is_empty() { more } else { format!("?{more}") };
    let scheme = if kind == Kind::Mysql { "mysql" } else { "postgres" }.to_owned();
    let mut url =
        Url { kind, scheme, user, password, host, port, part, query, text: text.to_owned() };
    if !is_string {
        url.text = url.written(&url.address(), &url.part);
    }
    Some(url)
}

/// A connection string with the login of `url` and another address and part. A port that it lacks is added.
pub(super) fn written(url: &Url, host: &str, port: &str, database: &str) -> String {
    let all = url.text.split(';').filter(|part| !part.trim().is_empty());
    let all = all.filter_map(|part| {
        let value = match word(part)?.0.as_str() {
            "host" | "server" | "datasource" => host,
            "port" => port,
            "database" | "initialcatalog" => database,
            "user" | "username" | "userid" | "uid" => &url.user,
            "password" | "pwd" => url.password.as_deref()?,
            _ => return Some(part.to_owned()),
        };
        part.split_once('=').map(|(name, _)| format!("{name}={value}"))
    });
    let has_port = url.text.split(';').filter_map(word).any(|(name, _)| name == "port");
    let added = (!has_port).then(|| format!("Port={port}"));
    all.chain(added).collect::<Vec<_>>().join(";")
}

/// `User Id=me` is the word `userid`.
fn word(text: &str) -> Option<(String, &str)> {
    let (name, value) = text.split_once('=')?;
    let name = name.trim();
    let is_name = name.chars().all(|c| c.is_ascii_alphabetic() || " _".contains(c));
    let name = name.replace(' ', "").to_lowercase();
    (is_name && !name.is_empty()).then(|| (name, value.trim().trim_matches(['\'', '"'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_addresses_only_with_a_database() {
        let of = |text: &str| parse(text).map(|url| format!("{:?} {}", url.kind, url.text));
        for (text, expected) in [
            (
                "user=me password=pw dbname=inn sslmode=disable",
                Some("Postgres postgres://me:pw@/inn?sslmode=disable"),
            ),
            ("host=db port=5433 dbname='inn'", Some("Postgres postgres://db:5433/inn")),
            ("Host=db;Database=inn", Some("Postgres Host=db;Database=inn")),
            ("Server=db;Database=inn;Uid=me", Some("Mysql Server=db;Database=inn;Uid=me")),
            ("Server=db;Database=inn;User Id=me", None),
            (
                "Server=db;Database=inn;User Id=postgres",
                Some("Postgres Server=db;Database=inn;User Id=postgres"),
            ),
            ("host=db user=me", None),
            ("a = b", None),
            ("dbname", None),
            ("", None),
        ] {
            assert_eq!(of(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_string_has_one_port() {
        for (text, expected) in [
            ("Host=h;Database=inn", "Host=db;Database=shop;Port=5433"),
            ("Host=h;Port=5432;Database=inn", "Host=db;Port=5433;Database=shop"),
            ("Host=h;Port=abc;Database=inn", "Host=db;Port=5433;Database=shop"),
        ] {
            let url = parse(text).unwrap();
            assert_eq!(written(&url, "db", "5433", "shop"), expected, "{text}");
        }
    }
}
