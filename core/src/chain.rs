//! Blocks and their rules: proof of work, what a block demands of the next one, which votes were
//! used, which branch is best. Also the signed statements beside the blocks.
//!
//! Knows nothing of peers. Invariant: a block enters the [`tree`] only as a
//! [`block::CheckedBlock`].

pub mod acknowledgements;
pub mod ancestry;
pub mod block;
pub mod counted_votes;
pub mod difficulty;
pub mod fork_choice;
pub mod header;
pub mod kept_block;
pub mod lowest_keys;
pub mod pow;
pub mod rebuilding;
pub mod seals;
pub mod statements;
pub mod tree;
pub mod unverified_blocks;
