//! Takes an audit file into a running node.

use std::{
    collections::HashSet,
    path::Path,
    time::{Duration, Instant},
};

use blockvote_core::{
    audit::archive::Record,
    chain::{
        block::{CheckedBlock, MAX_BLOCK_BYTES},
        header::Height,
        kept_block::KeptBlock,
        statements::Statement,
    },
    election::election_context::ElectionContext,
    node::Input,
};
use blockvote_words::InWords;

use crate::{audit_file::Records, daemon::Handle, parallel::in_order};

/// Blocks of a file that are stored together.
const AT_ONCE: usize = 64;
const TELL_EVERY: Duration = Duration::from_secs(2);

/// Takes in what a file has besides the election: with the same checks as for what peers send, on
/// all processors, stored part by part. It blocks, so call it on a thread that may block.
///
/// # Errors
/// If the file cannot be read or a block of it is not valid, or the node is stopping.
pub fn take_in(handle: &Handle, context: &ElectionContext, path: &Path) -> anyhow::Result<()> {
    enum Checked {
        Block(Box<CheckedBlock>, usize),
        Statement(Box<Statement>),
        Nothing,
    }
    let runtime = tokio::runtime::Handle::current();
    let take = |blocks: Vec<CheckedBlock>| {
        let places: Vec<_> =
            blocks.iter().map(|block| (block.header().height, block.hash())).collect();
        let lost = runtime.block_on(handle.call(move |node, now| {
            node.handle(now, Input::CheckedBlocks(blocks));
            places.into_iter().find(|(_, hash)| node.chain().block(hash).is_none())
        }))?;
        if let Some((height, _)) = lost {
            tracing::warn!(%height, "a block of the election's file has no place in the chain");
        }
        anyhow::Ok(())
    };
    let known = handle.call(|node, _| {
        let heights = 2..=node.chain().height().0;
        let at = |height| node.chain().block_at(Height(height)).map(KeptBlock::hash);
        heights.filter_map(at).collect::<HashSet<_>>()
    });
    let known = runtime.block_on(known)?;
    let check = |record: anyhow::Result<Record>| -> anyhow::Result<Checked> {
        Ok(match record? {
            Record::Block(block) if !known.contains(&block.header.hash()) => {
                let bytes = block.encoded_len();
                Checked::Block(Box::new(block.check(context).in_words()?), bytes)
            }
            Record::Statement(statement) => Checked::Statement(Box::new(statement)),
            Record::Block(_) | Record::Election(_) | Record::RollPage(_) | Record::End { .. } => {
                Checked::Nothing
            }
        })
    };
    in_order(Records::open(path)?, check, |checked| {
        let (mut batch, mut bytes, mut blocks) = (Vec::new(), 0, 0_u32);
        let mut told = Instant::now();
        for checked in checked {
            match checked? {
                Checked::Block(block, length) => {
                    bytes += length;
                    batch.push(*block);
                    blocks += 1;
                }
                Checked::Statement(statement) => {
                    runtime.block_on(handle.input(Input::Statements(vec![*statement])))?;
                }
                Checked::Nothing => {}
            }
            if bytes >= MAX_BLOCK_BYTES || batch.len() >= AT_ONCE {
                bytes = 0;
                take(std::mem::take(&mut batch))?;
            }
            if told.elapsed() > TELL_EVERY {
                told = Instant::now();
                tracing::info!(blocks, "reading the election's file");
            }
        }
        take(batch)?;
        if blocks > 0 {
            tracing::info!(blocks, "the election's file is read and verified");
        }
        Ok(())
    })
}
