//! What tells that a server works for a command that prints nothing. A command whose pulse stands still waits in vain: its
//! connection broke without a word, or the server hangs.

use crate::sys::parallel::locked;
use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often a pulse is felt in the time for which it may stand still.
pub const LOOKS: u32 = 10;

/// How many times as long it may stand still where nobody answers: a machine under load answers late, and a server that has no
/// room for another session still works.
const LATE: u32 = 4;

/// Asks about the work: another word each time while it goes on. `None`: there is no answer.
#[derive(Clone)]
pub struct Pulse {
    ask: Arc<dyn Fn() -> Option<String> + Send + Sync>,
    silence: Duration,
}

impl Pulse {
    /// A pulse that is felt by asking this, and may stand still for so long.
    pub fn new(
        silence: Duration,
        ask: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Pulse { ask: Arc::new(ask), silence }
    }

    /// Feels it from now on, as long as what this gives lives.
    pub(super) fn feel(&self) -> Felt {
        let (felt, ended) = channel();
        let beat = Arc::new(Mutex::new(Beat {
            last: Instant::now(),
            limit: self.silence,
            is_answered: false,
        }));
        let (pulse, told) = (self.clone(), beat.clone());
        let feeling = thread::spawn(move || {
            let mut word = None;
            while ended.recv_timeout(pulse.silence / LOOKS) == Err(RecvTimeoutError::Timeout) {
                let now = (pulse.ask)();
                let mut beat = locked(&told);
                beat.is_answered = now.is_some();
                beat.limit = pulse.silence * if beat.is_answered { 1 } else { LATE };
                if now.is_some() && now != word {
                    (beat.last, word) = (Instant::now(), now);
                }
            }
        });
        Felt { beat, felt: Some(felt), feeling: Some(feeling) }
    }
}

impl fmt::Debug for Pulse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pulse")
    }
}

/// The last beat, and how long there may be no other; whether the last look was answered.
struct Beat {
    last: Instant,
    limit: Duration,
    is_answered: bool,
}

/// A pulse that stands still for too long.
pub(super) struct Still {
    /// For how long.
    pub(super) silence: Duration,
    /// The server answers other questions.
    pub(super) is_answered: bool,
}

/// A pulse that is being felt.
pub(super) struct Felt {
    beat: Arc<Mutex<Beat>>,
    felt: Option<Sender<()>>,
    feeling: Option<JoinHandle<()>>,
}

impl Drop for Felt {
    /// Waits for the last answer: who asks would outlive this program.
    fn drop(&mut self) {
        drop(self.felt.take());
        self.feeling.take().map(JoinHandle::join);
    }
}

impl Felt {
    /// Whether it has stood still for too long.
    pub(super) fn stands_still(&self) -> Option<Still> {
        let Beat { last, limit, is_answered } = *locked(&self.beat);
        (last.elapsed() >= limit).then_some(Still { silence: limit, is_answered })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Exit, exit_of};
    use crate::sys::exec::{Cmd, Script};
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Runs a script that has an hour.
    fn run(script: &str, server: &str, pulse: Pulse) -> anyhow::Result<String> {
        let listen = Script { last: vec!["end".to_owned()], ..Script::default() };
        let cmd = Cmd::new("sh").args(["-c", script]).talk(listen).asks(server);
        let cmd = cmd.patience(Some(Duration::from_secs(3600))).pulse(pulse);
        cmd.output().map(|output| output.text())
    }

    #[test]
    fn a_command_is_ended_when_its_pulse_stands_still() {
        let (idle, silent) =
            ("did nothing for this command for 0.3 s", "did not answer within 1.2 s");
        for (word, said) in [(Some("1"), idle), (None, silent)] {
            let server = format!("a server that says {word:?}");
            let word = word.map(str::to_owned);
            let pulse = Pulse::new(Duration::from_millis(300), move || word.clone());
            let error = run("echo begun; exec sleep 3600", &server, pulse).unwrap_err();
            assert_eq!(exit_of(&error), Exit::Service);
            assert_eq!(error.to_string(), format!("{server} {said}"));
        }
    }

    #[test]
    fn a_command_that_works_may_be_silent() {
        let beats = Arc::new(AtomicUsize::new(0));
        let told = beats.clone();
        let beat = move || Some(told.fetch_add(1, Ordering::SeqCst).to_string());
        let pulse = Pulse::new(Duration::from_secs(1), beat);
        let said = run("echo begun; sleep 2; echo end", "a server that works", pulse);
        assert_eq!(said.unwrap(), "begun\nend");
        assert!(beats.load(Ordering::SeqCst) > 0);
    }
}
