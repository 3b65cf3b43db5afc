//! The application in a real browser: Debian's chromium, headless, driven over `WebDriver`. Must never leave a browser behind,
//! and must wait for what it expects instead of for some time.

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "the tests over HTTP use the rest")]
mod support;

use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use std::process::Stdio;
use support::{PATIENCE, Shop};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// A browser of its own, with a profile of its own.
struct Browser {
    client: Client,
    driver: Child,
    _profile: TempDir,
}

const MISSING: &str =
    "chromedriver can't be started; install the browser with: apt-get install -y chromium chromium-driver";

impl Browser {
    async fn open() -> Self {
        let profile = tempfile::tempdir().expect("a directory");
        let mut command = Command::new("chromedriver");
        let mut driver = command
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect(MISSING);
        let mut lines = BufReader::new(driver.stdout.take().expect("its output")).lines();
        let port = timeout(PATIENCE, async {
            while let Some(line) = lines.next_line().await.expect("its output") {
                if let Some(port) = line.split("successfully on port ").nth(1) {
                    return port.trim_end_matches('.').to_owned();
                }
            }
            panic!("chromedriver ended without saying its port");
        });
        let port = port.await.expect("chromedriver says its port in time");
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,1000",
        ];
        let data = format!("--user-data-dir={}", profile.path().display());
        let arguments: Vec<&str> = arguments.into_iter().chain([&*data]).collect();
        let capabilities = json!({ "goog:chromeOptions": { "args": arguments } });
        let serde_json::Value::Object(capabilities) = capabilities else { unreachable!("it is an object") };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("chromium starts; install it with: apt-get install -y chromium chromium-driver");
        Self { client, driver, _profile: profile }
    }

    async fn goto(&self, shop: &Shop, path: &str) {
        self.client.goto(&format!("http://{}{path}", shop.address)).await.expect(path);
    }

    async fn text(&self, css: &str) -> String {
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await.expect(css);
        found.text().await.expect("its text")
    }

    /// Waits until a script says yes.
    async fn until(&self, script: &str) {
        let asked = timeout(PATIENCE, async {
            while self.client.execute(&format!("return Boolean({script})"), vec![]).await.expect(script) != json!(true)
            {
                tokio::task::yield_now().await;
            }
        });
        assert!(asked.await.is_ok(), "never true: {script}");
    }

    async fn click(&self, css: &str) {
        let button = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await.expect(css);
        button.click().await.expect("a click");
    }

    async fn fill(&self, css: &str, text: &str) {
        let field = self.client.find(Locator::Css(css)).await.expect(css);
        field.clear().await.expect("an empty field");
        field.send_keys(text).await.expect("a filled field");
    }

    async fn close(mut self) {
        self.client.close().await.expect("the browser ends");
        self.driver.kill().await.expect("its driver ends");
    }
}

#[tokio::test]
async fn an_edit_shows_at_once() {
    let (shop, browser) = (Shop::open().await, Browser::open().await);
    browser.goto(&shop, "/products").await;
    assert!(browser.text("tbody").await.contains("Amber Ash Bench"));
    browser.goto(&shop, "/products/2").await;
    assert_eq!(browser.text("h1").await, "Amber Ash Bench");
    browser.goto(&shop, "/products/2/edit").await;
    browser.fill("#name", "Bench <b>by the sea</b>").await;
    browser.fill("#price", "12.34").await;
    browser.click("form button[type=submit]").await;
    assert!(browser.text("[role=status]").await.contains("Saved"));
    assert_eq!(browser.text("h1").await, "Bench <b>by the sea</b>");
    browser.goto(&shop, "/products").await;
    let list = browser.text("tbody").await;
    assert!(list.contains("Bench <b>by the sea</b>") && list.contains("$12.34"), "{list}");
    browser.close().await;
}

#[tokio::test]
async fn a_form_with_a_mistake_says_so_beside_the_field() {
    let (shop, browser) = (Shop::open().await, Browser::open().await);
    browser.goto(&shop, "/products/2/edit").await;
    browser.fill("#price", "much").await;
    browser.click("form button[type=submit]").await;
    assert!(browser.text("#price-error").await.contains("12.50"));
    browser.until("document.querySelector('#price').value === 'much'").await;
    browser.close().await;
}

#[tokio::test]
async fn the_weather_chart_draws() {
    let (shop, browser) = (Shop::open().await, Browser::open().await);
    browser.goto(&shop, "/weather").await;
    browser.until("document.querySelectorAll('#chart circle').length === 2").await;
    for (number, button) in [(4, "button[value=false]"), (6, "button[value=true]"), (8, "button[value=false]")] {
        browser.click(button).await;
        browser.until(&format!("document.querySelectorAll('#chart circle').length === {number}")).await;
    }
    // Two lines through four points each, and something that was kept.
    browser
        .until("[...document.querySelectorAll('#chart path')].every(p => p.getAttribute('d').split('L').length === 4)")
        .await;
    browser.until("document.querySelectorAll('#chart circle.kept').length > 0").await;
    browser.until("document.querySelector('#chart').getBoundingClientRect().height > 50").await;
    assert!(browser.text("#reading").await.contains("°C"));
    browser.close().await;
}

#[tokio::test]
async fn the_dashboard_updates_without_a_reload() {
    let (shop, browser) = (Shop::open().await, Browser::open().await);
    shop.get("/products/7").await;
    browser.goto(&shop, "/cache-stats").await;
    browser.until("document.querySelector('tr[data-cache=\"product\"]')").await;
    browser.client.execute("window.sameDocument = true", vec![]).await.expect("a mark");
    let hits = "Number(document.querySelector('tr[data-cache=\"product\"] [data-col=\"hits\"]').textContent)";
    let before =
        browser.client.execute(&format!("return {hits}"), vec![]).await.expect("hits").as_f64().expect("a number");
    for _ in 0..5 {
        shop.get("/products/7").await;
    }
    browser.until(&format!("{hits} >= {before} + 5 && window.sameDocument")).await;
    browser
        .until("[...document.querySelectorAll('#chart path.line')].some(p => (p.getAttribute('d') || '').length > 10)")
        .await;
    browser.close().await;
}

#[tokio::test]
async fn it_works_at_the_width_of_a_phone() {
    let (shop, browser) = (Shop::open().await, Browser::open().await);
    browser.client.set_window_size(500, 800).await.expect("a narrow window");
    for page in
        ["/", "/products", "/products/7", "/products/7/edit", "/products/compare", "/users/1", "/weather", "/http"]
    {
        browser.goto(&shop, page).await;
        browser.until("document.documentElement.scrollWidth <= window.innerWidth").await;
    }
    browser.close().await;
}
