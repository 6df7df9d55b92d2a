//! Begins a draft of the same election.

use crate::{
    page::{browser, hooks::Asking, remembered, words::t, workers::Workers},
    shared::messages::{OrganiserFile, ReadOrganiser},
};
use blockvote_core::{
    crypto::passphrase_lock,
    custody::organiser::{Draft, Who},
};
use blockvote_words::message::say;

fn forget_names(draft: &mut Draft) {
    match &mut draft.who {
        Who::Codes { count, voters } => {
            let lines = voters.lines().count();
            *count = if lines > 0 { u32::try_from(lines).unwrap_or(*count) } else { *count };
            voters.clear();
        }
        Who::OwnKeys { voters } => {
            let is_key = |word: &&str| word.starts_with("bvk1");
            let keys: Vec<_> = voters.split([',', '\n', '\r', '"']).filter(is_key).collect();
            *voters = keys.join("\n");
        }
        Who::Anyone { .. } => {}
    }
}

/// Goes on with a draft in the wizard, unless another one would be lost.
fn go_on(draft: &Draft) {
    let other = remembered::draft().is_some_and(|kept| !kept.title.is_empty());
    if (!other || browser::confirm(&t(say::replace_draft()))) && remembered::keep_draft(draft) {
        browser::visit("/create");
    }
}

/// Reads the organiser's file, and goes on with a draft of the same election in the wizard.
pub fn duplicate(workers: &Workers, organiser: &OrganiserFile, reading: &Asking<()>) {
    let locked = passphrase_lock::is_locked(organiser.text.as_str());
    let asked = workers.tools().ask(ReadOrganiser(organiser.clone()));
    reading.wait(async move {
        let (_, mut draft) = asked.await?;
        if locked {
            // Names that are stored locked do not go into a draft that is not.
            forget_names(&mut draft);
        }
        go_on(&draft);
        Ok(())
    });
}
