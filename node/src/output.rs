//! Lines for people and scripts.

/// `println!`, but a reader that went away (`| head`, a closed terminal) is no reason to break off.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($words)*);
    }};
}
pub(crate) use say;
