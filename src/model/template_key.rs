//! What names a template database: the files of a commit whose content decides whether it is stale.

use super::glob;
use super::hash::sha256;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The files that name a template database, each as a short hash of its path and content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(BTreeSet<String>);

/// What a template database says of itself, in its comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateMark {
    /// The repository's common git directory.
    pub repository: PathBuf,
    /// The service in its configuration.
    pub service: String,
    /// What it is a copy of; `None`: of nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What was run on it, see [`recipe`]; empty: nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub recipe: String,
    /// When it was made, in seconds since 1970.
    pub at: u64,
    /// The files that name it.
    pub key: Key,
}

impl Key {
    /// The key of a commit that holds these files, each a path and the id of its content.
    pub fn of<'a>(
        patterns: &[String],
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let named = |path: &str| patterns.iter().any(|pattern| glob::matches(pattern, path));
        let hash = |path: &str, id: &str| short(&format!("{path}\0{id}"), 4);
        let files = files.into_iter().filter(|(path, _)| named(path));
        Key(files.map(|(path, id)| hash(path, id)).collect())
    }

    /// How many files it is made of.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// No file names it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many of its files the other has, unchanged.
    pub fn in_common(&self, other: &Key) -> usize {
        self.0.intersection(&other.0).count()
    }

    /// A short name for it.
    pub fn digest(&self) -> String {
        short(&self.0.iter().map(String::as_str).collect::<Vec<_>>().join(","), 6)
    }

    /// The other has every file of this one, unchanged.
    pub fn is_within(&self, other: &Key) -> bool {
        self.0.is_subset(&other.0)
    }
}

impl TemplateMark {
    /// The comment of the database, for the store of this id.
    pub fn comment(&self, store: &str) -> String {
        let json = serde_json::to_string(self).unwrap_or_default();
        format!("{}{json}", prefix(store))
    }

    /// Reads a comment; `None` when it is no template's of this store.
    pub fn parse(comment: &str, store: &str) -> Option<Self> {
        serde_json::from_str(comment.strip_prefix(&prefix(store))?).ok()
    }

    /// The name of the database: that of no other repository, service, source, recipe or key of this store.
    pub fn database(&self, store: &str) -> String {
        let TemplateMark { repository, service, from, recipe, key, .. } = self;
        let key = key.digest();
        let all = format!("{}\0{service}\0{from:?}\0{key}\0{recipe}", repository.display());
        format!("agentenv_t_{store}_{}", short(&all, 8))
    }
}

/// The template that suits a commit best: the most files in common, none that the commit lacks, the newest of equals.
pub fn nearest<'a>(wanted: &Key, templates: &'a [TemplateMark]) -> Option<&'a TemplateMark> {
    let suit = templates.iter().filter(|template| template.key.is_within(wanted));
    suit.max_by_key(|template| (template.key.len(), template.at))
}

/// What tells these commands, with the content of their files, from others; empty: there are none.
pub fn recipe(commands: &[String]) -> String {
    if commands.is_empty() { String::new() } else { short(&commands.join("\0"), 6) }
}

/// What the comment of a template of this store begins with.
pub fn prefix(store: &str) -> String {
    format!("git-agentenv template {store} ")
}

fn short(text: &str, bytes: usize) -> String {
    sha256(text)[..2 * bytes].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(files: &[(&str, &str)]) -> Key {
        Key::of(&["**/migrations/*.py".to_owned()], files.iter().copied())
    }

    fn template(key: &Key, at: u64) -> TemplateMark {
        TemplateMark {
            repository: "/repo/.git".into(),
            service: "postgres".to_owned(),
            from: Some("app_db".to_owned()),
            recipe: String::new(),
            at,
            key: key.clone(),
        }
    }

    const ONE: (&str, &str) = ("a/migrations/0001.py", "aa");
    const TWO: (&str, &str) = ("a/migrations/0002.py", "bb");

    #[test]
    fn a_key_is_made_of_paths_and_contents() {
        assert_eq!(key(&[ONE, ("a/models.py", "x")]), key(&[ONE]));
        assert_ne!(key(&[ONE]), key(&[("a/migrations/0001.py", "changed")]));
        assert_ne!(key(&[ONE]).digest(), key(&[ONE, TWO]).digest());
        assert_eq!(key(&[]).len(), 0);
        assert_eq!(
            key(&[ONE, TWO]).in_common(&key(&[ONE, ("a/migrations/0002.py", "changed")])),
            1
        );
    }

    #[test]
    fn the_nearest_template_has_no_file_that_the_commit_lacks() {
        let (none, one, both) = (key(&[]), key(&[ONE]), key(&[ONE, TWO]));
        let known = [template(&none, 9), template(&one, 1), template(&one, 2), template(&both, 3)];
        assert_eq!(nearest(&both, &known).unwrap().at, 3);
        assert_eq!(nearest(&one, &known).unwrap().at, 2);
        assert_eq!(nearest(&key(&[TWO]), &known).unwrap().at, 9);
        assert_eq!(nearest(&key(&[TWO]), &known[1..]), None);
    }

    #[test]
    fn a_comment_is_read_by_its_own_store_only() {
        let mark = template(&key(&[ONE]), 7);
        let comment = mark.comment("deadbeef");
        assert_eq!(TemplateMark::parse(&comment, "deadbeef"), Some(mark.clone()));
        assert_eq!(TemplateMark::parse(&comment, "cafecafe"), None);
        assert_eq!(crate::model::lease::id_of_mark(&comment), None);
        let name = mark.database("deadbeef");
        assert!(name.len() < 63 && name.starts_with("agentenv_t_deadbeef_"), "{name}");
        let other = TemplateMark { service: "other".to_owned(), ..mark.clone() };
        assert_ne!(other.database("deadbeef"), name);
        let masked = TemplateMark { recipe: recipe(&["mask".to_owned()]), ..mark };
        assert_ne!(masked.database("deadbeef"), name);
        assert_eq!(TemplateMark::parse(&masked.comment("deadbeef"), "deadbeef"), Some(masked));
    }

    #[test]
    fn each_recipe_has_its_own_name() {
        let of = |commands: &[&str]| {
            recipe(&commands.iter().map(|&one| one.to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(of(&[]), "");
        assert_ne!(of(&["a", "b"]), of(&["b", "a"]));
        assert_ne!(of(&["a", "b"]), of(&["a b"]));
    }
}
