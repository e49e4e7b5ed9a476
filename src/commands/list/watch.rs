//! `git agentenv list --watch`: the list on the whole terminal, redrawn.

use super::{Answer, view};
use crate::commands::output::overview;
use crate::environment::context::{Context, current_dir};
use crate::environment::facts::{Known, Place};
use crate::environment::fleet::Fleet;
use crate::error::{self, Exit};
use crate::model::lease::Lease;
use crate::sys::interrupt;
use crate::sys::parallel::locked;
use crate::ui::{Live, Ui};
use anyhow::Result;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How long a picture stands.
const EVERY: Duration = Duration::from_secs(2);

/// How long a picture stands in which something is still missing.
const SOON: Duration = Duration::from_millis(200);

/// Sizes change slowly, and cost a walk through all files.
const SIZES_EVERY: Duration = Duration::from_secs(30);

/// What the next questions are about.
type Wanted = Arc<Mutex<(Vec<Place>, Vec<Lease>)>>;

/// Where it was started, and the main checkout of that: the environment may be removed meanwhile.
struct Started(Option<(PathBuf, PathBuf)>);

impl Started {
    fn here() -> Started {
        let dir_and_main = || anyhow::Ok((current_dir()?, Context::here()?.repo.main));
        Started(dir_and_main().ok())
    }

    /// Goes to the main checkout if the directory is gone.
    #[expect(clippy::disallowed_methods, reason = "gix asks for the current directory in any case")]
    fn leave(&self) -> bool {
        let gone = self.0.as_ref().filter(|(dir, _)| !dir.exists());
        gone.is_some_and(|(_, main)| std::env::set_current_dir(main).is_ok())
    }
}

/// Draws the list until the user quits. What takes longer is asked for beside it, and shown when it comes.
pub fn run(all: bool, ui: &Ui) -> Result<Exit> {
    if ui.is_json() {
        let failure = error::usage("--watch draws on a terminal and cannot print JSON");
        return Err(failure.hint("for one answer: `git agentenv list --full --json`").into());
    }
    let from = Started::here();
    let live = Live::open()?;
    let (known, wanted) = (Arc::new(Known::default()), Wanted::default());
    let mut is_asking = false;
    loop {
        interrupt::check()?;
        let look = || Fleet::look(all);
        let mut fleet = look().or_else(|error| if from.leave() { look() } else { Err(error) })?;
        *locked(&wanted) = (fleet.places.clone(), fleet.leases());
        if !std::mem::replace(&mut is_asking, true) {
            keep_asking(&wanted, &known, EVERY, |known, (places, leases)| {
                known.ask_git(places);
                known.count_containers(leases);
            });
            keep_asking(&wanted, &known, SIZES_EVERY, |known, (places, leases)| {
                known.measure(places, leases);
            });
        }
        fleet.learn(&known);
        let patience = if fleet.is_known(&known) { EVERY } else { SOON };
        let broken = fleet.broken.len();
        let answer = Answer::from(fleet);
        let (width, height) = live.size();
        let mut lines = overview::frame(
            &answer.environments,
            &answer.worktrees,
            &view(all, Some(width)),
            height.saturating_sub(usize::from(broken > 0)),
        );
        if broken > 0 {
            lines.push(format!("{broken} leases cannot be read; run `git agentenv doctor`"));
        }
        live.draw(&lines)?;
        if live.key(patience)?.is_some_and(|key| key.ends_it()) {
            return Ok(Exit::Done);
        }
    }
}

/// Asks again and again, but rests at least as long as it worked. The end of the program ends it.
fn keep_asking(
    wanted: &Wanted,
    known: &Arc<Known>,
    every: Duration,
    ask: impl Fn(&Known, &(Vec<Place>, Vec<Lease>)) + Send + 'static,
) {
    let (wanted, known) = (Arc::clone(wanted), Arc::clone(known));
    thread::spawn(move || {
        loop {
            let what = locked(&wanted).clone();
            let began = Instant::now();
            ask(&known, &what);
            thread::sleep(every.max(began.elapsed()));
        }
    });
}
