//! The pure part: values, names, choices. No file, environment, process or clock.

pub mod config;
pub mod envfile;
pub mod lease;
pub mod managed_block;
pub mod name;
pub mod plan;
pub mod shell;
pub mod slot;
pub mod suggest;
pub mod template;
