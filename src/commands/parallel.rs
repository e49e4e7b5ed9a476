//! The same question to many things, some of them side by side.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// More git processes at once than this only wait for each other.
const MOST: usize = 8;

/// What `ask` says of each of the things, in their order.
pub fn each<T: Sync, R: Send>(things: &[T], ask: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let answers = Mutex::new(Vec::with_capacity(things.len()));
    let work = || {
        while let Some((at, thing)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            things.get(at).map(|thing| (at, thing))
        } {
            let answer = ask(thing);
            answers.lock().unwrap_or_else(|broken| broken.into_inner()).push((at, answer));
        }
    };
    thread::scope(|scope| {
        for _ in 0..MOST.min(things.len()) {
            scope.spawn(work);
        }
    });
    let mut answers = answers.into_inner().unwrap_or_else(|broken| broken.into_inner());
    answers.sort_by_key(|(at, _)| *at);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn answers_come_in_the_order_of_the_things() {
        let things: Vec<usize> = (0..100).collect();
        assert_eq!(super::each(&things, |thing| thing * 2)[99], 198);
        assert!(super::each(&[0_u8; 0], |_| ()).is_empty());
    }
}
