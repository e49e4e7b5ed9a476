//! Databases that are being created: how they are called until they get their real names, and how one that was left is
//! dropped. None of them carries a mark.

use crate::model::name::{IDENTIFIER, with_hash};
use crate::sys::clock;
use std::sync::LazyLock;

/// The prefix of their names; the lease's id follows.
pub(in crate::service) const PREFIX: &str = "agentenv_";

/// What tells this process from one that was killed, whose programs may still be at work on the server.
static RUN: LazyLock<String> = LazyLock::new(|| format!("{} {}", std::process::id(), clock::now()));

/// Drops the unfinished databases whose names are `$born` or continue it, with the sessions on them.
macro_rules! drop_unfinished {
    ($born:literal) => {
        concat!(
            "SELECT format('DROP DATABASE IF EXISTS %I%s', datname,
  CASE WHEN current_setting('server_version_num')::int >= 130000 THEN ' WITH (FORCE)' ELSE '' END)
FROM pg_database WHERE (datname = ",
            $born,
            " OR starts_with(datname, ",
            $born,
            " || '_')) AND shobj_description(oid, 'pg_database') IS NULL \\gexec\n"
        )
    };
}
pub(super) use drop_unfinished;

/// What the names of all unfinished databases of a lease begin with.
pub(super) fn of_lease(id: &str) -> String {
    format!("{PREFIX}{id}")
}

/// What the names of one database begin with while it is unfinished: a lease's databases are created side by side.
pub(super) fn of(target: &str, id: &str) -> String {
    let lease = of_lease(id);
    // One that was left alone is released by its own name.
    match target.starts_with(&lease) {
        true => target.to_owned(),
        false => with_hash(&lease, target, '_', IDENTIFIER),
    }
}

/// The name in this run. What a killed run left at work fills no database of a later one.
pub(super) fn now(target: &str, id: &str) -> String {
    with_hash(&of(target, id), &RUN, '_', IDENTIFIER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_database_of_a_lease_has_its_own_name_that_tells_the_lease() {
        let id = "0123456789abcdef01234567";
        let (one, other) = (of("app_x", id), of("test_app_x", id));
        assert_ne!(one, other);
        assert!(one.starts_with(&format!("{}_", of_lease(id))), "{one}");
        assert_eq!(of(&one, id), one);
        let now = now("app_x", id);
        assert!(now.starts_with(&format!("{one}_")) && now.len() < IDENTIFIER, "{now}");
    }
}
