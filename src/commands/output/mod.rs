//! What commands print: typed JSON documents, and the text of summaries.

pub mod environment;
pub mod overview;
pub mod processes;
pub mod summary;
