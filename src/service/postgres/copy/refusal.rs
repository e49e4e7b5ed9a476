//! Why a database cannot be copied.

use crate::error::{self, Exit, Failure};
use crate::service::copy::Copy;
use crate::service::postgres::sql_error::SqlError;
use crate::service::room::NoRoom;

pub(super) fn spare_taken(copy: &Copy, spare: &str) -> anyhow::Error {
    let message = format!(
        "cannot keep the content of database `{}`: database `{spare}` exists and is no snapshot of it",
        copy.target
    );
    let hint = format!("drop or rename database `{spare}`, or use `--no-snapshot`");
    error::refused(message).hint(hint).into()
}

pub(super) fn lacking(copy: &Copy, roles: &str) -> anyhow::Error {
    let user = &copy.server.user;
    let message =
        format!("cannot copy database `{}`: user `{user}` is not a member of {roles}", named(copy));
    let hint = format!("run `GRANT {roles} TO \"{user}\"`, or set another `user`");
    error::refused(message).hint(hint).into()
}

pub(super) fn unsettable(copy: &Copy, settings: &str) -> anyhow::Error {
    let (user, name) = (&copy.server.user, named(copy));
    let message = format!(
        "cannot copy database `{name}`: user `{user}` may not give its settings: {settings}"
    );
    let hint = "use a superuser as `user`, or take these off the database: `ALTER DATABASE … RESET …`; from PostgreSQL 15 on, `GRANT SET ON PARAMETER` lets the user set one";
    error::refused(message).hint(hint).into()
}

pub(super) fn explain(copy: &Copy, error: anyhow::Error) -> anyhow::Error {
    if let Some(short) = error.downcast_ref::<NoRoom>() {
        return short.explain(format!("cannot copy `{}` to `{}`", named(copy), copy.target));
    }
    let Some(sql) = error.downcast_ref::<SqlError>() else {
        return error;
    };
    // Another process created it before our RENAME.
    if ["42P04", "23505"].contains(&&*sql.code) {
        return crate::service::not_ours(copy.target);
    }
    let exit = if sql.code == "55006" { Exit::Refused } else { Exit::Service };
    let target = copy.target;
    let message = match copy.source {
        Some(source) => format!("cannot copy database `{source}` to `{target}`: {sql}"),
        None => format!("cannot make database `{target}` empty: {sql}"),
    };
    Failure::new(exit, message).into()
}

fn named(copy: &Copy) -> String {
    copy.source.map(ToString::to_string).unwrap_or_default()
}
