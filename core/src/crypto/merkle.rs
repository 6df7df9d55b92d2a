//! Merkle trees and inclusion proofs of RFC 9162, section 2.1, with SHA-256.
//!
//! A leaf is hashed with the prefix 0x00, an inner node with 0x01. A tree of n leaves splits at the
//! largest power of two below n.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

type Node = [u8; 32];

/// Hash of a leaf's bytes.
pub fn leaf(bytes: &[u8]) -> [u8; 32] {
    Sha256::new_with_prefix([0]).chain_update(bytes).finalize().into()
}

fn parent(left: &Node, right: &Node) -> Node {
    Sha256::new_with_prefix([1]).chain_update(left).chain_update(right).finalize().into()
}

/// Root over leaf hashes; SHA-256 of an empty input for an empty tree.
pub fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    subtree(leaves)
}

fn subtree(leaves: &[Node]) -> Node {
    match leaves {
        [] => Sha256::digest(b"").into(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            parent(&subtree(left), &subtree(right))
        }
    }
}

/// The largest power of two below `n`, for `n` of 2 or more.
fn split(n: usize) -> usize {
    1 << (n - 1).ilog2()
}

/// The path from a leaf to the root: proof that a vote is in a block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct InclusionProof {
    /// Index of the leaf, counted from 0.
    pub index: u32,
    /// Number of leaves.
    pub leaves: u32,
    /// Siblings from the leaf upwards.
    #[serde(with = "hex_path")]
    pub path: Vec<[u8; 32]>,
}

/// Proof for the leaf at `index`, or `None` if there is no such leaf.
pub fn prove(leaves: &[[u8; 32]], index: u32) -> Option<InclusionProof> {
    Tree::new(leaves.to_vec()).prove(index)
}

/// All nodes of a tree, for many proofs: 64 bytes for each leaf.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The leaves, then the nodes above them, and so on to the root. A last node without a sibling
    /// moves to the next level unchanged, which gives the same tree as splitting at powers of two.
    levels: Vec<Vec<Node>>,
}

impl Tree {
    /// The tree over these leaf hashes.
    pub fn new(leaves: Vec<[u8; 32]>) -> Self {
        let mut levels = vec![leaves];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            let above = below.chunks(2).map(|pair| match pair {
                [left, right] => parent(left, right),
                alone => alone.first().copied().unwrap_or_default(),
            });
            let above = above.collect();
            levels.push(above);
        }
        Self { levels }
    }

    /// Proof for the leaf at `index`, or `None` if there is no such leaf.
    pub fn prove(&self, index: u32) -> Option<InclusionProof> {
        let leaves = self.levels.first().map_or(0, Vec::len);
        let mut at = usize::try_from(index).ok().filter(|at| *at < leaves)?;
        let mut path = Vec::new();
        for level in &self.levels {
            path.extend(level.get(at ^ 1));
            at /= 2;
        }
        Some(InclusionProof { index, leaves: u32::try_from(leaves).ok()?, path })
    }
}

impl InclusionProof {
    /// Whether the proof leads from the leaf hash to the root: RFC 9162, section 2.1.3.2.
    pub fn verifies(&self, leaf: &[u8; 32], root: &[u8; 32]) -> bool {
        if self.index >= self.leaves {
            return false;
        }
        let (mut index, mut last) = (self.index, self.leaves - 1);
        let mut hash = *leaf;
        for sibling in &self.path {
            if last == 0 {
                return false;
            }
            if index & 1 == 1 || index == last {
                hash = parent(sibling, &hash);
                while index & 1 == 0 && index != 0 {
                    index >>= 1;
                    last >>= 1;
                }
            } else {
                hash = parent(&hash, sibling);
            }
            index >>= 1;
            last >>= 1;
        }
        last == 0 && hash == *root
    }
}

mod hex_path {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(path: &[[u8; 32]], serializer: S) -> Result<S::Ok, S::Error> {
        path.iter().map(hex::encode).collect::<Vec<_>>().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<[u8; 32]>, D::Error> {
        let texts = Vec::<String>::deserialize(input)?;
        let decode = |text: &String| {
            let mut bytes = [0; 32];
            hex::decode_to_slice(text, &mut bytes).map(|()| bytes).map_err(D::Error::custom)
        };
        texts.iter().map(decode).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(n: u8) -> Vec<Node> {
        (0..n).map(|byte| leaf(&[byte])).collect()
    }

    /// Roots of the test tree that Certificate Transparency's implementations share
    /// (leaves "", 00, 10, 2021, 3031, 40414243, 5051525354555657, 606162…6f).
    #[test]
    fn the_known_tree_of_certificate_transparency_has_the_known_roots() {
        let inputs = [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ];
        let leaves: Vec<Node> =
            inputs.iter().map(|input| leaf(&hex::decode(input).unwrap())).collect();
        let expected = [
            (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
            (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
            (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
            (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
        ];
        for (size, hex) in expected {
            assert_eq!(hex::encode(root(&leaves[..size])), hex, "{size} leaves");
        }
    }

    #[test]
    fn every_proof_verifies_and_no_other_does() {
        for n in 1..=33 {
            let leaves = leaves(n);
            let root = root(&leaves);
            for index in 0..u32::from(n) {
                let proof = prove(&leaves, index).unwrap();
                let own = &leaves[index as usize];
                assert!(proof.verifies(own, &root), "{index} of {n}");
                assert!(!proof.verifies(&leaf(b"other"), &root));
                for wrong in 0..=u32::from(n) {
                    let moved = InclusionProof { index: wrong, ..proof.clone() };
                    assert_eq!(moved.verifies(own, &root), wrong == index, "{wrong} of {n}");
                }
                let mut longer = proof.clone();
                longer.path.push([0; 32]);
                assert!(!longer.verifies(own, &root));
                let mut shorter = proof;
                if shorter.path.pop().is_some() {
                    assert!(!shorter.verifies(own, &root));
                }
            }
            assert_eq!(prove(&leaves, u32::from(n)), None);
        }
    }
}
