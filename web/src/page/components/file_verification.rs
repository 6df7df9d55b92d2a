//! A place for an audit file: chosen or dropped.

use std::rc::Rc;

use blockvote_words::message::say;
use web_sys::File;
use yew::prelude::*;

use crate::{
    page::{
        browser,
        hooks::{Page, use_model, use_page, use_tools},
        model::{Action, Verification},
        verifying,
        words::t,
    },
    shared::messages::VerifyFile,
};

fn verify(page: &Page, file: &File, complaint: Option<String>) {
    let wanted = VerifyFile { file: file.into(), complaint };
    let (watch, tools) = (verifying::watch(&page.shown), page.workers.tools());
    verifying::run(&page.shown, tools.ask_watching(wanted, watch));
}

/// The place.
#[component]
pub fn FileVerification() -> Html {
    use_tools();
    let page = use_page();
    let busy = use_model(|model| matches!(model.verification, Verification::Running(_)));
    let over = use_state(|| false);
    let complaint = use_state(|| None::<(String, Rc<str>)>);
    let last = use_mut_ref(|| None::<File>);
    let verify = {
        let (complaint, last) = (complaint.clone(), last.clone());
        Callback::from(move |file: File| {
            if busy {
                return;
            }
            if file.type_() != "application/json" {
                last.replace(Some(file.clone()));
                // It is judged once: where it is none, the next file is verified all the same.
                verify(&page, &file, complaint.as_ref().map(|(_, text)| text.to_string()));
                return complaint.set(None);
            }
            page.shown.dispatch(Action::Verification(Verification::Idle));
            let (page, complaint, last) = (page.clone(), complaint.clone(), last.clone());
            wasm_bindgen_futures::spawn_local(async move {
                let text = browser::text_of(&file).await;
                let audit = last.borrow().clone();
                match (text, audit) {
                    (Some(text), Some(audit)) => verify(&page, &audit, Some(text)),
                    (text, _) => complaint.set(text.map(|text| (file.name(), text.into()))),
                }
            });
        })
    };
    let onchange = {
        let verify = verify.clone();
        Callback::from(move |event: Event| {
            if let Some(file) = browser::chosen_file(&event) {
                verify.emit(file);
            }
        })
    };
    let drag = |on: bool| {
        let over = over.clone();
        move |event: DragEvent| {
            event.prevent_default();
            over.set(on);
        }
    };
    let ondrop = {
        let over = over.clone();
        move |event: DragEvent| {
            event.prevent_default();
            over.set(false);
            let files = event.data_transfer().and_then(|data| data.files());
            if let Some(file) = files.and_then(|files| files.get(0)) {
                verify.emit(file);
            }
        }
    };
    html! {
        <div class={classes!("drop", over.then_some("over"))} data-testid="drop"
            ondragover={drag(true)} ondragleave={drag(false)} {ondrop}>
            <label class="button" for="audit-file">{ t(say::choose_audit()) }</label>
            <input id="audit-file" class="visually-hidden" type="file" accept=".blockvote" disabled={busy} onchange={onchange.clone()} />
            <label class="button" for="complaint-file">{ t(say::add_complaint()) }</label>
            <input id="complaint-file" class="visually-hidden" type="file" accept=".json,application/json" disabled={busy} {onchange} />
            if let Some((name, _)) = &*complaint {
                <span data-testid="complaint-chosen">{ t(say::complaint_chosen(name)) }{ " " }</span>
            }
            <span class="soft">{ t(say::or_drop()) }</span>
        </div>
    }
}
