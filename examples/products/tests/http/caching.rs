//! What the caches do, as it shows in the pages; and what browsers are told.

use crate::support::{Answer, Shop};
use hyper::Method;
use serde_json::Value;

fn status(answer: &Answer) -> &str {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.header("cache-status")
}

#[tokio::test]
async fn the_second_request_is_a_hit() {
    let shop = Shop::open().await;
    for (page, name) in [
        ("/products", "products"),
        ("/products/7", "product"),
        ("/expensive-view", "expensive_view"),
        ("/search?q=oak", "search_view"),
        ("/users/1", "user"),
        ("/weather", "weather"),
        ("/api/products?page=2", "products"),
        ("/api/products/8", "product"),
    ] {
        assert_eq!(status(&shop.get(page).await), format!("{name}; fwd=miss; stored"), "{page}");
        assert_eq!(status(&shop.get(page).await), format!("{name}; hit"), "{page}");
    }
    // One key for what means the same.
    for (page, same, name) in [
        ("/products?page=3", "/products?page=03&per_page=10", "products"),
        ("/search?q=lamp", "/search?utm=1&q=+%4Camp", "search_view"),
    ] {
        shop.get(page).await;
        assert_eq!(status(&shop.get(same).await), format!("{name}; hit"), "{same}");
    }
    assert_eq!(status(&shop.get("/products?per_page=20").await), "products; fwd=miss; stored");
}

#[tokio::test]
async fn the_cache_can_be_passed_and_refreshed() {
    let shop = Shop::open().await;
    assert_eq!(status(&shop.get("/products/7?cache=false").await), "product; fwd=bypass");
    assert_eq!(status(&shop.get("/products/7").await), "product; fwd=miss; stored", "passing by stored nothing");
    assert_eq!(status(&shop.get("/products/7?refresh=1").await), "product; fwd=request; stored");
    assert_eq!(status(&shop.get("/products?refresh=1").await), "products; fwd=request; stored");
    assert_eq!(status(&shop.get("/products").await), "products; hit");
}

#[tokio::test]
async fn an_edit_shows_at_once_everywhere() {
    let shop = Shop::open().await;
    let seen_on = ["/products/3", "/products", "/search?q=kettle of", "/", "/api/products/3", "/api/products?ids=3"];
    for page in seen_on {
        let page = page.replace(' ', "+");
        assert!(!shop.get(&page).await.body.contains("Kettle of doom"), "{page}");
    }
    let fields = [("name", "Kettle of doom"), ("price", "999999.99"), ("description", "Hot.")];
    let saved = shop.post("/products/3/edit", &fields).await;
    assert_eq!((saved.status.as_u16(), saved.header("location")), (303, "/products/3?saved=1"));
    for page in seen_on {
        let page = page.replace(' ', "+");
        let body = shop.get(&page).await.body;
        assert!(body.contains("Kettle of doom") && body.contains("999999.99"), "{page}: {body}");
    }
    assert!(shop.get("/expensive-view").await.body.contains("999999.99"));
    assert!(shop.get("/products/3?saved=1").await.body.contains("role=\"status\""));
}

#[tokio::test]
async fn many_at_once_load_only_what_is_missing() {
    let shop = Shop::open().await;
    shop.get("/products/2").await;
    let many = shop.get("/api/products?ids=3,2,1,3,5000").await.json();
    let ids: Vec<i64> =
        many["products"].as_array().unwrap().iter().filter_map(|product| product["id"].as_i64()).collect();
    assert_eq!((ids, &many["missing"], &many["hits"]), (vec![3, 2, 1], &serde_json::json!([5000]), &Value::from(1)));
    assert_eq!(shop.get("/api/products?ids=1,2,3").await.json()["hits"], 3);
    // One cache with the single pages.
    assert_eq!(status(&shop.get("/products/1").await), "product; hit");
}

#[tokio::test]
async fn users_are_written_in_three_ways() {
    let shop = Shop::open().await;
    shop.get("/users/2").await;
    let answer = shop.post("/users/2/email", &[("email", "new@example.org")]).await;
    assert_eq!(answer.header("location"), "/users/2?written=email");
    let page = shop.get("/users/2").await;
    assert_eq!(status(&page), "user; fwd=miss; stored", "cache-aside forgets");
    assert!(page.body.contains("new@example.org"));

    shop.post("/users/2/name", &[("name", "Rear Admiral Hopper")]).await;
    let page = shop.get("/users/2").await;
    assert_eq!(status(&page), "user; hit", "write-through stores");
    assert!(page.body.contains("Rear Admiral Hopper"));

    for _ in 0..3 {
        shop.post("/users/2/visit", &[]).await;
    }
    let body = shop.get("/users/2").await.body;
    assert!(body.contains("id=\"visits\">0<") && body.contains("id=\"pending\">3<"), "write-behind waits: {body}");
}

#[tokio::test]
async fn the_weather_is_fresh_or_cached() {
    let shop = Shop::open().await;
    let reading = |answer: Answer| (answer.json()["reading"].as_u64().unwrap(), answer.json()["source"].clone());
    let first = reading(shop.get("/api/weather?city=lima").await);
    assert_eq!(first.1, "live");
    assert_eq!(reading(shop.get("/api/weather?city=lima&cached=true").await), (first.0, "cache".into()));
    let fresh = reading(shop.get("/api/weather?city=lima&cached=false").await);
    assert!(fresh.0 > first.0 && fresh.1 == "live");
    assert_eq!(reading(shop.get("/api/weather?city=lima").await).0, fresh.0, "what was fetched is kept");
}

#[tokio::test]
async fn concurrent_requests_share_one_query() {
    let shop = Shop::with(|command| {
        command.args(["--slow", "500"]);
    })
    .await;
    let answers = futures(30, || shop.get("/api/products/9")).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let stats = shop.get("/cache-stats.json").await.json();
    let product =
        stats["caches"].as_array().unwrap().iter().find(|cache| cache["name"] == "product").expect("its stats");
    // More than one only if the first had ended before the last came.
    let loads = product["loads"].as_u64().expect("a number of loads");
    assert_eq!(loads, 1, "{product}");
}

/// Many of the same at once.
async fn futures<F: Future<Output = Answer>>(number: usize, make: impl Fn() -> F) -> Vec<Answer> {
    let mut all: Vec<_> = (0..number).map(|_| Box::pin(make())).collect();
    let mut answers = Vec::new();
    std::future::poll_fn(|context| {
        all.retain_mut(|future| match future.as_mut().poll(context) {
            std::task::Poll::Ready(answer) => {
                answers.push(answer);
                false
            }
            std::task::Poll::Pending => true,
        });
        if all.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    answers
}

#[tokio::test]
async fn static_content_may_be_kept_for_an_hour() {
    let shop = Shop::open().await;
    let answer = shop.get("/static-content").await;
    assert_eq!(answer.header("cache-control"), "public, max-age=3600");
    let date = |name| httpdate::parse_http_date(answer.header(name)).unwrap_or_else(|_| panic!("{name}"));
    let left = date("expires").duration_since(date("date")).unwrap().as_secs();
    assert!((3590..=3610).contains(&left), "{left}");
}

#[tokio::test]
async fn dynamic_content_is_asked_for_each_time() {
    let shop = Shop::open().await;
    let answer = shop.get("/dynamic-content").await;
    assert_eq!(answer.header("cache-control"), "no-cache, must-revalidate");
    let modified = answer.header("last-modified");
    assert!(answer.body.contains(modified));
    let later = [("if-modified-since", "Fri, 31 Dec 2100 23:59:59 GMT")];
    assert_eq!(shop.get_with("/dynamic-content", &later).await.status, 304);
    let earlier = [("if-modified-since", "Sat, 01 Jan 2000 00:00:00 GMT")];
    assert_eq!(shop.get_with("/dynamic-content", &earlier).await.status, 200);
}

#[tokio::test]
async fn conditional_content_is_sent_again_only_when_it_differs() {
    let shop = Shop::open().await;
    let full = shop.get("/conditional-content").await;
    let tag = full.header("etag").to_owned();
    assert_eq!((full.header("cache-control"), full.header("vary")), ("public, max-age=300", "accept-language"));
    for held in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let answer = shop.get_with("/conditional-content", &[("if-none-match", &held)]).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (304, ""), "{held}");
        assert_eq!((answer.header("etag"), answer.header("vary")), (tag.as_str(), "accept-language"));
        assert_eq!(answer.header("content-length"), "", "it would be taken for the length of what is kept");
    }
    assert_eq!(shop.get_with("/conditional-content", &[("if-none-match", "\"other\"")]).await.status, 200);
    let german = shop.get_with("/conditional-content", &[("accept-language", "de"), ("if-none-match", &tag)]).await;
    assert_eq!((german.status.as_u16(), german.header("content-language")), (200, "de"), "each language has its tag");
    let head = shop.ask(Method::HEAD, "/conditional-content", &[], "").await;
    assert_eq!(head.header("etag"), tag, "HEAD says what GET would");
}
