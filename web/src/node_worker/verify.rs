//! Verifying the living chain.

use blockvote_core::{audit::archive::Record, chain::header::Height, election::roll::Roll};

use super::driver::Driver;
use crate::shared::{asking::Reply, messages::VerifyChain, verification::Run};

/// Verifies the chain as it stands now.
pub async fn run(driver: Driver, reply: Reply<VerifyChain>) {
    // The chain as it stands now: what it switches to meanwhile is another question.
    let (context, blocks, statements) = driver.with_node(|node| {
        let chain = node.chain();
        let heights = (2..=chain.height().0).map(Height);
        let blocks: Vec<_> = heights.filter_map(|height| chain.block_at(height).cloned()).collect();
        (chain.context().clone(), blocks, node.statements().all().collect::<Vec<_>>())
    });
    let mut run = Run::new(None, (blocks.len() + 1) as f64, reply);
    let end = Record::End { blocks: u32::try_from(blocks.len()).unwrap_or(u32::MAX) };
    let election = Record::Election(Box::new(context.election().clone()));
    let pages = context.roll().into_iter().flat_map(Roll::all_pages).map(Record::RollPage);
    let statements = statements.into_iter().map(Record::Statement);
    let blocks = blocks.iter().map(|block| Record::Block(block.to_block()));
    let mut records = std::iter::once(election).chain(pages).chain(statements).chain(blocks);
    loop {
        let record = records.next().unwrap_or_else(|| end.clone());
        let last = matches!(record, Record::End { .. });
        let progress = f64::from(run.blocks());
        if !run.push(record, progress).await || last {
            return run.end().await;
        }
    }
}
