//! Screens and their addresses.

use yew_router::prelude::*;

/// A screen.
#[derive(Clone, Debug, PartialEq, Routable)]
pub enum Route {
    #[at("/")]
    Home,
    #[at("/about")]
    HomeAbout,
    #[at("/create")]
    Create,
    #[at("/keys")]
    Keys,
    #[at("/verify")]
    HomeVerify,
    #[at("/e/:election/organise")]
    Organise { election: String },
    #[at("/e/:election/seal")]
    Seal { election: String },
    #[at("/e/:election/slips")]
    Slips { election: String },
    #[at("/e/:election")]
    Election { election: String },
    #[at("/e/:election/vote")]
    Vote { election: String },
    #[at("/e/:election/results")]
    Results { election: String },
    #[at("/e/:election/chain")]
    Chain { election: String },
    #[at("/e/:election/verify")]
    Verify { election: String },
    #[at("/e/:election/network")]
    Network { election: String },
    #[at("/e/:election/about")]
    About { election: String },
    #[at("/e/:election/receipt/:vote")]
    Receipt { election: String, vote: String },
    #[at("/v/:address")]
    Short { address: String },
    #[not_found]
    #[at("/404")]
    NotFound,
}
