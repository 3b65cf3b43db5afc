//! What the buttons do, and for whom: state changes by POST from the page itself alone.

use crate::{send, text};
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use cached_runtime::Cache;

async fn post(path: &str, form: &str, headers: &[(&str, &str)]) -> Response<Body> {
    let mut request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(request.body(Body::from(form.to_owned())).unwrap()).await
}

fn filled(name: &'static str) -> Cache<u32, u32> {
    let cache = Cache::builder().name(name).build();
    cache.set(1, 1);
    cache
}

#[tokio::test]
async fn clear_clears_the_caches_of_a_name() {
    let (cache, twin, other) = (filled("actions::one"), filled("actions::one"), filled("actions::another"));
    let answer = post("/cache-stats/clear", "cache=actions%3A%3Aone", &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(answer.headers()["location"], "../cache-stats?done=cleared");
    assert_eq!((cache.get(&1), twin.get(&1), other.get(&1)), (None, None, Some(1)));
    assert!(crate::fetch("/cache-stats?done=cleared").await.contains("The cache was cleared."));
}

#[tokio::test]
async fn a_tag_is_invalidated_by_its_name() {
    let cache = Cache::builder().build();
    cache.entry(1).tags(&["actions & 1"]).set(1);
    cache.entry(2).tags(&["actions & 2"]).set(2);
    let answer = post("/cache-stats/invalidate-tag", "tag=actions+%26+1", &[]).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(answer.headers()["location"], "../cache-stats?done=invalidated");
    assert_eq!((cache.get(&1), cache.get(&2)), (None, Some(2)));
}

#[tokio::test]
async fn other_sites_are_refused() {
    let cache = filled("actions::guarded");
    for headers in [
        &[("sec-fetch-site", "cross-site"), ("host", "app.test")][..],
        &[("sec-fetch-site", "same-site"), ("host", "app.test"), ("origin", "http://app.test")],
        &[("host", "app.test"), ("origin", "http://evil.test")],
        &[("host", "app.test"), ("origin", "http://app.test.evil.test")],
        &[("host", "app.test:80"), ("origin", "http://app.test:81")],
        &[("host", "app.test"), ("origin", "null")],
        &[("origin", "http://app.test")],
    ] {
        let answer = post("/cache-stats/clear", "cache=actions%3A%3Aguarded", headers).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{headers:?}");
        assert!(text(answer).await.contains("another site"));
        assert_eq!(post("/cache-stats/invalidate-tag", "tag=x", headers).await.status(), StatusCode::FORBIDDEN);
    }
    assert_eq!(cache.get(&1), Some(1));
}

#[tokio::test]
async fn its_own_page_and_no_browser_are_let_through() {
    for headers in [
        &[("sec-fetch-site", "same-origin"), ("host", "app.test")][..],
        &[("host", "app.test:8080"), ("origin", "http://App.test:8080")],
        &[("host", "app.test")],
    ] {
        let cache = filled("actions::own");
        let answer = post("/cache-stats/clear", "cache=actions%3A%3Aown", headers).await;
        assert_eq!((answer.status(), cache.get(&1)), (StatusCode::SEE_OTHER, None), "{headers:?}");
    }
}

#[tokio::test]
async fn wrong_requests_change_nothing() {
    let cache = filled("actions::kept");
    let get = send(Request::get("/cache-stats/clear?cache=actions::kept").body(Body::empty()).unwrap()).await;
    assert_eq!(get.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(post("/cache-stats/clear", "cache=no%20such", &[]).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(post("/cache-stats/clear", "", &[]).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(post("/cache-stats/invalidate-tag", "tag=", &[]).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let huge = format!("cache={}", "x".repeat(3 << 20));
    assert_eq!(post("/cache-stats/clear", &huge, &[]).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let elsewhere = post("/cache-stats/clear", "cache=actions%3A%3Akept&backend=redis", &[]).await;
    assert_eq!(elsewhere.status(), StatusCode::NOT_FOUND);
    assert_eq!(cache.get(&1), Some(1));
}
