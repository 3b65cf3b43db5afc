//! A web application in which every way of caching has its page: `cargo run --example products` from the root of the
//! repository. Must stay an example of how such an application is built, and of nothing else.
//!
//! | to see | read |
//! |---|---|
//! | cached queries, bulk reads, what a change forgets | `catalogue.rs` |
//! | whole pages and fragments of pages as cached functions | `views.rs` |
//! | cache-aside and write-through | `users.rs` |
//! | write-behind | `visits.rs` |
//! | HTTP caching as a tower layer | `http_cache.rs`, `pages/http.rs` |
//! | memory and Redis side by side | `compare.rs` |

#![forbid(unsafe_code)]

mod api;
mod assets;
mod catalogue;
mod compare;
mod config;
mod db;
mod error;
mod extract;
mod fibonacci;
mod forms;
mod guard;
mod http_cache;
mod layout;
mod model;
mod pages;
mod server;
mod source;
mod state;
mod users;
mod views;
mod visits;
mod weather;

use clap::Parser;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let config = config::Config::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,tower_http=info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match server::run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("products: {error}");
            ExitCode::FAILURE
        }
    }
}
