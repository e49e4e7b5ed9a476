//! Schemas of the environment: what validates it names each variable as a key, with its default inside of the value.

use super::{LONGEST, Read};
use crate::model::detect::text::head;
use crate::model::detect::url::Url;
use crate::model::envfile::is_name;

/// `X: z.string().default("…")` of zod, `X: num({ default: 1 })` of envalid, `"X": { rawValue: "…" }`.
pub(super) fn of(text: &str) -> Vec<Read> {
    let lower = text.to_lowercase();
    // All of the environment goes through the schema.
    let is_whole = [".env)", ".env,", "environ()"].iter().any(|word| lower.contains(word));
    let speaks = lower.contains("env");
    let mut found = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let entry = key(line).map(|(name, rest)| (name, &text[at + line.len() - rest.len()..]));
        at += line.len();
        let Some((name, value)) = entry.map(|(name, rest)| (name, whole(rest))) else { continue };
        let is_read = |default: &Option<String>| match default {
            Some(text) => speaks || Url::parse(text).is_some(),
            None => is_whole && value.contains('('),
        };
        let default = default(value);
        // What reads the environment itself is found by that.
        if !value.to_lowercase().contains("env") && is_read(&default) {
            found.push(Read { name: name.to_owned(), default });
        }
    }
    found
}

/// The name in capitals at the beginning of a line, and what follows its colon: a call or a block.
fn key(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.split_once(':')?;
    let name = name.trim().trim_matches(['"', '\'']);
    let is_capital = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let is_value = rest.trim_start().starts_with(|c: char| c.is_ascii_lowercase() || c == '{');
    let is_entry = is_value || rest.trim().is_empty();
    (name.len() > 1 && is_name(name) && name.chars().all(is_capital) && is_entry)
        .then_some((name, rest))
}

/// A value to the comma or the bracket that ends it.
fn whole(text: &str) -> &str {
    let mut depth = 0_i32;
    for (at, c) in text.char_indices().take_while(|(at, _)| *at < LONGEST) {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => return &text[..at],
            _ => {}
        }
        if depth < 0 {
            return &text[..at];
        }
    }
    head(text, LONGEST)
}

/// The literal behind a word that ends in `default` or `value`.
fn default(value: &str) -> Option<String> {
    let lower = value.to_ascii_lowercase();
    let ends = ["default", "value"].iter().flat_map(|word| {
        lower.match_indices(word).map(move |(at, _)| at + word.len()).collect::<Vec<_>>()
    });
    ends.filter_map(|end| {
        let rest = value[end..].strip_prefix(['"', '\'']).unwrap_or(&value[end..]);
        let rest = rest.trim_start().strip_prefix(['(', ':', '='])?.trim_start();
        super::value(rest)
    })
    .next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_name_variables_with_their_defaults() {
        for (text, expected) in [
            (
                "env = z.object({\n  DB_URL: z.string().url().default(\"postgres://h/d\"),\n",
                "DB_URL=postgres://h/d",
            ),
            (
                "parse(process.env, {\n  DB_URL: z\n    .string()\n    .default('x'),\n  A: 1 })",
                "DB_URL=x",
            ),
            ("cleanEnv(process.env, {\n  REDIS_DB: num({ default: 0 }), })", "REDIS_DB=0"),
            ("schema.parse(process.env)\n  DB_URL: z.string().min(1),\n", "DB_URL"),
            ("cleanEnv(x)\n  DB_URL: str({ desc: 'a, b' }),\n  DB: str({ default: '1' })", "DB=1"),
            (
                "\"DB_URL\": {\n\tparsed: 1,\n\trawValue:  \"dbname=inn user=me\",\n},\n",
                "DB_URL=dbname=inn user=me",
            ),
            // These are no schemas, or read the environment by themselves.
            ("\"DB_NAME\": {\n\trawValue: \"inn\",\n},\n", ""),
            ("env({\n  DB_URL: process.env.OTHER || 'x',\n", ""),
            ("env\n  DB_URL: \"postgres://h/d\",\n", ""),
            ("env\n  DB_URL: z.string(),\n", ""),
        ] {
            let told = |Read { name, default }: Read| {
                default.map_or(name.clone(), |default| format!("{name}={default}"))
            };
            let found: Vec<String> = of(text).into_iter().map(told).collect();
            assert_eq!(found.join(" "), expected, "{text}");
        }
    }
}
