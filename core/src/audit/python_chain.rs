//! Chains of the seed, the Python system that this project comes from, by the seed's own rules.
//!
//! A block's hash is the SHA-256 of its JSON as Python's `json.dumps(block, sort_keys=True)` writes
//! it. The proof of a block covers the block before it, so no proof covers the votes of the last
//! block. The report says so.

use std::{collections::HashMap, fmt::Write as _};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::election::tally::Tally;

/// Why a text is not a chain of the seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeedError {
    /// Not JSON.
    Json,
    /// It has no list named `chain`.
    NoChain,
    /// That list is empty.
    Empty,
    /// It says that it has another number of blocks.
    Length {
        /// What it says, in JSON.
        said: String,
        /// What it has.
        found: usize,
    },
}

/// Reads the blocks from the seed's `{"chain": […], "length": n}`.
///
/// # Errors
/// What differs from the form that the seed writes.
pub fn read(text: &str) -> Result<Vec<Value>, SeedError> {
    let value: Value = serde_json::from_str(text).map_err(|_| SeedError::Json)?;
    let chain = value.get("chain").and_then(Value::as_array);
    let chain = chain.ok_or(SeedError::NoChain)?;
    if chain.is_empty() {
        return Err(SeedError::Empty);
    }
    if let Some(length) = value.get("length")
        && length.as_u64() != Some(chain.len() as u64)
    {
        return Err(SeedError::Length { said: length.to_string(), found: chain.len() });
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

/// Python's `repr` of a float: the shortest digits that read back as the same float, with an
/// exponent from 1e16 and below 1e-4.
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

/// What is checked, in the order of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeedCheck {
    /// Indexes count from 1.
    Indexes,
    /// Blocks have the hash of the block before.
    Hashes,
    /// Proofs of work.
    Proofs,
    /// No token votes twice.
    Once,
    /// The votes of the last block, which no proof covers: a change there cannot be found.
    LastVotes,
}

impl SeedCheck {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Indexes, Self::Hashes, Self::Proofs, Self::Once, Self::LastVotes];
}

/// The first thing that is wrong. Blocks are named by their position, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeedFailure {
    /// The block has no index.
    NoIndex(u64),
    /// Its index is not its position: blocks were swapped, added or left out.
    Index {
        /// Its position.
        block: u64,
        /// The index that it states.
        index: u64,
    },
    /// It has no proof.
    NoProof(u64),
    /// The block before it was changed: this one has another hash of it.
    Hash(u64),
    /// Its proof is not valid.
    Proof {
        /// Its position.
        block: u64,
        /// The proof.
        proof: i64,
    },
    /// It has no list of votes.
    NoVotes(u64),
    /// It has a vote without a token or a selection.
    Vote {
        /// Its position.
        block: u64,
        /// The vote, in JSON.
        vote: String,
    },
    /// A token voted already.
    UsedToken {
        /// Its position.
        block: u64,
        /// The token.
        token: i64,
        /// The position of the earlier block.
        earlier: u64,
    },
}

impl SeedFailure {
    /// The check that it breaks.
    pub fn check(&self) -> SeedCheck {
        match self {
            Self::NoIndex(_) | Self::Index { .. } | Self::NoVotes(_) => SeedCheck::Indexes,
            Self::Hash(_) => SeedCheck::Hashes,
            Self::NoProof(_) | Self::Proof { .. } => SeedCheck::Proofs,
            Self::Vote { .. } | Self::UsedToken { .. } => SeedCheck::Once,
        }
    }
}

/// The result of a verification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeedReport {
    /// Blocks in the file.
    pub all: usize,
    /// Blocks verified.
    pub blocks: usize,
    /// Votes verified.
    pub votes: u64,
    /// The first thing that is wrong, if there is one.
    pub failure: Option<SeedFailure>,
    /// Hash of the last block verified, in hexadecimal.
    pub tip: String,
    /// The count of what was verified.
    pub tally: Tally,
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
    ) -> Result<(), SeedFailure> {
        let index = block.get("index").and_then(Value::as_u64);
        let index = index.ok_or(SeedFailure::NoIndex(position))?;
        if index != position {
            return Err(SeedFailure::Index { block: position, index });
        }
        let proof = block.get("proof").and_then(Value::as_i64);
        let proof = proof.ok_or(SeedFailure::NoProof(index))?;
        if let Some(before) = before {
            let hash = block_hash(before);
            if block.get("previous_hash").and_then(Value::as_str) != Some(&hash) {
                return Err(SeedFailure::Hash(index));
            }
            let previous_proof = before.get("proof").and_then(Value::as_i64).unwrap_or_default();
            let guess = hex::encode(Sha256::digest(format!("{previous_proof}{proof}{hash}")));
            if !guess.starts_with("0000") {
                return Err(SeedFailure::Proof { block: index, proof });
            }
        }
        let votes = block.get("votes").and_then(Value::as_array);
        for vote in votes.ok_or(SeedFailure::NoVotes(index))? {
            let token = vote.get("token_id").and_then(Value::as_i64);
            let selection = vote.get("selection").and_then(Value::as_str);
            let (Some(token), Some(selection)) = (token, selection) else {
                return Err(SeedFailure::Vote { block: index, vote: vote.to_string() });
            };
            if let Some(earlier) = self.tokens.insert(token, index) {
                return Err(SeedFailure::UsedToken { block: index, token, earlier });
            }
            *self.tally.selections.entry(selection.to_owned()).or_insert(0) += 1;
            self.tally.ballots += 1;
            self.votes += 1;
        }
        Ok(())
    }
}

/// Verifies a chain by the seed's own rules. `progress` is told how many blocks are done.
pub fn verify(chain: &[Value], mut progress: impl FnMut(usize)) -> SeedReport {
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
    let last = done.checked_sub(1).and_then(|index| chain.get(index));
    SeedReport {
        all: chain.len(),
        blocks: done,
        votes: walk.votes,
        failure,
        tip: last.map(block_hash).unwrap_or_default(),
        tally: walk.tally,
    }
}

#[cfg(test)]
mod tests;
