//! The port that scripts, settings and code of an application name.

use crate::model::detect::paths::{dir, name};
use crate::model::detect::ports;
use crate::model::detect::reads::{self, Read};
use crate::model::detect::seen::Seen;
use std::collections::BTreeSet;

/// A variable that says the port, and the number without it.
pub(super) type Said = (Option<String>, Option<u16>);

/// `-p 3100` or `--port=3100` among a program's words.
pub(super) fn of_words(words: &[String]) -> Option<(&'static str, u16)> {
    let mut options = words.iter().enumerate();
    options.find_map(|(at, word)| {
        let (name, value) = match word.split_once('=') {
            Some(pair) => pair,
            None => (word.as_str(), words.get(at + 1)?.as_str()),
        };
        let name = ["-p", "--port"].into_iter().find(|option| *option == name)?;
        Some((name, value.parse().ok()?))
    })
}

/// The port in the section `server` of the settings beside a package.
pub(super) fn of_settings(seen: &Seen, near: &str) -> Option<Said> {
    let is_it = |path: &str| {
        let name = name(path);
        dir(path) == near && (name.starts_with("vite.config.") || name.starts_with("astro.config."))
    };
    let (_, text) =
        seen.ending(&[".js", ".ts", ".mjs", ".cjs", ".mts"]).find(|(path, _)| is_it(path))?;
    let server = braced(&text[text.find("server: {").or_else(|| text.find("server:{"))?..]);
    of_section(server)
}

/// The value of `port:` in a section.
pub(super) fn of_section(section: &str) -> Option<Said> {
    let value = section.split_once("port:")?.1.split(['\n', '}']).next()?;
    match reads::of(value).into_iter().next() {
        Some(Read { name, default }) => Some((Some(name), default.as_deref().and_then(number))),
        None => Some((None, Some(number(value)?))),
    }
}

/// `PORT=3100 next dev`, `PORT=${SITE_PORT:-3100} next dev`: what a script gives its own program.
pub(super) fn of_script(script: &str) -> Option<Said> {
    let value = assigned(script)?;
    match reads::of(value).into_iter().next() {
        Some(Read { name, default }) => Some((Some(name), default.as_deref().and_then(number))),
        None => Some((None, Some(number(value)?))),
    }
}

/// The value of `PORT=` in a command.
pub(in crate::model::detect) fn assigned(command: &str) -> Option<&str> {
    command.split_whitespace().find_map(|word| word.strip_prefix("PORT="))
}

/// The number that a text begins with.
fn number(text: &str) -> Option<u16> {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

/// The one variable that the code of a package reads a port of its own from, where nothing there reads `PORT`.
pub(super) fn of_code(seen: &Seen, near: &str) -> Option<Said> {
    let files = seen.files.iter().chain(&seen.others);
    let files = files.filter(|(path, _)| path.starts_with(near) && !seen.is_environment(path));
    let reads: Vec<Read> = files.flat_map(|(_, text)| reads::of(text)).collect();
    let names = reads.iter().map(|read| read.name.as_str());
    let names: BTreeSet<String> = names.map(str::to_owned).collect();
    let is_own = |read: &Read| ports::is_own(&read.name, &seen.repo, |other| names.contains(other));
    let mut ports: Vec<Read> = reads.into_iter().filter(is_own).collect();
    ports.sort_by_key(|read| (read.name.clone(), read.default.is_none()));
    ports.dedup_by_key(|read| read.name.clone());
    let [Read { name, default }] = ports.as_slice() else { return None };
    let main = default.as_deref().and_then(number)?;
    (name != "PORT").then(|| (Some(name.clone()), Some(main)))
}

/// A text up to the end of its first pair of braces.
fn braced(text: &str) -> &str {
    let mut depth = 0_u32;
    let closes = |(at, c): (usize, char)| {
        depth += u32::from(c == '{');
        let is_last = c == '}' && depth == 1;
        depth -= u32::from(c == '}' && depth > 0);
        is_last.then_some(at)
    };
    text.char_indices().find_map(closes).map_or(text, |at| &text[..at])
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_section_ends_with_its_own_brace() {
        let text = "server: { a: { b: 1 } }, preview: { port: 4173 }";
        assert_eq!(super::braced(text), "server: { a: { b: 1 } ");
        assert_eq!(super::braced("server: { port: 1"), "server: { port: 1");
    }
}
