//! Releases the parts of leases on their servers.

use super::Force;
use crate::environment::{part_problem, parts};
use crate::error;
use crate::model::lease::{Lease, Part};
use crate::service::removal::Servers;
use crate::service::{Gone, inventory};
use crate::ui::{Step, Ui};
use anyhow::Result;

/// How the release of a part ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Released {
    /// The server has it no more.
    Gone,
    /// It was not the environment's, or is the user's now.
    Stays,
}

/// Releases the parts of these leases side by side; gives how each ended, in the order of each lease's parts.
pub(super) fn release(
    ui: &Ui,
    servers: &Servers,
    leases: &[(&Lease, Force)],
) -> Vec<Vec<Result<Released>>> {
    let begin = |(lease, _): &(&Lease, Force)| {
        let ui = ui.about(&lease.name);
        lease.parts.iter().map(|part| ui.step(part.to_string())).collect::<Vec<_>>()
    };
    let steps: Vec<Vec<Step>> = leases.iter().map(begin).collect();
    let gone = parts::each(leases, |held| servers.release(held));
    let ends = leases.iter().zip(gone).zip(steps);
    let of_lease = ends.map(|(((lease, force), gone), steps)| {
        let ui = &ui.about(&lease.name);
        let said = |((part, gone), step): ((&Part, _), _)| match said(ui, part, gone, step)? {
            Ok(released) => Ok(released),
            Err(now) => renamed(ui, lease, part, now, *force),
        };
        lease.parts.iter().zip(gone).zip(steps).map(said).collect()
    });
    of_lease.collect()
}

/// The parts of a lease that could not be released; `left` gets why.
pub(super) fn left(
    lease: &Lease,
    gone: impl IntoIterator<Item = Result<Released>>,
    left: &mut Vec<anyhow::Error>,
) -> Vec<Part> {
    let mut parts = Vec::new();
    for (part, result) in lease.parts.iter().zip(gone) {
        if let Err(error) = result {
            parts.push(part.clone());
            left.push(error);
        }
    }
    parts
}

fn renamed(ui: &Ui, lease: &Lease, part: &Part, now: String, force: Force) -> Result<Released> {
    let Some(now) = part_problem::elsewhere(lease, Some(now)) else { return Ok(Released::Gone) };
    part_problem::leave_renamed(ui, lease, part, &now, force.sessions)?;
    Ok(Released::Stays)
}

/// Reports the end of a part; gives, instead, the name that its database has by now.
fn said(
    ui: &Ui,
    part: &Part,
    gone: Result<Gone>,
    step: Step,
) -> Result<std::result::Result<Released, String>> {
    match gone.map_err(|error| error.context(format!("cannot remove {part}")))? {
        Gone::Dropped => step.done(),
        Gone::Missing => step.nothing(),
        Gone::Renamed(now) => {
            step.nothing();
            return Ok(Err(now));
        }
        Gone::NotOurs(whose) => {
            step.nothing();
            ui.warn(format!("keeping {part}: it does not belong to this environment ({whose})"));
            return Ok(Ok(Released::Stays));
        }
        Gone::Busy(sessions) => {
            step.nothing();
            let message = format!("{part} is in use by {}", inventory::listed(&sessions));
            let hint = "close these sessions, or end them with `--force`";
            return Err(error::refused(message).hint(hint).into());
        }
    }
    Ok(Ok(Released::Gone))
}
