//! A command that leads a session of its own: no terminal stops it or hangs up on it, and no file that its caller holds open
//! stays open with it.
//!
//! It takes both steps itself, as this program, before it becomes the command. So its process id is that of the session
//! and of the process group.

use super::Cmd;
use super::successor::become_command;
use anyhow::Result;

/// The argument with which this program starts itself to lead a session.
const LEAD: &str = "--lead-session";

/// The first descriptor after stdin, stdout and stderr.
const INHERITED: i32 = 3;

impl Cmd {
    /// The same command, in a session of its own. It must not lead a process group when it is started.
    pub(super) fn leading(self) -> Result<Cmd> {
        self.through_this_program([LEAD.into()])
    }
}

/// Becomes the command, when this program was started for that. Returns only why that failed.
pub(super) fn lead() -> Option<anyhow::Error> {
    let mut args = std::env::args_os().skip(1);
    args.next().filter(|first| first == LEAD)?;
    let program = args.next()?;
    rustix::process::setsid().ok();
    close_fds::set_fds_cloexec(INHERITED, &[]);
    Some(become_command(program, args))
}
