//! One binary for every test that runs the program or looks at the project as a whole.

#![allow(clippy::disallowed_methods)] // they keep the program's effects in their places; this is not the program

mod common;
mod project;
mod promises;
mod services;
mod stories;
