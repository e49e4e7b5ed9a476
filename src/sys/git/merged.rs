//! Whether a branch is merged, by all the ways in which its changes can have come into another one.

use super::{git, retry};
use crate::model::unused::History;
use crate::sys::repo;
use anyhow::Result;
use std::path::Path;

/// Where git keeps what the remote's default branch is.
const REMOTE: &str = "refs/remotes/origin/";

/// Who writes the commits that are only compared.
const COMPARER: &str = "git-agentenv";

/// The words with which git begins what it notes of a new commit.
const COMMITTED: [&str; 4] = ["commit", "cherry-pick", "am: ", "revert"];

/// The default branch's name, and its references: here and on `origin`. The remote says which it is, else the main checkout
/// is on it. `None` when there is none.
pub fn default_branch(main: &Path, common: &Path) -> Result<Option<(String, Vec<String>)>> {
    let head = format!("{REMOTE}HEAD");
    let named = git(main).args(["symbolic-ref", "--quiet", &head]).output()?;
    let of_remote = named.text().strip_prefix(REMOTE).map(str::to_owned);
    let Some(name) = of_remote.or_else(|| repo::main_branch(common)) else { return Ok(None) };
    let both = [format!("refs/heads/{name}"), format!("{REMOTE}{name}")];
    let listed = git(main).args(["for-each-ref", "--format=%(refname)"]).args(&both).read()?;
    let known = both.into_iter().filter(|one| listed.lines().any(|line| line == one)).collect();
    Ok(Some((name, known)))
}

/// How a branch stands to a reference. `born`: the commit at which the branch was created here, if it was.
pub fn history(main: &Path, branch: &str, born: Option<&str>, into: &str) -> Result<History> {
    let tip = super::resolve(main, &format!("refs/heads/{branch}"))?;
    let beyond = format!("{into}..{tip}");
    let mut history = History { beyond: count(main, &[&beyond])?, ..History::default() };
    if history.beyond == 0 {
        history.has_own = has_own(main, branch, &tip, born, into)?;
        return Ok(history);
    }
    history.merges = count(main, &["--merges", &beyond])?;
    history.unequal = unequal(main, into, &tip)?;
    if history.merges > 0 || history.unequal > 0 {
        history.is_squashed = is_squashed(main, into, &tip)?;
    }
    Ok(history)
}

fn count(main: &Path, range: &[&str]) -> Result<usize> {
    let counted = retry(|| git(main).args(["rev-list", "--count"]).args(range))?;
    Ok(counted.text().parse()?)
}

/// Of a branch that `into` reaches: whether something was ever committed to it. A merge commit reaches it beside the line of
/// first parents; after a fast-forward only the branch's reflog knows.
fn has_own(main: &Path, branch: &str, tip: &str, born: Option<&str>, into: &str) -> Result<bool> {
    let reference = format!("refs/heads/{branch}");
    let log = git(main).args(["reflog", "show", "--format=%H %gs", &reference, "--"]).output()?;
    let log = if log.success() { log.text() } else { String::new() };
    let mut entries = log.lines().filter_map(|line| line.split_once(' '));
    let is_commit = |(_, what): &(&str, &str)| COMMITTED.iter().any(|word| what.starts_with(word));
    // One that was reset away is not what was merged.
    if let Some((last, _)) = entries.find(is_commit)
        && count(main, &[last, &format!("^{tip}")])? == 0
    {
        return Ok(true);
    }
    // The commits of the line that come after it: its last one is the tip's child, if the tip is on the line.
    let line = ["rev-list", "--first-parent", "--parents", into, &format!("^{tip}")];
    let line = retry(|| git(main).args(line))?.text();
    let reached = match line.lines().last() {
        None => super::resolve(main, into)? == tip,
        Some(oldest) => oldest.split(' ').nth(1) == Some(tip),
    };
    Ok(!reached && born != Some(tip))
}

/// How many commits have no equal in `into`; merges are not counted.
fn unequal(main: &Path, into: &str, tip: &str) -> Result<usize> {
    let compared = retry(|| git(main).args(["cherry", into, tip]))?;
    Ok(compared.text().lines().filter(|line| line.starts_with('+')).count())
}

/// Whether all changes since the branch left `into` have an equal there in one commit. They are put into a commit for that,
/// which no reference names and which is the same each time.
fn is_squashed(main: &Path, into: &str, tip: &str) -> Result<bool> {
    let base = git(main).args(["merge-base", into, tip]).output()?;
    if !base.success() {
        return Ok(false);
    }
    let tree = format!("{tip}^{{tree}}");
    let commit = ["AUTHOR", "COMMITTER"].into_iter().fold(git(main), |cmd, role| {
        cmd.env(format!("GIT_{role}_NAME"), COMPARER)
            .env(format!("GIT_{role}_EMAIL"), "git-agentenv@localhost")
            .env(format!("GIT_{role}_DATE"), "@0 +0000")
    });
    let base = base.text();
    let commit = commit.args(["commit-tree", "--no-gpg-sign", "-m", "compared", "-p", &base]);
    let all = commit.arg(tree).read()?;
    Ok(unequal(main, into, &all)? == 0)
}
