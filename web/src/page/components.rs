//! Pieces that several screens are made of. None knows a screen.

pub mod ballot;
pub mod check_vote;
pub mod copy;
pub mod double_votes;
pub mod fields;
pub mod file_verification;
pub mod frame;
pub mod icons;
pub mod link;
pub mod notice;
pub mod organiser_passphrase;
pub mod qr;
pub mod receipt;
pub mod report;
pub mod seal_notice;
pub mod status_line;
pub mod unopened;
