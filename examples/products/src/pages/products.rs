//! The list, the detail and the form of products. Must never show a form whose values are old.

use crate::catalogue::{self, How};
use crate::error::{Error, Result};
use crate::extract::{Form, Path, Query, flag, number};
use crate::forms::{Errors, ProductForm};
use crate::layout::{self, Layout};
use crate::model::{Page, Product};
use crate::source::Source;
use crate::state::App;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use std::time::Instant;

/// How many products a page has at most.
pub(crate) const PER_PAGE: u32 = 100;

/// What can stand behind the `?` of a page with products.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    page: Option<String>,
    per_page: Option<String>,
    cache: Option<String>,
    refresh: Option<String>,
    saved: Option<String>,
}

impl Wanted {
    /// Page and size, within bounds. Parsed numbers are keys: `?page=01` is the entry of `?page=1`.
    pub(crate) fn page(&self) -> Result<(u32, u32)> {
        let page = number("page", self.page.as_deref(), 1..=u32::MAX, 1)?;
        Ok((page, number("per_page", self.per_page.as_deref(), 1..=PER_PAGE, 10)?))
    }

    pub(crate) fn how(&self) -> Result<How> {
        let refresh = flag("refresh", self.refresh.as_deref(), false)?;
        let cached = flag("cache", self.cache.as_deref(), true)?;
        Ok(if refresh {
            How::Refresh
        } else if cached {
            How::Cached
        } else {
            How::Past
        })
    }
}

#[derive(Template)]
#[template(path = "products.html")]
struct ListPage<'a> {
    layout: Layout,
    list: &'a Page,
    source: Source,
    cached: bool,
}

impl ListPage<'_> {
    fn link(&self, page: u32) -> String {
        let cache = if self.cached { "" } else { "&cache=false" };
        format!("?page={page}&per_page={}{cache}", self.list.per_page)
    }
}

/// `/products?page=1&per_page=10&cache=true`
pub(crate) async fn list(State(app): State<App>, Query(wanted): Query<Wanted>) -> Result<Response> {
    let ((page, per_page), how) = (wanted.page()?, wanted.how()?);
    let start = Instant::now();
    let list = catalogue::page(&app.db, app.backend, page, per_page, how).await?;
    let source = Source::of(&list, how, app.backend.name(), start);
    if page > list.value.pages() {
        return Err(Error::NotFound("page of the list"));
    }
    let layout = Layout::new("/products");
    let html = layout::html(&ListPage { layout, list: &list.value, source, cached: how != How::Past })?;
    Ok(([source.header("products")], html).into_response())
}

#[derive(Template)]
#[template(path = "product.html")]
struct Detail<'a> {
    layout: Layout,
    product: &'a Product,
    source: Source,
    cached: bool,
    saved: bool,
}

/// `/products/{id}`
pub(crate) async fn show(
    State(app): State<App>,
    Path(id): Path<u32>,
    Query(wanted): Query<Wanted>,
) -> Result<Response> {
    let (how, saved) = (wanted.how()?, flag("saved", wanted.saved.as_deref(), false)?);
    let start = Instant::now();
    let item = catalogue::product(&app.db, app.backend, id.into(), how).await?.ok_or(Error::NotFound("product"))?;
    let source = Source::of(&item, how, app.backend.name(), start);
    let page =
        Detail { layout: Layout::new("/products"), product: &item.value, source, cached: how != How::Past, saved };
    Ok(([source.header("product")], layout::html(&page)?).into_response())
}

#[derive(Template)]
#[template(path = "edit.html")]
struct Edit<'a> {
    layout: Layout,
    id: u32,
    title: &'a str,
    form: ProductForm,
    errors: Errors,
}

/// `/products/{id}/edit`: the form.
pub(crate) async fn edit(State(app): State<App>, Path(id): Path<u32>) -> Result<Response> {
    let product = fresh(&app, id).await?;
    form(id, &product.name, (&product).into(), Errors::default())
}

/// The form, sent: saves and shows the product, or shows what is wrong.
pub(crate) async fn save(
    State(app): State<App>,
    Path(id): Path<u32>,
    Form(sent): Form<ProductForm>,
) -> Result<Response> {
    match sent.check() {
        Ok(patch) if catalogue::update(&app.db, id.into(), &patch).await? => {
            // Reloading what comes of it sends nothing again.
            Ok(Redirect::to(&format!("/products/{id}?saved=1")).into_response())
        }
        Ok(_) => Err(Error::NotFound("product")),
        Err(errors) => {
            let product = fresh(&app, id).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, form(id, &product.name, sent, errors)?).into_response())
        }
    }
}

async fn fresh(app: &App, id: u32) -> Result<Product> {
    let item = catalogue::product(&app.db, app.backend, id.into(), How::Past).await?;
    Ok(item.ok_or(Error::NotFound("product"))?.value.clone())
}

fn form(id: u32, title: &str, form: ProductForm, errors: Errors) -> Result<Response> {
    Ok(layout::html(&Edit { layout: Layout::new("/products"), id, title, form, errors })?.into_response())
}
