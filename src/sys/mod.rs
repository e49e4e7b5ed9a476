//! Effects: one outside thing per file.

pub mod env;
pub mod exec;
pub mod fault;
pub mod interrupt;
