//! Content for caches that are not ours: browsers and proxies. Must leave the headers to `http_cache`.

use crate::error::Result;
use crate::http_cache::HttpCache;
use crate::layout::{self, Layout};
use crate::state::App;
use askama::Template;
use axum::Router;
use axum::http::header::{ACCEPT_LANGUAGE, CONTENT_LANGUAGE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use headers::{HeaderMapExt, LastModified};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const HOUR: Duration = Duration::from_hours(1);

/// The pages, each with its rules beside it.
pub(crate) fn routes() -> Router<App> {
    let fixed = HttpCache::control("public, max-age=3600").expires(HOUR).etag();
    let dynamic = HttpCache::control("no-cache, must-revalidate");
    let conditional = HttpCache::control("public, max-age=300").vary("accept-language").etag();
    Router::new()
        .route("/http", get(overview))
        .route("/static-content", get(fixed_content).layer(fixed))
        .route("/dynamic-content", get(dynamic_content).layer(dynamic))
        .route("/conditional-content", get(conditional_content).layer(conditional))
}

#[derive(Template)]
#[template(path = "http.html")]
struct Overview {
    layout: Layout,
}

async fn overview() -> Result<Html<String>> {
    layout::html(&Overview { layout: Layout::new("/http") })
}

#[derive(Template)]
#[template(path = "static.html")]
struct Static {
    layout: Layout,
}

/// For an hour nobody has to ask again.
async fn fixed_content() -> Result<Html<String>> {
    layout::html(&Static { layout: Layout::new("/http") })
}

#[derive(Template)]
#[template(path = "dynamic.html")]
struct Dynamic {
    layout: Layout,
    date: String,
}

/// Kept, but never used without asking. It changes every second, which is as fine as the header can say: who asks again
/// within one gets a 304.
async fn dynamic_content() -> Result<Response> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let modified = UNIX_EPOCH + Duration::from_secs(since.as_secs());
    let date = httpdate::fmt_http_date(modified);
    let mut response = layout::html(&Dynamic { layout: Layout::new("/http"), date })?.into_response();
    response.headers_mut().typed_insert(LastModified::from(modified));
    Ok(response)
}

#[derive(Template)]
#[template(path = "conditional.html")]
struct Conditional {
    layout: Layout,
    language: &'static str,
    greeting: &'static str,
}

const GREETINGS: [(&str, &str); 3] = [("en", "Good day"), ("de", "Guten Tag"), ("fr", "Bonjour")];

/// Sent again only if it changed, and kept for each language on its own.
async fn conditional_content(headers: HeaderMap) -> Result<Response> {
    let wanted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let (language, greeting) = preferred(wanted);
    let mut response = layout::html(&Conditional { layout: Layout::new("/http"), language, greeting })?.into_response();
    response.headers_mut().insert(CONTENT_LANGUAGE, HeaderValue::from_static(language));
    Ok(response)
}

/// The first of our languages in the order of their weights; English if there is none.
fn preferred(header: &str) -> (&'static str, &'static str) {
    let mut best = (0.0, GREETINGS[0]);
    for item in header.split(',') {
        let (tag, parameters) = item.split_once(';').unwrap_or((item, ""));
        let weight = match parameters.trim().strip_prefix("q=") {
            Some(q) => q.trim().parse::<f32>().ok().filter(|q| (0.0..=1.0).contains(q)).unwrap_or(0.0),
            None => 1.0,
        };
        let language = tag.trim().split('-').next().unwrap_or("");
        let ours = GREETINGS.into_iter().find(|(ours, _)| ours.eq_ignore_ascii_case(language));
        if let Some(ours) = ours.filter(|_| weight > best.0) {
            best = (weight, ours);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::preferred;

    #[test]
    fn the_preferred_language_is_served() {
        for (header, language) in [
            ("", "en"),
            ("de", "de"),
            ("de-CH, en;q=0.5", "de"),
            ("en;q=0.5, fr;q=0.9", "fr"),
            ("xx, de;q=0.1", "de"),
            ("de;q=0, fr;q=0.2", "fr"),
            ("*", "en"),
            ("de;q=x, FR;q=0.3", "fr"),
            (";;,,q=", "en"),
        ] {
            assert_eq!(preferred(header).0, language, "{header}");
        }
    }
}
