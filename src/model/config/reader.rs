//! Typed access to the values of a configuration file, each with its path for the error.

use super::yaml::Node;
use crate::model::config::diagnostic::{Checked, Wrong};
use crate::model::suggest::suggestion;
use indexmap::IndexMap;

/// A value and where it stands.
#[derive(Clone)]
pub(super) struct At<'a> {
    node: &'a Node,
    /// The keys that lead to it.
    pub(super) path: Vec<String>,
}

/// The entries of a mapping whose keys are all known.
pub(super) struct Fields<'a> {
    map: &'a IndexMap<String, Node>,
    path: Vec<String>,
}

impl<'a> At<'a> {
    /// The whole file.
    pub(super) fn root(node: &'a Node) -> Self {
        At { node, path: Vec::new() }
    }

    /// The error that this value is.
    pub(super) fn wrong(&self, message: impl Into<String>) -> Wrong {
        Wrong::at(&self.path, message)
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
                return Err(entry.wrong("unknown key").hint(hint));
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
                    wrong.hint("write `{}` for none, or leave the key out for the defaults")
                }
                (_, true) => wrong.hint("the file holds keys such as `ports:` and `services:`"),
                _ => wrong,
            });
        };
        let entries = map.iter().map(|(key, node)| (key.as_str(), self.child(key, node)));
        Ok(entries.collect())
    }

    /// A list of texts that are not blank.
    pub(super) fn texts(&self) -> Checked<Vec<String>> {
        let Node::List(items) = self.node else {
            return Err(self.expected("a list of texts").hint("write `[]` for none"));
        };
        let items = items.iter().enumerate();
        items
            .map(|(at, node)| self.child(&format!("[{at}]"), node))
            .map(|item| match item.node {
                Node::Text(text) if !text.trim().is_empty() && !text.contains('\0') => {
                    Ok(text.clone())
                }
                _ => Err(item.expected("a text")),
            })
            .collect()
    }

    /// One line of text.
    pub(super) fn text(&self) -> Checked<String> {
        match self.node {
            Node::Text(text) if text.chars().any(char::is_control) => {
                Err(self.wrong("holds a line end or another control character"))
            }
            Node::Text(text) if text.trim().is_empty() => Err(self.wrong("is empty")),
            Node::Text(text) => Ok(text.clone()),
            Node::Map(_) => {
                Err(self.expected("a text").hint("put quotes around a text that begins with `{`"))
            }
            Node::Null | Node::List(_) => Err(self.expected("a text")),
            _ => Err(self.expected("a text").hint("put quotes around it")),
        }
    }

    /// A variable's value, which may be empty.
    pub(super) fn value(&self) -> Checked<String> {
        match self.node {
            Node::Text(text) if text.is_empty() => Ok(String::new()),
            _ => self.text_or_number(),
        }
    }

    /// A text, for which a whole number will do.
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

    /// Yes or no.
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
        let bounds = format!("`{text}` goes beyond {least} to 65535");
        let end = |end: &str| end.parse::<u16>().ok().filter(|end| *end >= least);
        let (Some(first), Some(last)) = (end(first), end(last)) else {
            return Err(self.wrong(bounds));
        };
        if first > last {
            let hint = format!("write `{last}-{first}`");
            return Err(self.wrong(format!("`{text}` runs backwards")).hint(hint));
        }
        Ok((first, last))
    }

    fn child(&self, key: &str, node: &'a Node) -> At<'a> {
        let mut path = self.path.clone();
        path.push(key.to_owned());
        At { node, path }
    }

    pub(super) fn expected(&self, what: &str) -> Wrong {
        self.wrong(format!("expected {what}, found {}", described(self.node)))
    }
}

impl<'a> Fields<'a> {
    /// The value of a key, when the file has it.
    pub(super) fn get(&self, key: &str) -> Option<At<'a>> {
        let mut path = self.path.clone();
        path.push(key.to_owned());
        self.map.get(key).map(|node| At { node, path })
    }

    /// The value of a key that must be there.
    pub(super) fn need(&self, key: &str) -> Checked<At<'a>> {
        self.get(key).ok_or_else(|| Wrong::at(&self.path, format!("`{key}` is missing")))
    }

    /// What `read` makes of a key's value, else what is there already.
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
