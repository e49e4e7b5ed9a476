//! `git agentenv`: each branch its own worktree, ports, database and Redis, on servers that all share.
//!
//! Data flows one way: facts → plan → apply → report.

pub mod error;
pub mod model;
pub mod service;
pub mod sys;
