//! Each kind of server, and the containers they run in.

mod copies;
mod docker;
mod infra;
mod mysql;
mod passwords;
mod postgres;
mod redis;
mod trash;
