//! What is promised, and what is not.

use yew::prelude::*;

use crate::page::components::icons::{Name, icon};

const PROMISED: [(&str, &str); 7] = [
    (
        "Only the voter votes",
        "In an election with a voter roll each vote is signed, and every tab checks the signature. Nobody can vote for another, whatever they mine, relay or host.",
    ),
    (
        "No second vote",
        "A token counts once. Two different ballots signed with one key are kept as a proof that everyone sees.",
    ),
    (
        "No silent change",
        "The chain with the most voters counts, so computing power cannot take a vote out of it. In a quick poll without a list of voters the chain with the most work counts. A receipt that is open sounds the alarm and casts its vote again.",
    ),
    (
        "A vote that was received is counted, or you can prove that it was not",
        "An election can name keepers: computers that never sleep and sign which votes they received. A vote that one of them had in time and that the sealed result lacks is a complaint that anybody can check. Without a keeper nothing is certain before the seal, and your receipt says so.",
    ),
    (
        "A count that anyone recomputes",
        "Your tab counts the votes itself, from the first block on. So does every other. One audit file is enough to check an election years later, with the network off.",
    ),
    (
        "A final result",
        "The organiser's seal makes the chain up to a block final for every node. Votes that it leaves out are named with a reason. A second seal over other votes is kept as proof, and the result is shown as contested.",
    ),
    (
        "It outlives the relay",
        "The relay only forwards. When it is gone, votes wait in the tabs; any other relay can take its place.",
    ),
];

const NOT_PROMISED: [(&str, &str); 6] = [
    (
        "A secret ballot",
        "Ballots are public. A token is a pseudonym: whoever knows which number is yours knows your vote, and so does whoever sees your receipt.",
    ),
    (
        "A stolen code or key",
        "Whoever has it can vote with it. Voting codes were made by the organiser, who could use them; keys that voters made themselves only they can use.",
    ),
    (
        "Who is on the roll",
        "The organiser decides who may vote, and could put invented voters on the roll. The chain shows how many keys there are, not who holds them.",
    ),
    (
        "Who may use a number",
        "In an open election anybody can use any unused number: the first vote with it counts.",
    ),
    (
        "Equal miners",
        "Whoever has most of the hash power can delay votes, past the closing time too, and prefer one of two votes of one voter. It can never make up a vote.",
    ),
    (
        "Your machine",
        "If the browser or the page you loaded is not what you think it is, neither is what it shows. Compare the tip's hash with someone else's, or use the command line.",
    ),
];

fn list(items: &[(&'static str, &'static str)], name: Name, class: &'static str) -> Html {
    html! {
        <ul class="checks">
            for (title, words) in items.iter().copied() {
                <li>
                    <span {class}>{ icon(name) }</span>
                    <b>{ title }</b>
                    <span class="detail">{ words }</span>
                </li>
            }
        </ul>
    }
}

/// The screen.
pub fn about() -> Html {
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
