//! What users do, command by command.

mod adopt;
mod agents;
pub mod article;
mod basics;
mod check;
mod claude;
mod completions;
mod compose;
mod db;
mod doctor;
mod errors;
mod hook;
mod include;
mod infra_command;
mod init;
mod mcp;
mod processes;
mod readers;
mod several;
mod shell_init;
mod spares;
mod switch;
mod templates;
mod terminal;
mod trust;
mod unneeded;
mod usage;
