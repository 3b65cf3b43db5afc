//! The same data for programs. Must answer with JSON, errors included.

use crate::catalogue::{self, How};
use crate::error::{Error, Result};
use crate::extract::{Path, Query, flag, ids};
use crate::model::{Loaded, Product};
use crate::pages::products;
use crate::source::Source;
use crate::state::App;
use crate::weather::{City, Weather, weather};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

/// An error as JSON.
#[derive(Debug)]
pub(crate) struct Problem(Error);

impl<E: Into<Error>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.0.log();
        (self.0.status(), Json(json!({ "error": self.0.message() }))).into_response()
    }
}

type Answer = std::result::Result<Response, Problem>;
type Parameters<T> = std::result::Result<Query<T>, Error>;

/// How many products can be asked for at once.
const MANY: usize = 100;

#[derive(Deserialize)]
pub(crate) struct Many {
    ids: Option<String>,
}

/// `/api/products?page=1&per_page=10`, or `/api/products?ids=1,2,3`
pub(crate) async fn products(
    State(app): State<App>,
    many: Parameters<Many>,
    wanted: Parameters<products::Wanted>,
) -> Answer {
    if let Some(text) = many?.0.ids {
        return by_ids(&app, &ids(&text, MANY)?).await;
    }
    let wanted = wanted?.0;
    let ((page, per_page), how) = (wanted.page()?, wanted.how()?);
    let start = Instant::now();
    let list = catalogue::page(&app.db, app.backend, page, per_page, how).await?;
    if page > list.value.pages() {
        return Err(Error::NotFound("page of the list").into());
    }
    let source = Source::of(&list, how, app.backend.name(), start);
    let body = json!({
        "products": list.value.products.iter().map(shown).collect::<Vec<_>>(),
        "page": list.value.page,
        "per_page": list.value.per_page,
        "pages": list.value.pages(),
        "total": list.value.total,
        "source": source.word(),
    });
    Ok(([source.header("products")], Json(body)).into_response())
}

/// Many at once, in the order in which they were asked for, each once.
async fn by_ids(app: &App, ids: &[i64]) -> Answer {
    let mut seen = HashSet::new();
    let ids: Vec<i64> = ids.iter().copied().filter(|id| seen.insert(*id)).collect();
    let start = Instant::now();
    let found = catalogue::products(&app.db, app.backend, &ids).await?;
    let hits = found.iter().flatten().filter(|item| item.is_older_than(start)).count();
    let missing: Vec<i64> = ids.iter().zip(&found).filter(|(_, item)| item.is_none()).map(|(id, _)| *id).collect();
    let products: Vec<Value> = found.iter().flatten().map(|item| shown(&item.value)).collect();
    Ok(Json(json!({ "products": products, "missing": missing, "hits": hits })).into_response())
}

/// `/api/products/{id}`
pub(crate) async fn product(
    State(app): State<App>,
    id: std::result::Result<Path<u32>, Error>,
    wanted: Parameters<products::Wanted>,
) -> Answer {
    let (id, how) = (id?.0, wanted?.0.how()?);
    let start = Instant::now();
    let item = catalogue::product(&app.db, app.backend, id.into(), how).await?.ok_or(Error::NotFound("product"))?;
    let source = Source::of(&item, how, app.backend.name(), start);
    Ok(([source.header("product")], Json(shown(&item.value))).into_response())
}

/// A price goes out as text: JSON's numbers are floats to most who read them.
fn shown(product: &Product) -> Value {
    json!({
        "id": product.id,
        "name": product.name,
        "description": product.description,
        "price": product.price.to_string(),
        "created_at": product.created_at,
        "updated_at": product.updated_at,
    })
}

/// Which weather is wanted.
#[derive(Debug, Deserialize)]
pub(crate) struct WantedWeather {
    city: Option<String>,
    cached: Option<String>,
}

impl WantedWeather {
    /// The city, and whether a new reading is wanted.
    pub(crate) fn check(&self) -> Result<(City, How)> {
        let city = self.city.as_deref().unwrap_or("kigali");
        let city = City::parse(city).ok_or_else(|| Error::parameter("`city` must be kigali, oslo or lima."))?;
        let cached = flag("cached", self.cached.as_deref(), true)?;
        Ok((city, if cached { How::Cached } else { How::Refresh }))
    }
}

#[derive(Serialize)]
struct Reading<'a> {
    #[serde(flatten)]
    weather: &'a Weather,
    source: &'static str,
    milliseconds: f64,
    age_seconds: u64,
}

/// `/api/weather?city=kigali&cached=true`
pub(crate) async fn show_weather(State(app): State<App>, wanted: Parameters<WantedWeather>) -> Answer {
    let (city, how) = wanted?.0.check()?;
    let start = Instant::now();
    let reading: Arc<Loaded<Weather>> = weather(city, app.slowness, how).await?;
    let source = Source::of(&reading, how, "memory", start);
    let body = Json(Reading {
        weather: &reading.value,
        source: if source.is_hit() { "cache" } else { "live" },
        milliseconds: start.elapsed().as_secs_f64() * 1e3,
        age_seconds: reading.age().as_secs(),
    });
    Ok(([source.header("weather")], body).into_response())
}

/// What is not there.
pub(crate) async fn not_found() -> (StatusCode, Json<Value>) {
    (StatusCode::NOT_FOUND, Json(json!({ "error": "There is no such address." })))
}
