//! A complaint: a vote that a named keeper acknowledged in time but that is not in the sealed
//! result.
//!
//! It says that the vote was received and not counted. It does not say who is to blame. Anybody can
//! check it against the audit file.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    chain::{
        acknowledgements::{Acknowledged, KeeperError, Worth},
        counted_votes::Slot,
        statements::StatementBook,
    },
    crypto::{
        hash::{ElectionId, VoteId},
        key::PublicKey,
    },
    election::{
        election_context::ElectionContext,
        keepers::MAX_KEEPERS,
        vote::{Vote, VoteError},
    },
    time::Timestamp,
};

/// The first words of a complaint file.
const FORMAT: &str = "blockvote complaint 1";
/// Enough for a vote and, for each keeper, an acknowledgement with a path.
pub const MAX_COMPLAINT_BYTES: usize = 128 << 10;

/// A complaint, as a file that a person can read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// Always the same text.
    format: String,
    /// The question, for people.
    pub title: String,
    /// The vote that is not counted.
    pub vote: Vote,
    /// What keepers signed for it.
    pub acknowledged: Vec<Acknowledged>,
}

/// Why a text is not a complaint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComplaintFileError {
    /// Another kind of file.
    Format,
    /// A part is missing or has the wrong shape.
    Malformed,
}

/// Why a complaint is not upheld.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ComplaintError {
    /// It is about another election.
    OtherElection(ElectionId),
    /// The vote is not valid in this election.
    Vote(VoteError),
    /// It has no acknowledgement, or more than there can be keepers.
    Acknowledgements(usize),
    /// Two of its acknowledgements are signed with this key: a keeper signs a vote once.
    Twice(PublicKey),
    /// An acknowledgement is for another vote than the complaint.
    OtherVote(VoteId),
    /// An acknowledgement is not signed by a keeper of this election.
    Keeper(KeeperError),
    /// No acknowledgement was in time; what the first one is worth.
    Worthless {
        /// The keeper's name.
        keeper: String,
        /// What its acknowledgement is worth.
        worth: Worth,
    },
    /// There is no valid seal, so nothing has been left out yet.
    NotSealed,
    /// The sealed set has the vote.
    Counted,
    /// The sealed set has another ballot with the same number: the voter signed two.
    OtherBallot(VoteId),
}

/// A complaint that is upheld.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upheld {
    /// The vote.
    pub vote: VoteId,
    /// Who acknowledged it in time.
    pub keeper: String,
    /// When.
    pub at: Timestamp,
    /// The reason for leaving it out, if the seal gives one.
    pub reason: Option<String>,
}

impl Complaint {
    /// A complaint about a vote.
    pub fn new(vote: Vote, acknowledged: Vec<Acknowledged>, title: &str) -> Self {
        Self { format: FORMAT.into(), title: title.into(), vote, acknowledged }
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Why it is not a complaint.
    pub fn read(text: &str) -> Result<Self, ComplaintFileError> {
        let value: serde_json::Value = (text.len() <= MAX_COMPLAINT_BYTES)
            .then(|| serde_json::from_str(text).ok())
            .flatten()
            .ok_or(ComplaintFileError::Format)?;
        if value.get("format").and_then(serde_json::Value::as_str) != Some(FORMAT) {
            return Err(ComplaintFileError::Format);
        }
        serde_json::from_value(value).map_err(|_| ComplaintFileError::Malformed)
    }

    /// The vote slot of its vote.
    pub(crate) fn slot(&self) -> Slot {
        (self.vote.token, self.vote.sequence)
    }

    /// Checks what is signed: that a named keeper had the vote in time. Returns which keeper, and
    /// when.
    ///
    /// # Errors
    /// Why the complaint is worth nothing.
    pub fn check(
        &self,
        context: &ElectionContext,
        statements: &StatementBook,
    ) -> Result<(String, Timestamp), ComplaintError> {
        if self.vote.election != context.id() {
            return Err(ComplaintError::OtherElection(self.vote.election));
        }
        self.vote.check(context).map_err(ComplaintError::Vote)?;
        let count = self.acknowledged.len();
        if !(1..=MAX_KEEPERS).contains(&count) {
            return Err(ComplaintError::Acknowledgements(count));
        }
        let mut keepers = BTreeSet::new();
        let mut signed = self.acknowledged.iter().map(|it| it.acknowledgement.keeper);
        if let Some(keeper) = signed.find(|keeper| !keepers.insert(*keeper)) {
            return Err(ComplaintError::Twice(keeper));
        }
        let id = self.vote.id();
        let mut worthless = None;
        for acknowledged in &self.acknowledged {
            let signed = &acknowledged.acknowledgement;
            // An acknowledgement that proves nothing does not weaken the others.
            let checked = if signed.vote == id {
                signed.check(context).map_err(ComplaintError::Keeper)
            } else {
                Err(ComplaintError::OtherVote(signed.vote))
            };
            let keeper = match checked {
                Ok(keeper) => keeper.name.clone(),
                Err(error) => {
                    worthless.get_or_insert(error);
                    continue;
                }
            };
            let lists = statements.closing_lists_of(&signed.keeper);
            match acknowledged.worth(context.election(), &lists) {
                Worth::InTime => return Ok((keeper, signed.at)),
                worth @ (Worth::Late | Worth::NotListed | Worth::Contradicted) => {
                    worthless.get_or_insert(ComplaintError::Worthless { keeper, worth });
                }
            }
        }
        Err(worthless.unwrap_or(ComplaintError::Acknowledgements(0)))
    }
}
