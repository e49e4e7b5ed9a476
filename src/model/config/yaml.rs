//! Parses YAML into plain values, with limits and without duplicate keys.

use crate::model::config::diagnostic::{Checked, Diagnostic};
use crate::model::config::span;
use indexmap::IndexMap;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt;

/// Size limit in bytes: bounds the time that a hostile file can take.
const MOST_BYTES: usize = 256 * 1024;

/// Limit of values, counted after alias expansion: a few lines of aliases cannot fill the memory.
const MOST_VALUES: usize = 10_000;

/// Limit of nesting; the configuration needs four levels.
const DEEPEST: usize = 16;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Null,
    Bool(bool),
    Number(i128),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(IndexMap<String, Node>),
}

/// Parses the only document of a file; an empty file is [`Node::Null`].
pub(super) fn load(text: &str) -> Checked<Node> {
    if text.len() > MOST_BYTES {
        let limit = MOST_BYTES / 1024;
        return Err(Diagnostic::on(1, format!("the file is larger than {limit} KiB")));
    }
    // The parser's time grows with the square of nested brackets, so they are counted first.
    if text.matches(['[', '{']).count() > MOST_VALUES {
        return Err(Diagnostic::on(1, format!("more than {MOST_VALUES} brackets")));
    }
    let left = Cell::new(MOST_VALUES);
    let mut documents = serde_yaml::Deserializer::from_str(text);
    let Some(first) = documents.next() else {
        return Ok(Node::Null);
    };
    let root = Load { left: &left, depth: 0 };
    let root = root.deserialize(first).map_err(|error| wrong(&error))?;
    match documents.next() {
        None => Ok(root),
        Some(second) => {
            let line = span::of_root(second).unwrap_or(1);
            Err(Diagnostic::on(line, "the file holds a second YAML document"))
        }
    }
}

fn wrong(error: &serde_yaml::Error) -> Diagnostic {
    let message = error.to_string();
    // The message ends with the position, which we show first.
    let said = message.rsplit_once(" at line ");
    let said = said.map_or(message.as_str(), |(said, _)| said);
    Diagnostic::on(span::of_error(error).unwrap_or(1), said)
}

#[derive(Clone, Copy)]
struct Load<'a> {
    left: &'a Cell<usize>,
    depth: usize,
}

impl Load<'_> {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth + 1;
        if depth > DEEPEST {
            return Err(E::custom(format!("nested more than {DEEPEST} deep")));
        }
        Ok(Load { depth, ..self })
    }

    fn count<E: Error>(self) -> Result<(), E> {
        let left = self.left.get().checked_sub(1);
        let too_many = || E::custom(format!("more than {MOST_VALUES} values, aliases expanded"));
        self.left.set(left.ok_or_else(too_many)?);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Load<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Node, D::Error> {
        self.count()?;
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Load<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Node, E> {
        Ok(Node::Number(value))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Node, E> {
        Ok(Node::Number(value.try_into().unwrap_or(i128::MAX)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Node, A::Error> {
        Err(A::Error::custom("YAML tags have no meaning here"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let deeper = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(deeper)? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let deeper = self.deeper()?;
        let mut map = IndexMap::new();
        while let Some(key) = entries.next_key_seed(Key(&|key| map.contains_key(key)))? {
            let value = entries.next_value_seed(deeper)?;
            map.insert(key, value);
        }
        Ok(Node::Map(map))
    }
}

/// A key that fails when the predicate holds: for duplicates (the parser silently keeps the last
/// one), or to find a position.
pub(super) struct Key<'a>(pub(super) &'a dyn Fn(&str) -> bool);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<String, D::Error> {
        from.deserialize_any(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a key that is text")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<String, E> {
        if self.0(key) {
            return Err(E::custom(format!("duplicate key `{key}`")));
        }
        Ok(key.to_owned())
    }
}

#[cfg(test)]
mod tests;
