//! The model that the page shows, and who is told when it changes.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use super::model::{Action, Model};

type Listener = Rc<dyn Fn(&Model)>;

#[derive(Default)]
struct State {
    model: RefCell<Rc<Model>>,
    listeners: RefCell<BTreeMap<u32, Listener>>,
    listened: Cell<u32>,
}

/// The model. Screens take parts of it ([`use_model`](super::hooks::use_model)), and are drawn again
/// when these change.
#[derive(Clone, Default)]
pub struct Shown(Rc<State>);

impl PartialEq for Shown {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Shown {
    /// Begins with this.
    pub fn new(model: Model) -> Self {
        let shown = Self::default();
        shown.0.model.replace(Rc::new(model));
        shown
    }

    /// As it is now.
    pub fn model(&self) -> Rc<Model> {
        Rc::clone(&self.0.model.borrow())
    }

    /// Something happened.
    pub fn dispatch(&self, action: Action) {
        let mut next = (*self.model()).clone();
        next.take(action);
        let next = Rc::new(next);
        self.0.model.replace(Rc::clone(&next));
        // One that listens may begin or end to listen.
        let listeners: Vec<_> = self.0.listeners.borrow().values().map(Rc::clone).collect();
        for listener in listeners {
            listener(&next);
        }
    }

    /// Calls back with every change, until [`Shown::forget`].
    pub fn listen(&self, listener: impl Fn(&Model) + 'static) -> u32 {
        let number = self.0.listened.get();
        self.0.listened.set(number.wrapping_add(1));
        self.0.listeners.borrow_mut().insert(number, Rc::new(listener));
        number
    }

    /// Calls back no more.
    pub fn forget(&self, listener: u32) {
        self.0.listeners.borrow_mut().remove(&listener);
    }
}
