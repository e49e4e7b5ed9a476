//! Finds what `--data` names: what the databases of a new environment are copies of.

pub mod approval;
mod build;
mod choice;
pub mod known;
pub mod privileges;
pub mod snapshots;
pub mod spares;
pub mod template;

use crate::environment::resolve;
use crate::environment::workspace::Workspace;
use crate::error;
use crate::model::config::{Kind, Origin, Service};
use crate::model::lease::{Lease, Part};
use crate::model::plan::Data;
use crate::model::source::Source;
use crate::service::Server;
use anyhow::Result;
use std::collections::BTreeMap;

/// The kinds of services whose databases can be copies.
const KINDS: [Kind; 3] = [Kind::Postgres, Kind::Mysql, Kind::Sqlite];

/// The word for an empty database.
pub const EMPTY: &str = "empty";

/// The word for the main checkout's database.
pub const MAIN: &str = "main";

/// What `--data` means for each service with a database: `empty`, `main`, an environment, or a snapshot of one, also written
/// `<env>:<snapshot>`.
///
/// # Errors
/// `NotFound` when nothing has this name; `Usage` when it is the name of several snapshots.
pub fn named(workspace: &Workspace<'_>, wanted: &str, unmasked: bool) -> Result<Data> {
    let services = workspace.config.services.iter();
    let services: Vec<_> = services.filter(|(_, one)| KINDS.contains(&one.kind)).collect();
    if services.is_empty() {
        return Err(
            error::usage("`--data` needs a service with a database, and there is none").into()
        );
    }
    let mut chosen = BTreeMap::new();
    match wanted {
        EMPTY => chosen.extend(services.iter().map(|(name, _)| ((*name).clone(), None))),
        MAIN => {
            services.iter().try_for_each(|(name, one)| require_masked(name, one, unmasked))?;
            let main = &workspace.context.repo.main;
            let of_main =
                |one: &Service| Service { from: Origin::Main, ..one.clone() }.source(main);
            chosen.extend(services.iter().map(|(name, one)| ((*name).clone(), of_main(one))))
        }
        _ => match resolve::named(workspace.context, wanted) {
            Ok(lease) => {
                for (name, service) in services {
                    let holds = part(&lease, name, service)?.holds.clone();
                    let source = match service.kind {
                        Kind::Sqlite => Source::File(lease.path.join(holds)),
                        _ => Source::Database(holds),
                    };
                    chosen.insert(name.clone(), Some(source));
                }
            }
            Err(missing) => chosen = snapshots(workspace, &services, wanted, missing)?,
        },
    }
    Ok(Data::Chosen(chosen))
}

/// Refuses to copy the main checkout's database as it is where the template of the service has a mask.
///
/// # Errors
/// `Refused`, unless the user wants it `unmasked`.
pub fn require_masked(name: &str, service: &Service, unmasked: bool) -> Result<()> {
    let Some(mask) = service.template.as_ref().and_then(|template| template.mask.as_ref()) else {
        return Ok(());
    };
    if unmasked {
        return Ok(());
    }
    let message = format!(
        "cannot copy database `{}`: the mask {mask} of `{name}` would not run",
        service.main
    );
    let hint = "`git agentenv add` without `--data` and `git agentenv db reset` copy the masked template; `--unmasked` copies the database as it is";
    Err(error::refused(message).hint(hint).into())
}

/// An environment's part of the same service on the same server.
fn part<'a>(lease: &'a Lease, name: &str, service: &Service) -> Result<&'a Part> {
    let same = |part: &&Part| {
        (part.kind, part.service.as_str(), &part.place) == (service.kind, name, &service.place)
    };
    lease.parts.iter().find(same).ok_or_else(|| {
        let message = format!("`{}` has no `{name}` on the same server", lease.name);
        error::not_found(message).into()
    })
}

/// The snapshot of this name of each service that has one.
fn snapshots(
    workspace: &Workspace<'_>,
    services: &[(&String, &Service)],
    wanted: &str,
    missing: anyhow::Error,
) -> Result<BTreeMap<String, Option<Source>>> {
    let mut chosen = BTreeMap::new();
    for (service, settings) in services {
        let server = Server::of_service(settings);
        let of = (service.as_str(), server.as_ref());
        let found = snapshots::find(workspace.context, of, wanted, None)?;
        chosen.extend(found.map(|source| ((*service).clone(), Some(source))));
    }
    if chosen.is_empty() {
        return Err(snapshots::unknown(wanted, missing));
    }
    Ok(chosen)
}
