//! Handles events: git's post-checkout, and Claude Code's WorktreeCreate and WorktreeRemove.

use crate::commands::hook::claude;
use crate::commands::hook::claude_protocol::Event;
use crate::environment::context::{Context, current_dir};
use crate::environment::remove::{self, RemoveOptions};
use crate::environment::workspace::Workspace;
use crate::environment::{adopt, checkout, create, hooks, reclaim, resolve};
use crate::error::{self, Exit, hint_of};
use crate::model::lease::Lease;
use crate::model::plan::{Data, Request};
use crate::sys::fs::Stands;
use crate::sys::{env, fs, git, repo};
use crate::ui::Ui;
use anyhow::{Context as _, Result};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// Where Claude Code puts its own worktrees.
const INSIDE: &str = ".claude/worktrees/{name}";

/// The remote's default branch.
const FRESH: &str = "origin/HEAD";

/// The size limit of an event, in bytes. It holds a whole command, which a program may have written.
pub(super) const LIMIT: u64 = 16 << 20;

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
    let event = read(&["WorktreeCreate"])?;
    let name = event.name().ok_or_else(|| missing("name"))?;
    let context = project(&event)?;
    reclaim::stale(&context, ui, name)?;
    let known = resolve::current(&context)?.into_iter().find(|lease| is_called(lease, name));
    let lease = match known {
        Some(lease) => adopted(&Context::at(&lease.path)?, ui)?,
        None => {
            let mut workspace = Workspace::open(&context, ui)?;
            if !is_inside(&workspace.config.worktree) {
                workspace.config.worktree = INSIDE.to_owned();
            }
            let here = context.repo.here.as_ref().unwrap_or(&context.repo.main);
            let base = base(&context, here, name);
            let target = checkout::branch(&context.repo, here, name, base)?;
            let request = Request { target, path: None, adopted: false, data: Data::default() };
            let mut lease = create::one(&workspace, request)?;
            hooks::try_post_add(&workspace, &mut lease);
            lease
        }
    };
    ui.raw(&format!("{}\n", fs::canonical(&lease.path).display()))?;
    Ok(Exit::Done)
}

/// The repository of the session: that of the directory that Claude Code was started in, for its shells go elsewhere.
fn project(event: &Event) -> Result<Context> {
    let cwd = cwd(event)?;
    let at_cwd = Context::at(&cwd);
    let Some(project) = env::path("CLAUDE_PROJECT_DIR").and_then(|dir| Context::at(&dir).ok())
    else {
        return at_cwd;
    };
    // Of the same repository, the session's own worktree is the one that it starts from.
    Ok(at_cwd.ok().filter(|context| context.repo.common == project.repo.common).unwrap_or(project))
}

/// Whether worktrees of this template lie in the main checkout: Claude Code does not let its agents leave it.
fn is_inside(template: &str) -> bool {
    let relative = template.strip_prefix("{main}/").unwrap_or(template);
    let is_plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    Path::new(relative).components().all(is_plain)
}

/// What a new branch starts from, as Claude Code's own worktrees do: the remote's default branch, or HEAD.
fn base(context: &Context, here: &Path, name: &str) -> Option<&'static str> {
    let exists = context.repo.branch(name).is_some() || !context.repo.remotes_with(name).is_empty();
    if exists {
        return None;
    }
    let fresh = !claude::starts_at_head(context) && git::resolve(here, FRESH).is_ok();
    Some(if fresh { FRESH } else { "HEAD" })
}

/// Handles WorktreeRemove: removes the environment unless work would be lost. A plain worktree goes as git removes it.
pub fn remove(ui: &Ui) -> Result<Exit> {
    let event = read(&["WorktreeRemove"])?;
    let path = event.worktree_path.clone().ok_or_else(|| missing("worktree_path"))?;
    let path = fs::canonical(&path);
    let context = Context::at(&path).or_else(|_| project(&event))?;
    let found = resolve::current(&context)?.into_iter().find(|lease| lease.path == path);
    let Some(lease) = found else {
        return remove_plain(&context, ui, &path);
    };
    let options =
        RemoveOptions { delete_branch: is_untouched(&context, &lease), ..RemoveOptions::default() };
    remove::one(&context, ui, options, &lease)?;
    Ok(Exit::Done)
}

fn remove_plain(context: &Context, ui: &Ui, path: &Path) -> Result<Exit> {
    if path == context.repo.main {
        return Err(error::not_found(format!("no environment at {}", path.display())).into());
    }
    if fs::stands(path)? == Stands::Nothing {
        ui.say(format!("{} does not exist", path.display()));
        return Ok(Exit::Done);
    }
    git::remove_worktree(&context.repo.main, path, false)?;
    Ok(Exit::Done)
}

/// Repairs the environment of a worktree, or creates one.
pub fn adopted(context: &Context, ui: &Ui) -> Result<Lease> {
    let workspace = adopt::workspace(context, ui)?;
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
///
/// # Errors
/// `Refused` when it is too long to be read.
pub(super) fn read(expected: &[&str]) -> Result<Event> {
    let names = expected.join(" or ");
    let mut input = std::io::stdin().lock().take(LIMIT);
    let document = serde_json::Deserializer::from_reader(&mut input).into_iter::<Event>().next();
    if input.limit() == 0 && !matches!(document, Some(Ok(_))) {
        let message = format!("the {names} event is longer than {} MiB", LIMIT >> 20);
        return Err(error::refused(message).into());
    }
    let event = document
        .transpose()
        .context(error::usage(format!("cannot read a {names} event from stdin")))?;
    let event = event.ok_or_else(|| error::usage(format!("no {names} event on stdin")))?;
    match event.hook_event_name.as_deref() {
        Some(other) if !expected.contains(&other) => {
            let message = format!("expected the event `{names}`, found `{other}`");
            let hint = "print the right settings with `git agentenv hook claude`";
            Err(error::usage(message).hint(hint).into())
        }
        _ => Ok(event),
    }
}

fn missing(what: &str) -> anyhow::Error {
    error::usage(format!("Claude Code's event lacks {what}")).into()
}
