//! `blockvote election show`.

use std::process::ExitCode;

use blockvote_core::election::{
    definition::{Counting, Credentials, Election, Eligibility},
    short_address::ShortAddress,
};
use serde_json::json;

use crate::output::say;

pub fn run(election: &Election, json: bool) -> anyhow::Result<ExitCode> {
    if json {
        let shown = json!({"id": election.id(), "definition": election});
        say!("{}", serde_json::to_string_pretty(&shown)?);
        return Ok(ExitCode::SUCCESS);
    }
    say!("{}", election.title);
    say!("  id       {}", election.id());
    let choices = election.choices.join(", ");
    say!("  choices  {}", if choices.is_empty() { "free text" } else { &choices });
    let rules = election.ballot_rules;
    if (rules.least, rules.most) != (1, 1) {
        say!("  ballot   {} to {} choices", rules.least, rules.most);
    }
    if rules.blank {
        say!("           blank ballots are allowed");
    }
    if rules.write_in {
        say!("           own words are allowed as one choice");
    }
    match &election.eligibility {
        Eligibility::Open { highest_token: Some(highest) } => say!("  tokens   1 to {highest}"),
        Eligibility::Open { highest_token: None } => say!("  tokens   any number"),
        Eligibility::Roll { size, credentials, .. } => {
            let what = match credentials {
                Credentials::Codes => "voting codes that the organiser made",
                Credentials::OwnKeys => "keys that the voters made",
            };
            say!("  voters   {size}, with {what}");
        }
    }
    say!(
        "  counts   {}",
        match election.counting {
            Counting::FirstCounts => "the first vote of a voter",
            Counting::LastCounts => "the last vote of a voter",
        }
    );
    if let Some(opens) = election.opens {
        say!("  opens    {opens}");
    }
    if let Some(closes) = election.closes {
        say!("  closes   {closes}");
    }
    let mut heading = "keepers";
    for keeper in &election.keepers {
        say!("  {heading:<8} {}", keeper.name);
        heading = "";
    }
    say!("  page     /e/{}/vote behind your relay's address", election.id());
    if let Some(short) =
        ShortAddress::of(&election.id()).ok().filter(|_| !election.keepers.is_empty())
    {
        say!("           /v/{short} once a keeper has it");
    }
    Ok(ExitCode::SUCCESS)
}
