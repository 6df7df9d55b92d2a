//! Signed statements that are kept beside the chain: double votes, the closing, seals, closing
//! lists.
//!
//! Each can be checked with only the election's definition and roll, so it is worth the same
//! wherever it turns up.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet},
};

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{
    chain::{
        acknowledgements::{ClosingList, KeeperError},
        header::Height,
        lowest_keys::{Added, Lowest},
        seals::{MAX_EACH, MAX_RESULTS, Seals},
    },
    crypto::{
        encoding::{encode, hash_of},
        hash::{
            BlockHash, ElectionId, SealId, ShortId, Tag, TallyHash, VoteId, VoteSetRoot, tagged,
        },
        key::{PublicKey, SecretKey, Signature, Signed},
    },
    election::{
        ballot::{BallotError, check_selection},
        election_context::ElectionContext,
        keepers::MAX_KEEPERS,
        tally::Tally,
        token::TokenId,
        vote::{Vote, VoteError, check_all},
    },
    sorted::sorted,
    time::Timestamp,
};

/// Double votes kept, at most one for each token: only a voter's own key can make one.
pub const MAX_DOUBLE_VOTES: usize = 10_000;
/// Votes that a seal names as left out: 320 kB.
pub const MAX_LEFT_OUT: usize = 10_000;
/// Bytes of UTF-8: a reason is one line.
pub const MAX_REASON_BYTES: usize = 200;
/// The number of the organiser among the trustees.
pub const ORGANISER: u8 = 1;
/// Two closing lists of one keeper prove all there is to prove.
const MAX_LISTS_EACH: usize = 2;
/// The most statements that a book has: the double votes, a closing, seals, closing lists.
pub const MAX_STATEMENTS: usize =
    MAX_DOUBLE_VOTES + 1 + MAX_RESULTS * MAX_EACH + MAX_KEEPERS * MAX_LISTS_EACH;

/// Two votes of one voter that cannot both count: the same token and sequence number, other
/// ballots.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct DoubleVote {
    /// The vote with the lower id.
    pub first: Vote,
    /// The other.
    pub second: Vote,
}

impl DoubleVote {
    /// Makes a double vote of two votes, if they are one. Their signatures are not checked.
    pub fn of(one: &Vote, other: &Vote) -> Option<Self> {
        let same = |vote: &Vote| (vote.election, vote.token, vote.sequence);
        let (id, other_id) = (one.id(), other.id());
        if same(one) != same(other) || id == other_id {
            return None;
        }
        let (first, second) = if id < other_id { (one, other) } else { (other, one) };
        Some(Self { first: first.clone(), second: second.clone() })
    }

    /// The voter.
    pub fn token(&self) -> TokenId {
        self.first.token
    }
}

/// The organiser's signed word that the election closes before its time.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
pub struct Closing {
    /// The election.
    pub election: ElectionId,
    /// Votes are not taken from this time on.
    pub at: Timestamp,
    /// The organiser's signature over the tag, the election and the time.
    pub signature: Signature,
}

impl Closing {
    fn message(election: ElectionId, at: Timestamp) -> Vec<u8> {
        let mut message = Tag::CLOSING.0.to_vec();
        message.extend(encode(&(election, at)));
        message
    }

    /// Signs the closing.
    pub fn sign(election: ElectionId, at: Timestamp, organiser: &SecretKey) -> Self {
        let signature = organiser.sign(&Self::message(election, at));
        Self { election, at, signature }
    }
}

/// Votes that a seal leaves out, and why.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// In the words of the person who seals, on one line.
    pub reason: String,
    /// The votes, in ascending order of their ids.
    pub votes: Vec<VoteId>,
}

/// What a seal is over: the set of votes in a block and the blocks before it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Sealed {
    /// The election.
    pub election: ElectionId,
    /// Whose seal it is; 1 is the organiser.
    pub trustee: u8,
    /// Height of the last block that counts.
    pub height: Height,
    /// Its hash.
    pub tip: BlockHash,
    /// Hash of the count up to there.
    pub tally: TallyHash,
    /// Root over all votes up to there, in ascending order of their ids.
    pub set: VoteSetRoot,
    /// Votes that the trustee had and left out.
    pub left_out: Vec<LeftOut>,
}

/// The organiser's signed word that a set of votes, and its count, are the result.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Seal {
    /// What it is over.
    pub sealed: Sealed,
    /// The organiser's signature over the tag and the seal's id.
    pub signature: Signature,
}

/// What is wrong with a seal apart from its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SealFault {
    /// There is no trustee with this number.
    Trustee(u8),
    /// A group of left-out votes, counted from 1, whose reason is missing or is not one line of
    /// text.
    Reason {
        /// The group.
        group: usize,
        /// What is wrong with its reason.
        error: BallotError,
    },
    /// A group of left-out votes, counted from 1, that is empty or not in order.
    Group(usize),
    /// A vote is left out twice.
    Twice(VoteId),
    /// More votes are left out than one seal can name.
    TooMany(usize),
}

impl Sealed {
    fn check(&self) -> Result<(), SealFault> {
        if self.trustee != ORGANISER {
            return Err(SealFault::Trustee(self.trustee));
        }
        let all = self.left_out.iter().map(|group| group.votes.len()).sum();
        if all > MAX_LEFT_OUT {
            return Err(SealFault::TooMany(all));
        }
        let mut seen = BTreeSet::new();
        for (index, LeftOut { reason, votes }) in self.left_out.iter().enumerate() {
            let group = index + 1;
            check_reason(reason).map_err(|error| SealFault::Reason { group, error })?;
            if votes.is_empty() || !votes.is_sorted() {
                return Err(SealFault::Group(group));
            }
            let twice = votes.iter().find(|vote| !seen.insert(**vote));
            twice.map_or(Ok(()), |vote| Err(SealFault::Twice(*vote)))?;
        }
        Ok(())
    }

    /// SHA-256 of all of it.
    pub fn id(&self) -> SealId {
        SealId(hash_of(Tag::SEAL, self))
    }

    /// The reasons for leaving votes out, and how many are left out for each.
    pub fn reasons(&self) -> Vec<(String, u64)> {
        let groups = self.left_out.iter();
        groups.map(|group| (group.reason.clone(), group.votes.len() as u64)).collect()
    }

    /// The votes that are left out, with the reason.
    pub fn left_out(&self) -> impl Iterator<Item = (&VoteId, &str)> {
        let groups = self.left_out.iter();
        groups.flat_map(|group| group.votes.iter().map(|vote| (vote, group.reason.as_str())))
    }
}

/// Checks the reason for leaving votes out.
///
/// # Errors
/// What is wrong with it.
pub fn check_reason(reason: &str) -> Result<(), BallotError> {
    check_selection(reason, MAX_REASON_BYTES)
}

impl Seal {
    /// Signs a result.
    pub fn sign(sealed: Sealed, organiser: &SecretKey) -> Self {
        let mut seal = Self { sealed, signature: Signature([0; 64]) };
        seal.signature = organiser.sign(&seal.message());
        seal
    }

    /// SHA-256 of all but the signature.
    pub fn id(&self) -> SealId {
        self.sealed.id()
    }

    /// What two seals must differ in to contradict each other. Seals over the same set agree.
    pub fn result(&self) -> (VoteSetRoot, TallyHash) {
        (self.sealed.set, self.sealed.tally)
    }

    fn message(&self) -> Vec<u8> {
        [&Tag::SEAL.0[..], &self.id().0].concat()
    }
}

/// One statement. Borsh writes the variant as one byte, counted from 0 in this order.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Statement {
    /// A voter voted twice.
    DoubleVote(Box<DoubleVote>),
    /// The organiser closed early.
    Closing(Closing),
    /// The organiser sealed the result.
    Seal(Seal),
    /// A keeper says which votes it acknowledged in time.
    ClosingList(ClosingList),
}

/// A kind of statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementKind {
    /// [`Statement::DoubleVote`].
    DoubleVote,
    /// [`Statement::Closing`].
    Closing,
    /// [`Statement::Seal`].
    Seal,
    /// [`Statement::ClosingList`].
    ClosingList,
}

/// Why a statement proves nothing here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatementError {
    /// It belongs to another election.
    OtherElection {
        /// What kind of statement.
        what: StatementKind,
        /// The election it names.
        election: ElectionId,
    },
    /// Nobody can close or seal this election.
    NoOrganiser,
    /// Somebody else signed it.
    Signature(StatementKind),
    /// Two votes that do not contradict each other, or are in the wrong order.
    NotDouble,
    /// A seal that leaves votes out without giving a reason, or whose trustee does not exist.
    Seal(SealFault),
    /// It is not signed by a keeper of this election.
    Keeper(KeeperError),
    /// In an open election anybody can use a token: two votes prove nothing about anybody.
    Open,
    /// One of the votes is not valid, so it may be forged.
    Vote(VoteError),
}

impl From<VoteError> for StatementError {
    fn from(error: VoteError) -> Self {
        Self::Vote(error)
    }
}

impl Statement {
    /// Checks the statement: everything except whether a seal's block and count are those of the
    /// chain.
    ///
    /// # Errors
    /// Why it proves nothing.
    pub fn check(&self, context: &ElectionContext) -> Result<(), StatementError> {
        match self {
            Self::DoubleVote(double) => {
                if context.roll().is_none() {
                    return Err(StatementError::Open);
                }
                if DoubleVote::of(&double.first, &double.second).as_ref() != Some(&**double) {
                    return Err(StatementError::NotDouble);
                }
                let votes = vec![double.first.clone(), double.second.clone()];
                check_all(votes, context).map_err(|(_, error)| error)?;
                Ok(())
            }
            Self::Closing(closing) => {
                let message = Closing::message(closing.election, closing.at);
                signed(context, self.kind(), closing.election, &message, &closing.signature)
            }
            Self::Seal(seal) => {
                seal.sealed.check().map_err(StatementError::Seal)?;
                let election = seal.sealed.election;
                signed(context, self.kind(), election, &seal.message(), &seal.signature)
            }
            Self::ClosingList(list) => {
                list.check(context).map_err(StatementError::Keeper)?;
                Ok(())
            }
        }
    }

    /// What kind of statement it is.
    pub fn kind(&self) -> StatementKind {
        match self {
            Self::DoubleVote(_) => StatementKind::DoubleVote,
            Self::Closing(_) => StatementKind::Closing,
            Self::Seal(_) => StatementKind::Seal,
            Self::ClosingList(_) => StatementKind::ClosingList,
        }
    }

    /// What the statement is about, as peers compare it: one id for each token, each time of
    /// closing, each seal, and each content of a keeper's closing list.
    pub fn short_id(&self) -> ShortId {
        let about = match self {
            Self::DoubleVote(double) => encode(&(0_u8, double.token())),
            Self::Closing(closing) => encode(&(1_u8, closing.at)),
            Self::Seal(seal) => encode(&(2_u8, seal.id())),
            Self::ClosingList(list) => encode(&(3_u8, list.keeper, list.contents())),
        };
        let hash = tagged(Tag::EVIDENCE, &about);
        let mut short = [0; 8];
        short.copy_from_slice(&hash[..8]);
        ShortId(short)
    }
}

fn signed(
    context: &ElectionContext,
    what: StatementKind,
    election: ElectionId,
    message: &[u8],
    signature: &Signature,
) -> Result<(), StatementError> {
    if election != context.id() {
        return Err(StatementError::OtherElection { what, election });
    }
    let key = context.election().organiser.as_ref().ok_or(StatementError::NoOrganiser)?;
    let holds = Signed { key, message, signature }.holds();
    if holds { Ok(()) } else { Err(StatementError::Signature(what)) }
}

/// What the organiser's seals mean on this node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sealing {
    /// There is no seal.
    #[default]
    Unsealed,
    /// There is one, over a block that this node does not have yet.
    Awaited(Seal),
    /// There is one, and it matches the chain and its count.
    Sealed {
        /// The seal.
        seal: Seal,
        /// The count up to the sealed block.
        tally: Tally,
    },
    /// There is one, and it states another height or count than the chain has.
    Refuted(Seal),
    /// The organiser signed two that differ.
    Contested(Seal, Seal),
}

impl Sealing {
    /// The seal that binds, and the count that it is over.
    pub fn sealed(&self) -> Option<(&Seal, &Tally)> {
        match self {
            Self::Sealed { seal, tally } => Some((seal, tally)),
            Self::Unsealed | Self::Awaited(_) | Self::Refuted(_) | Self::Contested(..) => None,
        }
    }

    /// A single word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unsealed => "unsealed",
            Self::Awaited(_) => "awaited",
            Self::Sealed { .. } => "sealed",
            Self::Refuted(_) => "refuted",
            Self::Contested(..) => "contested",
        }
    }
}

/// The statements that a node keeps, each of them checked. Nodes that heard of the same statements
/// keep the same ones.
#[derive(Clone, Debug, Default)]
pub struct StatementBook {
    double_votes: Lowest<TokenId, DoubleVote, MAX_DOUBLE_VOTES>,
    /// The earliest one counts.
    closings: Lowest<Timestamp, Closing, 1>,
    seals: Seals,
    /// By keeper, at most [`MAX_KEEPERS`], because only named keepers are kept.
    closing_lists: BTreeMap<PublicKey, Lowest<[u8; 32], ClosingList, MAX_LISTS_EACH>>,
    /// Computed on demand and kept until something changes.
    digest: OnceCell<[u8; 32]>,
}

impl StatementBook {
    /// Whether a statement would add nothing.
    pub fn knows(&self, statement: &Statement) -> bool {
        match statement {
            Statement::DoubleVote(double) => self.double_votes.knows(&double.token()),
            Statement::Closing(closing) => self.closings.knows(&closing.at),
            Statement::Seal(seal) => self.seals.knows(seal),
            Statement::ClosingList(list) => {
                let lists = self.closing_lists.get(&list.keeper);
                lists.is_some_and(|lists| lists.knows(&list.contents()))
            }
        }
    }

    /// Keeps a checked statement; returns which one it replaced.
    pub(crate) fn add(&mut self, statement: &Statement) -> Added<ShortId> {
        let added = match statement {
            Statement::DoubleVote(double) => self
                .double_votes
                .add(double.token(), (**double).clone())
                .map(|double| Statement::DoubleVote(Box::new(double))),
            Statement::Closing(closing) => {
                self.closings.add(closing.at, *closing).map(Statement::Closing)
            }
            Statement::Seal(seal) => self.seals.add(seal).map(Statement::Seal),
            Statement::ClosingList(list) => {
                let lists = self.closing_lists.entry(list.keeper).or_default();
                lists.add(list.contents(), *list).map(Statement::ClosingList)
            }
        };
        if added != Added::Known {
            self.digest.take();
        }
        added.map(|replaced| replaced.short_id())
    }

    /// Double votes, by token.
    pub fn double_votes(&self) -> impl ExactSizeIterator<Item = &DoubleVote> {
        self.double_votes.values()
    }

    /// Whether a token voted twice.
    pub fn double_vote_of(&self, token: TokenId) -> Option<&DoubleVote> {
        self.double_votes.get(&token)
    }

    /// The organiser's early closing.
    pub fn closing(&self) -> Option<&Closing> {
        self.closings.values().next()
    }

    /// Seals, by what they are over.
    pub fn seals(&self) -> impl Iterator<Item = &Seal> {
        self.seals.all()
    }

    /// The seals of each result. Different results contradict each other.
    pub fn sealed_results(&self) -> Vec<Vec<&Seal>> {
        self.seals.results()
    }

    /// Records which seal is valid here: no other seal over the same result pushes it out.
    pub(crate) fn seal_holds(&mut self, seal: SealId) {
        self.seals.holds(seal);
    }

    /// The closing lists of a keeper. If there are several, they contradict each other.
    pub fn closing_lists_of(&self, keeper: &PublicKey) -> Vec<ClosingList> {
        let lists = self.closing_lists.get(keeper).into_iter();
        lists.flat_map(Lowest::values).copied().collect()
    }

    /// All closing lists, by keeper.
    pub fn closing_lists(&self) -> impl Iterator<Item = &ClosingList> {
        self.closing_lists.values().flat_map(Lowest::values)
    }

    /// Everything: double votes by token, the closing, seals by what they are over, closing lists
    /// by keeper.
    pub fn all(&self) -> impl Iterator<Item = Statement> + '_ {
        let doubles = self.double_votes.values().cloned();
        let doubles = doubles.map(|double| Statement::DoubleVote(Box::new(double)));
        let closings = self.closings.values().copied().map(Statement::Closing);
        let seals = self.seals.all().cloned().map(Statement::Seal);
        let lists = self.closing_lists().copied().map(Statement::ClosingList);
        doubles.chain(closings).chain(seals).chain(lists)
    }

    /// A hash that is the same on nodes that know the same statements.
    pub fn digest(&self) -> [u8; 32] {
        *self.digest.get_or_init(|| {
            let ids = sorted(self.all().map(|statement| statement.short_id()).collect());
            hash_of(Tag::EVIDENCE, &ids)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chain::tree::Chain,
        testkit::{
            NOW,
            rolls::{context, context_kept, keeper, organiser, sealed_of, vote, voter},
        },
    };

    fn double(number: u32) -> Statement {
        let [one, other] = [0, 1].map(|choice| vote(&context(), number, 0, choice));
        Statement::DoubleVote(Box::new(DoubleVote::of(&one, &other).unwrap()))
    }

    fn closing(after: u64) -> Statement {
        Statement::Closing(Closing::sign(context().id(), NOW.plus_ms(after), &organiser()))
    }

    /// Another set for each height.
    fn over(height: u32, tip: u8) -> Sealed {
        let set = VoteSetRoot([height.to_le_bytes()[0]; 32]);
        let tip = BlockHash([tip; 32]);
        let here = sealed_of(&Chain::new(context()));
        Sealed { height: Height(height), tip, set, ..here }
    }

    fn seal(height: u32) -> Statement {
        Statement::Seal(Seal::sign(over(height, 7), &organiser()))
    }

    fn book(statements: &[Statement]) -> StatementBook {
        let mut book = StatementBook::default();
        for statement in statements {
            let _ = book.add(statement);
        }
        book
    }

    #[test]
    fn two_votes_are_a_double_vote_in_one_order_whoever_puts_them_together() {
        let of = |number, sequence, choice| vote(&context(), number, sequence, choice);
        let (one, other) = (of(0, 0, 0), of(0, 0, 1));
        assert_eq!(DoubleVote::of(&one, &other), DoubleVote::of(&other, &one));
        assert_eq!(DoubleVote::of(&one, &one), None);
        assert_eq!(DoubleVote::of(&one, &of(0, 1, 1)), None, "a change");
        assert_eq!(DoubleVote::of(&one, &of(1, 0, 1)), None, "another voter");
    }

    #[test]
    fn a_statement_proves_itself_or_says_why_not() {
        let context = context();
        for statement in [double(0), closing(0), seal(2)] {
            assert_eq!(statement.check(&context), Ok(()));
        }
        let foreign = Closing::sign(context.id(), NOW, &voter(0));
        let refused = Statement::Closing(foreign).check(&context);
        assert_eq!(refused, Err(StatementError::Signature(StatementKind::Closing)));
        let Statement::DoubleVote(mut forged) = double(0) else { unreachable!() };
        (forged.first, forged.second) = (forged.second.clone(), forged.first.clone());
        let refused = Statement::DoubleVote(forged).check(&context);
        assert_eq!(refused, Err(StatementError::NotDouble));
    }

    #[test]
    fn books_that_heard_the_same_are_equal_in_whatever_order() {
        let mut all = vec![double(0), closing(5), seal(2), closing(1), double(1), seal(3), seal(4)];
        let one = book(&all);
        all.reverse();
        let other = book(&all);
        assert_eq!(one.digest(), other.digest());
        assert!(one.all().eq(other.all()));
        assert_eq!((one.double_votes().len(), one.seals().count()), (2, MAX_RESULTS));
        assert_eq!(one.closing().unwrap().at, NOW.plus_ms(1), "the earliest counts");
        assert!(all.iter().all(|statement| one.knows(statement)));
        assert!(one.double_vote_of(vote(&context(), 0, 0, 0).token).is_some());
    }

    #[test]
    fn two_closing_lists_of_one_keeper_are_kept_and_no_third() {
        let list = |ids: &[u8], number| {
            let ids: Vec<_> = ids.iter().map(|byte| VoteId([*byte; 32])).collect();
            ClosingList::sign(context_kept().id(), &ids, &keeper(number))
        };
        let all = [list(&[1], 0), list(&[1, 2], 0), list(&[], 0), list(&[1], 1)];
        let book = book(&all.map(Statement::ClosingList));
        assert_eq!(book.closing_lists_of(&keeper(0).public()).len(), MAX_LISTS_EACH);
        assert_eq!(book.closing_lists_of(&keeper(1).public()), [list(&[1], 1)]);
        assert!(book.knows(&Statement::ClosingList(list(&[1], 1))));
        let stranger = Statement::ClosingList(list(&[1], 7)).check(&context_kept());
        let not_named = StatementError::Keeper(KeeperError::NotNamed(keeper(7).public()));
        assert_eq!(stranger, Err(not_named));
    }

    #[test]
    fn what_a_statement_replaces_is_said_so_that_it_is_forgotten() {
        let mut book = book(&[closing(5)]);
        let before = book.digest();
        assert_eq!(book.add(&closing(1)), Added::Replaced(closing(5).short_id()));
        assert_ne!(book.digest(), before);
        assert_eq!(book.add(&closing(5)), Added::Known);
    }
}
