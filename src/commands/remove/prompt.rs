//! Asks for environments where `remove` got none, and whether they are to go.

use crate::environment::context::Context;
use crate::environment::removal_risks::{self, Loss, Risks};
use crate::environment::remove::RemoveOptions;
use crate::environment::resolve;
use crate::environment::trees::Trees;
use crate::error;
use crate::model::lease::Lease;
use crate::service::removal::Servers;
use crate::sys::parallel;
use crate::sys::store::Store;
use crate::ui::{Choice, Item, Menu, Ui};
use anyhow::{Result, anyhow};

/// Lets the user choose environments.
///
/// # Errors
/// Usage, where it cannot prompt; interrupted, if the user cancels.
pub fn environments(context: &Context, ui: &Ui, with_branch: bool) -> Result<Vec<Lease>> {
    if !ui.can_ask() {
        let message =
            "the argument <ENV> is missing, and the current directory is in no environment";
        let hint = "`git agentenv remove <env>`; `git agentenv list` shows the environments";
        return Err(error::usage(message).hint(hint).into());
    }
    let leases = resolve::current(context)?;
    if leases.is_empty() {
        let failure = error::not_found("there are no environments");
        return Err(failure.hint("create one: `git agentenv add <branch>`").into());
    }
    let step = ui.step("checking what would be lost");
    let store = &context.store;
    let items = parallel::each(&leases, |lease| item(store, lease, with_branch));
    step.nothing();
    let menu = Menu { prompt: "Remove:", items: &items, new: None, several: true, preview: None };
    let Choice::Items(chosen) = ui.choose(&menu)? else {
        return Err(anyhow!("no environment was chosen"));
    };
    Ok(chosen.iter().filter_map(|&at| leases.get(at)).cloned().collect())
}

/// Asks once before environments go: always where the user picked them from the menu, else only if a database that holds rows
/// is not moved to the trash. Gives the losses that the user agreed to.
///
/// # Errors
/// Interrupted, unless the answer is yes.
pub fn agree(
    context: &Context,
    ui: &Ui,
    options: RemoveOptions,
    leases: &[Lease],
    is_picked: bool,
) -> Result<Vec<Vec<Loss>>> {
    let leases: Vec<&Lease> = leases.iter().collect();
    if !is_picked && options.goes_to_trash(context) {
        return Ok(Vec::new());
    }
    let with_branch = options.delete_branch;
    let (store, servers) = (&context.store, Servers::of(&leases));
    let trees = Trees::of(leases.iter().copied());
    let looked = removal_risks::of_all(store, &leases, &trees, with_branch, &servers);
    // What cannot be looked at is refused later, with the reason.
    let Ok(risks) = looked.into_iter().collect::<Result<Vec<Risks>>>() else {
        return Ok(Vec::new());
    };
    let going: Vec<_> = leases.into_iter().zip(&risks).collect();
    let loses = risks.iter().flat_map(|risks| &risks.losses).any(|loss| loss.needs_force);
    if is_picked {
        removal_risks::ask(ui, &going, with_branch)?;
        return Ok(risks.into_iter().map(|risks| risks.losses).collect());
    }
    let is_refused = loses && !options.force;
    if !is_refused && removal_risks::hold_rows(&going) {
        removal_risks::ask(ui, &going, with_branch)?;
    }
    Ok(Vec::new())
}

fn item(store: &Store, lease: &Lease, with_branch: bool) -> Item {
    let label = lease.branch.clone().unwrap_or_else(|| lease.name.clone());
    let note = match removal_risks::of_worktree(
        lease,
        &removal_risks::branches(store, &[lease], with_branch),
    ) {
        Ok(losses) if losses.is_empty() => String::new(),
        Ok(losses) => format!("would lose {}", removal_risks::counted(&losses)),
        Err(error) => format!("{error:#}"),
    };
    Item { label, note }
}
