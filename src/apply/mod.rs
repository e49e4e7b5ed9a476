//! Carries out a plan: the parts side by side, and undone in reverse when one fails.

pub mod add;
pub mod farewell;
pub mod files;
pub mod hooks;
pub mod tree;
