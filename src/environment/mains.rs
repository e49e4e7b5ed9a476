//! What the main checkouts of other repositories use, as their configurations say.

use crate::environment::context;
use crate::model::config::{Config, Kind};
use crate::model::lease::Lease;
use crate::model::overflow;
use crate::model::slot::{Holder, Slot};
use crate::sys::store::Store;
use crate::sys::{fs, parallel};
use crate::ui::Ui;
use std::collections::BTreeMap;
use std::path::Path;

/// The ports and Redis indexes of the main checkouts of all other repositories that have or had environments, whether they run
/// now or not. They are only chosen last: such a configuration may be out of date, and its Redis may be another server.
/// So what cannot be read is no error. Not counted are
///
/// - repositories without a configuration: nothing says that they use the defaults;
/// - those whose git directory is elsewhere: it need not say where the main checkout is;
/// - databases: one that exists is seen on its server.
///
/// Read this before the lock of the machine is taken: there may be many.
pub fn slots(store: &Store, own: &Path) -> BTreeMap<Slot, Holder> {
    let mut repositories = store.repositories().unwrap_or_default();
    repositories.retain(|common| common != own && common.ends_with(".git"));
    let mains: Vec<&Path> = repositories.iter().filter_map(|common| common.parent()).collect();
    let used = parallel::each_by_cpu(&mains, |main| used(main).unwrap_or_default());
    let held = |(main, slots): (&&Path, Vec<Slot>)| {
        let holder = format!("the main checkout {}", main.display());
        slots.into_iter().map(move |slot| (slot, holder.clone()))
    };
    mains.iter().zip(used).flat_map(held).collect()
}

/// Warns of what a new environment shares with one of them, for no other slot was free.
pub fn warn(ui: &Ui, mains: &BTreeMap<Slot, Holder>, lease: &Lease) {
    let ports = lease.ports.values().map(|port| Slot::Port(*port));
    let parts = lease.parts.iter().filter(|part| part.kind == Kind::Redis);
    let parts = parts.filter(|part| overflow::first(&part.place).is_none());
    let indexes = parts.filter_map(|part| Some(Slot::Index(part.holds.parse().ok()?)));
    for (slot, holder) in ports.chain(indexes).filter_map(|slot| mains.get_key_value(&slot)) {
        ui.warn(format!("{slot} is also configured for {holder}: no other of the range is free"));
    }
}

/// What one of them uses.
fn used(main: &Path) -> Option<Vec<Slot>> {
    let text = fs::read(&main.join(context::FILE)).ok()??;
    let config = Config::parse(context::FILE, std::str::from_utf8(&text).ok()?).ok()?;
    let ports = config.ports.values().map(|port| Slot::Port(port.main));
    let redis = config.services.values().filter(|service| service.kind == Kind::Redis);
    let indexes = redis.filter_map(|service| Some(Slot::Index(service.main.parse().ok()?)));
    Some(ports.chain(indexes).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_repository_that_had_environments_counts_but_the_own() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(&dir.path().join("state")).unwrap();
        let main = |name: &str, text: &str| {
            let main = dir.path().join(name);
            std::fs::create_dir(&main).unwrap();
            fs::replace(&main.join(context::FILE), text.as_bytes()).unwrap();
            let common = main.join(".git");
            store.remember(&common).unwrap();
            (main, common)
        };
        let of = |port: u16| format!("ports: {{ PORT: {{ main: {port}, range: 1-2 }} }}\n");
        let redis = "services: { cache: { kind: redis, variable: CACHE, main: 7 } }";
        let (_, own) = main("own", &of(3000));
        let (other, _) = main("other", &(of(3001) + redis));
        main("broken", "ports: [");
        let (bare, _) = main("bare", "");
        std::fs::remove_file(bare.join(context::FILE)).unwrap();

        let holder = format!("the main checkout {}", other.display());
        let expected = [Slot::Index(7), Slot::Port(3001)].map(|slot| (slot, holder.clone()));
        assert_eq!(slots(&store, &own), BTreeMap::from(expected));
    }
}
