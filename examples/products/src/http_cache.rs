//! A tower layer for HTTP caching: Cache-Control, Expires, Vary, `ETag`, and the conditional requests of RFC 9110. Must never
//! answer a request that changes something, since by then it has changed it.
//!
//! A handler that knows its own `ETag` or `Last-Modified` sets that header, and the layer takes it; [`HttpCache::etag`] makes one from
//! the body. What comes of the conditions of a request is decided in the order of RFC 9110, section 13.2.2.

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, EXPIRES, IF_MATCH,
    IF_NONE_MATCH, TRANSFER_ENCODING, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use headers::{ETag, HeaderMapExt, IfMatch, IfModifiedSince, IfNoneMatch, IfUnmodifiedSince, LastModified};
use http_body_util::BodyExt;
use hyper::body::Frame;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};
use tower::{Layer, Service};

/// What is said about the answers of a route.
#[derive(Clone, Debug, Default)]
pub(crate) struct HttpCache {
    cache_control: Option<HeaderValue>,
    expires: Option<Duration>,
    vary: Option<HeaderValue>,
    etag: bool,
}

impl HttpCache {
    /// Says `Cache-Control` where the handler doesn't.
    pub(crate) fn control(directives: &'static str) -> Self {
        Self { cache_control: Some(HeaderValue::from_static(directives)), ..Self::default() }
    }

    /// Says `Expires` too, for caches older than HTTP/1.1; others read `max-age`, which goes first.
    pub(crate) fn expires(mut self, after: Duration) -> Self {
        self.expires = Some(after);
        self
    }

    /// Names the request headers that the answer depends on.
    pub(crate) fn vary(mut self, headers: &'static str) -> Self {
        self.vary = Some(HeaderValue::from_static(headers));
        self
    }

    /// Makes a strong `ETag` from the body, up to [`HASHED`] bytes, where the handler gives none.
    pub(crate) fn etag(mut self) -> Self {
        self.etag = true;
        self
    }

    async fn finish(self, request: Asked, mut response: Response) -> Response {
        let headers = response.headers_mut();
        if let Some(vary) = self.vary {
            headers.append(VARY, vary);
        }
        if !response.status().is_success() {
            return response; // neither kept nor compared: errors are the next request's chance
        }
        let headers = response.headers_mut();
        if let Some(control) = self.cache_control {
            headers.entry(CACHE_CONTROL).or_insert(control);
        }
        if let Some(after) = self.expires
            && let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(SystemTime::now() + after))
        {
            headers.entry(EXPIRES).or_insert(date);
        }
        if self.etag && response.headers().typed_get::<ETag>().is_none() {
            response = tagged(response).await;
        }
        match request.verdict(response.headers()) {
            Verdict::Send => response,
            Verdict::NotModified => without_body(response, StatusCode::NOT_MODIFIED),
            Verdict::Failed => without_body(response, StatusCode::PRECONDITION_FAILED),
        }
    }
}

/// Larger bodies are sent as they come, without a tag: to hash one it must be whole.
const HASHED: u64 = 1024 * 1024;

async fn tagged(response: Response) -> Response {
    if response.body().size_hint().exact().is_none_or(|size| size > HASHED) {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let bytes = match body.collect().await {
        Ok(whole) => whole.to_bytes(),
        Err(error) => {
            tracing::error!(%error, "a body broke while it was made");
            return without_body(Response::from_parts(head, Body::empty()), StatusCode::INTERNAL_SERVER_ERROR);
        }
    };
    // The type and the language are part of what is sent.
    let mut hasher = blake3::Hasher::new();
    for name in [CONTENT_TYPE, CONTENT_LANGUAGE, CONTENT_ENCODING] {
        hasher.update(head.headers.get(name).map_or(&[][..], HeaderValue::as_bytes)).update(b"\0");
    }
    let hash = hasher.update(&bytes).finalize().to_hex();
    if let Ok(tag) = format!("\"{}\"", &hash[..32]).parse::<ETag>() {
        head.headers.typed_insert(tag);
    }
    Response::from_parts(head, Body::from(bytes))
}

/// RFC 9110, section 15.4.5: what would describe the body goes, what describes the resource stays.
fn without_body(mut response: Response, status: StatusCode) -> Response {
    for name in [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_RANGE, TRANSFER_ENCODING] {
        response.headers_mut().remove(name);
    }
    *response.status_mut() = status;
    *response.body_mut() = Body::new(Nothing);
    response
}

/// A body that is not there, as opposed to an empty one: for that axum says `Content-Length: 0`, which a cache would take for the
/// length of what it keeps.
struct Nothing;

impl HttpBody for Nothing {
    type Data = axum::body::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }
}

/// The conditions of a request.
#[derive(Debug, Default)]
struct Asked {
    /// Only GET and HEAD are answered from conditions: see the top.
    reads: bool,
    if_match: Option<IfMatch>,
    if_unmodified_since: Option<IfUnmodifiedSince>,
    if_none_match: Option<IfNoneMatch>,
    if_modified_since: Option<IfModifiedSince>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Send,
    NotModified,
    Failed,
}

impl Asked {
    fn read(method: &Method, headers: &HeaderMap) -> Self {
        let has = |name: HeaderName| headers.contains_key(name);
        Self {
            reads: method == Method::GET || method == Method::HEAD,
            // A date counts only where there is no tag, even one that can't be read; a date that can't be read never counts.
            if_unmodified_since: headers.typed_get().filter(|_| !has(IF_MATCH)),
            if_modified_since: headers.typed_get().filter(|_| !has(IF_NONE_MATCH)),
            if_match: headers.typed_get(),
            if_none_match: headers.typed_get(),
        }
    }

    /// RFC 9110, section 13.2.2. `If-Match` compares strongly, `If-None-Match` weakly.
    fn verdict(&self, answer: &HeaderMap) -> Verdict {
        if !self.reads {
            return Verdict::Send;
        }
        let tag: Option<ETag> = answer.typed_get();
        let modified = answer.typed_get().map(|modified: LastModified| SystemTime::from(modified));
        let failed = match (&self.if_match, &self.if_unmodified_since) {
            (Some(wanted), _) => {
                *wanted != IfMatch::any() && !tag.as_ref().is_some_and(|tag| wanted.precondition_passes(tag))
            }
            (None, Some(since)) => modified.is_some_and(|modified| !since.precondition_passes(modified)),
            (None, None) => false,
        };
        if failed {
            return Verdict::Failed;
        }
        let has_it = match (&self.if_none_match, &self.if_modified_since) {
            (Some(held), _) => *held == IfNoneMatch::any() || tag.is_some_and(|tag| !held.precondition_passes(&tag)),
            (None, Some(since)) => modified.is_some_and(|modified| !since.is_modified(modified)),
            (None, None) => false,
        };
        if has_it { Verdict::NotModified } else { Verdict::Send }
    }
}

impl<S> Layer<S> for HttpCache {
    type Service = Caching<S>;

    fn layer(&self, inner: S) -> Caching<S> {
        Caching { inner, rules: self.clone() }
    }
}

/// A service with its answers' rules.
#[derive(Clone, Debug)]
pub(crate) struct Caching<S> {
    inner: S,
    rules: HttpCache,
}

impl<S> Service<Request> for Caching<S>
where
    S: Service<Request, Response = Response>,
    S::Future: Send + 'static,
    S::Error: Send,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let asked = Asked::read(request.method(), request.headers());
        let (rules, answer) = (self.rules.clone(), self.inner.call(request));
        Box::pin(async move {
            match answer.await {
                Ok(response) => Ok(rules.finish(asked, response).await),
                Err(error) => Err(error),
            }
        })
    }
}

#[cfg(test)]
mod tests;
