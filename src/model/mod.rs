//! Pure values and decisions: no file, environment variable, process or clock.

pub mod compose;
pub mod config;
pub mod detect;
pub mod envfile;
pub mod glob;
pub mod hash;
pub mod lease;
pub mod managed_block;
pub mod measure;
pub mod name;
pub mod overflow;
pub mod plan;
pub mod resource;
pub mod server;
pub mod shell;
pub mod slot;
pub mod snapshot;
pub mod source;
pub mod stock;
pub mod suggest;
pub mod template;
pub mod template_key;
pub mod trash;
pub mod unused;
