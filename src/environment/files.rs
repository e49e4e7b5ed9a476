//! The files that are written into a worktree, and the rules that make git ignore them.

use crate::error;
use crate::model::config::Kind;
use crate::model::envfile;
use crate::model::lease::Lease;
use crate::sys::fs::{self, Stands};
use crate::sys::store::Store;
use crate::sys::{failpoint, git};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Writes the environment's variables into its file; the user's lines in it stay.
///
/// # Errors
/// When something else stands there, git tracks the file, or the disk is full.
pub fn write_env(store: &Store, lease: &Lease) -> Result<()> {
    let file = lease.path.join(&lease.env_file);
    clear_way(lease, &lease.env_file, "env_file")?;
    let existing = read_env(&file)?;
    ensure_ignored(store, lease, &lease.env_file, "env_file")?;
    for part in lease.parts.iter().filter(|part| part.kind == Kind::Sqlite) {
        let key = format!("services.{}.name", part.service);
        clear_way(lease, &part.holds, &key)?;
        ensure_ignored(store, lease, &part.holds, &key)?;
        // SQLite keeps its journals beside the file.
        append_rule(store, &lease.repository, &format!("/{}-*", escaped(&part.holds)))?;
    }
    let content = envfile::merge(&existing, &lease.id, &lease.vars)?;
    if content != existing || fs::mode(&file) != Some(0o600) {
        fs::replace(&file, &content)?;
    }
    failpoint::point("env-written")
}

/// Whether the environment file holds the lease's variables.
pub fn is_current(lease: &Lease) -> Result<bool> {
    let existing = read_env(&lease.path.join(&lease.env_file))?;
    Ok(envfile::merge(&existing, &lease.id, &lease.vars)? == existing)
}

/// How many lines of the environment file are the user's own; blank ones and comments hold no value.
pub fn own_lines(lease: &Lease) -> Result<usize> {
    let file = lease.path.join(&lease.env_file);
    if fs::stands(&file)? != Stands::File {
        return Ok(0);
    }
    let rest = fs::read(&file)?.and_then(|existing| envfile::remove(&existing)).unwrap_or_default();
    let says = |line: &&[u8]| !line.trim_ascii().is_empty() && !line.trim_ascii().starts_with(b"#");
    Ok(rest.split(|&byte| byte == b'\n').filter(says).count())
}

/// Writes the compose file that is made over for the environment.
///
/// # Errors
/// As [`write_env`].
pub fn write_compose(store: &Store, lease: &Lease, file: &str, content: &str) -> Result<()> {
    clear_way(lease, file, "compose.file")?;
    ensure_ignored(store, lease, file, "compose.file")?;
    let path = lease.path.join(file);
    if fs::stands(&path)? != Stands::Nothing && !is_our_compose(lease, file)? {
        let message = format!("cannot write {}: it exists and is not ours", path.display());
        return Err(error::refused(message).hint("rename it, or remove it").into());
    }
    // Its variables can hold a password.
    fs::replace(&path, content.as_bytes())?;
    failpoint::point("compose-written")
}

/// Removes the compose file that was made over for the environment: its ports may be another's by now.
pub fn remove_compose(lease: &Lease) -> Result<()> {
    match &lease.compose_file {
        Some(file) if is_our_compose(lease, file)? => fs::remove(&lease.path.join(file)),
        _ => Ok(()),
    }
}

/// Whether a compose file has the lease's id in its first line.
fn is_our_compose(lease: &Lease, file: &str) -> Result<bool> {
    let path = lease.path.join(file);
    if fs::stands(&path)? != Stands::File {
        return Ok(false);
    }
    let text = fs::read(&path)?.unwrap_or_default();
    let first = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    Ok(String::from_utf8_lossy(first).contains(&lease.id))
}

/// Removes our block from the environment file of a worktree that stays.
pub fn remove_env(lease: &Lease) -> Result<()> {
    let file = lease.path.join(&lease.env_file);
    fs::sweep(file.parent().unwrap_or(&lease.path))?;
    // A file that cannot be read holds no block of ours: writing one reads the file first.
    let Ok(Some(existing)) = fs::read(&file) else {
        return Ok(());
    };
    match envfile::remove(&existing) {
        Some(rest) if rest == existing => Ok(()),
        Some(rest) => fs::replace(&file, &rest),
        None => fs::remove(&file),
    }
}

/// Makes git ignore the directory below the main checkout in which worktrees are kept.
pub fn ignore_worktrees(store: &Store, lease: &Lease) -> Result<()> {
    let inside =
        lease.path.strip_prefix(&lease.main).ok().filter(|_| lease.main != lease.repository);
    let Some(parent) = inside.and_then(Path::parent).filter(|dir| !dir.as_os_str().is_empty())
    else {
        return Ok(());
    };
    let dir = parent.to_string_lossy();
    if git::ignores(&lease.main, &format!("{dir}/"))? {
        return Ok(());
    }
    append_rule(store, &lease.repository, &format!("/{}/", escaped(&dir)))
}

/// Creates the directories above a file of the worktree. Refuses to follow a link: it could lead outside.
fn clear_way(lease: &Lease, file: &str, key: &str) -> Result<()> {
    let mut dir = lease.path.clone();
    for part in Path::new(file).parent().into_iter().flat_map(Path::components) {
        dir.push(part);
        if !matches!(fs::stands(&dir)?, Stands::Nothing | Stands::Directory) {
            let message = format!("{} is not a directory", dir.display());
            let hint = format!("choose another `{key}` in .agentenv.yaml");
            return Err(error::refused(message).hint(hint).into());
        }
    }
    // The worktree itself is never created here.
    if dir == lease.path || fs::stands(&lease.path)? != Stands::Directory {
        return Ok(());
    }
    fs::make_dir(&dir)
}

/// The file's content. A link is refused: it could lead to a file outside.
fn read_env(file: &Path) -> Result<Vec<u8>> {
    let what = match fs::stands(file)? {
        Stands::Nothing => return Ok(Vec::new()),
        Stands::File => return Ok(fs::read(file)?.unwrap_or_default()),
        Stands::Link => "a symbolic link",
        Stands::Directory => "a directory",
        Stands::Other => "not a file",
    };
    let message = format!("cannot write {}: it is {what}", file.display());
    Err(error::refused(message)
        .hint("remove it, or choose another `env_file` in .agentenv.yaml")
        .into())
}

/// The files that belong to us, relative to the worktree.
pub fn own(lease: &Lease) -> Vec<String> {
    let sqlite = lease.parts.iter().filter(|part| part.kind == Kind::Sqlite);
    let written = [&lease.env_file].into_iter().chain(&lease.compose_file);
    sqlite.map(|part| &part.holds).chain(written).cloned().collect()
}

/// Makes git ignore a file of the worktree through the rules that all worktrees share.
pub fn ensure_ignored(store: &Store, lease: &Lease, file: &str, key: &str) -> Result<()> {
    if git::ignores(&lease.path, file)? {
        return Ok(());
    }
    if git::tracks(&lease.path, file)? {
        let message = format!("cannot write `{file}`: git tracks it on this branch");
        let hint = format!("`git rm --cached {file}` and commit, or choose another `{key}`");
        return Err(error::refused(message).hint(hint).into());
    }
    append_rule(store, &lease.repository, &format!("/{}", escaped(file)))?;
    if git::ignores(&lease.path, file)? {
        return Ok(());
    }
    let message = format!("git does not ignore `{file}`: a rule of the branch includes it");
    let hint = format!("remove the rule `!{file}` from .gitignore");
    Err(error::refused(message).hint(hint).into())
}

/// A path as a pattern of gitignore that means the path itself.
pub fn escaped(path: &str) -> String {
    let special = |c: char| "\\*?[ ".contains(c);
    path.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

/// Adds a rule to `info/exclude` of the common directory, unless it is there.
fn append_rule(store: &Store, common: &Path, rule: &str) -> Result<()> {
    let _lock = store.lock_repository(common)?;
    let file: PathBuf = fs::canonical(&common.join("info/exclude"));
    let existing = fs::read(&file)?.unwrap_or_default();
    if existing.split(|&byte| byte == b'\n').any(|line| line == rule.as_bytes()) {
        return Ok(());
    }
    let newline = if existing.is_empty() || existing.ends_with(b"\n") { "" } else { "\n" };
    fs::append(&file, format!("{newline}{rule}\n").as_bytes())
        .context("cannot add a rule to info/exclude")?;
    failpoint::point("rule-written")
}
