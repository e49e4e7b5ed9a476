//! YAML text as plain values, within bounds and without duplicate keys; and the line that a key stands on.

use super::wrong::{Checked, Wrong};
use indexmap::IndexMap;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny};
use serde::de::{MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt;

/// Nobody writes this much; it bounds the time that a hostile file can take.
const MOST_BYTES: usize = 256 * 1024;

/// Counted after aliases were expanded, so that a few lines of them cannot fill the memory.
const MOST_VALUES: usize = 10_000;

/// The configuration itself needs four.
const DEEPEST: usize = 16;

/// A value of the file.
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

/// Reads the one document of a file; an empty one is [`Node::Null`].
pub(super) fn load(text: &str) -> Checked<Node> {
    if text.len() > MOST_BYTES {
        let limit = MOST_BYTES / 1024;
        return Err(Wrong::on(1, format!("the file is larger than {limit} KiB")));
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
            let line = line(Seek(&[]).deserialize(second).err().as_ref());
            Err(Wrong::on(line.unwrap_or(1), "there is a second document"))
        }
    }
}

/// The line of the last key of a path, when the file holds it. Reads the file again: only errors need lines.
pub(super) fn line_of(text: &str, path: &[String]) -> Option<usize> {
    if path.is_empty() {
        return None;
    }
    let document = serde_yaml::Deserializer::from_str(text).next()?;
    // The parser tells positions only of errors, so the key that is looked for is made one.
    line(Seek(path).deserialize(document).err().as_ref())
}

fn line(error: Option<&serde_yaml::Error>) -> Option<usize> {
    Some(error?.location()?.line())
}

fn wrong(error: &serde_yaml::Error) -> Wrong {
    let message = error.to_string();
    let said = match message.rsplit_once(" at line ") {
        // What follows is only the position, unless the parser added what it was reading.
        Some((said, rest)) if !rest.contains(',') => said,
        _ => &message,
    };
    Wrong::on(line(Some(error)).unwrap_or(1), said)
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

/// A key that fails when it was there before: the parser itself keeps the last one and says nothing.
struct Key<'a>(&'a dyn Fn(&str) -> bool);

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

/// Walks along a path and fails where it ends, so that the error tells the position.
struct Seek<'a>(&'a [String]);

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = ();

    /// A scalar where the path goes on or ends: both are errors, at its position.
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("the end of a path")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Some((item, rest)) = self.0.split_first() else {
            return Err(A::Error::custom("found"));
        };
        let wanted = item.trim_matches(['[', ']']).parse().unwrap_or(usize::MAX);
        for _ in 0..wanted {
            if items.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
        }
        items.next_element_seed(Seek(rest))?;
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let Some((wanted, rest)) = self.0.split_first() else {
            return Err(A::Error::custom("found"));
        };
        let last = rest.is_empty();
        while let Some(key) = entries.next_key_seed(Key(&|key| last && key == wanted))? {
            if key == *wanted {
                entries.next_value_seed(Seek(rest))?;
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn line(text: &str, path: &[&str]) -> Option<usize> {
        let path: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
        line_of(text, &path)
    }

    fn refused(text: &str) -> String {
        load(text).unwrap_err().failure("f", text).to_string()
    }

    #[test]
    fn values_are_told_apart() {
        let node = load("a: 1\nb: [x, true, ~, 1.5, '1']\nc: 99999999999999999999999\n").unwrap();
        let Node::Map(map) = node else { panic!("{node:?}") };
        assert_eq!(map["a"], Node::Number(1));
        let text = |text: &str| Node::Text(text.to_owned());
        let list = [text("x"), Node::Bool(true), Node::Null, Node::Float(1.5), text("1")];
        assert_eq!(map["b"], Node::List(list.to_vec()));
        assert!(matches!(map["c"], Node::Number(_)));
        for empty in ["", "# nothing\n", "---\n", "\n\n", "~"] {
            assert_eq!(load(empty).unwrap(), Node::Null, "{empty:?}");
        }
    }

    #[test]
    fn keys_and_items_have_lines() {
        let text = "a:\n  b: 1\n  c:\n    - x\n    - y\n\nd: { e: 1,\n  f: &g 2 }\nh: *g\n";
        assert_eq!(line(text, &["a"]), Some(1));
        assert_eq!(line(text, &["a", "b"]), Some(2));
        assert_eq!(line(text, &["a", "c", "[1]"]), Some(5));
        assert_eq!(line(text, &["d", "f"]), Some(8));
        assert_eq!(line(text, &["h"]), Some(9));
        for path in [&["x"][..], &["a", "x"], &["a", "c", "[2]"], &[]] {
            assert_eq!(line(text, path), None, "{path:?}");
        }
    }

    #[test]
    fn what_the_parser_would_let_pass_is_refused() {
        assert_eq!(refused("a: 1\nb: 2\na: 3\n"), "f:3: duplicate key `a`");
        assert_eq!(refused("x:\n  a: 1\n  'a': 3\n"), "f:3: x: duplicate key `a`");
        assert_eq!(refused("a: 1\n---\nb: 2\n"), "f:3: there is a second document");
        assert_eq!(refused("a: !x 1\n"), "f:1: a: YAML tags have no meaning here");
        assert!(refused("1: a\n").contains("a key that is text"));
        assert!(refused("a: [\n").starts_with("f:2: "));
    }

    #[test]
    fn hostile_files_end_soon() {
        let begin = Instant::now();
        let bomb = ["a", "b", "c", "d", "e", "f", "g", "h", "i"].windows(2);
        let bomb = bomb.map(|pair| {
            format!(
                "{1}: &{1} [{0}]\n",
                ["*"; 9].map(|s| s.to_owned() + pair[0]).join(","),
                pair[1]
            )
        });
        let bomb = "a: &a [x]\n".to_owned() + &bomb.collect::<String>();
        assert!(refused(&bomb).contains("aliases expanded"), "{}", refused(&bomb));
        assert!(refused(&"[".repeat(100_000)).contains("f:1: "));
        assert!(refused(&"- ".repeat(100_000)).contains("f:1: "));
        assert!(refused(&"{a: ".repeat(50_000)).contains("f:1: "));
        assert!(refused("&a [*a]").contains("nested"));
        assert!(refused(&"a".repeat(300_000)).contains("256 KiB"));
        assert!(refused(&"- a\n".repeat(20_000)).contains("values"));
        assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
    }
}
