//! Admin directories of which git wrote or removed only a part.

use crate::model::lease::Lease;
use crate::sys::fs;
use crate::sys::repo::MARK;
use anyhow::Result;
use std::path::Path;

/// Removes the admin directory of a worktree. Git ignores what is left of it where that fails, and [`discard`] knows it.
///
/// # Errors
/// When a file of it cannot be removed.
pub fn remove(admin: &Path) -> Result<()> {
    fs::remove(&admin.join("gitdir"))?;
    fs::remove_dir(admin)
}

/// Removes admin directories of these leases that a killed git did not finish writing or removing. Without a `gitdir` file git
/// ignores them, but some of its commands fail over them.
pub fn discard(repository: &Path, leases: &[&Lease]) -> Result<()> {
    for admin in fs::entries(&repository.join("worktrees"))? {
        let word = |file: &str| fs::word(&admin.join(file)).filter(|word| !word.is_empty());
        if word("gitdir").is_some() {
            continue;
        }
        let (lock, mark) = (word("locked"), word(MARK));
        let is_of = |lease: &&Lease| {
            // Git keeps its name when the worktree is moved.
            let is_its = lease.admin.as_ref() == Some(&admin)
                || mark.as_ref() == Some(&lease.id)
                || is_named_for(&admin, &lease.path);
            is_its
                && lock.as_ref().is_none_or(|lock| *lock == lease.mark())
                && mark.as_ref().is_none_or(|mark| *mark == lease.id)
        };
        if leases.iter().any(is_of) {
            fs::remove_dir(&admin)?;
        }
    }
    Ok(())
}

/// Git names the admin directory for the worktree's directory, with a number behind it where that is taken.
fn is_named_for(admin: &Path, tree: &Path) -> bool {
    let [admin, tree] = [admin, tree].map(|path| path.file_name().unwrap_or_default());
    let rest = admin.as_encoded_bytes().strip_prefix(tree.as_encoded_bytes());
    rest.is_some_and(|number| number.iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files with what is in them.
    type Files = &'static [(&'static str, &'static str)];

    const ID: &str = "012345670000000000000001";

    #[test]
    fn only_what_can_be_the_leases_own_is_discarded() {
        const OTHER: &str = "012345670000000000000002";
        let dir = tempfile::tempdir().unwrap();
        let trees = dir.path().join("worktrees");
        let fragments: [(&str, Files, bool); 12] = [
            ("r-x", &[], true),
            ("r-x2", &[("HEAD", "ref: refs/heads/x")], true),
            (
                "r-x3",
                &[("agentenv", ID), ("locked", "git-agentenv 012345670000000000000001")],
                true,
            ),
            ("r-x4", &[("agentenv", OTHER)], false),
            ("r-x5", &[("locked", "by the user")], false),
            ("moved", &[("HEAD", "ref: refs/heads/x")], true),
            ("marked", &[("agentenv", ID)], true),
            ("kept", &[("agentenv", ID), ("locked", "by the user")], false),
            ("r-x6", &[("gitdir", "/r-x/.git")], false),
            ("r-xy", &[], false),
            ("r-x-2", &[], false),
            ("r", &[], false),
        ];
        for (name, files, _) in &fragments {
            let admin = trees.join(name);
            fs::make_dir(&admin).unwrap();
            for (file, text) in *files {
                fs::replace(&admin.join(file), text.as_bytes()).unwrap();
            }
        }
        let lease = Lease { admin: Some(trees.join("moved")), ..Lease::example() };
        discard(dir.path(), &[&lease]).unwrap();
        for (name, _, goes) in fragments {
            assert_eq!(trees.join(name).exists(), !goes, "{name}");
        }
    }
}
