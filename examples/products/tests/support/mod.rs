//! Starts the application as its own process on a free port, and asks it over HTTP. Must never leave a process behind.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// A running application, with a database of its own.
pub(crate) struct Shop {
    pub(crate) child: Child,
    pub(crate) address: String,
    pub(crate) directory: TempDir,
    /// Read on, so that what the application prints later finds a reader.
    _output: tokio::task::JoinHandle<()>,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// A header as text; empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header that is text"))
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.body))
    }
}

/// What is long enough on any machine, and still ends.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The application's command, without any Redis and with quick queries.
pub(crate) fn command(directory: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_products"));
    command
        .args(["--port", "0", "--slow", "20", "--flush", "3600000", "--database"])
        .arg(directory.path().join("shop.sqlite"))
        .env_remove("CACHED_REDIS_URL")
        .env_remove("REDIS_URL")
        .env("RUST_LOG", "error")
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::with(|_| {}).await
    }

    /// With more arguments.
    pub(crate) async fn with(more: impl FnOnce(&mut Command)) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self::at(directory, more).await
    }

    /// With a database that may be there already.
    pub(crate) async fn at(directory: TempDir, more: impl FnOnce(&mut Command)) -> Self {
        let mut command = command(&directory);
        more(&mut command);
        let mut child = command.spawn().expect("the application starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let first = timeout(PATIENCE, lines.next_line()).await.expect("it says where it listens in time");
        let first = first.expect("output that can be read").expect("it does not end at once");
        let address = first.strip_prefix("listening on http://").expect("its address").to_owned();
        let output = tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { child, address, directory, _output: output }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[], "").await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask(Method::GET, path, headers, "").await
    }

    /// Sends a form.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
        let form = (CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded");
        self.ask(Method::POST, path, &[form], &body.join("&")).await
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let ask = self.try_ask(method, path, headers, body);
        timeout(PATIENCE, ask).await.expect("an answer in time").expect("an answer")
    }

    /// One request over a connection of its own.
    pub(crate) async fn try_ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
        let stream = TcpStream::connect(&self.address).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header(HOST, &self.address);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = sender.send_request(request.body(Full::new(Bytes::from(body.to_owned())))?).await?;
        let (head, body) = response.into_parts();
        let body = String::from_utf8(body.collect().await?.to_bytes().to_vec())?;
        drop(sender);
        connection.await??;
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    /// Tells it to stop, as a service manager does, and waits until it did.
    pub(crate) async fn stop(mut self) -> (std::process::ExitStatus, TempDir) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await.expect("kill");
        assert!(sent.success());
        let status = timeout(PATIENCE, self.child.wait()).await.expect("it ends in time").expect("its status");
        (status, self.directory)
    }
}

/// Every byte that could mean something, in the form of URLs.
pub(crate) fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
