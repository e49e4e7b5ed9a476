//! Each kind of server, and the containers they run in.

mod docker;
mod infra;
mod postgres;
mod redis;
