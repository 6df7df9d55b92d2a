//! What a voter keeps: the vote, and where it is in the chain, with the proof.

use serde::{Deserialize, Serialize};

use crate::{
    chain::{acknowledgements::Acknowledged, header::Header, pow},
    crypto::{
        hash::{BlockHash, VoteId},
        merkle::{self, InclusionProof},
    },
    election::{definition::Election, vote::Vote},
};

/// A vote and what happened to it, as far as this node knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Id of the vote.
    pub vote_id: VoteId,
    /// The vote.
    pub vote: Vote,
    /// Where it is in the chain.
    pub inclusion: Option<Inclusion>,
}

/// Where a vote is in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inclusion {
    /// Hash of the block.
    pub block: BlockHash,
    /// Its header.
    pub header: Header,
    /// The path from the vote to the header's votes root.
    pub proof: InclusionProof,
    /// Blocks from this one to the tip, both included.
    pub confirmations: u32,
}

/// Why a receipt is worthless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptError {
    /// The id belongs to another vote.
    VoteId,
    /// The header belongs to another block.
    BlockHash,
    /// The header has no valid proof of work.
    Proof,
    /// The path does not lead to the votes root.
    Inclusion,
}

/// The first words of a receipt file.
const FORMAT: &str = "blockvote receipt 3";
/// A receipt is a few hundred bytes; titles and proofs make it a few thousand.
pub const MAX_RECEIPT_BYTES: usize = 64 << 10;

/// A receipt as a file: JSON that a person can read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptFile {
    /// Always the same text.
    format: String,
    /// The question, for people.
    pub title: String,
    /// What was chosen, for people. Programs read it from the vote.
    pub selection: String,
    /// The receipt.
    #[serde(flatten)]
    pub receipt: Receipt,
    /// What keepers signed for the vote.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acknowledged: Vec<Acknowledged>,
}

/// Why a text is not a receipt that can be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiptFileError {
    /// Another kind of file.
    Format,
    /// A part is missing or has the wrong shape.
    Malformed,
    /// It contradicts itself.
    Wrong(ReceiptError),
}

impl From<ReceiptError> for ReceiptFileError {
    fn from(error: ReceiptError) -> Self {
        Self::Wrong(error)
    }
}

impl ReceiptFile {
    /// The file of a receipt.
    pub fn new(receipt: Receipt, election: &Election) -> Self {
        let selection = receipt.vote.ballot.words(&election.question());
        let acknowledged = Vec::new();
        Self {
            format: FORMAT.into(),
            title: election.title.clone(),
            selection,
            receipt,
            acknowledged,
        }
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Reads a file and recomputes every hash in it.
    ///
    /// # Errors
    /// Why it is not a receipt, or is worthless.
    pub fn read(text: &str) -> Result<Self, ReceiptFileError> {
        let value: serde_json::Value = (text.len() <= MAX_RECEIPT_BYTES)
            .then(|| serde_json::from_str(text).ok())
            .flatten()
            .ok_or(ReceiptFileError::Format)?;
        if value.get("format").and_then(serde_json::Value::as_str) != Some(FORMAT) {
            return Err(ReceiptFileError::Format);
        }
        let file: Self = serde_json::from_value(value).map_err(|_| ReceiptFileError::Malformed)?;
        file.receipt.check()?;
        Ok(file)
    }
}

impl Receipt {
    /// Recomputes every hash in the receipt. It cannot show whether the block is in the best chain:
    /// only a chain can.
    ///
    /// # Errors
    /// The first part that is wrong.
    pub fn check(&self) -> Result<(), ReceiptError> {
        if self.vote.id() != self.vote_id {
            return Err(ReceiptError::VoteId);
        }
        let Some(inclusion) = &self.inclusion else {
            return Ok(());
        };
        if inclusion.header.hash() != inclusion.block {
            return Err(ReceiptError::BlockHash);
        }
        if !pow::is_proven(&inclusion.header) {
            return Err(ReceiptError::Proof);
        }
        let leaf = merkle::leaf(&self.vote.encode());
        if !inclusion.proof.verifies(&leaf, &inclusion.header.votes_root.0) {
            return Err(ReceiptError::Inclusion);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{block, chain_of, election, vote};

    /// The receipt for the second vote of a block.
    fn receipt() -> Receipt {
        let chain = chain_of(0);
        let votes = (0..3).map(|token| vote(token, "Yes")).collect();
        let block = block(&chain, votes, |_| ()).check(chain.context()).unwrap();
        let vote = block.votes()[1].clone();
        let inclusion = Inclusion {
            block: block.hash(),
            header: block.header().clone(),
            proof: block.prove(1).unwrap(),
            confirmations: 1,
        };
        Receipt { vote_id: vote.id(), vote, inclusion: Some(inclusion) }
    }

    fn changed(change: impl FnOnce(&mut Receipt)) -> Result<(), ReceiptError> {
        let mut receipt = receipt();
        change(&mut receipt);
        receipt.check()
    }

    fn of_inclusion(change: impl FnOnce(&mut Inclusion)) -> Result<(), ReceiptError> {
        changed(|receipt| change(receipt.inclusion.as_mut().unwrap()))
    }

    #[test]
    fn every_part_of_a_receipt_is_checked() {
        assert_eq!(changed(|_| ()), Ok(()));
        assert_eq!(changed(|receipt| receipt.inclusion = None), Ok(()));
        let other = changed(|receipt| receipt.vote = vote(1, "No"));
        assert_eq!(other, Err(ReceiptError::VoteId));
        let header = of_inclusion(|inclusion| inclusion.header.nonce += 1);
        assert_eq!(header, Err(ReceiptError::BlockHash));
        let unproven = of_inclusion(|inclusion| {
            while pow::is_proven(&inclusion.header) {
                inclusion.header.nonce += 1;
            }
            inclusion.block = inclusion.header.hash();
        });
        assert_eq!(unproven, Err(ReceiptError::Proof));
        let elsewhere = changed(|receipt| {
            receipt.vote = vote(9, "Yes");
            receipt.vote_id = receipt.vote.id();
        });
        assert_eq!(elsewhere, Err(ReceiptError::Inclusion));
    }

    #[test]
    fn a_file_is_read_as_it_was_written_and_checked() {
        let file = ReceiptFile::new(receipt(), &election());
        assert_eq!(file.selection, "Yes");
        assert_eq!(ReceiptFile::read(&file.to_text()), Ok(file.clone()));
        assert_eq!(ReceiptFile::read("{}"), Err(ReceiptFileError::Format));
        let forged = file.to_text().replace("\"Yes\"", "\"No\"");
        let wrong = ReceiptFile::read(&forged);
        assert_eq!(wrong, Err(ReceiptFileError::Wrong(ReceiptError::VoteId)));
        let headless = file.to_text().replace("\"vote_id\"", "\"x\"");
        assert_eq!(ReceiptFile::read(&headless), Err(ReceiptFileError::Malformed));
    }
}
