//! The weather page. Must work without its script, which only adds the chart.

use crate::api::WantedWeather;
use crate::assets;
use crate::error::Result;
use crate::extract::Query;
use crate::layout::{self, Layout};
use crate::model::Loaded;
use crate::source::Source;
use crate::state::App;
use crate::weather::{City, Weather, weather};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::Instant;

#[derive(Template)]
#[template(path = "weather.html")]
struct WeatherPage {
    layout: Layout,
    city: City,
    cities: [City; 3],
    reading: Arc<Loaded<Weather>>,
    source: Source,
    script: String,
}

/// `/weather?city=kigali&cached=true`
pub(crate) async fn show(State(app): State<App>, Query(wanted): Query<WantedWeather>) -> Result<Response> {
    let (city, how) = wanted.check()?;
    let start = Instant::now();
    let reading = weather(city, app.slowness, how).await?;
    let source = Source::of(&reading, how, "memory", start);
    let page = WeatherPage {
        layout: Layout::new("/weather"),
        city,
        cities: City::ALL,
        reading,
        source,
        script: assets::address(assets::WEATHER),
    };
    Ok(([source.header("weather")], layout::html(&page)?).into_response())
}
