//! The refusal of a copy that does not fit on the disk of its server.

use crate::error;
use crate::model::measure::size;
use serde::Deserialize;

/// Words of a shell that print how many kilobytes are free on the disk of a directory; nothing where `df` does not know it.
macro_rules! free_kilobytes {
    ($dir:literal) => {
        concat!(
            "df -Pk \"",
            $dir,
            "\" 2>/dev/null | { read -r head; read -r device blocks used free rest; echo \"$free\"; }"
        )
    };
}
pub(in crate::service) use free_kilobytes;

/// The copy does not fit. Sizes in bytes.
#[derive(Debug, Deserialize)]
pub struct NoRoom {
    /// What the copy needs.
    pub need: u64,
    /// What is free.
    pub free: u64,
    /// What could go, of this store on this server: its spares,
    pub spares: u64,
    /// its template databases,
    pub templates: u64,
    /// and what is in its trash.
    pub trash: u64,
}

impl std::fmt::Display for NoRoom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (need, free) = (size(self.need), size(self.free));
        write!(f, "it needs {need}, and {free} are free on the server's disk")
    }
}

impl std::error::Error for NoRoom {}

impl NoRoom {
    /// The error of a copy.
    pub fn explain(&self, message: String) -> anyhow::Error {
        let ways =
            [(self.templates + self.spares, "db template drop"), (self.trash, "prune --trash")];
        let ways = ways.into_iter().filter(|(bytes, _)| *bytes > 0);
        let ways: Vec<String> = ways
            .map(|(bytes, command)| format!("`git agentenv {command}` frees {}", size(bytes)))
            .collect();
        let hint = match ways.is_empty() {
            true => "free space on the server's disk".to_owned(),
            false => ways.join(", "),
        };
        error::service(format!("{message}: {self}")).hint(hint).into()
    }
}
