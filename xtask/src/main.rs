//! `cargo xtask run | test | bench | build`: installs what is missing into the project's own
//! folder, builds, and says what it does and how long it takes.

mod bench;
mod build;
mod counts;
mod demo;
mod fuzz;
mod load;
mod setup;
mod soak;
mod step;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask run      build everything, start a relay and a node with a demo election
cargo xtask test     format, lints, licences, unit, property, simulation, socket, process and browser tests
cargo xtask test FILTER      browser tests whose file name matches, and nothing else
cargo xtask screenshots      make the pictures of docs/screenshots
cargo xtask bench [PART]…    measure, and print figures for docs/benchmarks.md: native, engine, files, restart, keeper, load, usable, phone (as root), mining, open-votes, verifier, signed-votes, long, seen; hour only by name
cargo xtask bench --check     count instructions, and fail if a part takes 5 % more than docs/instructions.json
cargo xtask bench --record    put what is counted on record
cargo xtask load [PART]…     the relay under load: paced, burst, stalled, idle, churn, nats; hour only by name
cargo xtask soak     what takes too long for every change: an hour of churn, many seeds, fuzzing, 100,000 votes in a tab, cut networks (as root)
cargo xtask fuzz [SECONDS]   look for inputs that break a decoder or a node, 300 s for each target
cargo xtask build    build the page and the programs
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["run"] => demo::run(),
        ["test"] => test::all(),
        ["test", "--", filter @ ..] | ["test", filter @ ..] => test::browser_only(filter),
        ["screenshots"] => test::screenshots(),
        ["bench", "--check"] => counts::check(),
        ["bench", "--record"] => counts::keep(),
        ["bench", parts @ ..] => bench::measure(parts),
        ["load", parts @ ..] => load::load(parts),
        ["soak"] => soak::soak(),
        ["fuzz"] => fuzz::fuzz(None),
        ["fuzz", seconds] => fuzz::fuzz(Some(seconds)),
        ["build"] => build::everything(),
        [] | ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        other => {
            eprintln!("unknown: cargo xtask {}\n\n{USAGE}", other.join(" "));
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
