//! Effects: one outside thing per file.

pub mod compose;
pub mod docker;
pub mod env;
pub mod exec;
pub mod fault;
pub mod interrupt;
