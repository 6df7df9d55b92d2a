//! From what a voter has (a number, a voting code, a key) to a vote.

use blockvote_core::{
    crypto::key::{PublicKey, SecretKey},
    custody::voting_code::Code,
    election::{
        next_vote::{Known, next_sequence},
        token::TokenId,
        vote::Vote,
    },
    node::Node,
};
use blockvote_words::{
    Words,
    election::{Asked, next_vote},
    message::{Message, say},
};

use crate::shared::{
    messages::{Right, Secret},
    views::RightView,
};

/// The token of a key; `what` is "code" or "key".
fn token_of(node: &Node, key: &PublicKey, what: &str) -> Result<TokenId, Message> {
    let Some(roll) = node.chain().context().roll() else {
        return Err(say::is_open_election());
    };
    roll.token_of(key).ok_or_else(|| say::not_in_roll(what))
}

/// What can be done with a right.
pub fn view(node: &Node, right: Right) -> RightView {
    let token = match &right {
        Right::Token(token) => {
            let token = TokenId(*token);
            match node.ballot_box().check_token(token) {
                Err(error @ blockvote_core::node::CastError::Vote(_)) => {
                    Err(say::as_said(error.words()))
                }
                _ => Ok(token),
            }
        }
        Right::Code(code) => Code::parse(code.as_str())
            .map_err(|error| say::as_said(error.words()))
            .and_then(|code| token_of(node, &code.secret_key().public(), "code")),
        Right::Key { public, .. } => PublicKey::from_text(public)
            .map_err(|error| say::as_said(error.words()))
            .and_then(|key| token_of(node, &key, "key")),
    };
    let election = node.chain().election();
    let latest = token.as_ref().ok().and_then(|token| node.ballot_box().latest_of(*token));
    let voted = latest.as_ref().map(|(_, vote)| vote.ballot.words(&election.question()));
    let may_change = latest.is_some_and(|(_, vote)| {
        // Whether this tab is behind is said beside it.
        let known = Known { latest: Some(vote.sequence), behind: false };
        next_sequence(election.counting, known, true).is_ok()
    });
    let problem = match &token {
        Err(problem) => Some(problem.clone()),
        Ok(token) if voted.is_some() && !may_change => Some(match &right {
            Right::Token(_) => say::number_used(token.0.to_string()),
            Right::Code(_) => say::code_used(),
            Right::Key { .. } => say::key_used(),
        }),
        Ok(_) => None,
    };
    let token = token.ok().map(|token| token.0);
    let unsure = match (node.is_behind(), node.peers().is_empty()) {
        (true, _) => Some(say::tab_fetching()),
        (false, true) => Some(say::tab_alone()),
        (false, false) => None,
    };
    RightView { right, token, problem, voted, may_change, unsure }
}

fn secret(right: &Right) -> Result<Option<(SecretKey, &'static str)>, Message> {
    match right {
        Right::Token(_) => Ok(None),
        Right::Code(code) => {
            let code = Code::parse(code.as_str()).map_err(|error| say::as_said(error.words()))?;
            Ok(Some((code.secret_key(), "code")))
        }
        Right::Key { secret, .. } => {
            let key = secret.as_ref().and_then(Secret::key).ok_or_else(say::key_is_closed)?;
            Ok(Some((key, "key")))
        }
    }
}

/// The vote, signed where the election has a voter roll.
///
/// # Errors
/// In words, why there is none.
pub fn vote(
    node: &Node,
    right: &Right,
    selections: &[String],
    change: bool,
) -> Result<Vote, Message> {
    let (id, election) = (node.chain().id(), node.chain().election());
    let ballot =
        election.ballot(selections).map_err(|error| say::selection_wrong(error.words()))?;
    let Some((key, what)) = secret(right)? else {
        let Right::Token(token) = right else { return Err(say::no_number()) };
        return Ok(Vote::open(id, TokenId(*token), ballot));
    };
    let token = token_of(node, &key.public(), what)?;
    let latest = node.ballot_box().latest_of(token).map(|(_, vote)| vote.sequence);
    let known = Known { latest, behind: node.is_fetching() };
    let sequence = next_sequence(election.counting, known, change)
        .map_err(|error| say::as_said(next_vote(error, Asked::Page(what))))?;
    Ok(Vote::signed(id, token, sequence, ballot, &key))
}
