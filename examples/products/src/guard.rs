//! What every answer says about security, and which POSTs are refused. Must never let a page of another site change anything
//! here: a browser would send it along with whatever access its user has.

use crate::error::{Error, Result};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use tower_http::set_header::SetResponseHeaderLayer;

/// Scripts and styles of our own only, nothing inline, no frames around us, no forms to elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// One header, where the answer does not say its own.
pub(crate) type Header = SetResponseHeaderLayer<HeaderValue>;

/// The headers of every answer.
pub(crate) fn headers() -> [Header; 4] {
    [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        // Pages are as fresh as the caches behind them; the routes that browsers may keep say so themselves.
        (header::CACHE_CONTROL, "no-cache"),
    ]
    .map(|(name, value): (HeaderName, _)| SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value)))
}

/// Refuses what another site's page sends, unless it only reads.
pub(crate) async fn same_site(request: Request, next: Next) -> Result<Response> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if reads || is_ours(request.headers()) {
        return Ok(next.run(request).await);
    }
    tracing::warn!(path = request.uri().path(), "refused a request from another site");
    Err(Error::CrossSite)
}

/// All current browsers send `Sec-Fetch-Site`, older ones `Origin`; who sends neither is no browser, and so has nobody's access but
/// its own.
fn is_ours(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let origin = origin.to_str().ok().and_then(|origin| Some(origin.split_once("://")?.1));
    host.is_some() && host == origin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_sites_are_recognised() {
        let ours = |headers: &[(&'static str, &'static str)]| {
            let pairs =
                headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            is_ours(&pairs.collect())
        };
        assert!(ours(&[]));
        assert!(ours(&[("sec-fetch-site", "same-origin")]) && ours(&[("sec-fetch-site", "none")]));
        assert!(!ours(&[("sec-fetch-site", "cross-site")]) && !ours(&[("sec-fetch-site", "same-site")]));
        assert!(ours(&[("host", "a:80"), ("origin", "http://a:80")]));
        for origin in ["http://b", "http://a:81", "null", "", "http://a:80.evil"] {
            assert!(!ours(&[("host", "a:80"), ("origin", origin)]), "{origin}");
        }
        // What the browser says itself counts, whatever the origin looks like.
        assert!(!ours(&[("sec-fetch-site", "cross-site"), ("host", "a"), ("origin", "http://a")]));
    }
}
