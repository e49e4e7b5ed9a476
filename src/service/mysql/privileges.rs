//! Who may use a database and not its copy: MySQL's privileges are on names, and no dump holds them.

use super::client;
use super::scripts::{identifier, text};
use crate::service::Database;
use anyhow::Result;

/// A user who may use the source of a copy and not the copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// The user, as the server writes it: `'app'@'%'`.
    pub user: String,
    /// The statement that gives the user the same privileges on the copy.
    pub grant: String,
}

/// The users with privileges on the database `source` or on tables of it, and none on its copy.
pub fn lacking(copy: &Database, source: &str) -> Result<Vec<Lacking>> {
    let lines = client::run(&copy.server, script(&copy.name, source), None)?;
    let lacking = |line: &String| {
        let (user, grant) = line.split_once('\t')?;
        Some(Lacking { user: user.to_owned(), grant: grant.to_owned() })
    };
    Ok(lines.iter().filter_map(lacking).collect())
}

/// Lists them, one a line, with the statement. A privilege on a database is one on all whose names match a pattern.
fn script(copy: &str, source: &str) -> String {
    // All that there are on a database; the servers name them one by one.
    let granted = "IF(COUNT(DISTINCT p.privilege_type) >= 18, 'ALL', GROUP_CONCAT(DISTINCT p.privilege_type ORDER BY 1 SEPARATOR ', '))";
    let pattern =
        text(&identifier(&copy.replace('\\', "\\\\").replace('_', "\\_").replace('%', "\\%")));
    let (literal, copy, source) = (text(&identifier(copy)), text(copy), text(source));
    let lacks = format!(
        "NOT EXISTS(SELECT 1 FROM information_schema.schema_privileges c WHERE c.grantee = p.grantee AND {copy} LIKE c.table_schema)
  AND NOT EXISTS(SELECT 1 FROM information_schema.user_privileges u WHERE u.grantee = p.grantee AND u.privilege_type = 'SELECT')"
    );
    format!(
        "SELECT CONCAT(p.grantee, '\\t', 'GRANT ', {granted}, ' ON ', {pattern}, '.* TO ', p.grantee)
  FROM information_schema.schema_privileges p WHERE {source} LIKE p.table_schema AND {lacks} GROUP BY p.grantee ORDER BY p.grantee;
SELECT CONCAT(p.grantee, '\\t', 'GRANT ', {granted}, ' ON ', {literal}, '.`', REPLACE(p.table_name, '`', '``'), '` TO ', p.grantee)
  FROM information_schema.table_privileges p WHERE p.table_schema = {source} AND {lacks}
  AND NOT EXISTS(SELECT 1 FROM information_schema.table_privileges c
    WHERE c.grantee = p.grantee AND c.table_schema = {copy} AND c.table_name = p.table_name)
  GROUP BY p.grantee, p.table_name ORDER BY p.grantee, p.table_name;\n"
    )
}
