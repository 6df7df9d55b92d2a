//! No web page from elsewhere controls this node.
//!
//! A page elsewhere can make a browser send requests here. Such requests are recognised by three
//! headers that scripts cannot forge: `Host` (against DNS rebinding: only addresses, `localhost`
//! and allowed names), `Origin` (must be this node's own) and `Sec-Fetch-Site` (images and links
//! send no origin).

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::error::ApiError;

fn host_allowed(host: &str, allowed: &[String]) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok()
        || allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(host))
}

fn refusal(headers: &HeaderMap, allowed: &[String]) -> Option<String> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let host = text(header::HOST).unwrap_or_default();
    let name: Option<Authority> = host.parse().ok();
    if !name.is_some_and(|name| host_allowed(name.host(), allowed)) {
        return Some(format!(
            "the host {host:?} is not this node's: use its address, or start it with --allow-host"
        ));
    }
    if let Some(origin) = text(header::ORIGIN)
        && origin != format!("http://{host}")
    {
        return Some(format!("a page from {origin:?} may not drive this node"));
    }
    if let Some(site) = text(header::HeaderName::from_static("sec-fetch-site"))
        && site != "same-origin"
        && site != "none"
    {
        return Some("a page from elsewhere may not drive this node".into());
    }
    None
}

/// Lets requests of programs and of this node's own pages through.
pub async fn own_host_and_origin(
    State(allowed): State<Arc<[String]>>,
    request: Request,
    next: Next,
) -> Response {
    match refusal(request.headers(), &allowed) {
        None => next.run(request).await,
        Some(why) => ApiError::new(StatusCode::FORBIDDEN, why).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn refused(fields: &[(&'static str, &'static str)]) -> bool {
        let fields = fields
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        refusal(&fields.collect(), &["vote.example.org".into()]).is_some()
    }

    #[test]
    fn programs_and_own_pages_pass_and_foreign_pages_do_not() {
        assert!(!refused(&[("host", "127.0.0.1:5000")]));
        assert!(!refused(&[("host", "[::1]:5000")]));
        assert!(!refused(&[("host", "localhost:5000"), ("origin", "http://localhost:5000")]));
        assert!(!refused(&[("host", "vote.example.org")]));
        assert!(!refused(&[("host", "127.0.0.1:5000"), ("sec-fetch-site", "none")]));
        assert!(refused(&[]));
        assert!(refused(&[("host", "rebound.example.com:5000")]));
        assert!(refused(&[("host", "127.0.0.1:5000"), ("origin", "http://evil.example.com")]));
        assert!(refused(&[("host", "127.0.0.1:5000"), ("origin", "http://127.0.0.1:8080")]));
        assert!(refused(&[("host", "127.0.0.1:5000"), ("origin", "null")]));
        assert!(refused(&[("host", "127.0.0.1:5000"), ("sec-fetch-site", "cross-site")]));
        assert!(refused(&[("host", "127.0.0.1:5000"), ("sec-fetch-site", "same-site")]));
    }
}
