//! The page's ways to its workers: starting them, asking them, hearing what happens.

mod node;
mod tools;

use std::rc::Rc;

use js_sys::Array;
pub use node::{NodeWorker, kept_wish};
pub use tools::ToolsWorker;
use wasm_bindgen::JsValue;
use web_sys::MessageChannel;

use super::{browser, format, shown::Shown};
use crate::shared::{
    asking::{Failure, Line},
    messages::{Export, Exported, ToNode, ToTools},
};

/// The ways to both workers, and the channel between those.
#[derive(Clone, Default)]
struct Lines {
    node: Line,
    tools: Line,
}

impl Lines {
    /// Gives both workers an end of a channel, once both are ready.
    fn connect(&self) {
        if !(self.node.is_open() && self.tools.is_open()) {
            return;
        }
        let Ok(channel) = MessageChannel::new() else { return };
        let (here, there): (JsValue, JsValue) = (channel.port1().into(), channel.port2().into());
        self.node.send(&ToNode::Port(here.clone()), Array::of1(&here));
        self.tools.send(&ToTools::Node(there.clone()), Array::of1(&there));
    }

    /// The node worker is gone: what the tools worker asked it fails.
    fn disconnect(&self) {
        if self.tools.is_open() {
            self.tools.send(&ToTools::Node(JsValue::NULL), Array::new());
        }
    }
}

/// Both workers of the page.
#[derive(Clone)]
pub struct Workers(Rc<Both>);

struct Both {
    node: NodeWorker,
    tools: ToolsWorker,
}

impl PartialEq for Workers {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Workers {
    /// The page's workers; none is started yet.
    pub fn new(shown: &Shown) -> Self {
        let lines = Lines::default();
        let node = NodeWorker::new(lines.clone(), shown.clone());
        Self(Rc::new(Both { node, tools: ToolsWorker::new(lines, shown.clone()) }))
    }

    /// The node worker.
    pub fn node(&self) -> &NodeWorker {
        &self.0.node
    }

    /// The tools worker.
    pub fn tools(&self) -> &ToolsWorker {
        &self.0.tools
    }
}

/// Has the node worker write the audit file of the election, and offers it to the user.
pub async fn download_audit_file(workers: Workers, election: String) -> Result<(), Failure> {
    let Exported(bytes) = workers.node().ask(Export).await?;
    browser::download(&format::audit_file(&election), &bytes);
    Ok(())
}
