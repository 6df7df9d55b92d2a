//! The page, from the relay's own binary: compressed in advance, cached by content, under a policy
//! that lets only its own files run.

use std::{collections::HashMap, sync::LazyLock};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

struct Embedded {
    path: &'static str,
    bytes: &'static [u8],
    brotli: Option<&'static [u8]>,
}

static EMBEDDED: &[Embedded] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

struct File {
    embedded: &'static Embedded,
    etag: HeaderValue,
}

static FILES: LazyLock<HashMap<&'static str, File>> = LazyLock::new(|| {
    EMBEDDED
        .iter()
        .map(|embedded| {
            let hash = hex(&Sha256::digest(embedded.bytes)[..16]);
            let etag = HeaderValue::from_str(&format!("\"{hash}\""));
            // Hexadecimal digits in quotes are a header value.
            let etag = etag.unwrap_or(HeaderValue::from_static("\"\""));
            (embedded.path, File { embedded, etag })
        })
        .collect()
});

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// No inline script or style, nothing from elsewhere; wasm may compile, workers come from here,
/// sockets may go to any relay.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; \
    style-src 'self'; img-src 'self' data:; font-src 'self'; manifest-src 'self'; \
    connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    object-src 'none'";

const NOT_BUILT: &str = "This relay was built without the page. Build it with `cargo xtask run`, \
    which builds the page first. The relay itself works: connect to /ws.\n";

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("json" | "webmanifest") => "application/json",
        _ => "application/octet-stream",
    }
}

/// Files whose name carries 16 hexadecimal digits of their content never change.
fn is_hashed(path: &str) -> bool {
    path.split(['-', '_', '.'])
        .any(|part| part.len() == 16 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Answers a request for a file of the page; unknown paths without a file ending are screens of the
/// page.
pub async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let path = uri.path().trim_start_matches('/');
    let is_screen = !path.rsplit('/').next().unwrap_or(path).contains('.');
    let Some(file) = FILES.get(path).or_else(|| FILES.get("index.html").filter(|_| is_screen))
    else {
        let why = if FILES.is_empty() { NOT_BUILT } else { "There is no such file.\n" };
        return (StatusCode::NOT_FOUND, why).into_response();
    };
    let path = file.embedded.path;
    let mut response = Response::new(Body::empty());
    let fields = response.headers_mut();
    let caching = match path {
        _ if is_hashed(path) => "public, max-age=31536000, immutable",
        "index.html" => "no-cache",
        // Fetched early by the page and again by its workers: once is enough. If the file is of a
        // newer build than the page, the page says so.
        _ => "max-age=60",
    };
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    fields.insert(header::ETAG, file.etag.clone());
    fields.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    fields.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    fields.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    fields.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    fields.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    if headers.get(header::IF_NONE_MATCH) == Some(&file.etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    let takes_brotli = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.split(',').any(|coding| coding.trim() == "br"));
    let bytes = match file.embedded.brotli.filter(|_| takes_brotli) {
        Some(brotli) => {
            fields.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
            brotli
        }
        None => file.embedded.bytes,
    };
    fields.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    if method == Method::GET {
        *response.body_mut() = Body::from(bytes);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_a_content_hash_are_kept_for_ever() {
        assert!(is_hashed("page-0123456789abcdef_bg.wasm"));
        assert!(is_hashed("style-fedcba9876543210.css"));
        assert!(!is_hashed("node-worker.js"));
        assert!(!is_hashed("index.html"));
    }
}
