//! What can go wrong in a request, and what the browser sees of it. Must never show the cause of an internal error.

use crate::layout::{self, Layout};
use askama::Template;
use axum::extract::rejection::{FormRejection, PathRejection, QueryRejection};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::fmt;
use std::sync::Arc;

/// Why a request got no page.
///
/// `Clone`, since callers who wait for one load all get its error.
#[derive(Clone, Debug)]
pub(crate) enum Error {
    /// There is no such thing.
    NotFound(&'static str),
    /// The request makes no sense; the text says why.
    Bad(StatusCode, String),
    /// A form that another site sent.
    CrossSite,
    /// The database failed.
    Database(Arc<sqlx::Error>),
    /// A page could not be written.
    Render(Arc<askama::Error>),
    /// The server is stopping, or as good as.
    Unavailable(&'static str),
}

/// What everything here returns.
pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A parameter that makes no sense.
    pub(crate) fn parameter(text: impl Into<String>) -> Self {
        Self::Bad(StatusCode::BAD_REQUEST, text.into())
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Bad(status, _) => *status,
            Self::CrossSite => StatusCode::FORBIDDEN,
            Self::Database(_) | Self::Render(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What whoever asked may read.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::NotFound(what) => format!("There is no such {what}."),
            Self::Bad(_, text) => text.clone(),
            Self::CrossSite => "This form came from another site.".to_owned(),
            Self::Database(_) | Self::Render(_) => "Something went wrong here. The log says what.".to_owned(),
            Self::Unavailable(text) => (*text).to_owned(),
        }
    }

    /// Internal errors go to the log, and only there.
    pub(crate) fn log(&self) {
        match self {
            Self::Database(error) => tracing::error!(%error, "database"),
            Self::Render(error) => tracing::error!(%error, "template"),
            _ => {}
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(error) => write!(f, "database: {error}"),
            Self::Render(error) => write!(f, "template: {error}"),
            other => f.write_str(&other.message()),
        }
    }
}

impl std::error::Error for Error {}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

impl From<askama::Error> for Error {
    fn from(error: askama::Error) -> Self {
        Self::Render(Arc::new(error))
    }
}

/// The extractors' own texts quote their internals; the status is what counts.
macro_rules! from_rejection {
    ($($rejection:ty: $text:literal),*) => {$(
        impl From<$rejection> for Error {
            fn from(rejection: $rejection) -> Self {
                tracing::debug!(%rejection);
                match rejection.status() {
                    StatusCode::PAYLOAD_TOO_LARGE => Self::Bad(StatusCode::PAYLOAD_TOO_LARGE, "That is too much text.".to_owned()),
                    status => Self::Bad(status, $text.to_owned()),
                }
            }
        }
    )*};
}

from_rejection! {
    QueryRejection: "A parameter behind the ? is not what this page takes.",
    FormRejection: "This is not the form of this page."
}

impl From<PathRejection> for Error {
    fn from(rejection: PathRejection) -> Self {
        tracing::debug!(%rejection);
        // `/products/-1` and `/products/abc` name nothing that exists.
        Self::NotFound("page")
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    layout: Layout,
    status: StatusCode,
    message: String,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.log();
        let status = self.status();
        let page = ErrorPage { layout: Layout::new(""), status, message: self.message() };
        match layout::html(&page) {
            Ok(html) => (status, html).into_response(),
            Err(_) => (status, self.message()).into_response(),
        }
    }
}
