//! What users do, command by command.

mod adopt;
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
mod processes;
mod readers;
mod shell_init;
mod spares;
mod templates;
mod terminal;
mod trust;
mod usage;
