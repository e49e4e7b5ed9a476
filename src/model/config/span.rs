//! Finds the line of a key.
//!
//! The parser reports positions only for errors, so the search fails at the key on purpose.

use crate::model::config::yaml::Key;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// The line of the last key of a path. Parses the file again: only errors need lines.
pub(super) fn of_key(text: &str, path: &[String]) -> Option<usize> {
    if path.is_empty() {
        return None;
    }
    let document = serde_yaml::Deserializer::from_str(text).next()?;
    of_error(&Seek(path).deserialize(document).err()?)
}

/// The line where a document's content starts.
pub(super) fn of_root(document: serde_yaml::Deserializer) -> Option<usize> {
    of_error(&Seek(&[]).deserialize(document).err()?)
}

/// The line of a parser error.
pub(super) fn of_error(error: &serde_yaml::Error) -> Option<usize> {
    Some(error.location()?.line())
}

/// Follows a path and fails at its end, so that the error has the position.
struct Seek<'a>(&'a [String]);

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = ();

    /// A scalar ends the search, with an error at its position.
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
