//! A verification under way: it goes on while other screens are shown.

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;

use super::{
    model::{Action, Verification},
    shown::Shown,
};
use crate::shared::{asking::Pending, views::VerifyView};

/// Shows what is known so far.
pub fn watch(shown: &Shown) -> impl Fn(VerifyView) + 'static {
    let shown = shown.clone();
    move |view| {
        let running = Verification::Running(Some(Rc::new(view)));
        shown.dispatch(Action::Verification(running));
    }
}

/// Shows that one begins, and its end.
pub fn run(shown: &Shown, end: Pending<VerifyView>) {
    let shown = shown.clone();
    shown.dispatch(Action::Verification(Verification::Running(None)));
    spawn_local(async move {
        let verification = match end.await {
            Ok(view) => Verification::Done(Rc::new(view)),
            Err(failure) => Verification::Failed(failure),
        };
        shown.dispatch(Action::Verification(verification));
    });
}
