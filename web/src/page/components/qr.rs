//! QR codes, drawn in the page.

use fast_qr::{
    ECL, QRBuilder,
    convert::{Builder, svg::SvgBuilder},
};
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub text: AttrValue,
    /// What it leads to, for who cannot see it.
    pub label: AttrValue,
}

/// A QR code. Nothing where the text is too long for one.
#[component]
pub fn Qr(props: &Props) -> Html {
    let svg = use_memo(props.text.clone(), |text| {
        let code = QRBuilder::new(text.to_string()).ecl(ECL::L).build().ok()?;
        Some(SvgBuilder::default().margin(3).to_str(&code))
    });
    html! {
        if let Some(svg) = &*svg {
            <div class="qr" role="img" aria-label={props.label.clone()}>
                { Html::from_html_unchecked(AttrValue::from(svg.clone())) }
            </div>
        }
    }
}
