//! What is promised, and what is not.

use yew::prelude::*;

use crate::page::icons::{Icon, Name};

const PROMISED: [(&str, &str); 4] = [
    (
        "No second vote",
        "A token that is in the chain cannot vote again; every node refuses the block that tries.",
    ),
    (
        "No silent change",
        "A counted vote cannot be changed or taken out without redoing the proof of work of its block and all above it, in front of everyone who holds the chain.",
    ),
    (
        "A count that anyone recomputes",
        "Your tab counts the votes itself, from the first block on. So does every other.",
    ),
    (
        "It outlives the relay",
        "The relay only forwards. When it is gone, votes wait in the tabs; any other relay can take its place.",
    ),
];

const NOT_PROMISED: [(&str, &str); 5] = [
    (
        "Who may use a token",
        "In an open election anybody can use any unused number: the first vote with it counts. Elections with a voter roll and signatures are the next stage.",
    ),
    (
        "A secret ballot",
        "Ballots are public. A token is a pseudonym: whoever knows which number is yours knows your vote.",
    ),
    (
        "Equal miners",
        "Whoever has most of the hash power can delay votes and, in an open election, prefer one of two votes with the same token. It can never make up a vote for a token that voted.",
    ),
    (
        "A final result",
        "Until an election can be sealed, a longer chain replaces a shorter one. Each block on top makes that harder.",
    ),
    (
        "Your machine",
        "If the browser or the page you loaded is not what you think it is, neither is what it shows. Compare the tip's hash with someone else's, or use the command line.",
    ),
];

fn list(items: &[(&'static str, &'static str)], icon: Name, class: &'static str) -> Html {
    html! {
        <ul class="checks">
            for (title, words) in items.iter().copied() {
                <li>
                    <span {class}><Icon name={icon} /></span>
                    <b>{ title }</b>
                    <span class="detail">{ words }</span>
                </li>
            }
        </ul>
    }
}

/// The screen.
#[component]
pub fn About() -> Html {
    html! {
        <div class="screen">
            <header>
                <h1 id="title" tabindex="-1">{ "What this is" }</h1>
                <p>{ "Votes kept in one central place can be forged, knocked over or lost. Blockvote keeps them in a chain that everyone who votes holds and verifies. This tab is a full node: it checks every block and every vote itself, and it helps to find the next block." }</p>
            </header>
            <section class="sheet"><h2>{ "What is promised" }</h2>{ list(&PROMISED, Name::Tick, "pass") }</section>
            <section class="sheet"><h2>{ "What is not" }</h2>{ list(&NOT_PROMISED, Name::Dash, "other") }</section>
        </div>
    }
}
