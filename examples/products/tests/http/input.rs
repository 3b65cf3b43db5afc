//! Bad input: wrong, huge, hostile. It gets a 4xx, never a 5xx, and never comes back unescaped.

use crate::support::{Shop, percent};
use hyper::Method;

#[tokio::test]
async fn parameters_out_of_bounds_are_refused() {
    let shop = Shop::open().await;
    let huge = "9".repeat(5000);
    for (page, parameters) in [
        (
            "/products",
            vec![
                "page=0",
                "page=-1",
                "page=x",
                "page=1.5",
                "page=4294967296",
                "page=",
                "page=1&page=2",
                "per_page=0",
                "per_page=1000000000",
                "per_page=-5",
                "per_page=101",
                "cache=maybe",
                "refresh=2",
                "page=%00",
            ],
        ),
        (
            "/api/products",
            vec![
                "page=0",
                "per_page=1000000000",
                "ids=",
                "ids=0",
                "ids=-1",
                "ids=1,x",
                "ids=1;2",
                "ids=99999999999999999999",
            ],
        ),
        ("/benchmark", vec!["n=94", "n=-1", "n=99999999999999", "n=abc"]),
        ("/weather", vec!["city=atlantis", "cached=2", "city=%3Cscript%3E"]),
        ("/api/weather", vec!["city=", "cached=x"]),
        ("/products/compare", vec!["page=0", "page=1001"]),
        ("/users/1", vec!["written=everything"]),
    ] {
        for parameter in parameters.into_iter().chain([&*format!("page={huge}&n={huge}&city={huge}&written={huge}")]) {
            let answer = shop.get(&format!("{page}?{parameter}")).await;
            let shown = &parameter[..parameter.len().min(60)];
            assert_eq!(answer.status, 400, "{page}?{shown}: {}", answer.body);
        }
    }
    let many: Vec<String> = (1..=101).map(|id| id.to_string()).collect();
    assert_eq!(shop.get(&format!("/api/products?ids={}", many.join(","))).await.status, 400);
    assert_eq!(shop.get(&format!("/api/products?ids={}", many[..100].join(","))).await.status, 200);
    assert_eq!(shop.get(&format!("/search?q={}", "a".repeat(101))).await.status, 400);
}

#[tokio::test]
async fn methods_that_a_page_does_not_have_are_405() {
    let shop = Shop::open().await;
    for (method, page) in [
        (Method::POST, "/products"),
        (Method::DELETE, "/products/7"),
        (Method::PUT, "/products/7/edit"),
        (Method::GET, "/users/1/email"),
        (Method::GET, "/users/1/visit"),
        (Method::PATCH, "/static-content"),
    ] {
        let answer = shop.ask(method.clone(), page, &[], "").await;
        assert_eq!(answer.status, 405, "{method} {page}");
        assert!(!answer.header("allow").is_empty(), "{method} {page}");
    }
}

#[tokio::test]
async fn a_form_with_mistakes_comes_back_with_messages() {
    let shop = Shop::open().await;
    let typed = [("name", ""), ("price", "cheap \"><b>"), ("description", "kept <i>as typed</i>")];
    let answer = shop.post("/products/5/edit", &typed).await;
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("id=\"name-error\"") && answer.body.contains("id=\"price-error\""));
    assert!(!answer.body.contains("<b>") && !answer.body.contains("<i>"), "{}", answer.body);
    assert!(answer.body.contains("as typed"));
    // Missing fields are empty ones.
    assert_eq!(shop.post("/products/5/edit", &[]).await.status, 422);
    assert_eq!(shop.post("/users/1/email", &[("email", "not one")]).await.status, 422);
    assert_eq!(shop.post("/users/1/name", &[("name", "  ")]).await.status, 422);
    // Nothing of it was saved.
    assert!(shop.get("/products/5").await.body.contains("Amber Ash Kettle"));
}

#[tokio::test]
async fn forms_that_are_none_are_refused() {
    let shop = Shop::open().await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    let huge = format!("name=a&price=1&description={}", "x".repeat(100_000));
    let path = "/products/5/edit";
    assert_eq!(shop.ask(Method::POST, path, &[form], &huge).await.status, 413);
    assert_eq!(shop.ask(Method::POST, path, &[("content-type", "application/json")], "{}").await.status, 415);
    for body in ["name=a&name=b", "=&=&=", "%", "name"] {
        let answer = shop.ask(Method::POST, path, &[form], body).await;
        assert!(answer.status.is_client_error(), "{body}: {}", answer.status);
    }
    assert_eq!(shop.post("/products/5000/edit", &[("name", "a"), ("price", "1")]).await.status, 404);
    assert_eq!(shop.post("/users/99/visit", &[]).await.status, 404);
}

const HOSTILE: [&str; 7] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'; DROP TABLE products; --",
    "{{ 7 * 7 }}{% raw %}",
    "a%27 OR 1=1 _%",
    "../../etc/passwd",
    "\u{202e}gnp.exe 𝒳 é",
];

#[tokio::test]
async fn what_is_typed_comes_back_as_text() {
    let shop = Shop::open().await;
    for text in HOSTILE {
        let fields = [("name", text), ("price", "1"), ("description", text)];
        assert_eq!(shop.post("/products/6/edit", &fields).await.status, 303, "{text}");
        assert_eq!(shop.post("/users/1/name", &[("name", text)]).await.status, 303, "{text}");
        let search = format!("/search?q={}", percent(text));
        for page in ["/products/6", "/products", "/products/6/edit", "/users/1", "/users", &search] {
            let answer = shop.get(page).await;
            assert_eq!(answer.status, 200, "{page}");
            for part in ["<script>", "<img src=x", "49"] {
                assert!(part == "49" || !answer.body.contains(part), "{page}: {}", answer.body);
            }
        }
        // As JSON it is what it was.
        assert_eq!(shop.get("/api/products/6").await.json()["name"], text);
        assert!(shop.get(&search).await.body.contains("1 product "), "the search finds it as it is: {text}");
    }
    assert_eq!(shop.get("/api/products").await.json()["total"], 1000);
}

#[tokio::test]
async fn hostile_text_in_every_parameter_is_harmless() {
    let shop = Shop::open().await;
    for text in HOSTILE {
        let text = percent(text);
        for page in [
            "/products?page=",
            "/products?per_page=",
            "/products?cache=",
            "/products/7?refresh=",
            "/benchmark?n=",
            "/api/products?ids=",
            "/api/weather?city=",
            "/weather?cached=",
            "/users/1?written=",
            "/products/",
            "/users/",
            "/assets/",
            "/api/products/",
        ] {
            let answer = shop.get(&format!("{page}{text}")).await;
            assert!(answer.status.is_client_error(), "{page}{text}: {}", answer.status);
            assert!(
                !answer.body.contains("<script>") && !answer.body.contains("<img src=x"),
                "{page}{text}: {}",
                answer.body
            );
        }
    }
}

#[tokio::test]
async fn other_sites_can_change_nothing() {
    let shop = Shop::open().await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    let body = "name=Stolen&price=1&description=";
    for other in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "http://evil.example"),
        ("origin", "null"),
    ] {
        for path in ["/products/8/edit", "/users/1/name", "/users/1/email", "/users/1/visit"] {
            assert_eq!(shop.ask(Method::POST, path, &[form, other], body).await.status, 403, "{path} {other:?}");
        }
    }
    assert!(!shop.get("/products/8").await.body.contains("Stolen"));
    let ours = format!("http://{}", shop.address);
    let answer = shop.ask(Method::POST, "/products/8/edit", &[form, ("origin", &ours)], body).await;
    assert_eq!(answer.status, 303);
}
