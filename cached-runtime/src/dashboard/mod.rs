//! A page that shows all caches of the process, live: an [`axum`] router to be nested anywhere. Must never show anything
//! that is not escaped, and must never change anything but by a POST from its own pages.
//!
//! ```
//! use axum::{Router, routing::get};
//! use cached_runtime::dashboard;
//!
//! let app: Router = Router::new()
//!     .nest("/cache-stats", dashboard::router())
//!     // Optional, where monitoring expects them:
//!     .route("/cache-stats.json", get(dashboard::stats_json))
//!     .route("/metrics", get(dashboard::metrics));
//! # drop(app);
//! ```
//!
//! | route | |
//! |---|---|
//! | `GET /` | the page; readable without JavaScript, live with it |
//! | `GET /stats.json` | the same as JSON, with the samples of the chart |
//! | `GET /metrics` | the same for Prometheus |
//! | `POST /clear` | form field `cache`: clears the caches of this name, or all with `*` |
//! | `POST /invalidate-tag` | form field `tag` |
//! | `GET /dashboard.css`, `/dashboard.js` | what the page loads; it loads nothing from anywhere else |
//!
//! # Access
//!
//! **The router asks nobody who they are.** It shows the names of your functions, and whoever reaches it can empty caches,
//! which costs your sources a burst of loads. Serve it on an internal port, or behind the layer that guards your other
//! internal pages:
//!
//! ```
//! use axum::{Router, extract::Request, http::StatusCode, middleware::{Next, from_fn}, response::Response};
//! use cached_runtime::dashboard;
//!
//! async fn staff_only(request: Request, next: Next) -> Result<Response, StatusCode> {
//!     // Look at your session here.
//!     let staff = request.headers().contains_key("x-staff");
//!     if staff { Ok(next.run(request).await) } else { Err(StatusCode::FORBIDDEN) }
//! }
//!
//! let app: Router = Router::new().nest("/cache-stats", dashboard::router().layer(from_fn(staff_only)));
//! # drop(app);
//! ```
//!
//! Other sites can't make a visitor's browser press the buttons: a POST whose `Sec-Fetch-Site`, or without it `Origin`,
//! says that it comes from elsewhere is refused. (Keep to a fixed `Host` in front of it, as for all internal pages:
//! against a domain of the attacker's that resolves to your server, both agree.)
//!
//! A process-wide thread (`cached-history`) takes one sample a second for the chart, from the first use of this module on.

mod guard;
mod history;
mod json;
mod page;
mod servers;

use crate::gathered::{Gathered, gathered};
use crate::prometheus;
use axum::Form;
use axum::Router;
use axum::extract::OriginalUri;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;

const CSS: &str = include_str!("dashboard.css");
const JS: &str = include_str!("dashboard.js");

/// The page forbids itself everything but what it brings along.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The routes, for a router of any state. See the [module](self) for what they are, and who should see them.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    history::start();
    Router::<()>::new()
        .route("/", get(page))
        .route("/stats.json", get(stats_json))
        .route("/metrics", get(metrics))
        .route("/clear", post(clear))
        .route("/invalidate-tag", post(invalidate_tag))
        .route("/dashboard.css", get(async || asset("text/css; charset=utf-8", CSS)))
        .route("/dashboard.js", get(async || asset("text/javascript; charset=utf-8", JS)))
        .with_state(())
}

/// All numbers as JSON, with the samples of the chart: for `/cache-stats.json`.
pub async fn stats_json() -> Response {
    history::start();
    let servers = servers::ask().await;
    let body = json::render(&gathered(), &servers, &history::samples()).to_string();
    fixed("application/json", body)
}

/// All numbers for Prometheus: for `/metrics`. See [`prometheus`].
pub async fn metrics() -> Response {
    fixed(prometheus::CONTENT_TYPE, prometheus::render())
}

/// The query of the page: what the last action did.
#[derive(Deserialize)]
struct Said {
    done: Option<String>,
}

async fn page(OriginalUri(uri): OriginalUri) -> Response {
    let said = axum::extract::Query::<Said>::try_from_uri(&uri).ok().and_then(|query| query.0.done);
    let servers = servers::ask().await;
    let body = page::render(uri.path(), &gathered(), &servers, &history::samples(), said.as_deref());
    let mut response = fixed("text/html; charset=utf-8", body);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, header::HeaderValue::from_static(POLICY));
    response
}

#[derive(Deserialize)]
struct Clear {
    cache: String,
    backend: Option<String>,
}

async fn clear(
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    form: Result<Form<Clear>, axum::extract::rejection::FormRejection>,
) -> Response {
    if let Err(refusal) = guard::check(&uri, &headers) {
        return refusal;
    }
    let Form(wanted) = match form {
        Ok(form) => form,
        Err(rejection) => return rejection.into_response(),
    };
    let chosen = |cache: &Gathered| {
        wanted.cache == "*"
            || (cache.name == wanted.cache && wanted.backend.as_deref().is_none_or(|backend| backend == cache.backend))
    };
    let caches: Vec<_> = gathered().into_iter().filter(chosen).flat_map(|cache| cache.caches).collect();
    if caches.is_empty() {
        return plain(StatusCode::NOT_FOUND, "There is no cache of this name (any more).\n");
    }
    // All begin before the first is waited for.
    let clearing: Vec<_> = caches.iter().map(crate::CacheInfo::clearing).collect();
    for one in clearing {
        if let Err(error) = one.await {
            return failed(&error);
        }
    }
    done(&uri, "cleared")
}

#[derive(Deserialize)]
struct Tag {
    tag: String,
}

async fn invalidate_tag(
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    form: Result<Form<Tag>, axum::extract::rejection::FormRejection>,
) -> Response {
    if let Err(refusal) = guard::check(&uri, &headers) {
        return refusal;
    }
    match form {
        Err(rejection) => rejection.into_response(),
        Ok(Form(Tag { tag })) if tag.is_empty() => plain(StatusCode::UNPROCESSABLE_ENTITY, "Which tag? It is empty.\n"),
        Ok(Form(Tag { tag })) => match crate::invalidate_tag(tag).await {
            Ok(()) => done(&uri, "invalidated"),
            Err(error) => failed(&error),
        },
    }
}

/// Back to the page, so that a reload doesn't send the form again.
fn done(uri: &axum::http::Uri, what: &str) -> Response {
    // From `/any/where/clear` to `/any/where`, said relatively: a proxy may have taken a prefix off.
    let place = page::place(uri.path().rsplit_once('/').map_or("", |(place, _)| place));
    let to = if place.is_empty() { format!("./?done={what}") } else { format!("../{place}?done={what}") };
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
}

fn failed(error: &crate::Error) -> Response {
    plain(StatusCode::BAD_GATEWAY, &format!("The server of a cache could not be told, and is tried again: {error}\n"))
}

fn plain(status: StatusCode, text: &str) -> Response {
    (status, fixed("text/plain; charset=utf-8", text.to_owned())).into_response()
}

fn fixed(kind: &'static str, body: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    (headers, body).into_response()
}

fn asset(kind: &'static str, body: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "public, max-age=300"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, body).into_response()
}
