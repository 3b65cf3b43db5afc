//! A few seconds of load, with and without the cache: prints the ratio. Must not assert how fast a machine is, only what
//! was asked of the database.

use crate::support::Shop;
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::io::Write as _;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

const CONNECTIONS: usize = 16;
const LASTS: Duration = Duration::from_millis(1500);

/// How many answers all connections got together; each is whole and says `status`.
async fn load(shop: &Shop, path: &'static str, status: &'static str) -> usize {
    let end = Instant::now() + LASTS;
    let all: Vec<_> =
        (0..CONNECTIONS).map(|_| tokio::spawn(ask_until(end, shop.address.clone(), path, status))).collect();
    let mut answers = 0;
    for one in all {
        answers += one.await.expect("a connection without a fault");
    }
    answers
}

async fn ask_until(end: Instant, address: String, path: &str, status: &str) -> usize {
    let stream = TcpStream::connect(&address).await.expect("a connection");
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
    let connection = tokio::spawn(connection);
    let mut answers = 0;
    // One at least, however slow the machine is.
    while answers == 0 || Instant::now() < end {
        let request = Request::get(path).header("host", &address).body(Empty::<Bytes>::new()).expect("a request");
        let answer = sender.send_request(request).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["cache-status"], status);
        let body = answer.into_body().collect().await.expect("a whole answer").to_bytes();
        assert!(body.ends_with(b"</html>\n") || body.ends_with(b"</html>"));
        answers += 1;
    }
    drop(sender);
    connection.await.expect("no panic").expect("a clean end");
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cache_answers_without_the_database() {
    let shop = Shop::with(|command| {
        command.args(["--slow", "50"]);
    })
    .await;
    let without = load(&shop, "/products/7?cache=false", "product; fwd=bypass").await;
    shop.get("/products/7?cache=true").await;
    let with = load(&shop, "/products/7", "product; hit").await;
    let stats = shop.get("/cache-stats.json").await.json();
    let product =
        stats["caches"].as_array().unwrap().iter().find(|cache| cache["name"] == "product").expect("its stats");
    assert_eq!(product["loads"], 1, "{product}");
    assert!(product["hits"].as_u64() >= Some(with as u64), "{product}");

    #[expect(clippy::cast_precision_loss, reason = "to print it")]
    let ratio = with as f64 / without as f64;
    // Past the test's captured output, since it is there to be read.
    let line = format!(
        "load: {without} answers without the cache, {with} with it, in {LASTS:?} over {CONNECTIONS} connections: {ratio:.1} times\n"
    );
    std::io::stderr().write_all(line.as_bytes()).expect("stderr");
}
