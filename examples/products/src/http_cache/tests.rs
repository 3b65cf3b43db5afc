//! The layer, case by case of RFC 9110.

use super::*;
use axum::Router;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use tower::ServiceExt;

const OLD: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const NEW: &str = "Mon, 07 Nov 1994 08:49:37 GMT";

/// Asks one route whose answer has `answer` as headers.
async fn ask(rules: HttpCache, answer: &[(&'static str, &'static str)], request: &[(&str, &str)]) -> Response {
    let answer: Vec<_> = answer.iter().map(|(name, value)| (HeaderName::from_static(name), *value)).collect();
    let handler = move || {
        let answer = answer.clone();
        async move {
            let mut response = "body".into_response();
            for (name, value) in answer {
                response.headers_mut().insert(name, HeaderValue::from_static(value));
            }
            response
        }
    };
    let app = Router::new().route("/", get(handler.clone()).post(handler).layer(rules));
    let mut builder = Request::builder().uri("/");
    for (name, value) in request {
        builder = match *name {
            ":method" => builder.method(*value),
            _ => builder.header(*name, *value),
        };
    }
    app.oneshot(builder.body(Body::empty()).unwrap()).await.unwrap()
}

async fn status(answer: &[(&'static str, &'static str)], request: &[(&str, &str)]) -> u16 {
    ask(HttpCache::default(), answer, request).await.status().as_u16()
}

#[tokio::test]
async fn if_none_match_compares_weakly_in_lists() {
    for (tag, held, expected) in [
        ("\"a\"", "\"a\"", 304),
        ("\"a\"", "W/\"a\"", 304),
        ("W/\"a\"", "\"a\"", 304),
        ("\"a\"", "\"b\", W/\"c\" ,\"a\"", 304),
        ("\"a,b\"", "\"x\", \"a,b\"", 304),
        ("\"a\"", "*", 304),
        ("\"a\"", "\"b\"", 200),
        ("\"a\"", "\"A\"", 200),
        ("\"a\"", "a", 200),
        ("\"a\"", "\"a", 200),
        ("\"a\"", "", 200),
    ] {
        assert_eq!(status(&[("etag", tag)], &[("if-none-match", held)]).await, expected, "{held} against {tag}");
    }
    // Two header lines are one list.
    assert_eq!(status(&[("etag", "\"a\"")], &[("if-none-match", "\"b\""), ("if-none-match", "\"a\"")]).await, 304);
}

#[tokio::test]
async fn if_match_compares_strongly() {
    for (tag, wanted, expected) in [
        ("\"a\"", "\"a\"", 200),
        ("\"a\"", "\"b\", \"a\"", 200),
        ("\"a\"", "*", 200),
        ("\"a\"", "W/\"a\"", 412),
        ("W/\"a\"", "W/\"a\"", 412),
        ("\"a\"", "\"b\"", 412),
    ] {
        assert_eq!(status(&[("etag", tag)], &[("if-match", wanted)]).await, expected, "{wanted} against {tag}");
    }
    assert_eq!(status(&[], &[("if-match", "\"a\"")]).await, 412, "nothing matches where there is no tag");
}

#[tokio::test]
async fn dates_are_compared_to_the_second() {
    for (modified, since, expected) in [(OLD, OLD, 304), (OLD, NEW, 304), (NEW, OLD, 200), (OLD, "yesterday", 200)] {
        assert_eq!(status(&[("last-modified", modified)], &[("if-modified-since", since)]).await, expected, "{since}");
    }
    assert_eq!(status(&[("last-modified", NEW)], &[("if-unmodified-since", OLD)]).await, 412);
    assert_eq!(status(&[("last-modified", OLD)], &[("if-unmodified-since", OLD)]).await, 200);
    assert_eq!(status(&[], &[("if-modified-since", NEW)]).await, 200);
}

#[tokio::test]
async fn tags_go_before_dates() {
    let answer = [("etag", "\"a\""), ("last-modified", OLD)];
    assert_eq!(status(&answer, &[("if-none-match", "\"b\""), ("if-modified-since", NEW)]).await, 200);
    assert_eq!(status(&answer, &[("if-none-match", "\"a\""), ("if-modified-since", OLD)]).await, 304);
    assert_eq!(
        status(&answer, &[("if-match", "\"a\""), ("if-unmodified-since", "Sat, 05 Nov 1994 08:49:37 GMT")]).await,
        200
    );
    // If-Match is decided before If-None-Match.
    assert_eq!(status(&answer, &[("if-match", "\"b\""), ("if-none-match", "\"a\"")]).await, 412);
}

#[tokio::test]
async fn what_changes_something_is_left_alone() {
    let answer = [("etag", "\"a\"")];
    assert_eq!(status(&answer, &[(":method", "POST"), ("if-none-match", "\"a\"")]).await, 200);
    assert_eq!(status(&answer, &[(":method", "HEAD"), ("if-none-match", "\"a\"")]).await, 304);
}

#[tokio::test]
async fn an_error_is_sent_as_it_is() {
    let app = Router::new().route("/", post(|| async {}).layer(HttpCache::control("public, max-age=60").etag()));
    let request = Request::builder().uri("/").header("if-none-match", "*").body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(!response.headers().contains_key(CACHE_CONTROL));
}

#[tokio::test]
async fn not_modified_says_what_a_cache_needs_and_no_more() {
    let rules = || HttpCache::control("public, max-age=60").expires(Duration::from_mins(1)).vary("accept").etag();
    let full = ask(rules(), &[], &[]).await;
    let tag = full.headers()["etag"].to_str().unwrap().to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() == 34, "{tag}");
    let short = ask(rules(), &[], &[("if-none-match", &tag)]).await;
    assert_eq!(short.status(), StatusCode::NOT_MODIFIED);
    for name in ["cache-control", "expires", "vary", "etag"] {
        assert!(short.headers().contains_key(name), "{name}");
    }
    for name in ["content-type", "content-length"] {
        assert!(!short.headers().contains_key(name), "{name}");
    }
    assert!(short.into_body().collect().await.unwrap().to_bytes().is_empty());
}

#[tokio::test]
async fn head_has_the_headers_of_get() {
    let rules = || HttpCache::control("no-cache").etag();
    let get = ask(rules(), &[], &[]).await;
    let head = ask(rules(), &[], &[(":method", "HEAD")]).await;
    for name in ["etag", "cache-control", "content-type"] {
        assert_eq!(get.headers()[name], head.headers()[name], "{name}");
    }
}

#[tokio::test]
async fn the_handler_has_the_last_word() {
    let answer = [("cache-control", "no-store"), ("etag", "W/\"mine\""), ("vary", "cookie")];
    let response = ask(HttpCache::control("public").vary("accept").etag(), &answer, &[]).await;
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["etag"], "W/\"mine\"");
    let vary: Vec<_> = response.headers().get_all("vary").iter().collect();
    assert_eq!(vary, ["cookie", "accept"]);
}
