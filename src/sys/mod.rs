//! Effects: one outside thing per file.

pub mod budget;
pub mod clock;
pub mod compose;
pub mod copy;
pub mod docker;
pub mod env;
pub mod exec;
pub mod failpoint;
pub mod fs;
pub mod git;
pub mod interrupt;
pub mod listeners;
pub mod lock;
pub mod lsof;
pub mod net;
pub mod parallel;
pub mod process;
pub mod process_tree;
pub mod repo;
#[cfg(target_os = "linux")]
pub mod sock_diag;
pub mod sqlite;
pub mod state_dir;
pub mod store;
pub mod trash;
pub mod trust;
