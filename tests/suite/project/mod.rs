//! The project itself: its shape, manual, schema, licences and README.

mod architecture;
mod harness;
mod install;
mod json;
mod licences;
mod man;
mod manual;
pub mod readme;
mod tools;
