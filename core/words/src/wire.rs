//! Messages of peers.

use blockvote_core::wire::message::{MAX_MESSAGE_BYTES, MessageError};

use crate::Words;

impl Words for MessageError {
    fn words(&self) -> String {
        match self {
            Self::TooLong(found) => {
                format!("a message of {found} bytes; at most {MAX_MESSAGE_BYTES} are allowed")
            }
            Self::Malformed(what) => format!("bytes that are no message: {what}"),
            Self::TooMany { what, found, max } => {
                format!("a list of {found} {what}; at most {max} are allowed")
            }
        }
    }
}
