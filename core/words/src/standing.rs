//! What a receipt says of a vote: one sentence, and what to do.

use blockvote_core::audit::standing::{Standing, Witness};

use crate::counted;

/// A receipt's sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// How the vote stands.
    pub what: String,
    /// What to do, or what it means.
    pub then: String,
}

/// Names in a row: "Club", "Club and Union", "Club, Union and Server".
pub fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

fn names(witnesses: &[Witness]) -> String {
    let names: Vec<_> = witnesses.iter().map(|witness| witness.name.as_str()).collect();
    list(&names)
}

fn because(reason: Option<&String>) -> String {
    reason.map(|reason| format!(" The reason given: “{reason}”.")).unwrap_or_default()
}

fn which(in_one: Option<bool>, in_other: Option<bool>) -> &'static str {
    match (in_one, in_other) {
        (Some(true), Some(true)) => "Your vote is in both.",
        (Some(false), Some(false)) => "Your vote is in neither.",
        (Some(true), _) => "Your vote is in the first.",
        (_, Some(true)) => "Your vote is in the second.",
        (None, _) | (_, None) => {
            "This page does not have both, so it cannot say in which of them your vote is."
        }
    }
}

/// The sentence for a standing. `time` writes a time as the reader is used to.
pub fn said(standing: &Standing, time: &dyn Fn(blockvote_core::time::Timestamp) -> String) -> Said {
    let (what, then): (String, String) = match standing {
        Standing::TwoResults(one, other) => (
            "Two different results were signed, so there is none.".into(),
            format!("{} Both are kept as proof against the organiser.", which(*one, *other)),
        ),
        Standing::Counted => {
            ("Counted.".into(), "The sealed result holds your vote. It is final.".into())
        }
        Standing::ChangedHere(at) => (
            "Changed by you.".into(),
            format!("Your later vote of {} is the one that counts.", time(*at)),
        ),
        Standing::ChangedElsewhere => (
            "A later vote with your code or key counts instead.".into(),
            "It was not cast on this device. If it was not you, tell the organiser: somebody else has your code or key.".into(),
        ),
        Standing::OtherCounted => (
            "Another ballot with your code or key was counted.".into(),
            "Two were signed with it; the proof is kept beside the result. If one of them is not yours, tell the organiser.".into(),
        ),
        Standing::LeftOut { witness, reason } => (
            format!(
                "Not counted, although {} confirmed it at {}.",
                witness.name,
                time(witness.at)
            ),
            format!("Save the complaint: anybody can check it.{}", because(reason.as_ref())),
        ),
        Standing::NotCounted { unproven: Some(witness), reason } => (
            "Not counted.".into(),
            format!(
                "{} confirmed it at {}, and has yet to show that it is on its closing list: open this page again when it is there. With that you have a complaint that anybody can check.{}",
                witness.name,
                time(witness.at),
                because(reason.as_ref())
            ),
        ),
        Standing::NotCounted { unproven: None, reason } => (
            "Not counted.".into(),
            format!("No keeper confirmed it before closing.{}", because(reason.as_ref())),
        ),
        Standing::Unproven(witness) => (
            format!("Received by {} at {}.", witness.name, time(witness.at)),
            "It signed its closing list, and has yet to show that your vote is on it.".into(),
        ),
        Standing::Fetching => {
            ("A result was signed.".into(), "This page is still fetching it.".into())
        }
        Standing::Rival { later } => (
            format!(
                "A {} ballot with your code or key is recorded.",
                if *later { "later" } else { "second" }
            ),
            "If it is not yours, tell the organiser: somebody else has your code or key.".into(),
        ),
        Standing::Received(witnesses) => {
            let at = witnesses.iter().map(|witness| witness.at).min().unwrap_or_default();
            (
                format!("Received by {} at {}.", names(witnesses), time(at)),
                "You may close this page.".into(),
            )
        }
        Standing::HalfReceived(witness) => (
            format!("Received by {}.", witness.name),
            "Waiting for a second keeper.".into(),
        ),
        Standing::Recorded { block, peers } => (
            format!(
                "Recorded in block {block}, as far as {} know{}.",
                counted(*peers as u64, "connected computer"),
                if *peers == 1 { "s" } else { "" }
            ),
            "No keeper answers for it: open this page again after voting has closed.".into(),
        ),
        Standing::TooLate => (
            "Voting closed before anyone confirmed your vote.".into(),
            "It is kept, and shown to whoever seals the result.".into(),
        ),
        Standing::Held(holders) => (
            match holders {
                1 => "1 other computer says that it has your vote.".into(),
                holders => format!("{holders} other computers say that they have your vote."),
            },
            "Keep this page open until it is recorded.".into(),
        ),
        Standing::Unconfirmed => {
            ("Nobody has confirmed your vote yet.".into(), "Keep this page open.".into())
        }
    };
    Said { what, then }
}

#[cfg(test)]
mod tests {
    use blockvote_core::{chain::header::Height, time::Timestamp};

    use super::*;

    fn words(standing: &Standing) -> String {
        let Said { what, then } = said(standing, &|at| format!("{} ms", at.0));
        format!("{what} {then}")
    }

    #[test]
    fn who_has_the_vote_is_said_by_name() {
        let witness = |name: &str, at| Witness { name: name.into(), at: Timestamp(at) };
        let two = Standing::Received(vec![witness("Club", 9), witness("Union", 7)]);
        assert_eq!(words(&two), "Received by Club and Union at 7 ms. You may close this page.");
        let left_out =
            Standing::LeftOut { witness: witness("Club", 9), reason: Some("late".into()) };
        assert_eq!(
            words(&left_out),
            "Not counted, although Club confirmed it at 9 ms. Save the complaint: anybody can check it. The reason given: “late”."
        );
        assert_eq!(list(&["A", "B", "C"]), "A, B and C");
    }

    #[test]
    fn one_is_not_said_as_many() {
        let recorded = |peers| words(&Standing::Recorded { block: Height(5), peers });
        assert!(recorded(1).contains("as far as 1 connected computer knows."));
        assert!(recorded(2).contains("as far as 2 connected computers know."));
    }
}
