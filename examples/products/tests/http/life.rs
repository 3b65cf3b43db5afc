//! Starting, stopping, and what survives.

use crate::support::{PATIENCE, Shop, command};
use std::process::Stdio;
use tokio::time::timeout;

#[tokio::test]
async fn help_says_what_can_be_said() {
    let directory = tempfile::tempdir().unwrap();
    let output = command(&directory).arg("--help").output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    for option in ["--port", "--host", "--database", "--redis", "--slow", "--help"] {
        assert!(text.contains(option), "{option} in {text}");
    }
    assert!(!directory.path().join("shop.sqlite").exists(), "help makes nothing");
}

#[tokio::test]
async fn what_cannot_work_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let busy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = busy.local_addr().unwrap().port().to_string();
    for (arguments, code, part) in [
        (vec!["--port", "nothing"], 2, "--port"),
        (vec!["--port", &port], 1, &*port),
        (vec!["--redis", "no url"], 1, "Redis"),
        (vec!["--database", "/dev/null/shop.sqlite"], 1, "/dev/null"),
    ] {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_products"));
        command.args(["--slow", "0"]).args(&arguments).stderr(Stdio::piped()).kill_on_drop(true);
        if !arguments.contains(&"--database") {
            command.arg("--database").arg(directory.path().join("shop.sqlite"));
        }
        let output = timeout(PATIENCE, command.output()).await.expect("it ends").unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        assert!(text.contains(part), "{arguments:?}: {text}");
    }
}

#[tokio::test]
async fn stopping_answers_what_was_asked_and_writes_what_was_counted() {
    let shop = Shop::with(|command| {
        command.args(["--slow", "1000"]);
    })
    .await;
    shop.get("/users/1").await;
    for _ in 0..5 {
        assert_eq!(shop.post("/users/1/visit", &[]).await.status, 303);
    }
    shop.post("/products/4/edit", &[("name", "Survivor"), ("price", "3.21")]).await;
    // A request is under way when the signal comes: the server has begun it, since what it computes first is counted.
    let address = shop.address.clone();
    let asked = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        stream.write_all(b"GET /products/4?cache=false HTTP/1.1\r\nhost: shop\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    });
    let bypassed = |stats: serde_json::Value| {
        stats["caches"]
            .as_array()
            .unwrap()
            .iter()
            .any(|cache| cache["name"] == "product" && cache["bypassed"].as_u64() > Some(0))
    };
    while !bypassed(shop.get("/cache-stats.json").await.json()) {
        tokio::task::yield_now().await;
    }
    let (status, directory) = shop.stop().await;
    assert!(status.success(), "{status}");
    let answer = asked.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("Survivor"), "{answer}");

    let again = Shop::at(directory, |_| {}).await;
    assert!(again.get("/users/1").await.body.contains("id=\"visits\">5<"), "the visits were written at the end");
    assert!(again.get("/products/4").await.body.contains("Survivor"));
    assert_eq!(again.get("/api/products").await.json()["total"], 1000, "seeded once");
}
