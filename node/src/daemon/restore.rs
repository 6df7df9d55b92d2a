//! Brings a node to the state in its store.

use anyhow::Context;
use blockvote_core::{chain::block::Block, node::Node};
use blockvote_words::InWords;

use crate::{clock, parallel::in_order, store::Contents};

const DAMAGED: &str = "the data folder holds a block that does not verify: move the folder away, and the node fetches the chain again";

/// Brings a node to the state in its store. Blocks are read, checked on all processors and taken in
/// at the same time. Returns how many there were.
pub fn restore(node: &mut Node, contents: Contents, signatures: bool) -> anyhow::Result<u32> {
    let context = node.chain().context().clone();
    let check = |entry: anyhow::Result<(u32, Vec<u8>)>| {
        let (height, bytes) = entry?;
        let block: Block = borsh::from_slice(&bytes)
            .with_context(|| format!("block {height} cannot be read"))
            .context(DAMAGED)?;
        Ok(if signatures { block.check(&context) } else { block.check_but_signatures(&context) })
    };
    let (mut unreadable, mut count) = (None, 0);
    let restored = in_order(contents.blocks, check, |checked| {
        let readable = checked.map_while(|checked| {
            count += 1;
            checked.map_err(|error: anyhow::Error| unreadable = Some(error)).ok()
        });
        node.restore(clock::now(), readable, contents.pending, contents.statements)
    });
    if let Some(error) = unreadable {
        return Err(error);
    }
    restored.in_words().context(DAMAGED)?;
    Ok(count)
}
