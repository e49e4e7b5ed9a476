//! What holds under load, kills, outages and hostile hands.

mod blackbox;
mod blackbox_servers;
mod bulk;
pub mod crash;
pub mod crash_data;
mod env_file;
mod hostile;
mod lasting;
mod leftovers;
mod load;
mod locks;
mod lost;
mod outages;
mod places;
mod removal;
mod signals;
mod trash;
mod trash_records;
mod unmarked;
