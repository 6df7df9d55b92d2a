//! The signature rule is ZIP 215, one by one and in batches, also for hostile inputs; and how it
//! differs from the suites that others publish.

#![allow(clippy::unwrap_used, reason = "test code breaks off loudly")]

use blockvote_core::crypto::key::{PublicKey, SecretKey, Signature, Signed, verify_all};
use curve25519_dalek::{
    constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION},
    edwards::{CompressedEdwardsY, EdwardsPoint},
    scalar::Scalar,
    traits::IsIdentity,
};
use proptest::{collection::vec, prelude::*};
use sha2::{Digest, Sha512};

/// The challenge: SHA-512 of R, A and the message, as a number below the group's order.
fn challenge(r: &[u8; 32], key: &[u8; 32], message: &[u8]) -> Scalar {
    let digest = Sha512::new().chain_update(r).chain_update(key).chain_update(message).finalize();
    Scalar::from_bytes_mod_order_wide(&digest.into())
}

/// ZIP 215 written again from its text: s below the order; A and R any encodings of points,
/// canonical or not; and 8·s·B = 8·R + 8·k·A.
fn by_the_text(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let (r, s) = signature.split_at(32);
    let (r, s) = (<[u8; 32]>::try_from(r).unwrap(), <[u8; 32]>::try_from(s).unwrap());
    let Some(s) = Option::<Scalar>::from(Scalar::from_canonical_bytes(s)) else { return false };
    let Some(a) = CompressedEdwardsY(*key).decompress() else { return false };
    let Some(point) = CompressedEdwardsY(r).decompress() else { return false };
    let k = challenge(&r, key, message);
    (s * ED25519_BASEPOINT_POINT - point - k * a).mul_by_cofactor().is_identity()
}

/// Encodings of y + p, if that fits in 255 bits: another way to encode the same point.
fn undressed(point: &EdwardsPoint) -> Vec<[u8; 32]> {
    let canonical = point.compress().0;
    let mut all = vec![canonical];
    let small = canonical[0] < 19 && canonical[1..31].iter().all(|byte| *byte == 0);
    if small && matches!(canonical[31], 0 | 0x80) {
        let mut dressed = [0xff; 32];
        dressed[0] = canonical[0] + 0xed;
        dressed[31] = 0x7f | (canonical[31] & 0x80);
        all.push(dressed);
    }
    // A sign bit on a point with x = 0 has no effect.
    for encoding in all.clone() {
        let mut signed = encoding;
        signed[31] ^= 0x80;
        if CompressedEdwardsY(signed).decompress() == Some(*point) {
            all.push(signed);
        }
    }
    all
}

#[derive(Clone, Debug)]
struct Case {
    key: PublicKey,
    message: Vec<u8>,
    signature: Signature,
}

/// Signatures that implementations disagree on: torsion added to key and R, odd encodings, small
/// orders, s above the order, a bit changed.
fn case() -> impl Strategy<Value = Case> {
    let numbers = (any::<[u8; 32]>(), any::<[u8; 32]>());
    let kinds = (0..8_usize, 0..8_usize, 0..4_usize, 0..4_usize, 0..8_u8);
    (numbers, kinds, vec(any::<u8>(), 0..40), any::<u16>()).prop_map(
        |((secret, nonce), (key_torsion, r_torsion, key_dress, r_dress, spoil), message, bit)| {
            let small_key = spoil == 1 || spoil == 2;
            let secret =
                if small_key { Scalar::ZERO } else { Scalar::from_bytes_mod_order(secret) };
            let nonce = if spoil == 2 { Scalar::ZERO } else { Scalar::from_bytes_mod_order(nonce) };
            let key = secret * ED25519_BASEPOINT_POINT + EIGHT_TORSION[key_torsion];
            let r = nonce * ED25519_BASEPOINT_POINT + EIGHT_TORSION[r_torsion];
            let (keys, rs) = (undressed(&key), undressed(&r));
            let (key, r) = (keys[key_dress % keys.len()], rs[r_dress % rs.len()]);
            let s = nonce + challenge(&r, &key, &message) * secret;
            let mut bytes = [0; 64];
            bytes[..32].copy_from_slice(&r);
            bytes[32..].copy_from_slice(s.as_bytes());
            match spoil {
                3 => bytes[63] |= 0xe0,
                4 => bytes[usize::from(bit / 8 % 64)] ^= 1 << (bit % 8),
                _ => {}
            }
            Case { key: PublicKey(key), message, signature: Signature(bytes) }
        },
    )
}

fn signed(cases: &[Case]) -> Vec<Signed<'_>> {
    cases
        .iter()
        .map(|Case { key, message, signature }| Signed { key, message, signature })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_batch_names_the_first_that_does_not_hold_by_itself(cases in vec(case(), 1..12)) {
        let signed = signed(&cases);
        let alone: Vec<_> = signed.iter().map(Signed::holds).collect();
        for (case, holds) in cases.iter().zip(&alone) {
            let text = by_the_text(&case.key.0, &case.message, &case.signature.0);
            prop_assert_eq!(*holds, text, "{:?}", case);
        }
        let first = alone.iter().position(|holds| !holds);
        prop_assert_eq!(verify_all(&signed), first.map_or(Ok(()), Err));
    }

    #[test]
    fn what_a_key_signs_holds_and_nothing_else_does(
        seed: [u8; 32], message in vec(any::<u8>(), 0..60), bit in 0_usize..512
    ) {
        let secret = SecretKey::new(seed);
        let (key, signature) = (secret.public(), secret.sign(&message));
        let holds = |message: &[u8], signature: &Signature| {
            Signed { key: &key, message, signature }.holds()
        };
        prop_assert!(key.check().is_ok());
        prop_assert!(holds(&message, &signature));
        let mut other = signature;
        other.0[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!holds(&message, &other));
        let longer = [&message[..], b"x"].concat();
        prop_assert!(!holds(&longer, &signature));
    }
}

#[test]
fn every_point_of_small_order_in_any_dress_is_kept_off_rolls_and_batches_agree_on_it() {
    let mut cases = Vec::new();
    for key in EIGHT_TORSION.iter().flat_map(undressed) {
        assert!(PublicKey(key).check().is_err(), "{}", hex::encode(key));
        for r in EIGHT_TORSION.iter().flat_map(undressed) {
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&r);
            let message = b"ZIP 215".to_vec();
            cases.push(Case { key: PublicKey(key), message, signature: Signature(signature) });
        }
    }
    // The published table of ZIP 215 has 14 encodings of points of small order, so 196 pairs. By
    // its rule every one of them is valid, which is why such keys must not vote.
    assert_eq!(cases.len(), 196);
    assert!(signed(&cases).iter().all(Signed::holds));
    assert_eq!(verify_all(&signed(&cases)), Ok(()));
}

/// Wycheproof's verdicts are those of RFC 8032. ZIP 215 is as strict about s and the length, and
/// more lenient about encodings of points. In this version of the suite that makes one difference:
///
/// - case 151: R is y = 1 with the sign bit set, a second encoding of the neutral point. RFC 8032
///   refuses it; ZIP 215 takes every encoding of a point, so that batches need not look at the
///   bytes. Only the holder of the key can make such a signature, and the vote's id does not
///   depend on it.
#[test]
fn wycheproofs_cases_get_its_verdicts() {
    use wycheproof::{TestResult, eddsa};
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let differences = [151];
    let (mut valid, mut invalid) = (0, 0);
    for group in set.test_groups {
        let key = PublicKey(<[u8; 32]>::try_from(&group.key.pk[..]).unwrap());
        for test in &group.tests {
            // A signature of another length is not a signature in our format: it cannot be encoded.
            let holds = <[u8; 64]>::try_from(&test.sig[..]).is_ok_and(|bytes| {
                let signature = Signature(bytes);
                let signed = Signed { key: &key, message: &test.msg, signature: &signature };
                assert_eq!(verify_all(&[signed]).is_ok(), signed.holds());
                signed.holds()
            });
            let expected = test.result == TestResult::Valid;
            if expected {
                valid += 1;
            } else {
                invalid += 1;
            }
            let differs = differences.contains(&test.tc_id);
            assert_eq!(holds != expected, differs, "case {}: {}", test.tc_id, test.comment);
        }
    }
    assert!(valid > 50 && invalid > 50, "{valid} valid and {invalid} invalid cases");
}
