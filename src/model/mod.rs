//! The pure part: values, names, choices. No file, environment, process or clock.

pub mod checkout_hook;
pub mod claude;
pub mod config;
pub mod detect;
pub mod envfile;
pub mod lease;
pub mod marked;
pub mod name;
pub mod plan;
pub mod shell;
pub mod similar;
pub mod slot;
pub mod template;
