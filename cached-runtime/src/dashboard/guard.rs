//! Whether a POST comes from the dashboard's own page. Must never let a browser's request from another site through.

use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::Response;

/// Refuses what a browser sent on behalf of another site.
///
/// All browsers of today send `Sec-Fetch-Site` where the page has a trustworthy origin, and `Origin` with every POST. A
/// request with neither is no browser's (`curl`), and can't be made by another site. (The rules are those of Go's
/// `http.CrossOriginProtection`.)
#[expect(clippy::result_large_err, reason = "an answer is what it is, and made once a refusal")]
pub(super) fn check(uri: &Uri, headers: &HeaderMap) -> Result<(), Response> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let same = match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, None) => true,
        (None, Some(origin)) => {
            // Over HTTP/2 the host stands in the URI.
            let host = text(header::HOST.as_str()).or_else(|| uri.authority().map(Authority::as_str));
            let of = origin.split_once("://").map(|(_, rest)| rest);
            of.is_some() && of.map(str::to_ascii_lowercase) == host.map(str::to_ascii_lowercase)
        }
    };
    if same {
        return Ok(());
    }
    Err(super::plain(
        StatusCode::FORBIDDEN,
        "Refused: this request comes from another site. Use the buttons of the dashboard itself; behind a proxy, let it \
         pass the Host header on.\n",
    ))
}
