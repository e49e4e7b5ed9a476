//! Texts with `{key}` placeholders; `{{` and `}}` are literal braces.

use crate::error::{self, Failure};
use crate::model::suggest;
use anyhow::Result;

/// A text with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Key(String),
}

impl Template {
    /// Parses a template. Fails on an unbalanced brace or an invalid key.
    pub fn parse(text: &str) -> Result<Template> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let (brace, after) = rest[at..].split_at(1);
            if let Some(after) = after.strip_prefix(brace) {
                plain.push_str(brace);
                rest = after;
                continue;
            }
            let (key, after) = key(text, brace, after)?;
            parts.push(Part::Text(std::mem::take(&mut plain)));
            parts.push(Part::Key(key.to_owned()));
            rest = after;
        }
        plain.push_str(rest);
        parts.push(Part::Text(plain));
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        Ok(Template { parts })
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Key(key) => Some(key.as_str()),
            Part::Text(_) => None,
        })
    }

    /// Whether the key occurs.
    pub fn has(&self, key: &str) -> bool {
        self.keys().any(|own| own == key)
    }

    /// Checks that every key is known; the hint suggests the closest known key.
    pub fn check<'a>(&self, known: impl IntoIterator<Item = &'a str> + Clone) -> Result<()> {
        let unknown = |key: &&str| !known.clone().into_iter().any(|known| known == *key);
        let Some(key) = self.keys().find(unknown) else {
            return Ok(());
        };
        let hint = suggest::suggestion(key, known.clone());
        Err(invalid(format!("unknown key `{{{key}}}`")).hint(hint).into())
    }

    /// Fills the placeholders. Fails when `value` has none for a key.
    pub fn render(&self, value: &dyn Fn(&str) -> Option<String>) -> Result<String> {
        self.render_with(&|_, key| value(key))
    }

    /// Fills the placeholders; `value` gets the text before the placeholder and the key.
    pub fn render_with(&self, value: &dyn Fn(&str, &str) -> Option<String>) -> Result<String> {
        let mut filled = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Key(key) => {
                    let value = value(&filled, key);
                    let unknown = || invalid(format!("unknown key `{{{key}}}`"));
                    filled.push_str(&value.ok_or_else(unknown)?);
                }
            }
        }
        Ok(filled)
    }
}

/// The key after an opening brace, and what follows its closing one.
fn key<'a>(whole: &str, brace: &str, after: &'a str) -> Result<(&'a str, &'a str)> {
    if brace == "}" {
        return Err(unbalanced(whole, "}").into());
    }
    let end = after.find(['{', '}']);
    let end = end.filter(|end| after[*end..].starts_with('}'));
    let end = end.ok_or_else(|| unbalanced(whole, "{"))?;
    let key = &after[..end];
    let valid = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if key.is_empty() || !key.chars().all(valid) {
        return Err(invalid(format!("`{{{key}}}` in `{whole}` is not a key")).into());
    }
    Ok((key, &after[end + 1..]))
}

fn unbalanced(whole: &str, brace: &str) -> Failure {
    invalid(format!("unbalanced `{brace}` in `{whole}`"))
        .hint(format!("write `{brace}{brace}` for a literal brace"))
}

fn invalid(message: String) -> Failure {
    error::config(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::hint_of;
    use proptest::prelude::*;

    fn render(text: &str) -> Result<String> {
        let value = |key: &str| (key != "no").then(|| key.to_uppercase());
        Template::parse(text)?.render(&value)
    }

    #[test]
    fn keys_are_filled_and_braces_escaped() {
        assert_eq!(render("../{repo}-{name}").unwrap(), "../REPO-NAME");
        assert_eq!(render("{pg.port}{{{x}}}").unwrap(), "PG.PORT{X}");
        assert_eq!(render("").unwrap(), "");
        let template = Template::parse("a{b}c{{{d}").unwrap();
        assert_eq!(template.keys().collect::<Vec<_>>(), ["b", "d"]);
    }

    #[test]
    fn braces_have_partners() {
        for text in ["{", "}", "a{b", "a}b", "{a{b}}", "{{}", "{}", "{a b}", "{é}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
        let error = Template::parse("app_{name").unwrap_err();
        assert_eq!(error.to_string(), "unbalanced `{` in `app_{name`");
    }

    #[test]
    fn an_unknown_key_is_named() {
        assert_eq!(render("{no}").unwrap_err().to_string(), "unknown key `{no}`");
        let template = Template::parse("{nmae}").unwrap();
        let error = template.check(["name", "repo"]).unwrap_err();
        assert_eq!(hint_of(&error), Some("did you mean `name`?"));
        assert!(template.check(["nmae"]).is_ok());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn escaped_text_comes_back(text in "\\PC{0,40}") {
            let escaped = text.replace('{', "{{").replace('}', "}}");
            prop_assert_eq!(render(&escaped).unwrap(), text);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[{}a. ]{0,12}") {
            let _ = render(&text);
        }
    }
}
