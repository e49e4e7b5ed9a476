//! Asks for environments where `remove` got none.

use crate::environment::context::Context;
use crate::environment::removal_risks::{self, Loss};
use crate::environment::resolve;
use crate::error;
use crate::model::lease::Lease;
use crate::service::removal::Servers;
use crate::sys::parallel;
use crate::ui::{Choice, Item, Menu, Ui};
use anyhow::{Result, anyhow};

/// Lets the user choose environments; returns each with what would be lost with it.
///
/// # Errors
/// Usage, where it cannot prompt; interrupted, if the user cancels.
pub fn environments(
    context: &Context,
    ui: &Ui,
    with_branch: bool,
) -> Result<Vec<(Lease, Vec<Loss>)>> {
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
    let items = parallel::each(&leases, |lease| item(lease, with_branch));
    step.nothing();
    let menu = Menu { prompt: "Remove:", items: &items, new: None, several: true, preview: None };
    let Choice::Items(chosen) = ui.choose(&menu)? else {
        return Err(anyhow!("no environment was chosen"));
    };
    let chosen: Vec<&Lease> = chosen.iter().filter_map(|&at| leases.get(at)).collect();
    let risks = removal_risks::of_all(&chosen, with_branch, &Servers::of(&chosen));
    let chosen = chosen.into_iter().cloned().zip(risks);
    chosen.map(|(lease, risks)| Ok((lease, risks?.losses))).collect()
}

fn item(lease: &Lease, with_branch: bool) -> Item {
    let label = lease.branch.clone().unwrap_or_else(|| lease.name.clone());
    let note =
        match removal_risks::of_worktree(lease, &removal_risks::branches([lease], with_branch)) {
            Ok(losses) if losses.is_empty() => String::new(),
            Ok(losses) => format!("would lose {}", removal_risks::counted(&losses)),
            Err(error) => format!("{error:#}"),
        };
    Item { label, note }
}
