//! Typed access to the values of a configuration file, with paths for errors.

use super::yaml::Node;
use crate::model::config::diagnostic::{Checked, Diagnostic};
use crate::model::suggest::suggestion;
use indexmap::IndexMap;

/// A value and its path.
#[derive(Clone)]
pub(super) struct At<'a> {
    node: &'a Node,
    /// The keys that lead to the value.
    pub(super) path: Vec<String>,
}

/// A mapping whose keys are all known.
pub(super) struct Fields<'a> {
    map: &'a IndexMap<String, Node>,
    path: Vec<String>,
}

impl<'a> At<'a> {
    /// The whole file.
    pub(super) fn root(node: &'a Node) -> Self {
        At { node, path: Vec::new() }
    }

    /// An error about this value.
    pub(super) fn error(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::at(&self.path, message)
    }

    /// It has keys of its own.
    pub(super) fn is_mapping(&self) -> bool {
        matches!(self.node, Node::Map(_))
    }

    /// A mapping of known keys.
    pub(super) fn fields(&self, known: &[&str]) -> Checked<Fields<'a>> {
        for (key, entry) in self.entries()? {
            if !known.contains(&key) {
                let hint = suggestion(key, known.iter().copied());
                return Err(entry.error("unknown key").hint(hint));
            }
        }
        let Node::Map(map) = self.node else {
            return Err(self.expected("a mapping"));
        };
        Ok(Fields { map, path: self.path.clone() })
    }

    /// The entries of a mapping.
    pub(super) fn entries(&self) -> Checked<Vec<(&'a str, At<'a>)>> {
        let Node::Map(map) = self.node else {
            let wrong = self.expected("a mapping");
            return Err(match (self.node, self.path.is_empty()) {
                (Node::Null, _) => {
                    wrong.hint("write `{}` for none, or omit the key for the defaults")
                }
                (_, true) => wrong
                    .hint("the top level is a mapping with keys such as `ports:` and `services:`"),
                _ => wrong,
            });
        };
        let entries = map.iter().map(|(key, node)| (key.as_str(), self.child(key, node)));
        Ok(entries.collect())
    }

    /// Nothing was written behind the key.
    pub(super) fn is_empty(&self) -> bool {
        *self.node == Node::Null
    }

    /// A list of strings that are not blank.
    pub(super) fn texts(&self) -> Checked<Vec<String>> {
        let Node::List(items) = self.node else {
            return Err(self.expected("a list of strings").hint("write `[]` for none"));
        };
        let items = items.iter().enumerate();
        items
            .map(|(at, node)| self.child(&format!("[{at}]"), node))
            .map(|item| match item.node {
                Node::Text(text) if !text.trim().is_empty() && !text.contains('\0') => {
                    Ok(text.clone())
                }
                _ => Err(item.expected("text")),
            })
            .collect()
    }

    /// A list of single lines of text.
    pub(super) fn lines(&self) -> Checked<Vec<String>> {
        self.texts()?;
        let Node::List(items) = self.node else { return Ok(Vec::new()) };
        let items = items.iter().enumerate();
        items.map(|(at, node)| self.child(&format!("[{at}]"), node).text()).collect()
    }

    /// One line of text.
    pub(super) fn text(&self) -> Checked<String> {
        match self.node {
            Node::Text(text) if text.chars().any(char::is_control) => {
                Err(self.error("contains a newline or another control character"))
            }
            Node::Text(text) if text.trim().is_empty() => Err(self.error("is empty")),
            Node::Text(text) => Ok(text.clone()),
            Node::Map(_) => Err(self.expected("text").hint("quote a text that starts with `{`")),
            Node::Null | Node::List(_) => Err(self.expected("text")),
            _ => Err(self.expected("text").hint("quote it")),
        }
    }

    /// A variable's value; may be empty.
    pub(super) fn value(&self) -> Checked<String> {
        match self.node {
            Node::Text(text) if text.is_empty() => Ok(String::new()),
            _ => self.text_or_number(),
        }
    }

    /// Text, or a whole number as text.
    pub(super) fn text_or_number(&self) -> Checked<String> {
        match self.node {
            Node::Number(number) => Ok(number.to_string()),
            _ => self.text(),
        }
    }

    /// A port.
    pub(super) fn port(&self) -> Checked<u16> {
        let port = match self.node {
            Node::Number(number) => u16::try_from(*number).ok().filter(|port| *port > 0),
            _ => None,
        };
        port.ok_or_else(|| self.expected("a port from 1 to 65535"))
    }

    /// A boolean.
    pub(super) fn flag(&self) -> Checked<bool> {
        match self.node {
            Node::Bool(value) => Ok(*value),
            _ => Err(self.expected("`true` or `false`")),
        }
    }

    /// `FIRST-LAST`, both within `least..=65535`.
    pub(super) fn range(&self, least: u16) -> Checked<(u16, u16)> {
        let shape = "a range such as `8012-8030`";
        let Node::Text(text) = self.node else {
            return Err(self.expected(shape));
        };
        let digits = |end: &str| !end.is_empty() && end.bytes().all(|b| b.is_ascii_digit());
        let ends = text.split_once('-');
        let ends = ends.filter(|(first, last)| digits(first) && digits(last));
        let (first, last) = ends.ok_or_else(|| self.expected(shape))?;
        let bounds = format!("`{text}` is outside {least} to 65535");
        let end = |end: &str| end.parse::<u16>().ok().filter(|end| *end >= least);
        let (Some(first), Some(last)) = (end(first), end(last)) else {
            return Err(self.error(bounds));
        };
        if first > last {
            let hint = format!("write `{last}-{first}`");
            return Err(self.error(format!("`{text}` is reversed")).hint(hint));
        }
        Ok((first, last))
    }

    fn child(&self, key: &str, node: &'a Node) -> At<'a> {
        let mut path = self.path.clone();
        path.push(key.to_owned());
        At { node, path }
    }

    pub(super) fn expected(&self, what: &str) -> Diagnostic {
        self.error(format!("expected {what}, found {}", described(self.node)))
    }
}

impl<'a> Fields<'a> {
    /// The value of an optional key.
    pub(super) fn get(&self, key: &str) -> Option<At<'a>> {
        let mut path = self.path.clone();
        path.push(key.to_owned());
        self.map.get(key).map(|node| At { node, path })
    }

    /// The value of a required key.
    pub(super) fn need(&self, key: &str) -> Checked<At<'a>> {
        self.get(key).ok_or_else(|| Diagnostic::at(&self.path, format!("`{key}` is missing")))
    }

    /// Sets `value` to what `read` returns for the key, when the key is present.
    pub(super) fn set<T>(
        &self,
        key: &str,
        value: &mut T,
        read: impl FnOnce(&At<'a>) -> Checked<T>,
    ) -> Checked<()> {
        if let Some(at) = self.get(key) {
            *value = read(&at)?;
        }
        Ok(())
    }
}

fn described(node: &Node) -> String {
    match node {
        Node::Null => "nothing".to_owned(),
        Node::Bool(value) => format!("`{value}`"),
        Node::Number(number) => format!("the number {number}"),
        Node::Float(number) => format!("the number {number:?}"),
        Node::Text(text) => format!("the text {:?}", text.chars().take(60).collect::<String>()),
        Node::List(_) => "a list".to_owned(),
        Node::Map(_) => "a mapping".to_owned(),
    }
}
