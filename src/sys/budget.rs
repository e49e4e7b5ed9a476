//! How long one command waits for servers that do not answer.
//!
//! The time counts silence, not work. A server that has begun to answer may work for as long as its own limit says; git,
//! hooks and copies of files are not servers. A server that was silent for too long is not asked again.

use crate::error;
use crate::sys::env;
use crate::sys::parallel::locked;
use anyhow::Result;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// The variable that sets the time, in seconds.
const VARIABLE: &str = "AGENTENV_TIMEOUT";

/// The time when the variable is not set.
const DEFAULT: Duration = Duration::from_secs(30);

/// When the time is used up, each server that was not asked yet still gets this part of it.
const REST: u32 = 30;

static SPENT: Mutex<Spent> = Mutex::new(Spent { time: Duration::ZERO, silent: BTreeMap::new() });

/// What this command has waited in vain so far.
struct Spent {
    time: Duration,
    /// The servers that did not answer, and how long each was waited for.
    silent: BTreeMap<String, Duration>,
}

/// A question to a server that was not answered yet.
#[derive(Debug)]
pub struct Question {
    server: String,
    spent_before: Duration,
    limit: Duration,
}

/// Checks the setting.
///
/// # Errors
/// `Usage` when it is not a number of seconds.
pub fn check() -> Result<()> {
    let Some(text) = env::var(VARIABLE) else { return Ok(()) };
    if seconds(&text).is_some() {
        return Ok(());
    }
    let message = format!("{VARIABLE} is `{text}`, which is not a number of seconds");
    Err(error::usage(message).hint(format!("set it to `30`, or unset {VARIABLE}")).into())
}

/// The time that one command waits in all.
pub fn total() -> Duration {
    env::var(VARIABLE).and_then(|text| seconds(&text)).unwrap_or(DEFAULT)
}

/// Begins to wait for a server: for at most `longest`, and for what is left of the time.
///
/// # Errors
/// `Service` when this command has waited for the server in vain before.
pub fn ask(server: &str, longest: Duration) -> Result<Question> {
    require_answers(server)?;
    let (total, spent_before) = (total(), spent().time);
    let left = total.saturating_sub(spent_before).max(total / REST);
    let (server, limit) = (server.to_owned(), longest.min(left));
    Ok(Question { server, spent_before, limit })
}

/// Refuses a server that this command has waited for in vain before.
pub fn require_answers(server: &str) -> Result<()> {
    let Some(waited) = spent().silent.get(server).copied() else { return Ok(()) };
    let message = format!("{}; not asking it again", silence(server, waited));
    Err(error::service(message).hint(HINT).never_ran())
}

/// Starts anew, for a command that asks again and again until a server answers.
pub fn renew() {
    *spent() = Spent { time: Duration::ZERO, silent: BTreeMap::new() };
}

impl Question {
    /// How long to wait for the answer.
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// Notes that the server did not answer for so long: it is not asked again.
    pub fn unanswered(&self, waited: Duration) -> anyhow::Error {
        let mut spent = spent();
        // Servers that are asked side by side are silent at the same time.
        spent.time = spent.time.max(self.spent_before + waited);
        spent.silent.insert(self.server.clone(), waited);
        error::service(silence(&self.server, waited)).hint(HINT).into()
    }

    /// The error for a server that did nothing for a command for so long, but answers other
    /// questions.
    pub fn idle(&self, waited: Duration) -> anyhow::Error {
        let seconds = seconds_of(waited);
        let message = format!("{} did nothing for this command for {seconds} s", self.server);
        error::service(message).hint(IDLE).into()
    }
}

const HINT: &str = "the server or the Docker engine hangs: check with `docker ps`, then restart it; \
                    AGENTENV_TIMEOUT=60 waits longer";

const IDLE: &str = "look for a lock, or for a client that hangs; AGENTENV_TIMEOUT=60 waits longer";

fn silence(server: &str, waited: Duration) -> String {
    format!("{server} did not answer within {} s", seconds_of(waited))
}

/// In seconds, with one digit.
fn seconds_of(waited: Duration) -> f64 {
    (waited.as_secs_f64() * 10.0).round() / 10.0
}

fn seconds(text: &str) -> Option<Duration> {
    let time = Duration::try_from_secs_f64(text.parse().ok()?).ok()?;
    (!time.is_zero()).then_some(time)
}

fn spent() -> MutexGuard<'static, Spent> {
    locked(&SPENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_server_is_not_asked_again_and_leaves_the_others_what_is_left() {
        let question = ask("first", Duration::from_secs(10)).unwrap();
        let beside = ask("beside", Duration::from_secs(600)).unwrap();
        assert_eq!(question.limit(), Duration::from_secs(10));
        assert!(beside.limit() <= DEFAULT);
        let error = question.unanswered(question.limit());
        assert_eq!(error.to_string(), "first did not answer within 10 s");
        let again = ask("first", Duration::from_secs(10)).unwrap_err();
        assert_eq!(again.to_string(), "first did not answer within 10 s; not asking it again");
        assert!(error::never_ran(&again));
        spent().time += DEFAULT;
        assert_eq!(ask("second", DEFAULT).unwrap().limit(), Duration::from_secs(1));
        renew();
        assert_eq!(ask("first", DEFAULT).unwrap().limit(), DEFAULT);
    }

    #[test]
    fn the_setting_is_a_number_of_seconds() {
        assert_eq!(seconds("0.3"), Some(Duration::from_millis(300)));
        assert_eq!(seconds("60"), Some(Duration::from_secs(60)));
        for text in ["", "0", "-1", "1m", "inf", "NaN"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
