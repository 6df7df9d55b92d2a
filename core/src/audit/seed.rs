//! Chains of the seed, the Python system that this one descends from, by the seed's own rules.
//!
//! A block's hash is the SHA-256 of its JSON as Python's `json.dumps(block, sort_keys=True)` writes
//! it. The proof of a block covers the block before it, so the votes of the last block are covered
//! by nothing; the report says so.

use std::{collections::HashMap, fmt::Write as _};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    audit::verify::{Line, Outcome, Report},
    election::tally::Tally,
};

/// Why a text is not a chain of the seed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeedError {
    /// Not JSON.
    #[error("this is not JSON: {0}")]
    Json(String),
    /// JSON of another shape.
    #[error("this is not a chain of the seed: {0}")]
    Shape(String),
}

/// Reads the blocks out of the seed's `{"chain": […], "length": n}`.
///
/// # Errors
/// What is not as the seed writes it.
pub fn read(text: &str) -> Result<Vec<Value>, SeedError> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| SeedError::Json(error.to_string()))?;
    let chain = value.get("chain").and_then(Value::as_array);
    let chain = chain.ok_or_else(|| SeedError::Shape("it has no list named \"chain\"".into()))?;
    if chain.is_empty() {
        return Err(SeedError::Shape("its chain is empty".into()));
    }
    if let Some(length) = value.get("length")
        && length.as_u64() != Some(chain.len() as u64)
    {
        let found = chain.len();
        return Err(SeedError::Shape(format!("it says length {length} but holds {found} blocks")));
    }
    Ok(chain.clone())
}

/// The SHA-256 of a block's JSON as Python writes it with sorted keys, in hexadecimal.
pub fn block_hash(block: &Value) -> String {
    let mut text = String::new();
    write_python(block, &mut text);
    hex::encode(Sha256::digest(text))
}

fn write_python(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::String(text) => write_string(text, out),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) => write_float(float, out),
            None => out.push_str(&number.to_string()),
        },
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_python(item, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (index, (name, item)) in fields.into_iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_string(name, out);
                out.push_str(": ");
                write_python(item, out);
            }
            out.push('}');
        }
    }
}

/// `json.dumps` escapes everything outside ASCII, as UTF-16 units.
fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

/// Python's `repr` of a float: the shortest digits that read back, with an exponent from 1e16 and
/// below 1e-4.
fn write_float(float: f64, out: &mut String) {
    let magnitude = float.abs();
    if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let text = format!("{float:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, size) = exponent.strip_prefix('-').map_or(('+', exponent), |size| ('-', size));
        let _ = write!(out, "{digits}e{sign}{size:0>2}");
    } else {
        let _ = write!(out, "{float:?}");
    }
}

const CHECKS: [&str; 4] = [
    "indexes count from 1",
    "blocks hold the hash of the block before",
    "proofs",
    "no token votes twice",
];

struct Failure {
    check: usize,
    what: String,
}

#[derive(Default)]
struct Walk {
    tokens: HashMap<i64, u64>,
    tally: Tally,
    votes: u64,
}

impl Walk {
    fn block(
        &mut self,
        position: u64,
        block: &Value,
        before: Option<&Value>,
    ) -> Result<(), Failure> {
        let fail = |check, what: String| Err(Failure { check, what });
        let Some(index) = block.get("index").and_then(Value::as_u64) else {
            return fail(0, format!("block {position} has no index"));
        };
        if index != position {
            return fail(
                0,
                format!(
                    "block {position} has the index {index}: blocks were swapped, added or left out"
                ),
            );
        }
        let Some(proof) = block.get("proof").and_then(Value::as_i64) else {
            return fail(2, format!("block {index} has no proof"));
        };
        if let Some(before) = before {
            let hash = block_hash(before);
            if block.get("previous_hash").and_then(Value::as_str) != Some(&hash) {
                let previous = index - 1;
                return fail(
                    1,
                    format!("block {previous} was changed: block {index} holds another hash of it"),
                );
            }
            let previous_proof = before.get("proof").and_then(Value::as_i64).unwrap_or_default();
            let guess = hex::encode(Sha256::digest(format!("{previous_proof}{proof}{hash}")));
            if !guess.starts_with("0000") {
                return fail(2, format!("block {index}: the proof {proof} does not hold"));
            }
        }
        let Some(votes) = block.get("votes").and_then(Value::as_array) else {
            return fail(0, format!("block {index} has no list of votes"));
        };
        for vote in votes {
            let token = vote.get("token_id").and_then(Value::as_i64);
            let selection = vote.get("selection").and_then(Value::as_str);
            let (Some(token), Some(selection)) = (token, selection) else {
                return fail(
                    3,
                    format!("block {index} holds a vote without token_id or selection: {vote}"),
                );
            };
            if let Some(earlier) = self.tokens.insert(token, index) {
                return fail(
                    3,
                    format!("block {index}: the token_id {token} already voted in block {earlier}"),
                );
            }
            *self.tally.selections.entry(selection.to_owned()).or_insert(0) += 1;
            self.tally.ballots += 1;
            self.votes += 1;
        }
        Ok(())
    }
}

/// Verifies a chain by the seed's own rules. `progress` is told how many blocks are done.
pub fn verify(chain: &[Value], mut progress: impl FnMut(usize)) -> Report {
    let mut walk = Walk::default();
    let mut failure = None;
    let mut done = 0_usize;
    for (position, block) in (1_u64..).zip(chain) {
        let before = done.checked_sub(1).and_then(|index| chain.get(index));
        if let Err(found) = walk.block(position, block, before) {
            failure = Some(found);
            break;
        }
        done += 1;
        progress(done);
    }
    let (blocks, votes) = (done, walk.votes);
    let linked = done.saturating_sub(1);
    let counted = [
        format!("{blocks} of {}", chain.len()),
        format!("{linked} of {}", chain.len() - 1),
        format!("{linked} of {} (the first block has none)", chain.len() - 1),
        format!("{votes} tokens, each used once"),
    ];
    let mut lines: Vec<_> = CHECKS
        .iter()
        .zip(counted)
        .enumerate()
        .map(|(index, (check, counted))| match &failure {
            None => Line::new(check, Outcome::Pass, counted),
            Some(failure) if failure.check == index => {
                Line::new(check, Outcome::Fail, failure.what.clone())
            }
            Some(_) => Line::new(
                check,
                Outcome::NotReached,
                format!("held for the {blocks} blocks before"),
            ),
        })
        .collect();
    lines.push(Line::new(
        "votes of the last block",
        Outcome::Skipped,
        "the seed's proof does not cover them: a change there cannot be found from this file",
    ));
    let verdict = match &failure {
        None => format!(
            "Verified by the seed's rules: {blocks} blocks and {votes} votes; the last block's votes are covered by no proof."
        ),
        Some(failure) => format!("Not valid: {}.", failure.what),
    };
    Report {
        lines,
        verdict,
        passed: failure.is_none(),
        blocks: u32::try_from(blocks).unwrap_or(u32::MAX),
        votes,
        tip: done
            .checked_sub(1)
            .and_then(|index| chain.get(index))
            .map(block_hash)
            .unwrap_or_default(),
        tally: walk.tally,
        ..Report::default()
    }
}

#[cfg(test)]
mod tests;
