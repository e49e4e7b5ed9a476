//! What a server holds, whoever made it.

use super::inventory::Found;
use super::{Server, mysql, postgres, redis, trash};
use crate::model::config::Kind;
use crate::model::template_key;
use anyhow::Result;

/// The databases of a server, without its own, and its Redis indexes that hold keys, but nothing that can be made again
/// or has a record: this store's templates and spares, what it has in the trash, and what it left unfinished.
///
/// # Errors
/// When the server does not answer, or not with everything.
pub fn of_others(server: &Server, store: &str) -> Result<Vec<String>> {
    let databases = match server.kind {
        Kind::Postgres => postgres::databases(server)?,
        Kind::Mysql => mysql::databases(server)?,
        Kind::Redis => return Ok(redis::inventory(server)?.iter().map(index).collect()),
        Kind::Sqlite | Kind::Custom => Vec::new(),
    };
    let others = databases.iter().filter(|found| !is_replaceable(found, store));
    Ok(others.map(|found| format!("database `{}`", found.name)).collect())
}

fn index(found: &redis::Index) -> String {
    let s = if found.keys == 1 { "" } else { "s" };
    format!("Redis index {} with {} key{s}", found.index, found.keys)
}

fn is_replaceable(found: &Found, store: &str) -> bool {
    let Some(mark) = &found.mark else {
        return found.id().is_some_and(|id| id.starts_with(store));
    };
    let trash = format!("{} {store}", trash::MARK);
    [template_key::prefix(store), postgres::spare::prefix(store), trash]
        .iter()
        .any(|prefix| mark.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::lease;

    #[test]
    fn only_what_this_store_can_make_again_does_not_count() {
        let (store, id) = ("01234567", "0123456789abcdef01234567");
        let is_counted = |name: &str, mark: Option<&str>| {
            let mark = mark.map(str::to_owned);
            !is_replaceable(&Found { name: name.to_owned(), mark, sessions: Vec::new() }, store)
        };
        for mark in [
            template_key::prefix(store) + "{}",
            postgres::spare::prefix(store) + "agentenv_t_01234567_0a 7",
            format!("git-agentenv-trash {id} {{}}"),
        ] {
            assert!(!is_counted("agentenv_x", Some(&mark)), "{mark}");
            assert!(is_counted("agentenv_x", Some(&mark.replace(store, "89abcdef"))), "{mark}");
        }
        assert!(!is_counted(&format!("agentenv_{id}_0a"), None));
        assert!(is_counted("agentenv_89abcdef0123456701234567_0a", None));
        // The record of this one may be lost, and a worktree may use it.
        assert!(is_counted("app_x", Some(&lease::mark(id))));
        assert!(is_counted("app_db", None));
    }
}
