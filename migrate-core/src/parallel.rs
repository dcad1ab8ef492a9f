//! Work on many files, spread over the processors of the machine.
//!
//! Floor 0. From a slice and a function to its results, in the order of the slice. Invariant: the outcome is the same
//! however many processors there are, so that a build is reproducible.

use std::num::NonZero;

/// A thread is not worth its start for fewer items than this.
const SHARE: usize = 4;

/// What `work` makes of every item, in order.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    // How many processors there are is a question to files of the kernel.
    let processors = || std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = if items.len() > SHARE { items.len().div_ceil(processors()).max(SHARE) } else { SHARE };
    if share >= items.len() {
        return items.iter().map(work).collect();
    }
    let work = &work;
    std::thread::scope(|scope| {
        let start = |share: &'_ [T]| -> Vec<R> { share.iter().map(work).collect() };
        let mut shares = items.chunks(share);
        let own = shares.next().unwrap_or_default();
        let others: Vec<_> = shares
            .map(|share| (share, std::thread::Builder::new().spawn_scoped(scope, move || start(share))))
            .collect();
        let mut results = start(own);
        for (share, thread) in others {
            // Where no thread could be started, or one gave up, its share is worked on here.
            let done = thread.ok().and_then(|thread| thread.join().ok());
            results.extend(done.unwrap_or_else(|| start(share)));
        }
        results
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_the_items() {
        for count in [0, 1, SHARE, 10 * SHARE + 3, 1000] {
            let items: Vec<usize> = (0..count).collect();
            assert_eq!(map(&items, |item| item + 1), (1..=count).collect::<Vec<_>>());
        }
    }
}
