//! The dashboard over HTTP, as an application mounts it. Must never need a server or a browser.

mod actions;
mod pages;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode};
use axum::routing::get;
use cached_runtime::dashboard;
use tower::ServiceExt as _;

fn app() -> Router {
    Router::new()
        .nest("/cache-stats", dashboard::router())
        .route("/cache-stats.json", get(dashboard::stats_json))
        .route("/metrics", get(dashboard::metrics))
}

async fn send(request: Request<Body>) -> Response<Body> {
    app().oneshot(request).await.expect("a router never fails")
}

async fn text(response: Response<Body>) -> String {
    let bytes = to_bytes(response.into_body(), 1 << 20).await.expect("a body of a moderate size");
    String::from_utf8(bytes.to_vec()).expect("text")
}

async fn fetch(path: &str) -> String {
    let response = send(Request::get(path).body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    text(response).await
}
