//! Every page is there, safe to show, and readable without a script.

use crate::support::Shop;
use hyper::Method;

const PAGES: [&str; 19] = [
    "/",
    "/benchmark?n=10",
    "/products",
    "/products?page=2&per_page=20",
    "/products/7",
    "/products/7/edit",
    "/products/compare",
    "/expensive-view",
    "/search",
    "/search?q=oak",
    "/users",
    "/users/1",
    "/weather",
    "/weather?city=oslo&cached=false",
    "/http",
    "/static-content",
    "/dynamic-content",
    "/conditional-content",
    "/cache-stats",
];

#[tokio::test]
async fn every_page_is_whole_and_guarded() {
    let shop = Shop::open().await;
    for page in PAGES {
        let answer = shop.get(page).await;
        assert_eq!(answer.status, 200, "{page}");
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{page}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{page}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{page}: {policy}");
        assert!(!answer.header("cache-control").is_empty(), "{page}");
        for part in ["<!doctype html>", "<html lang=", "<title>", "<main", "<h1", "name=\"viewport\""] {
            assert!(answer.body.to_lowercase().contains(part), "{page} has no {part}");
        }
        // The policy would stop them, and nothing comes from another site.
        for part in ["<script>", " onclick=", " style=", "<style", "//cdn", "http://www"] {
            assert!(!answer.body.contains(part), "{page} has {part}");
        }
        let head = shop.ask(Method::HEAD, page, &[], "").await;
        assert_eq!((head.status.as_u16(), head.body.as_str()), (200, ""), "{page}");
    }
}

#[tokio::test]
async fn the_links_of_every_page_lead_somewhere() {
    let shop = Shop::open().await;
    let mut links: Vec<(String, &str)> = Vec::new();
    for page in PAGES {
        let body = shop.get(page).await.body;
        for part in body.split("href=\"").skip(1).chain(body.split("src=\"").skip(1)) {
            let link = part.split('"').next().unwrap_or("").replace("&amp;", "&").replace("&#38;", "&");
            let link =
                if link.starts_with('?') { format!("{}{link}", page.split('?').next().unwrap_or("")) } else { link };
            if link.starts_with('/') && !links.iter().any(|(known, _)| *known == link) {
                links.push((link, page));
            }
        }
    }
    assert!(links.len() > 50, "{}", links.len());
    for (link, page) in links {
        assert_eq!(shop.get(&link).await.status, 200, "{link} on {page}");
    }
}

#[tokio::test]
async fn every_control_has_a_label() {
    let shop = Shop::open().await;
    for page in PAGES {
        let body = shop.get(page).await.body;
        for kind in ["<input ", "<select ", "<textarea "] {
            for control in body.split(kind).skip(1) {
                let control = control.split('>').next().unwrap_or("");
                if control.contains("type=\"hidden\"") || control.contains("aria-label=") {
                    continue;
                }
                let id = control.split("id=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("");
                assert!(body.contains(&format!("<label for=\"{id}\"")), "{page}: {kind}{control}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_404() {
    let shop = Shop::open().await;
    for page in [
        "/nothing",
        "/products/0",
        "/products/1001",
        "/products/-1",
        "/products/x",
        "/products/99999999999",
        "/products/1001/edit",
        "/users/77",
        "/assets/none",
        "/assets/..%2fsecret",
        "/products?page=101",
        "/products/7/",
    ] {
        let answer = shop.get(page).await;
        assert_eq!(answer.status, 404, "{page}");
        assert!(answer.body.contains("<h1>Not Found</h1>"), "{page}: {}", answer.body);
    }
    for page in ["/api/products/0", "/api/products/x", "/api/nothing", "/api/products?page=101"] {
        let answer = shop.get(page).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (404, "application/json"), "{page}");
        assert!(answer.json()["error"].is_string());
    }
}

#[tokio::test]
async fn the_benchmark_shows_both_times() {
    let shop = Shop::open().await;
    let body = shop.get("/benchmark?n=20").await.body;
    assert!(body.contains("fib(20) = 6765") && body.contains("faster, from an empty cache"), "{body}");
    let large = shop.get("/benchmark?n=93").await.body;
    assert!(large.contains("12200160415121876738") && large.contains("not run"), "{large}");
}

#[tokio::test]
async fn the_comparison_marks_the_fastest_and_says_what_is_missing() {
    let shop = Shop::open().await;
    let body = shop.get("/products/compare").await.body;
    let memory = body.find("Memory <span class=\"badge good\">fastest").expect("memory is the fastest");
    let redis = body.find("Redis<p").expect("the row of Redis");
    assert!(memory < redis && body[redis..].contains("unavailable"), "{body}");
    assert_eq!(body.matches("fastest</span>").count(), 1);
}

#[tokio::test]
async fn assets_are_kept_for_ever_under_their_hash() {
    let shop = Shop::open().await;
    let body = shop.get("/").await.body;
    let link =
        body.split("rel=\"stylesheet\" href=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a stylesheet");
    let style = shop.get(link).await;
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(style.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(shop.get("/assets/style.css?v=other").await.header("cache-control"), "no-cache");
}
