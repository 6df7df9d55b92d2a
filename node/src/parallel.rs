//! Work on all processors, with the results in the order of the inputs.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use blockvote_core::election::vote::{VoteSignature, verify_signatures};

/// Inputs given to one processor at a time.
const AT_ONCE: usize = 4;

/// Does `work` on every input and passes the results, in the order of the inputs, to `take`. Inputs
/// are drawn as results are taken, so that few are in memory at a time. Inputs that `take` leaves
/// are not worked on.
///
/// # Panics
/// If `work` panics.
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
    // Only the workers have it: when the last of them has panicked, nothing can be sent any more.
    let waiting = Arc::new(Mutex::new(waiting));
    let work = &work;
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut inputs = inputs;
            loop {
                let part: Vec<_> = inputs.by_ref().take(AT_ONCE).collect();
                let (result, results) = sync_channel(1);
                // If this fails, nobody takes results any more.
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
        // A part without results is one whose thread panicked; the scope will also panic at its
        // end.
        let mut results = ordered.into_iter().map_while(|part| part.recv().ok()).flatten();
        take(&mut results)
    })
}

/// This few signatures take less time than starting a thread.
const FEW_SIGNATURES: usize = 32;

/// Verifies signatures on all processors.
///
/// # Errors
/// The index of the first signature that is not valid.
pub fn verify_on_all(signatures: &[VoteSignature]) -> Result<(), usize> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let size = signatures.len().div_ceil(processors).max(FEW_SIGNATURES);
    thread::scope(|scope| {
        let parts: Vec<_> = signatures
            .chunks(size)
            .map(|part| {
                let work = move || verify_signatures(part);
                (part, thread::Builder::new().spawn_scoped(scope, work))
            })
            .collect();
        // Waits for all of them. What a thread could not do, or could not be started for, is done
        // here.
        let verdicts: Vec<_> = parts
            .into_iter()
            .map(|(part, thread)| {
                let verdict = thread.ok().and_then(|thread| thread.join().ok());
                verdict.unwrap_or_else(|| verify_signatures(part))
            })
            .collect();
        let mut verdicts = verdicts.into_iter().zip((0..).step_by(size));
        verdicts.try_for_each(|(verdict, first)| verdict.map_err(|index| first + index))
    })
}

#[cfg(test)]
mod tests {
    use blockvote_core::{
        crypto::{hash::ElectionId, key::SecretKey},
        election::{ballot::Ballot, token::TokenId, vote::Vote},
    };

    use super::{VoteSignature, in_order, in_order_on, verify_on_all};

    #[test]
    fn the_first_signature_that_does_not_hold_is_named_whichever_thread_found_it() {
        let key = SecretKey::new([1; 32]);
        let mut signed: Vec<_> = (1..=150)
            .map(|token| {
                let vote = Vote::open(ElectionId([2; 32]), TokenId(token), Ballot::Blank);
                let signature = key.sign(&vote.signing_message()).0;
                [&key.public().0[..], &vote.id().0, &signature].concat()
            })
            .collect();
        let verdict = |signed: &[Vec<u8>]| {
            let signatures = signed.iter().map(|bytes| borsh::from_slice(bytes).unwrap());
            verify_on_all(&signatures.collect::<Vec<VoteSignature>>())
        };
        assert_eq!(verdict(&[]), Ok(()));
        assert_eq!(verdict(&signed), Ok(()));
        for first in [149, 76, 75, 31, 0] {
            signed[first][64] ^= 1;
            assert_eq!(verdict(&signed), Err(first));
        }
    }

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
        // One thread fails, or all of them.
        for processors in [1, 2, 3] {
            assert!(panics(processors, 999));
            assert!(panics(processors, 50));
            assert!(panics(processors, 0));
            assert!(!panics(processors, 1000));
        }
    }
}
