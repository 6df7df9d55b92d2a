//! The verifier worker: takes signatures, answers which one does not hold. It knows no chain.

use blockvote_core::election::vote::{VoteSignature, verify_signatures};

use crate::shared::{
    messages::{BUILD, FromVerifier, ToVerifier},
    worker::{listen, post},
};

/// Runs the worker.
pub fn run() {
    listen(|ToVerifier(signatures)| {
        post(&match borsh::from_slice::<Vec<VoteSignature>>(&signatures) {
            Ok(signatures) => FromVerifier::Verified(verify_signatures(&signatures).err()),
            Err(_) => FromVerifier::Unreadable,
        });
    });
    post(&FromVerifier::Ready { build: BUILD.to_owned() });
}
