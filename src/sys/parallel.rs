//! One function over many values, or two at the same time, on several threads. A thread that panics ends the whole process, as
//! a panic anywhere does: what is on record is finished by the next one.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ScopedJoinHandle};

/// More git processes than this at once only wait for each other.
const MOST: usize = 8;

/// So many values are done before another thread has started.
const WORTHWHILE: usize = 16;

/// What `ask` says of each of the things, in their order. For questions that wait for something else.
pub fn each<T: Sync, R: Send>(things: &[T], ask: impl Fn(&T) -> R + Sync) -> Vec<R> {
    match things {
        [one] => vec![ask(one)],
        _ => by(MOST.min(things.len()), things, ask),
    }
}

/// The same, all of them at once, however many: for work that may wait for the others.
pub fn each_at_once<T: Sync, R: Send>(things: &[T], ask: impl Fn(&T) -> R + Sync) -> Vec<R> {
    by(things.len(), things, ask)
}

/// The same, for questions that keep a processor busy.
pub fn each_by_cpu<T: Sync, R: Send>(things: &[T], ask: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let worthwhile = MOST.min(things.len() / WORTHWHILE);
    // To ask for the processors takes as long as several of the questions.
    if worthwhile < 2 {
        return things.iter().map(ask).collect();
    }
    let processors = thread::available_parallelism().map_or(1, usize::from);
    match processors.min(worthwhile) {
        1 => things.iter().map(ask).collect(),
        threads => by(threads, things, ask),
    }
}

/// Both at the same time; `here` on this thread.
pub fn both<A: Send, B>(beside: impl FnOnce() -> A + Send, here: impl FnOnce() -> B) -> (A, B) {
    thread::scope(|scope| {
        let beside = scope.spawn(beside);
        let here = here();
        (joined(beside), here)
    })
}

/// Asks about all things that are left (`Ok`) at once, and puts the answers in their places; an `Err` is an answer already.
pub fn rest<T, A>(
    things: impl IntoIterator<Item = Result<T, A>>,
    ask: impl FnOnce(Vec<T>) -> Vec<A>,
) -> Vec<A> {
    let mut left = Vec::new();
    let keep = |thing: Result<T, A>| thing.map(|thing| left.push(thing)).err();
    let answered: Vec<Option<A>> = things.into_iter().map(keep).collect();
    let count = left.len();
    let answers = ask(left);
    assert_eq!(answers.len(), count, "each thing that was left has one answer");
    let mut answers = answers.into_iter();
    answered.into_iter().filter_map(|answer| answer.or_else(|| answers.next())).collect()
}

/// What a thread ended with.
pub fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// Locks it, whatever became of the thread that held it before.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn by<T: Sync, R: Send>(threads: usize, things: &[T], ask: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let answers = Mutex::new(Vec::with_capacity(things.len()));
    let work = || {
        while let Some((at, thing)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            things.get(at).map(|thing| (at, thing))
        } {
            let answer = ask(thing);
            locked(&answers).push((at, answer));
        }
    };
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let mut answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
    answers.sort_by_key(|(at, _)| *at);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn answers_come_in_the_order_of_the_things() {
        let things: Vec<usize> = (0..100).collect();
        assert_eq!(super::each(&things, |thing| thing * 2)[99], 198);
        assert_eq!(super::each_by_cpu(&things, |thing| thing * 2)[99], 198);
        assert!(super::each(&[0_u8; 0], |_| ()).is_empty());
    }

    #[test]
    fn all_at_once_wait_for_each_other() {
        let all = std::sync::Barrier::new(20);
        assert_eq!(super::each_at_once(&[(); 20], |()| all.wait().is_leader() as u8).len(), 20);
    }

    #[test]
    fn what_is_left_is_asked_at_once_and_answered_in_its_place() {
        let things = [Ok(1), Err("no".to_owned()), Ok(2), Err("gone".to_owned())];
        let ask = |left: Vec<i32>| {
            assert_eq!(left, [1, 2]);
            left.iter().map(|thing| format!("yes {thing}")).collect()
        };
        assert_eq!(super::rest(things, ask), ["yes 1", "no", "yes 2", "gone"]);
        assert!(super::rest([Err(())], |left: Vec<()>| left).len() == 1);
    }
}
