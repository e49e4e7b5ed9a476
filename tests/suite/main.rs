//! One binary for every test that runs the program or looks at the project as a whole.

#![allow(clippy::disallowed_methods)] // they keep the program's effects in their places; this is not the program

mod adopt;
mod architecture;
mod article;
mod basics;
mod blackbox;
mod check;
mod claude;
mod common;
mod completions;
mod compose;
mod crash;
mod db;
mod docker;
mod doctor;
mod env_file;
mod errors;
mod harness;
mod hook;
mod hostile;
mod infra;
mod infra_command;
mod init;
mod json;
mod licences;
mod load;
mod locks;
mod man;
mod places;
mod postgres;
mod readers;
mod readme;
mod redis;
mod removal;
mod servers;
mod shell_init;
mod signals;
mod terminal;
mod trust;
mod usage;
