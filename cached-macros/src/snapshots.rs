//! What the macro writes, compared with the files in `snapshots/`: so that a change of the generated code is read in
//! review. Must never run what it expands.
//!
//! After a change: `UPDATE_EXPECT=1 cargo test -p cached-macros`, then read the diff.

use expect_test::{ExpectFile, expect_file};
use proc_macro2::{TokenStream, TokenTree};

use crate::targets::Writer;
use crate::writers::writer_tokens;

/// The source of one cached function against the file that shows its expansion.
fn check(source: &str, expected: &ExpectFile) {
    let item: TokenStream = source.parse().expect("Rust");
    let mut item: Vec<_> = item.into_iter().collect();
    // `#` and `[cached(..)]`; whatever stands above is what an earlier attribute left.
    let ours = ["cached", "invalidates", "updates"];
    let name = |token: &TokenTree| ours.into_iter().find(|name| token.to_string().starts_with(&format!("[{name}")));
    let at = item.iter().position(|token| name(token).is_some()).expect("an attribute of ours on top");
    let name = name(&item[at]).expect("found");
    let brackets = item.remove(at).to_string();
    item.remove(at - 1);
    let attribute = brackets.trim_start_matches('[').trim_start_matches(name).trim_end_matches(']').trim();
    let attribute = attribute.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or("");
    let (attribute, item) = (attribute.parse().expect("Rust"), item.into_iter().collect());
    let expanded = match name {
        "cached" => crate::cached_tokens(attribute, item),
        "invalidates" => writer_tokens(Writer::Invalidates, attribute, item),
        _ => writer_tokens(Writer::Updates, attribute, item),
    };
    let written = if let Ok(file) = syn::parse2::<syn::File>(expanded.clone()) {
        prettyplease::unparse(&file)
    } else {
        // A method, which is no item of a file.
        let inside: syn::File = syn::parse2(quote::quote!(impl Example { #expanded })).expect("items");
        prettyplease::unparse(&inside)
    };
    let mut shown = String::new();
    for line in source.trim().lines() {
        shown.extend(["// ", line.trim_end(), "\n"]);
    }
    expected.assert_eq(&format!("{shown}\n{written}"));
}

macro_rules! snapshots {
    ($($name:ident: $source:literal;)*) => { $(
        #[test]
        fn $name() {
            check($source, &expect_file![concat!("../snapshots/", stringify!($name), ".rs")]);
        }
    )* };
}

snapshots! {
    plain: "
#[cached]
/// Adds.
pub fn fib(n: u64) -> u64 {
    if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
}";
    generic: "
#[cached(capacity = 100, key = (name.trim(), n))]
pub fn page<T: Render>(name: String, n: u32) -> Answer<T> {
    T::render(&name, n)
}";
    borrowed_async: "
#[cached(ttl = \"1h 30m\", jitter = 0.1, skip(db))]
pub(crate) async fn product(db: &Db, id: u64, lang: &str) -> io::Result<Product> {
    db.product(id, lang).await
}";
    opaque_and_constant: "
#[cached(name = \"opaque\")]
fn opaque<'a, const N: usize>(value: impl Hash + Eq, text: &'a str, list: [u8; N]) -> String
where
    'a: 'static,
{
    text.into()
}";
    patterns: "
#[cached(key = (x, pair.0, _unread))]
fn patterns(Point { x, y: _ }: Point, pair: (&str, f64), mut n: u8, _: bool, _unread: u8) -> u8 {
    n += x;
    n
}";
    template: "
#[cached(key = \"product:{user.id}:{{}}:{price:.2}\")]
fn template(user: &User, price: f64) -> u8 {
    1
}";
    conditions: "
#[cached(skip(force), bypass_if = id == 7, refresh_if = force, coalesce = \"5s\", cache_if = |value| value > &1, cache_none = \"1s\", cache_err = true)]
fn conditions(id: u32, force: bool) -> Result<Option<u32>, String> {
    Ok(Some(id))
}";
    weight: "
#[cached(max_weight = \"64MiB\", weigh = |key, value| key.len() + value.len(), eviction = sieve, version = 2)]
fn weight(name: &str) -> String {
    name.into()
}";
    local: "
#[cached(backend = local, ttl = |value| value.ttl)]
fn local(text: &str) -> Rc<Token> {
    text.into()
}";
    shared_handle: "
#[cached(cache = pages.0)]
fn shared_handle(pages: &Pages, n: u32) -> u32 {
    n
}";
    method: "
#[cached(key = (self.id, n))]
pub fn method(&self, n: u32, mut label: String) -> Option<T> {
    label.push('x');
    Some(T::new(label)?)
}";
    method_with_companion: "
#[cached(key = (self.id, n), companion = item_entry)]
pub async fn item<U: Render>(&self, n: u32, label: &str) -> Result<U, Error> {
    self.render(label).await
}";
    boxed_future: "
#[cached(skip(self))]
fn find<'life0, 'async_trait>(&'life0 self, id: u32) -> ::core::pin::Pin<Box<dyn ::core::future::Future<Output = Option<String>> + Send + 'async_trait>>
where
    'life0: 'async_trait,
{
    Box::pin(async move { None })
}";
    other_attributes: "
#[cached]
#[cfg(feature = \"x\")]
#[tracing::instrument]
#[must_use]
#[inline]
#[allow(unused)]
#[expect(clippy::too_many_lines, reason = \"long\")]
pub fn other_attributes(n: u8) -> u8 {
    n
}";
    background: "
#[cached(skip(db), ttl = \"60s\", stale_if_error = \"1h\", refresh_ahead = 0.8, soft_timeout = \"200ms\", timeout = \"2s\")]
async fn background(db: &Db, name: &str, id: u64) -> Result<Product, DbError> {
    db.product(name, id).await
}";
    renewed_by_the_call: "
#[cached(ttl = \"60s\", stale_while_revalidate = \"10s\", refresh_ahead = xfetch)]
fn renewed_by_the_call(n: u32) -> u32 {
    n
}";
    redis_sync: "
#[cached(backend = redis(\"sessions\"), ttl = \"60s\", key = \"session:{user.id}:{{x}}\", codec = msgpack, compress_above = \"1KiB\")]
/// A session.
pub fn redis_sync(user: &User) -> Option<Session> {
    user.session()
}";
    redis_async: "
#[cached(backend = redis, ttl = \"60s\", skip(db))]
pub async fn redis_async(db: &Db, id: u64) -> Result<Product, DbError> {
    db.product(id).await
}";
    redis_method: "
#[cached(backend = redis, ttl = never, name = \"items\", key = (self.id, n), companion = item_entry)]
pub async fn redis_method(&self, n: u32) -> u32 {
    self.load(n).await
}";
    bulk: "
#[cached(each = id in ids, skip(db), tags = [\"of:{id}\"])]
pub async fn bulk(db: &Db, ids: &[u64], lang: String) -> Result<HashMap<u64, Product>, Error> {
    db.products(ids, &lang).await
}";
    writer_sync: "
#[invalidates(product(id), crate::shop::size::<u8>(&name, 1), list, tags = [\"products\", \"user:{user.id}\"])]
pub fn writer_sync(user: &User, id: String, name: String) -> Result<bool, Error> {
    user.write(id)?;
    Ok(true)
}";
    writer_of_its_result: "
#[invalidates(|made| product(made.id, lang))]
#[instrument]
async fn create(db: &Db, lang: String) -> io::Result<Product> {
    db.create(lang).await
}";
    writer_method: "
#[invalidates(self.item_entry(n), Self::page_entry(n))]
pub async fn writer_method(&mut self, n: u32) {
    self.write(n).await;
}";
    updater: "
#[updates(product(id))]
async fn updater(db: &Db, id: u64, patch: Patch) -> Result<Product, Error> {
    db.update(id, patch).await
}";
    writer_mistakes: "
#[invalidates(product(id).await, 7, tags = [\"{name}\"], tag = 1)]
fn writer_mistakes(id: u8) {}";
    mistakes: "
#[cached(ttl = 60, capcity = 10)]
fn mistakes(n: u8) -> &u8 {
    n
}";
}
