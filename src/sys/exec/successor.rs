//! A command in the place of this program: on its terminal, with the signals that it gets, and ended with it.
//!
//! It is a child, because git prints "died of signal 9" about a subcommand that a signal ends. Linux ends the child when
//! this program is killed: the child asks for that itself, as this program, before it becomes the command.

use super::Cmd;
use crate::sys::env;
use anyhow::Result;
#[cfg(not(target_os = "linux"))]
use rustix::process::Signal;
use std::convert::Infallible;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;

impl Cmd {
    /// Runs it in the place of this program. Gives its exit code, 128 + n when signal n ended it.
    #[cfg(not(target_os = "linux"))]
    pub fn take_over(self) -> Result<u8> {
        match self.replace()? {}
    }

    /// The same command. Only Linux ends it when the thread that starts it has gone.
    #[cfg(not(target_os = "linux"))]
    pub fn ended_with_this(self, _signal: Signal) -> Result<Cmd> {
        Ok(self)
    }

    /// The same command, carried out by this program: started again with these arguments, then the command.
    ///
    /// # Errors
    /// When the file of this program cannot be found.
    pub(in crate::sys) fn through_this_program<const N: usize>(
        self,
        first: [OsString; N],
    ) -> Result<Cmd> {
        let args = first.into_iter().chain([self.program]).chain(self.args).collect();
        Ok(Cmd { program: env::program()?.into(), args, ..self })
    }

    /// Replaces this process by it (`execve(2)`).
    #[expect(clippy::disallowed_methods, reason = "this file starts processes")]
    pub(super) fn replace(self) -> Result<Infallible> {
        let mut command = std::process::Command::new(&self.program);
        command.args(&self.args).env_clear().envs(&self.env);
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        Err(self.not_started(command.exec()))
    }
}

/// Becomes this command, with the environment of this process: it was made for the command, marks included. Returns only
/// why that failed.
pub(in crate::sys) fn become_command(
    program: OsString,
    args: impl Iterator<Item = OsString>,
) -> anyhow::Error {
    let command = Cmd { env: env::own(), ..Cmd::new(program) };
    match command.args(args).replace() {
        Ok(never) => match never {},
        Err(error) => error,
    }
}

/// Nothing to do: the command replaced this program itself.
#[cfg(not(target_os = "linux"))]
pub fn succeed() -> Option<anyhow::Error> {
    None
}

#[cfg(target_os = "linux")]
pub use linux::succeed;

#[cfg(target_os = "linux")]
mod linux {
    use super::super::{Cmd, running};
    use crate::error;
    use anyhow::{Context, Result};
    use rustix::io::Errno;
    use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
    use signal_hook::iterator::Signals;
    use std::ffi::OsString;
    use std::io::ErrorKind;
    use std::path::Path;
    use std::thread;

    /// The argument with which this program starts itself to become a command.
    const SUCCEED: &str = "--become-command";

    /// The signals that the command gets, too.
    const PASSED_ON: [i32; 6] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];

    impl Cmd {
        /// Runs it in the place of this program. Gives its exit code, 128 + n when signal n ended it.
        #[expect(clippy::disallowed_methods, reason = "this file starts processes")]
        pub fn take_over(self) -> Result<u8> {
            let successor = self.clone().ended_with_this(Signal::KILL)?;
            let mut command = std::process::Command::new(&successor.program);
            command.args(&successor.args).env_clear().envs(&self.env);
            if let Some(dir) = &self.dir {
                command.current_dir(dir);
            }
            let mut signals = Signals::new(PASSED_ON).context("cannot handle signals")?;
            let mut child = match command.spawn() {
                Ok(child) => child,
                // The file of this program was replaced meanwhile.
                Err(_) => match self.replace()? {},
            };
            let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
            let pid = pid.context("cannot read a process id")?;
            let listening = signals.handle();
            let passing = thread::spawn(move || pass_on(&mut signals, pid));
            // Its id stays its own until the second wait.
            let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            let wait = || rustix::process::waitid(WaitId::Pid(pid), ended);
            while wait().is_err_and(|error| error == Errno::INTR) {}
            listening.close();
            passing.join().ok();
            let status = child.wait().context("cannot wait for a command")?;
            Ok(u8::try_from(running::code(status)).unwrap_or(1))
        }

        /// The command, which gets this signal when this program is killed, or the thread that starts it ends.
        ///
        /// # Errors
        /// When the program is not on PATH.
        pub fn ended_with_this(self, signal: Signal) -> Result<Cmd> {
            self.require_program()?;
            let called = self.name();
            let (pid, signal) = (std::process::id().to_string(), signal.as_raw().to_string());
            let cmd = self.through_this_program([SUCCEED.into(), pid.into(), signal.into()])?;
            Ok(cmd.called(called))
        }

        /// Refuses a program that is not on PATH while this program can still say so.
        fn require_program(&self) -> Result<()> {
            let path = self.env.get(&OsString::from("PATH"));
            let dir = self.dir.as_deref().unwrap_or(Path::new("."));
            let is_path = self.program.to_string_lossy().contains('/');
            if is_path || which::which_in(&self.program, path, dir).is_ok() {
                return Ok(());
            }
            Err(self.not_started(ErrorKind::NotFound.into()))
        }
    }

    fn pass_on(signals: &mut Signals, to: Pid) {
        for number in signals.forever() {
            // The terminal's own keys reach both.
            let is_key = matches!(number, SIGINT | SIGQUIT) && is_foreground();
            if let Some(signal) = Signal::from_named_raw(number).filter(|_| !is_key) {
                rustix::process::kill_process(to, signal).ok();
            }
        }
    }

    fn is_foreground() -> bool {
        let foreground = rustix::termios::tcgetpgrp(std::io::stdin());
        foreground.is_ok_and(|group| group == rustix::process::getpgrp())
    }

    /// Becomes the command, when this program was started for that. Returns only why that failed.
    pub fn succeed() -> Option<anyhow::Error> {
        let mut args = std::env::args_os().skip(1);
        args.next().filter(|first| first == SUCCEED)?;
        let parent = args.next()?.to_str()?.parse().ok().and_then(Pid::from_raw);
        let signal = args.next()?.to_str()?.parse().ok().and_then(Signal::from_named_raw);
        let program = args.next()?;
        rustix::process::set_parent_process_death_signal(signal).ok();
        if rustix::process::getppid() != parent {
            return Some(error::interrupted("the calling process was killed").into());
        }
        Some(super::become_command(program, args))
    }
}
