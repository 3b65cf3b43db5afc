//! What the pages show: every number, escaped, under any prefix.

use crate::{fetch, send};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use cached_runtime::{Cache, dashboard};
use serde_json::Value;
use tower::ServiceExt as _;

const HOSTILE: &str = "</title><script>alert(1)</script>\"'&\n\\";

async fn json(path: &str, name: &str) -> Value {
    let all: Value = serde_json::from_str(&fetch(path).await).expect("JSON");
    let caches = all["caches"].as_array().expect("a list");
    caches.iter().find(|cache| cache["name"] == name).cloned().expect("the cache is listed")
}

#[tokio::test]
async fn the_page_shows_each_cache() {
    let cache = Cache::builder().name("dashboard::shown").capacity(1500).build();
    for n in 0..4 {
        cache.get_or_load(n % 2, || n);
    }
    let page = fetch("/cache-stats").await;
    assert!(page.contains("data-cache=\"dashboard::shown\""), "{page}");
    let row = page.split("data-cache=\"dashboard::shown\"").nth(1).and_then(|rest| rest.split("</tr>").next()).unwrap();
    for cell in [
        "<td data-col=\"hits\">2</td>",
        "<td data-col=\"misses\">2</td>",
        "<td data-col=\"hit_rate\">50.0%</td>",
        "<td data-col=\"entries\">2 of 1,500</td>",
        "<td data-col=\"backend\">memory</td>",
        "<td data-col=\"loads\">2</td>",
        "<td data-col=\"health\">hardly used</td>",
    ] {
        assert!(row.contains(cell), "{cell} in {row}");
    }
}

#[tokio::test]
async fn json_has_every_number() {
    let cache = Cache::builder().name("dashboard::json").capacity(1).build();
    cache.get_or_load(1, || 1);
    cache.get_or_load(2, || 2);
    cache.get_or_load(2, || 2);
    for path in ["/cache-stats.json", "/cache-stats/stats.json"] {
        let found = json(path, "dashboard::json").await;
        assert_eq!(found["hits"], 1);
        assert_eq!(found["misses"], 2);
        assert_eq!(found["evictions"], 1);
        assert_eq!(found["capacity"], 1);
        assert_eq!(found["loads"], 2);
        assert!(found["p99_load_seconds"].as_f64().unwrap() > 0.0);
        assert_eq!(found["text"]["hit_rate"], "33.3%");
    }
    let all: Value = serde_json::from_str(&fetch("/cache-stats.json").await).unwrap();
    assert!(!all["samples"].as_array().unwrap().is_empty(), "the chart has a past");
}

#[tokio::test]
async fn hostile_names_stay_names() {
    let cache = Cache::<u32, u32>::builder().name(HOSTILE).build();
    cache.get(&1);
    let page = fetch("/cache-stats").await;
    assert!(!page.contains("<script>alert"), "{page}");
    assert!(page.contains("&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"));
    assert_eq!(json("/cache-stats.json", HOSTILE).await["misses"], 1);
    let metrics = fetch("/metrics").await;
    let label = "cache=\"</title><script>alert(1)</script>\\\"'&\\n\\\\\"";
    assert!(metrics.lines().any(|line| line.starts_with("cache_misses_total{") && line.contains(label)), "{metrics}");
}

#[tokio::test]
async fn what_it_loads_is_there_and_its_own() {
    let answer = send(Request::get("/cache-stats").body(Body::empty()).unwrap()).await;
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let page = crate::text(answer).await;
    for other in ["http:", "https:", " style=", "<style", "javascript:", " onclick", " onload", "<script>"] {
        assert!(!page.contains(other), "{other}");
    }
    for (path, kind) in
        [("dashboard.css", "text/css; charset=utf-8"), ("dashboard.js", "text/javascript; charset=utf-8")]
    {
        assert!(page.contains(&format!("\"cache-stats/{path}\"")), "the page links to {path}");
        let answer = send(Request::get(format!("/cache-stats/{path}")).body(Body::empty()).unwrap()).await;
        assert_eq!((answer.status(), answer.headers()["content-type"].to_str().unwrap()), (StatusCode::OK, kind));
    }
}

#[tokio::test]
async fn it_can_be_mounted_at_the_root() {
    let app: Router = dashboard::router();
    let answer = app.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let page = crate::text(answer).await;
    assert!(page.contains("href=\"dashboard.css\"") && page.contains("action=\"clear\""), "{page}");
}

#[tokio::test]
async fn tables_are_accessible() {
    let page = fetch("/cache-stats").await;
    let tables = page.matches("<table").count();
    assert!(tables > 0 && page.matches("<caption>").count() == tables);
    assert_eq!(page.matches("<th ").count(), page.matches("scope=\"").count());
    assert!(page.contains("<html lang=\"en\">") && page.contains("<main>") && page.contains("name=\"viewport\""));
    assert!(page.contains("<label for=\"tag\">"));
}
