//! Handles events: git's post-checkout, and Claude Code's WorktreeCreate and WorktreeRemove.

use crate::commands::hook::claude_protocol::Event;
use crate::environment::context::{Context, current_dir};
use crate::environment::remove::{self, RemoveOptions};
use crate::environment::workspace::Workspace;
use crate::environment::{adopt, checkout, create, hooks, reclaim, resolve};
use crate::error::{self, Exit, hint_of};
use crate::model::lease::Lease;
use crate::model::plan::{Data, Request};
use crate::sys::{fs, repo};
use crate::ui::Ui;
use anyhow::{Context as _, Result};
use std::io::Read;
use std::path::PathBuf;

/// The size limit of an event, in bytes.
const LIMIT: u64 = 1 << 20;

/// Turns the worktree that git has just created into an environment. Never fails: problems are warnings.
pub fn checkout(ui: &Ui) -> Result<Exit> {
    if let Err(error) = new_worktree(ui) {
        let hint = hint_of(&error).map_or(String::new(), |hint| format!("\nhint: {hint}"));
        ui.warn(format!(
            "cannot turn this worktree into an environment: {error:#}{hint}\nhint: try again with `git agentenv adopt`"
        ));
    }
    Ok(Exit::Done)
}

fn new_worktree(ui: &Ui) -> Result<()> {
    let context = Context::at(&current_dir()?)?;
    let trees = repo::worktrees(&context.repo.common)?;
    let here = context.repo.here.as_deref();
    let plain = |tree: &&repo::Worktree| {
        tree.lease.is_none() && Some(fs::canonical(&tree.path).as_path()) == here
    };
    match trees.iter().find(plain) {
        Some(_) => adopted(&context, ui).map(drop),
        None => Ok(()),
    }
}

/// Handles WorktreeCreate: creates an environment and prints only its path.
pub fn create(ui: &Ui) -> Result<Exit> {
    let event = read("WorktreeCreate")?;
    let name = event.name().ok_or_else(|| missing("name"))?;
    let cwd = cwd(&event)?;
    let context = Context::at(&cwd)?;
    reclaim::stale(&context, ui, name)?;
    let known = resolve::current(&context)?.into_iter().find(|lease| is_called(lease, name));
    let lease = match known {
        Some(lease) => adopted(&Context::at(&lease.path)?, ui)?,
        None => {
            let workspace = Workspace::open(&context, ui)?;
            let target = checkout::branch(&context.repo, &cwd, name, None)?;
            let request = Request { target, path: None, adopted: false, data: Data::default() };
            let mut lease = create::one(&workspace, request)?;
            hooks::try_post_add(&workspace, &mut lease);
            lease
        }
    };
    ui.raw(&format!("{}\n", lease.path.display()))?;
    Ok(Exit::Done)
}

/// Handles WorktreeRemove: removes the environment unless work would be lost.
pub fn remove(ui: &Ui) -> Result<Exit> {
    let event = read("WorktreeRemove")?;
    let path = event.worktree_path.clone().ok_or_else(|| missing("worktree_path"))?;
    let (path, cwd) = (fs::canonical(&path), cwd(&event)?);
    let context = Context::at(&path).or_else(|_| Context::at(&cwd))?;
    let found = resolve::current(&context)?.into_iter().find(|lease| lease.path == path);
    let lease = found.ok_or_else(|| {
        error::not_found(format!("no environment at {}", path.display()))
            .hint("remove a plain worktree with `git worktree remove`")
    })?;
    let options =
        RemoveOptions { delete_branch: is_untouched(&context, &lease), ..RemoveOptions::default() };
    remove::one(&context, ui, options, &lease)?;
    Ok(Exit::Done)
}

/// Repairs the environment of a worktree, or creates one.
fn adopted(context: &Context, ui: &Ui) -> Result<Lease> {
    let workspace = Workspace::open(context, ui)?;
    let mut lease = adopt::worktree(&workspace)?;
    hooks::try_post_add(&workspace, &mut lease);
    Ok(lease)
}

fn is_called(lease: &Lease, name: &str) -> bool {
    lease.branch.as_deref() == Some(name) || lease.name == name
}

/// Whether we created the branch and nothing was committed on it.
fn is_untouched(context: &Context, lease: &Lease) -> bool {
    let tip = lease.branch.as_ref().and_then(|branch| context.repo.branch(branch));
    tip.is_some() && tip == lease.branch_created_at
}

fn cwd(event: &Event) -> Result<PathBuf> {
    event.cwd.clone().filter(|dir| dir.is_absolute()).map_or_else(current_dir, Ok)
}

/// Reads one JSON document from stdin without waiting for end of file: not every caller closes it.
fn read(expected: &str) -> Result<Event> {
    let input = std::io::stdin().lock().take(LIMIT);
    let document = serde_json::Deserializer::from_reader(input).into_iter::<Event>().next();
    let event = document
        .transpose()
        .context(error::usage(format!("cannot read a {expected} event from stdin")))?;
    let event = event.ok_or_else(|| missing("an event on stdin"))?;
    match event.hook_event_name.as_deref() {
        Some(other) if other != expected => {
            let message = format!("expected the event `{expected}`, found `{other}`");
            let hint = "print the right settings with `git agentenv hook claude`";
            Err(error::usage(message).hint(hint).into())
        }
        _ => Ok(event),
    }
}

fn missing(what: &str) -> anyhow::Error {
    error::usage(format!("Claude Code's event lacks {what}")).into()
}
