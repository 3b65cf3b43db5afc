//! The same functions with a Redis, and with one that is away. The server is the one that `tests/run` found, or one in PATH.

use crate::support::Shop;
use std::ffi::OsString;
use std::process::Stdio;
use tokio::process::{Child, Command};

/// A server on a free port, with nothing kept on disk.
struct Redis {
    child: Child,
    port: u16,
}

impl Redis {
    /// `None` where there is no server: `tests/run` gets one.
    async fn start() -> Option<Self> {
        let binary = std::env::var_os("CACHED_TEST_REDIS").filter(|path| !path.is_empty()).or_else(Self::in_path)?;
        // A port that was free a moment ago; another one if somebody was quicker.
        for _ in 0..20 {
            let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut command = Command::new(&binary);
            command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
            let mut child = command.stdout(Stdio::null()).kill_on_drop(true).spawn().expect("the Redis server starts");
            loop {
                if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                    return Some(Self { child, port });
                }
                if child.try_wait().unwrap().is_some() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        panic!("no free port for Redis");
    }

    fn in_path() -> Option<OsString> {
        let runs =
            |name: &&&str| std::process::Command::new(name).arg("--version").stdout(Stdio::null()).status().is_ok();
        ["valkey-server", "redis-server"].iter().find(runs).map(OsString::from)
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

#[tokio::test]
async fn two_processes_share_what_is_in_redis() {
    let Some(mut redis) = Redis::start().await else {
        eprintln!("skipped: there is no Redis server here (tests/run gets one)");
        return;
    };
    let shop = Shop::with(|command| {
        command.args(["--redis", &redis.url()]);
    })
    .await;
    assert_eq!(shop.get("/products/7").await.header("cache-status"), "product; fwd=miss; stored");
    let page = shop.get("/products/7").await;
    assert_eq!(page.header("cache-status"), "product; hit");
    assert!(page.body.contains("Redis"), "{}", page.body);
    let compare = shop.get("/products/compare").await.body;
    assert!(!compare.contains("unavailable"), "{compare}");

    // A second process with the same database finds the entry; its edit is seen by the first.
    let second = Shop::with(|command| {
        command.args(["--redis", &redis.url(), "--database"]).arg(shop.directory.path().join("shop.sqlite"));
    })
    .await;
    assert_eq!(second.get("/products/7").await.header("cache-status"), "product; hit");
    assert_eq!(second.get("/api/products?ids=7,8").await.json()["hits"], 1, "many at once find it too");
    assert_eq!(shop.get("/api/products?ids=8,9,7").await.json()["hits"], 2, "and keep what they loaded");
    let saved = second.post("/products/7/edit", &[("name", "From afar"), ("price", "1")]).await;
    assert_eq!(saved.status, 303);
    assert!(shop.get("/products/7").await.body.contains("From afar"));
    assert!(shop.get("/products").await.body.contains("From afar"));
    assert!(shop.get("/api/products?ids=7").await.body.contains("From afar"));

    // A third with another database has the same keys and shares nothing.
    let third = Shop::with(|command| {
        command.args(["--redis", &redis.url()]);
    })
    .await;
    assert!(!third.get("/products/7").await.body.contains("From afar"));

    // Without Redis all goes on, and says so.
    redis.child.kill().await.unwrap();
    for page in ["/", "/products", "/products/7", "/api/products?ids=1,2", "/cache-stats"] {
        assert_eq!(shop.get(page).await.status, 200, "{page}");
    }
    assert!(shop.get("/products/compare").await.body.contains("unavailable"));
    assert_eq!(shop.post("/products/7/edit", &[("name", "Alone"), ("price", "1")]).await.status, 303);
    assert!(shop.get("/products/7").await.body.contains("Alone"));
}

#[tokio::test]
async fn a_redis_that_is_away_from_the_start_breaks_nothing() {
    let shop = Shop::with(|command| {
        command.args(["--redis", "redis://127.0.0.1:1"]);
    })
    .await;
    assert_eq!(shop.get("/products/7").await.status, 200);
    assert_eq!(shop.get("/products").await.status, 200);
    let compare = shop.get("/products/compare").await.body;
    assert!(
        compare.contains("unavailable") && compare.contains("Memory <span class=\"badge good\">fastest"),
        "{compare}"
    );
}
