//! A small set of stroke icons, drawn for this page on a 24-unit grid.

use yew::prelude::*;

/// The icons.
#[derive(Clone, Copy, PartialEq)]
pub enum Name {
    Tick,
    Cross,
    Dash,
    Clock,
    Link,
    Broken,
    Shield,
    Copy,
    Warning,
    Ballot,
    Bars,
    Nodes,
    Theme,
    Dot,
    Plus,
    Seal,
    Up,
    Down,
}

/// An icon; words stand beside it, so it is hidden from screen readers.
pub fn icon(name: Name) -> Html {
    let path = match name {
        Name::Tick => "M5 12.5l4.5 4.5L19 7.5",
        Name::Cross => "M6 6l12 12M18 6L6 18",
        Name::Dash => "M6 12h12",
        Name::Clock => "M12 7v5l3.5 2M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0",
        Name::Link => {
            "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1"
        }
        Name::Broken => {
            "M15.7 14l3-3A4 4 0 0 0 13 5.3l-1 1M8.3 10l-3 3A4 4 0 0 0 11 18.7l1-1M4 4l16 16"
        }
        Name::Shield => "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6l7-3M9 12l2.2 2.2L15.5 10",
        Name::Copy => "M9 9h10v11H9zM6 15H5V4h10v2",
        Name::Warning => "M12 4l9 16H3L12 4M12 10v4.5M12 17.4v.1",
        Name::Ballot => "M5 4h14v16H5zM8.5 9h1.5M13 9h3M8.5 14.5h1.5M13 14.5h3",
        Name::Bars => "M5 20V10M12 20V4M19 20v-7",
        Name::Nodes => {
            "M12 7.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4M5.5 20a2 2 0 1 0 0-4 2 2 0 0 0 0 4M18.5 20a2 2 0 1 0 0-4 2 2 0 0 0 0 4M11 7.5l-4.5 8.7M13 7.5l4.5 8.7M8 18h8"
        }
        Name::Theme => {
            "M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0M12 3v18M12 7.5h6.5M12 12h9M12 16.5h6.5"
        }
        Name::Plus => "M12 5v14M5 12h14",
        Name::Seal => {
            "M12 3.5a6 6 0 1 0 0 12 6 6 0 0 0 0-12M8.5 14.5L7 21l5-2.5 5 2.5-1.5-6.5M9.8 9.6l1.6 1.6 3-3"
        }
        Name::Up => "M6 14.5l6-6 6 6",
        Name::Down => "M6 9.5l6 6 6-6",
        Name::Dot => "M12 8.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7",
    };
    html! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path d={path} />
        </svg>
    }
}
