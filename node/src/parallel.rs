//! Work on all processors, with the results in the order of what goes in.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

/// Inputs handed to one processor at a time.
const AT_ONCE: usize = 4;

/// Does `work` on every input and hands the results, in the order of the inputs, to `take`. Inputs
/// are drawn as results are taken, so that few are in memory; what `take` leaves is not worked on.
///
/// # Panics
/// When `work` does.
pub fn in_order<T: Send, R: Send, O>(
    inputs: impl Iterator<Item = T> + Send,
    work: impl Fn(T) -> R + Sync,
    take: impl FnOnce(&mut dyn Iterator<Item = R>) -> O,
) -> O {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    in_order_on(processors, inputs, work, take)
}

fn in_order_on<T: Send, R: Send, O>(
    processors: usize,
    inputs: impl Iterator<Item = T> + Send,
    work: impl Fn(T) -> R + Sync,
    take: impl FnOnce(&mut dyn Iterator<Item = R>) -> O,
) -> O {
    let (jobs, waiting) = sync_channel::<(Vec<T>, SyncSender<Vec<R>>)>(processors);
    let (order, ordered) = sync_channel::<Receiver<Vec<R>>>(2 * processors);
    // The workers alone hold it: when the last of them panicked, nothing can be sent any more.
    let waiting = Arc::new(Mutex::new(waiting));
    let work = &work;
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut inputs = inputs;
            loop {
                let part: Vec<_> = inputs.by_ref().take(AT_ONCE).collect();
                let (result, results) = sync_channel(1);
                // Nobody takes results any more when this fails.
                if part.is_empty()
                    || order.send(results).is_err()
                    || jobs.send((part, result)).is_err()
                {
                    break;
                }
            }
        });
        for waiting in vec![waiting; processors] {
            scope.spawn(move || {
                let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
                while let Ok((part, result)) = next() {
                    let _ = result.send(part.into_iter().map(work).collect());
                }
            });
        }
        // A part without results is one whose thread panicked; the scope does so too at its end.
        let mut results = ordered.into_iter().map_while(|part| part.recv().ok()).flatten();
        take(&mut results)
    })
}

#[cfg(test)]
mod tests {
    use super::{in_order, in_order_on};

    #[test]
    fn results_come_in_the_order_of_the_inputs_and_may_be_left() {
        let slow_first = |number: u64| {
            // The first of each part take longest.
            let rounds = 20_000 / (number % 8 + 1);
            (number, (0..rounds).fold(number, |sum, round| sum.rotate_left(3) ^ round))
        };
        let all = in_order(0..1000, slow_first, |results| results.collect::<Vec<_>>());
        assert!(all.iter().map(|(number, _)| *number).eq(0..1000));
        assert_eq!(all[7], slow_first(7));
        let some = in_order(0.., slow_first, |results| results.take(5).count());
        assert_eq!(some, 5);
        assert_eq!(in_order(0..0, slow_first, |results| results.count()), 0);
    }

    #[test]
    fn a_panic_ends_it_and_is_not_lost() {
        let panics = |processors, first| {
            let work = move |number: u64| assert!(number < first, "as wanted");
            std::panic::catch_unwind(|| {
                in_order_on(processors, 0..1000, work, |results| results.count())
            })
            .is_err()
        };
        // One or all of the threads.
        for processors in [1, 2, 3] {
            assert!(panics(processors, 999));
            assert!(panics(processors, 50));
            assert!(panics(processors, 0));
            assert!(!panics(processors, 1000));
        }
    }
}
