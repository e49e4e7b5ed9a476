//! One binary for every test that runs the program or looks at the project as a whole.

#![allow(clippy::disallowed_methods)] // they keep the program's effects in their places; this is not the program

mod adopt;
mod architecture;
mod article;
mod check;
mod claude;
mod common;
mod compose;
mod crash;
mod docker;
mod harness;
mod hook;
mod infra;
mod infra_command;
mod licences;
mod locks;
mod postgres;
mod readers;
mod redis;
mod servers;
mod signals;
mod trust;
