//! The life of an environment: how it is found, planned, created, repaired, removed and reclaimed.
//!
//! Nothing here knows the command line: subcommands hand over typed options and print the answer.

pub mod adopt;
pub mod apply;
pub mod arrivals;
pub mod checkout;
pub mod closing;
pub mod compose;
pub mod context;
pub mod create;
pub mod data;
pub mod effective_config;
pub mod facts;
pub mod files;
pub mod fleet;
pub mod hooks;
pub mod include;
pub mod left_directories;
pub mod leftovers;
pub mod mains;
pub mod nested;
pub mod occupancy;
pub mod orphans;
pub mod overflow;
pub mod part_problem;
pub mod parts;
pub mod processes;
pub mod project_files;
pub mod prune;
pub mod reclaim;
pub mod recover;
pub mod relocate;
pub mod removal_risks;
pub mod remove;
pub mod rename;
pub mod resolve;
pub mod signs;
pub mod state;
pub mod teardown;
pub mod trash;
pub mod trees;
pub mod unused;
pub mod workspace;
pub mod worktree;
