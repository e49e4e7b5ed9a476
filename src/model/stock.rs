//! How much a set of template databases and spares is.

use super::measure;
use serde::Serialize;
use std::fmt;

/// Template databases and the spare copies of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Stock {
    /// How many template databases.
    pub templates: usize,
    /// How many spare copies of them.
    pub spares: usize,
    /// How many bytes both take on their servers.
    pub bytes: u64,
    /// When the oldest template was made, in seconds since 1970. Missing: there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest: Option<u64>,
}

impl Stock {
    /// There is nothing.
    pub fn is_empty(&self) -> bool {
        self.templates + self.spares == 0
    }

    /// In words, at this time in seconds since 1970.
    pub fn at(self, now: u64) -> impl fmt::Display {
        Described { stock: self, now }
    }
}

struct Described {
    stock: Stock,
    now: u64,
}

impl fmt::Display for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stock { templates, spares, bytes, oldest } = self.stock;
        let many = |count: usize| if count == 1 { "" } else { "s" };
        write!(f, "{templates} template{}, {spares} spare{}", many(templates), many(spares))?;
        write!(f, ", {}", measure::size(bytes))?;
        match oldest {
            Some(at) => write!(f, ", oldest {}", measure::duration(self.now.saturating_sub(at))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stock_is_said_in_one_line() {
        let stock = Stock { templates: 2, spares: 1, bytes: 1_200_000_000, oldest: Some(1_000) };
        let said = stock.at(1_000 + 3 * 86_400).to_string();
        assert_eq!(said, "2 templates, 1 spare, 1.2 GB, oldest 3d");
        let stock = Stock { templates: 0, spares: 2, bytes: 5, oldest: None };
        assert_eq!(stock.at(9).to_string(), "0 templates, 2 spares, 5 B");
    }
}
