//! `git agentenv`: gives each branch its own worktree, ports, database and Redis index, on shared servers.
//!
//! Data flows one way: facts → plan → apply → report.

pub mod cli;
pub mod commands;
pub mod environment;
pub mod error;
pub mod help;
pub mod model;
pub mod service;
pub mod shell;
pub mod sys;
pub mod ui;
pub mod usage;
