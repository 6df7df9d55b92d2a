//! Addresses of the page, written and read.

use blockvote_core::{
    crypto::hash::{ElectionId, VoteId},
    election::short_address::ShortAddress,
};

/// The address at which voters find an election. `origin` is `https://host:port`.
pub fn vote(origin: &str, election: &str) -> String {
    format!("{origin}/e/{election}/vote")
}

/// A voter's link: the code is behind the `#`, which is sent to no server.
pub fn with_code(origin: &str, election: &str, code: &str) -> String {
    format!("{}#code={code}", vote(origin, election))
}

/// The short address of an election as a link.
pub fn short(origin: &str, address: &str) -> String {
    format!("{origin}/v/{address}")
}

/// The address at which any browser finds a receipt again. The vote itself is behind the `#`; with
/// it the browser can cast the vote again.
pub fn receipt(origin: &str, election: &str, vote_id: &str, vote: &str) -> String {
    format!("{origin}/e/{election}/receipt/{vote_id}#vote={vote}")
}

/// The election that a path leads to.
pub fn election_of(path: &str) -> Option<String> {
    let rest = path.strip_prefix("/e/")?;
    let id = rest.split('/').next().filter(|id| !id.is_empty())?;
    Some(id.to_owned())
}

/// The election's id in a link or by itself.
pub fn election_in(text: &str) -> Option<String> {
    let part = text.split("/e/").last()?;
    let id = part.split(['/', '?', '#']).next()?.trim();
    id.parse::<ElectionId>().ok().map(|id| id.to_string())
}

/// The short address in a link or by itself.
pub fn short_in(text: &str) -> Option<ShortAddress> {
    text.split("/v/").last()?.split(['/', '?', '#']).next()?.parse().ok()
}

/// What leads to a receipt.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReceiptParts {
    /// Its election, if that is named.
    pub election: Option<String>,
    /// The vote's id.
    pub vote_id: Option<String>,
    /// The vote itself, if it is there, in hexadecimal.
    pub vote: Option<String>,
}

/// The parts of a receipt's address, or of a vote's id by itself.
pub fn receipt_in(text: &str) -> ReceiptParts {
    let text = text.trim();
    let (path, vote) = text
        .split_once("#vote=")
        .map_or((text, None), |(path, vote)| (path, Some(vote.to_owned())));
    let is_hash = |part: &&str| part.parse::<VoteId>().is_ok();
    let mut hashes = path.split('/').filter(is_hash).map(str::to_owned);
    match (hashes.next(), hashes.next()) {
        (Some(election), Some(id)) => {
            ReceiptParts { election: Some(election), vote_id: Some(id), vote }
        }
        (vote_id, _) => ReceiptParts { election: None, vote_id, vote },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "https://vote.example.org";

    #[test]
    fn what_is_written_is_read() {
        let (election, id) = ("ab".repeat(32), "cd".repeat(32));
        let link = with_code(ORIGIN, &election, "7K2F");
        assert_eq!(election_in(&link), Some(election.clone()));
        assert_eq!(election_in(&election), Some(election.clone()));
        let path = link.strip_prefix(ORIGIN).unwrap();
        assert_eq!(election_of(path), Some(election.clone()));
        let parts = receipt_in(&receipt(ORIGIN, &election, &id, "0a0b"));
        let vote = Some("0a0b".into());
        assert_eq!(parts, ReceiptParts { election: Some(election), vote_id: Some(id), vote });
    }

    #[test]
    fn an_id_alone_is_a_votes() {
        let id = "cd".repeat(32);
        let parts = receipt_in(&format!("  {id} "));
        assert_eq!(parts, ReceiptParts { vote_id: Some(id), ..ReceiptParts::default() });
        assert_eq!(receipt_in("hello"), ReceiptParts::default());
    }

    #[test]
    fn a_short_address_is_read_alone_and_in_a_link() {
        let address: ShortAddress = "K7QF-2M9X".parse().unwrap();
        assert_eq!(short_in(&short(ORIGIN, &address.to_string())), Some(address));
        for text in ["k7qf2m9x", "https://vote.example.org/v/K7QF-2M9X?relay=x", "K7QF-2M9X"] {
            assert_eq!(short_in(text), Some(address), "{text}");
        }
        assert_eq!(short_in("hello"), None);
        assert_eq!(election_of("/verify"), None);
        assert_eq!(election_of("/e/"), None);
    }
}
