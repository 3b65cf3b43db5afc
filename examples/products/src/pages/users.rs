//! Users, and the three ways to write. Must never answer a POST with a page: a reload would send it again.

use crate::catalogue::How;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::extract::{Form, Path, Query};
use crate::forms::UserForm;
use crate::layout::{self, Layout};
use crate::model::User;
use crate::source::Source;
use crate::state::App;
use crate::users;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use std::time::Instant;

#[derive(Template)]
#[template(path = "users.html")]
struct Users {
    layout: Layout,
    users: Vec<User>,
}

/// `/users`
pub(crate) async fn list(State(db): State<Db>) -> Result<Html<String>> {
    layout::html(&Users { layout: Layout::new("/users"), users: db.users().await? })
}

#[derive(Template)]
#[template(path = "user.html")]
struct Profile<'a> {
    layout: Layout,
    user: &'a User,
    source: Source,
    visits: i64,
    pending: i64,
    written: Option<Written>,
    email: &'a str,
    name: &'a str,
    email_error: Option<&'static str>,
    name_error: Option<&'static str>,
}

/// What a form just did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Written {
    Email,
    Name,
    Visit,
}

#[derive(Deserialize)]
pub(crate) struct After {
    written: Option<Written>,
}

/// What was typed, and what is wrong with it.
#[derive(Default)]
struct Typed {
    form: Option<UserForm>,
    email: Option<&'static str>,
    name: Option<&'static str>,
}

/// `/users/{id}`
pub(crate) async fn show(State(app): State<App>, Path(id): Path<u32>, Query(after): Query<After>) -> Result<Response> {
    profile(&app, id, after.written, Typed::default()).await
}

async fn profile(app: &App, id: u32, written: Option<Written>, typed: Typed) -> Result<Response> {
    let start = Instant::now();
    let account = users::user(&app.db, id.into()).await?.ok_or(Error::NotFound("user"))?;
    let source = Source::of(&account, How::Cached, "memory", start);
    let user = &account.value;
    let page = layout::html(&Profile {
        layout: Layout::new("/users"),
        user,
        source,
        visits: app.db.visits(id.into()).await?,
        pending: app.visits.pending(id.into()),
        written,
        email: typed.form.as_ref().filter(|_| typed.email.is_some()).map_or(&user.email, |form| &form.email),
        name: typed.form.as_ref().filter(|_| typed.name.is_some()).map_or(&user.name, |form| &form.name),
        email_error: typed.email,
        name_error: typed.name,
    })?;
    Ok(([source.header("user")], page).into_response())
}

fn done(id: u32, what: &str) -> Response {
    Redirect::to(&format!("/users/{id}?written={what}")).into_response()
}

/// The e-mail address: cache-aside.
pub(crate) async fn email(State(app): State<App>, Path(id): Path<u32>, Form(form): Form<UserForm>) -> Result<Response> {
    match form.email() {
        Ok(email) if users::set_email(&app.db, id.into(), &email).await? => Ok(done(id, "email")),
        Ok(_) => Err(Error::NotFound("user")),
        Err(wrong) => {
            let typed = Typed { form: Some(form), email: Some(wrong), name: None };
            Ok((StatusCode::UNPROCESSABLE_ENTITY, profile(&app, id, None, typed).await?).into_response())
        }
    }
}

/// The name: write-through.
pub(crate) async fn name(State(app): State<App>, Path(id): Path<u32>, Form(form): Form<UserForm>) -> Result<Response> {
    match form.name() {
        Ok(name) => match users::set_name(&app.db, id.into(), &name).await? {
            Some(_) => Ok(done(id, "name")),
            None => Err(Error::NotFound("user")),
        },
        Err(wrong) => {
            let typed = Typed { form: Some(form), name: Some(wrong), email: None };
            Ok((StatusCode::UNPROCESSABLE_ENTITY, profile(&app, id, None, typed).await?).into_response())
        }
    }
}

/// A visit: write-behind.
pub(crate) async fn visit(State(app): State<App>, Path(id): Path<u32>) -> Result<Response> {
    users::user(&app.db, id.into()).await?.ok_or(Error::NotFound("user"))?;
    app.visits.count(id.into()).await?;
    Ok(done(id, "visit"))
}
