//! Puts the application together, serves it, and ends it in order. Must never end before what was accepted is answered and
//! what was counted is written, for as long as that takes seconds.

use crate::catalogue::Backend;
use crate::config::Config;
use crate::db::Db;
use crate::error::Error;
use crate::state::App;
use crate::{api, assets, guard, pages, visits};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use cached_runtime::{dashboard, redis};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

/// What a form may send at most.
const FORM: usize = 16 * 1024;
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(30);
/// How long the last answers may take once the program was told to end.
const GRACE: Duration = Duration::from_secs(10);

/// Serves until it is told to stop.
pub(crate) async fn run(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    let path = config.database_path();
    let db = Db::open(&path, config.slowness()).await.map_err(|error| format!("{}: {error}", path.display()))?;
    let backend = connect(&config, &db).await?;
    let address = SocketAddr::new(config.host, config.port);
    let listener = TcpListener::bind(address).await.map_err(|error| format!("{address}: {error}"))?;
    let (visits, flusher) = visits::start(db.clone(), Duration::from_millis(config.flush));
    let app = App { db: db.clone(), backend, visits, slowness: config.slowness() };

    tracing::info!(database = %path.display(), cache = backend.name(), "ready");
    // Programs that start this one read this line; a reader that has gone is no reason to stop.
    let _ = writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?);
    serve(listener, router(app)).await?;

    flusher.finish().await;
    db.close().await;
    redis::disconnect();
    tracing::info!("stopped");
    Ok(())
}

/// Answers until a signal comes, and then what is under way, within bounds.
async fn serve(listener: TcpListener, app: Router) -> io::Result<()> {
    let (tell, mut told) = watch::channel(false);
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        stop_signal().await;
        tracing::info!("stopping");
        tell.send_replace(true);
    });
    tokio::select! {
        result = server => result,
        () = async { if told.wait_for(|stop| *stop).await.is_ok() { tokio::time::sleep(GRACE).await } } => {
            tracing::warn!("some requests were not answered in time");
            Ok(())
        }
    }
}

/// Ctrl-C, or what `kill` and service managers send.
async fn stop_signal() {
    let interrupt = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "can't listen for ctrl-c");
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! { () = interrupt => {}, () = terminate => {} }
}

/// Finds Redis, where there is one. One that was asked for and is away is an error only if it can never work.
async fn connect(config: &Config, db: &Db) -> Result<Backend, Box<dyn std::error::Error>> {
    let settings = match &config.redis {
        Some(url) => redis::Config::from_url(url),
        None if named_in_environment() || runs_here().await => redis::Config::from_env(),
        None => return Ok(Backend::Memory),
    };
    // Entries belong to the data they were made of: another database has other keys.
    settings.namespace(format!("products-{}", db.identity().await?)).install()?;
    if let Err(error) = redis::check().await {
        tracing::warn!(%error, "Redis is away; pages are made without it until it comes back");
    }
    Ok(Backend::Redis)
}

fn named_in_environment() -> bool {
    ["CACHED_REDIS_URL", "REDIS_URL"].iter().any(|name| std::env::var_os(name).is_some_and(|url| !url.is_empty()))
}

async fn runs_here() -> bool {
    matches!(timeout(Duration::from_millis(300), TcpStream::connect("127.0.0.1:6379")).await, Ok(Ok(_)))
}

/// All routes, and what all of them have in common.
fn router(app: App) -> Router {
    let [policy, sniffing, referrer, caching] = guard::headers();
    Router::new()
        .route("/", get(pages::home::show))
        .route("/benchmark", get(pages::benchmark::show))
        .route("/products", get(pages::products::list))
        .route("/products/compare", get(pages::compare::show))
        .route("/products/{id}", get(pages::products::show))
        .route("/products/{id}/edit", get(pages::products::edit).post(pages::products::save))
        .route("/expensive-view", get(pages::views::expensive))
        .route("/search", get(pages::views::search))
        .route("/users", get(pages::users::list))
        .route("/users/{id}", get(pages::users::show))
        .route("/users/{id}/email", post(pages::users::email))
        .route("/users/{id}/name", post(pages::users::name))
        .route("/users/{id}/visit", post(pages::users::visit))
        .route("/weather", get(pages::weather::show))
        .merge(pages::http::routes())
        .nest("/api", api_routes())
        // Whoever reaches it may clear caches: an application with a login would put a layer around it.
        .nest("/cache-stats", dashboard::router())
        .route("/cache-stats.json", get(dashboard::stats_json))
        .route("/metrics", get(dashboard::metrics))
        .route("/assets/{name}", get(assets::serve))
        .fallback(|| async { Error::NotFound("page") })
        .method_not_allowed_fallback(|| async {
            Error::Bad(StatusCode::METHOD_NOT_ALLOWED, "This page is asked for in another way.".to_owned())
        })
        .with_state(app)
        .layer(DefaultBodyLimit::max(FORM))
        .layer(from_fn(guard::same_site))
        .layer(CatchPanicLayer::new())
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, ANSWER))
        .layer((policy, sniffing, referrer, caching))
        .layer(TraceLayer::new_for_http())
}

fn api_routes() -> Router<App> {
    Router::new()
        .route("/products", get(api::products))
        .route("/products/{id}", get(api::product))
        .route("/weather", get(api::show_weather))
        .fallback(api::not_found)
}
