//! The events of others: a new worktree of git's, and Claude Code's WorktreeCreate and WorktreeRemove.

use crate::commands::hook::claude_protocol::Event;
use crate::environment::context::{Context, current_dir};
use crate::environment::remove::{self, RemoveOptions};
use crate::environment::workspace::Workspace;
use crate::environment::{adopt, checkout, create, hooks, reclaim, resolve};
use crate::error::{self, Exit, hint_of};
use crate::model::lease::Lease;
use crate::model::plan::Request;
use crate::sys::{fs, repo};
use crate::ui::Ui;
use anyhow::{Context as _, Result};
use std::io::Read;
use std::path::PathBuf;

/// The most that is read of an event, in bytes.
const LIMIT: u64 = 1 << 20;

/// Makes an environment of the worktree that git has just made. The checkout never fails for it.
///
/// # Errors
/// None: what hinders it is said.
pub fn checkout(ui: &Ui) -> Result<Exit> {
    if let Err(error) = new_worktree(ui) {
        let hint = hint_of(&error).map_or(String::new(), |hint| format!("\nhint: {hint}"));
        ui.warn(format!(
            "this worktree is no environment: {error:#}{hint}\nhint: `git agentenv adopt` in it tries again"
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

/// Answers WorktreeCreate: makes an environment, and prints nothing but its path.
///
/// # Errors
/// When it cannot be made.
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
            let request = Request { target, path: None, adopted: false };
            let mut lease = create::one(&workspace, request)?;
            hooks::try_post_add(&workspace, &mut lease);
            lease
        }
    };
    ui.raw(&format!("{}\n", lease.path.display()))?;
    Ok(Exit::Done)
}

/// Answers WorktreeRemove: takes the environment away unless work would be lost.
///
/// # Errors
/// When there is no such environment, or it is kept because something in it would be lost.
pub fn remove(ui: &Ui) -> Result<Exit> {
    let event = read("WorktreeRemove")?;
    let path = event.worktree_path.clone().ok_or_else(|| missing("worktree_path"))?;
    let (path, cwd) = (fs::canonical(&path), cwd(&event)?);
    let context = Context::at(&path).or_else(|_| Context::at(&cwd))?;
    let found = resolve::current(&context)?.into_iter().find(|lease| lease.path == path);
    let lease = found.ok_or_else(|| {
        error::not_found(format!("no environment at {}", path.display()))
            .hint("`git worktree remove` removes a plain worktree")
    })?;
    let options =
        RemoveOptions { delete_branch: is_untouched(&context, &lease), ..RemoveOptions::default() };
    remove::one(&context, ui, options, &lease)?;
    Ok(Exit::Done)
}

/// Makes the worktree whole, and an environment if it is none yet.
fn adopted(context: &Context, ui: &Ui) -> Result<Lease> {
    let workspace = Workspace::open(context, ui)?;
    let mut lease = adopt::worktree(&workspace)?;
    hooks::try_post_add(&workspace, &mut lease);
    Ok(lease)
}

fn is_called(lease: &Lease, name: &str) -> bool {
    lease.branch.as_deref() == Some(name) || lease.name == name
}

/// We made the branch, and nothing was committed on it: an agent that did nothing leaves nothing.
fn is_untouched(context: &Context, lease: &Lease) -> bool {
    let tip = lease.branch.as_ref().and_then(|branch| context.repo.branch(branch));
    tip.is_some() && tip == lease.branch_created_at
}

fn cwd(event: &Event) -> Result<PathBuf> {
    event.cwd.clone().filter(|dir| dir.is_absolute()).map_or_else(current_dir, Ok)
}

/// One document of JSON from stdin. Its end is seen without waiting for stdin's: not every caller closes it.
fn read(expected: &str) -> Result<Event> {
    let input = std::io::stdin().lock().take(LIMIT);
    let document = serde_json::Deserializer::from_reader(input).into_iter::<Event>().next();
    let event = document
        .transpose()
        .context(error::usage(format!("stdin holds no {expected} event of Claude Code's")))?;
    let event = event.ok_or_else(|| missing("an event on stdin"))?;
    match event.hook_event_name.as_deref() {
        Some(other) if other != expected => {
            let message = format!("the event is `{other}`, and not `{expected}`");
            let hint = "`git agentenv hook claude` prints the settings";
            Err(error::usage(message).hint(hint).into())
        }
        _ => Ok(event),
    }
}

fn missing(what: &str) -> anyhow::Error {
    error::usage(format!("missing in Claude Code's event: {what}")).into()
}
