//! The attribute `#[cached]` and the reference of its options. No logic.

#![forbid(unsafe_code)]

mod attributes;
mod bulk;
mod call;
mod companion;
mod each;
mod entry;
mod errors;
mod expand;
mod fallback;
mod function;
mod hidden;
mod key;
mod list;
mod lists;
mod literal;
mod many;
mod names;
mod once;
mod options;
mod owning;
mod plan;
mod rules;
mod scope;
mod settings;
mod signature;
#[cfg(test)]
mod snapshots;
mod targets;
mod template;
mod values;
mod windows;
mod writers;

use proc_macro::TokenStream;

/// Keeps what a function returns, and gives it back for the same arguments.
///
/// ```
/// use cached_runtime::cached;
///
/// #[cached] // in memory, the 1024 entries used last
/// fn fib(n: u64) -> u64 {
///     if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
/// }
///
/// assert_eq!(fib(90), 2_880_067_194_370_816_120);
/// fib::invalidate(30); // a cached function has a companion of its own name
/// assert_eq!(fib::stats().loads, 91);
/// ```
///
/// Plain and `async` functions, functions inside of functions, methods and default methods, generics of every kind. Calls for
/// one key that come at the same time run the body once. What `Err` or `None` a body returns is not kept, but tried again;
/// `Result` and `Option` are recognised by type, through aliases too.
///
/// Those who wait for a load that fails get its error, if the error is `Clone + Send + Sync + 'static`. If it is not, they
/// load on their own, in waves of 2, 4, 8... at once; `Result<T, Arc<E>>` shares it.
///
/// # Options
///
/// Values are expressions of Rust, never text with code in it. Durations are `"30s"`, `"1h 30m"`, `"250ms"` (units `ns`, `us`,
/// `ms`, `s`, `m`, `h`, `d`, checked at compile time) or any expression of type `Duration`. Unless it says otherwise, an option
/// is evaluated once, at the first call, and can't read the arguments. An unknown option, one that is said twice, and one that
/// does not go with another is a compile error under its name.
///
/// ## What is the same call
///
/// | option | value | meaning | default |
/// |---|---|---|---|
/// | `key` | expression over the arguments: `id`, `(user.id, page)`, `name.trim()` | what distinguishes entries. A tuple is a key of several parts, 12 at most. Evaluated at every call, on borrowed arguments | all arguments but those skipped and `_` |
/// | `key` | template: `"product:{id}:{user.name}"`, `{{` and `}}` for braces | the tuple of the parts in braces. A part is compared as what it is, not as text, unless it has a format: `{price:.2}`. In Redis it is the text of the key | |
/// | `skip(a, b)` | names of arguments, or `self` | what makes no difference: connections, flags | nothing |
///
/// A part of a key is `Hash + Eq + Clone` (and `Send + Sync` unless `backend = local`). It is looked at by reference: a hit on
/// `&str` allocates nothing. Floats count by their bits, with `-0.0` as `0.0` and all NaN equal: bare, in `Option` and in
/// tuples; of a `Vec` or a slice of them, a `key` makes `Float`s. A type that borrows inside (`&[&str]`, `Name<'_>`) wants a
/// `key`. A `key` that doesn't read `self` makes all instances share their entries; one that reads no argument at all is an error,
/// and for one entry on purpose it is `key = ()`. Calls with different type arguments never share an entry, whatever is skipped:
/// where there is a companion, an `impl Trait` argument that the key doesn't read wants a name, `fn load<S: Store>(store: &S, ..)`.
///
/// ```
/// # use cached_runtime::cached;
/// use cached_runtime::Float;
///
/// #[cached(key = points.iter().copied().map(Float::from).collect::<Vec<_>>())]
/// fn sum(points: &[f64]) -> f64 {
///     points.iter().sum()
/// }
///
/// #[cached]
/// fn length(from: (f64, f64), to: Option<f64>) -> f64 {
///     to.unwrap_or(from.1) - from.0
/// }
///
/// assert_eq!((sum(&[0.5, 1.0]), length((0.5, 1.0), None)), (1.5, 0.5));
///
/// #[cached(key = (name.trim(), page), skip(connection))]
/// fn rows(connection: &mut Vec<String>, name: &str, page: u32) -> usize {
///     connection.push(format!("{name} {page}"));
///     connection.len()
/// }
///
/// let mut connection = Vec::new();
/// assert_eq!((rows(&mut connection, "a", 1), rows(&mut connection, " a ", 1), rows(&mut connection, "a", 2)), (1, 1, 2));
/// rows::invalidate("a", 2);
/// assert!(rows::contains(" a", 1) && !rows::contains("a", 2));
/// ```
///
/// ## How long and how much
///
/// | option | value | meaning | default |
/// |---|---|---|---|
/// | `ttl` | duration, `never`, or a closure of the value, which is what is inside of `Ok` or `Some`: `\|value\| value.expires_in` | time to live, from the end of the load. A literal of zero is an error; a computed zero keeps nothing | `never` |
/// | `tti` | duration | time to idle, from the last read | none |
/// | `jitter` | share of the ttl, `0.1`, or duration | each entry's ttl is shortened by a random part of this. Wants a `ttl` | none |
/// | `capacity` | number of entries, or `unbounded` | how many are kept: by each instantiation of a generic function, and with `backend = local` by each thread. 0 keeps none | 1024 |
/// | `eviction` | `lru`, `sieve` | who goes first: the one not used for longest (exact up to 1024), or SIEVE behind a small queue (hits without a lock, and more of them; neither a scan nor a loop over more than fits washes the cache out; a removed value is dropped once nobody reads it). Not with `unbounded`; `local` is always `lru` | `lru` |
/// | `max_weight`, `weigh` | `"64MiB"` or integer; closure `\|key, value\| usize` | bound by weight instead of count. Both, and no `capacity` | none |
///
/// ```
/// # use cached_runtime::cached;
/// # use std::time::Duration;
/// # fn lifetime() -> Duration { Duration::from_secs(9) }
/// #[cached(ttl = "1h 30m", jitter = 0.1, max_weight = "64MiB", weigh = |name, page| name.len() + page.len())]
/// fn page(name: &str) -> String {
///     name.repeat(1000)
/// }
///
/// #[cached(ttl = lifetime(), capacity = 10 * 1000, eviction = sieve)]
/// fn length(name: &str) -> usize {
///     name.len()
/// }
/// # assert_eq!((page("a").len(), length("a")), (1000, 1));
/// ```
///
/// ## Past the ttl
///
/// | option | value | meaning | default |
/// |---|---|---|---|
/// | `stale_while_revalidate` | duration | past the ttl, serve the old value for this long while one call loads the new one. Wants a `ttl` | none |
/// | `stale_if_error` | duration | past the ttl, serve the old value up to this long where the load fails: a hard maximum, never renewed by failures. After a failure nobody tries again for a second (a tenth of the window, if that is shorter). Not with `cache_err` | none |
/// | `refresh_ahead` | share of the ttl, `0.8`, or `xfetch` | renew before the ttl ends: one call past that age, or by chance, the likelier the slower the load and the nearer the end | none |
/// | `soft_timeout` | duration | a load that takes longer goes on, and the call has the old value. Wants `stale_if_error`, an async function whose arguments can be owned, and the feature `tokio` | none |
/// | `timeout` | duration | a load that takes longer is dropped, and has failed with `E: From<TimedOut>`. Wants an async function that returns `Result<_, E>`, and the feature `tokio`. `uncached` has none | none |
///
/// Who renews: in an async function whose arguments can be owned, a task of the current tokio runtime, and no call waits for
/// it (feature `tokio`). Owned arguments move there; `&T`, `&str` and `&[T]` are cloned where `T: Clone + Send + Sync +
/// 'static`. Else (sync functions, methods, other borrowed arguments, `backend = local`, outside of a runtime) the call that
/// finds the value due waits for the load and has the new value, and the others have the old one meanwhile. (An editor shows
/// which of the two a function is at the companion's `refresh`.) The load of such an async function is spawned, so its future
/// must be `Send`; one that calls itself is written `fn f(..) -> Pin<Box<dyn Future<Output = ..> + Send>>`.
///
/// The time limits are in real time, by a timer of the crate's own: they hold on a runtime without timers too.
///
/// ```
/// # use cached_runtime::cached;
/// # use std::future::Future;
/// use cached_runtime::TimedOut;
///
/// #[derive(Clone, Debug)]
/// struct Db;
///
/// #[derive(Clone, Debug)]
/// enum DbError {
///     TimedOut(TimedOut),
/// }
///
/// impl From<TimedOut> for DbError {
///     fn from(error: TimedOut) -> Self {
///         Self::TimedOut(error)
///     }
/// }
///
/// #[cached(skip(db), ttl = "60s", stale_while_revalidate = "10s", stale_if_error = "1h", refresh_ahead = 0.8)]
/// async fn product(db: &Db, name: &str) -> Result<String, DbError> {
///     Ok(format!("{name} of {db:?}"))
/// }
///
/// #[cached(ttl = "60s", refresh_ahead = xfetch)]
/// fn page(n: u32) -> String {
///     n.to_string()
/// }
/// # page(1);
/// # let mut call = std::pin::pin!(product(&Db, "tea"));
/// # assert!(call.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready());
/// ```
///
/// With the feature `tokio`, `soft_timeout = "200ms", timeout = "2s"` stand beside them.
///
/// ## What is kept
///
/// | option | value | meaning | default |
/// |---|---|---|---|
/// | `cache_if` | closure of the value: `\|value\| !value.is_empty()` | keep only what satisfies it. The value is what is inside of `Ok` or `Some` | everything |
/// | `cache_err` | `true`, `false`, duration | keep `Err` too, as long as a value or this long. The error must be `Clone` | `false` |
/// | `cache_none` | `true`, `false`, duration | keep `None` too | `false` |
///
/// ```
/// # use cached_runtime::cached;
/// #[cached(cache_none = "5s", cache_if = |word| word.len() > 3)]
/// fn word(n: usize) -> Result<Option<String>, std::io::Error> {
///     Ok((n > 0).then(|| "x".repeat(n)))
/// }
///
/// for n in [0, 2, 4] {
///     word(n)?;
/// }
/// assert_eq!([0, 2, 4].map(word::contains), [true, false, true]);
/// # Ok::<_, std::io::Error>(())
/// ```
///
/// ## Groups
///
/// | option | value | meaning | default |
/// |---|---|---|---|
/// | `tags` | list of templates over the arguments: `["products", "user:{id}"]` | groups that the entry belongs to: `invalidate_tag("user:7")` forgets all entries of the group, in every cache. A tag is the text that its template displays. `set` takes the arguments that the tags read, beside those of the key | none |
///
/// ```
/// # use cached_runtime::cached;
/// use cached_runtime::invalidate_tag;
///
/// #[cached(tags = ["orders", "user:{user}"])]
/// fn orders(user: u64, page: u32) -> Vec<u64> {
///     vec![user, page.into()]
/// }
///
/// (orders(1, 1), orders(2, 1));
/// invalidate_tag("user:1").wait()?;
/// assert!(!orders::contains(1, 1) && orders::contains(2, 1));
/// # Ok::<_, cached_runtime::Error>(())
/// ```
///
/// Functions that write forget with [`macro@invalidates`].
///
/// ## Calls that are different
///
/// | option | value | meaning | default |
/// |---|---|---|---|
/// | `bypass_if` | `bool` expression over the arguments and `self` | such a call goes past the cache | never |
/// | `refresh_if` | `bool` expression over the arguments and `self` | such a call runs the body and stores what it returns; a failure leaves the old value. `skip` the flag: as a part of the key it would choose another entry | never |
/// | `coalesce` | `false`, or duration | no single-flight; or how long a call waits for another's load before it runs its own | 60 s; 10 s in Redis |
///
/// ```
/// # use cached_runtime::cached;
/// #[cached(skip(force), refresh_if = force, bypass_if = id == 0)]
/// fn price(id: u32, force: bool) -> u32 {
///     id * 2
/// }
///
/// price(1, false);
/// price(1, true);
/// price(0, false);
/// assert_eq!((price::stats().loads, price::stats().bypassed), (2, 1));
/// ```
///
/// ## Many at once
///
/// | option | value | meaning | default |
/// |---|---|---|---|
/// | `each` | `id in ids`: a name for one, and the argument that has them all (a slice, `&Vec` or `Vec`) | every id is an entry. The body runs once, with those ids that are missing and that no other call loads; what others load is waited for | no |
///
/// The function returns `HashMap<Id, V>`, `BTreeMap<Id, V>`, `Vec<V>` or `Vec<Option<V>>` (in the order of the ids), plain or in
/// a `Result`. What is absent is asked for again next time, unless `cache_none` keeps it; an `Err` goes to the caller and
/// nothing of that call is kept. A `Vec` of another length than the ids' tells nothing about any of them: the body runs again, for all
/// ids, past the cache.
///
/// `key`, `tags` and the companions are of one id: `get(id)`, `invalidate(id)`, `set(id, &value)`. `uncached` and `refresh`
/// take all ids, and `refresh` loads all of them anew. With `cache = product::cache()` the entries are those of the function
/// of one id, and a load of one of the two is waited for by the other; if they are in Redis, say `backend = redis` too.
///
/// The body may run twice (the load of another call, which this one waited for, may fail): arguments that it takes by value
/// are cloned, and `&mut` is refused.
///
/// `bypass_if` runs the body with all ids and touches no entry; `refresh_if` loads all of them anew. Each id grows old by itself:
/// those that are due for a renewal are loaded by a body of their own in the background, under the conditions of single calls
/// and in memory, while the call has the old values; else together with those that are missing. With `stale_if_error`, ids whose
/// body failed have their old values if all that it was asked for have one; else the call has the error. `cache_err` and
/// `soft_timeout` do not go with `each`: an error is of no id alone, and ids without an old value have none to give.
///
/// ```
/// use cached_runtime::cached;
/// use std::collections::HashMap;
///
/// #[cached(key = id)]
/// fn product(id: u64) -> Result<String, String> {
///     Ok(format!("product {id}"))
/// }
///
/// #[cached(each = id in ids, key = id, cache = product::cache())]
/// fn products(ids: &[u64]) -> Result<HashMap<u64, String>, String> {
///     Ok(ids.iter().map(|id| (*id, format!("one of {}", ids.len()))).collect())
/// }
///
/// product(1)?;
/// let found = products(&[1, 2, 3])?;
/// assert_eq!((&*found[&1], &*found[&2]), ("product 1", "one of 2"));
/// assert_eq!(product(3)?, "one of 2"); // no load: it is there
/// products::invalidate(3);
/// assert_eq!(products::get(3), None);
/// # Ok::<(), String>(())
/// ```
///
/// ## Where entries live
///
/// | option | value | meaning | default |
/// |---|---|---|---|
/// | `backend` | `memory`, `local` | shared by all threads; or one for each thread, without a lock, of values that need not be `Send` (`invalidate` acts on the calling thread, `clear` on all) | `memory` |
/// | `backend` | `redis`, `redis("sessions")` | in Redis, shared by all processes that use the same server: see below | |
/// | `cache` | expression of a `Cache` handle, may read `self` and the arguments: `self.products`, `product::cache()` | use this cache. Functions of one cache share their entries. A cache in Redis wants `backend = redis` beside it. All that belongs to the cache (`ttl`, `capacity`, ...) is said where it is built | one of its own |
/// | `name` | text | the name in `caches()` and stats | path of the function |
/// | `version` | integer | part of the name; bump it to abandon what an older version stored (of use with stores that outlive the program) | 0 |
/// | `codec` | `json`, `msgpack` (smaller, with field names), `postcard` (smallest, positional: wants a `version`) | how values cross to Redis. The last two are features of cached-runtime | `json` |
/// | `envelope` | `false` | bare JSON at the key's template, without prefix: programs in other languages share the entries. No tags, windows, other codecs or `version`; `clear` is an error | `true` |
/// | `compress_above` | `"1KiB"` or integer | larger values cross to Redis compressed. A feature of cached-runtime, `compress` | none |
/// | `companion` | `false`, or another name | see below | the function's name |
/// | `crate` | path | where `cached_runtime` is, when renamed or re-exported | `::cached_runtime` |
///
/// With `memo = { package = "cached-runtime", .. }` in `Cargo.toml` say `crate = memo`; a re-export works too:
///
/// ```
/// mod prelude {
///     pub use cached_runtime as memo;
/// }
///
/// #[prelude::memo::cached(crate = prelude::memo)]
/// fn twice(n: u32) -> u32 {
///     n * 2
/// }
/// # assert_eq!(twice(2), 4);
/// ```
///
/// The handle of `cache = ...` is a `Cache<K, V>` (or with `Local` as its third type) of what the function stores: `K` is
/// the owned form of what the key reads, one part as it is, several as a tuple (`&str` becomes `String`, `f64` becomes
/// `Float<f64>`); `V` is what is inside of `Ok` or `Some` (with `cache_none` the `Option` of it, with `cache_err` the whole
/// `Result`):
///
/// ```
/// use cached_runtime::{Cache, Float, cached};
/// use std::sync::LazyLock;
///
/// static PRICES: LazyLock<Cache<(String, Float<f64>), u64>> = LazyLock::new(|| Cache::builder().capacity(100).build());
///
/// #[cached(cache = PRICES)]
/// fn price(item: &str, weight: f64) -> Option<u64> {
///     (weight > 0.0).then(|| item.len() as u64)
/// }
///
/// assert_eq!(price("tea", 0.5), Some(3));
/// assert_eq!(PRICES.get(&("tea".to_owned(), Float::from(0.5))), Some(3));
/// ```
///
/// A free function with a handle of one thread (`build_local`, or the `cache()` of a function with `backend = local`) says
/// `companion = false`: what companions would do, the handle does.
///
/// ```
/// use cached_runtime::cached;
///
/// #[cached(backend = local)]
/// fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// #[cached(cache = square::cache(), companion = false)]
/// fn square_of_abroad(n: u64) -> u64 {
///     n.pow(2)
/// }
///
/// assert_eq!((square(3), square_of_abroad(3), square::stats().hits), (9, 9, 1));
/// ```
///
/// A method says whose entries they are:
///
/// ```
/// use cached_runtime::{Cache, cached};
///
/// struct Shop {
///     id: u32,
///     prices: Cache<u32, u64>,
/// }
///
/// impl Shop {
///     #[cached(key = (self.id, page), companion = page_entry)] // one cache, a key that tells shops apart
///     fn page(&self, page: u32) -> String {
///         format!("{} {page}", self.id)
///     }
///
///     #[cached(cache = self.prices)] // a cache in each shop
///     fn price(&self, product: u32) -> u64 {
///         u64::from(product) * 100
///     }
///
///     #[cached(companion = false)] // no `self`: says that it stands in an impl
///     fn tax(country: &str) -> usize {
///         country.len()
///     }
/// }
///
/// let shop = Shop { id: 1, prices: Cache::builder().capacity(10).build() };
/// assert_eq!((shop.page(7), shop.price(3), Shop::tax("de")), ("1 7".into(), 300, 2));
/// shop.page_entry(7).invalidate();
/// shop.prices.clear();
/// ```
///
/// ## In Redis
///
/// `backend = redis` needs the feature `redis` of cached-runtime; without it, it is a compile error that says so.
///
/// ```text
/// #[cached(backend = redis, ttl = "60s", key = "product:{id}")]
/// async fn product(db: &Db, id: u64) -> Result<Product, DbError> {
///     db.product(id).await
/// }
///
/// product::invalidate(7).await?; // a `Result`: the server may be away
/// ```
///
/// - `redis("sessions")` is the connection that was installed under this name: `redis::Config::install_as`.
/// - `ttl` must be said; `ttl = never` leaves entries to invalidations and to the server's eviction.
/// - The key is the text of the template, or the arguments as JSON. Its parts are `serde::Serialize` too, and the value
///   `Serialize + DeserializeOwned + Clone + Send + Sync`.
/// - Methods and generic functions must say a `name`. A name that another function has keeps nothing, and is logged.
/// - `tti` goes with a `ttl` or with `ttl = never`. An entry lives on for between three quarters of it and all of it after
///   its last read, in whichever process, but never past its ttl and stale windows. Reads of one entry write to the server no
///   more than once in a quarter of it, after the call has its value.
/// - `capacity`, `eviction`, `max_weight` and `weigh` are compile errors: the server's `maxmemory` and `maxmemory-policy`
///   decide about that.
/// - Whatever is wrong with the server, a call runs the body. `get` and `contains` then give `None` and `false`; `set`,
///   `invalidate` and `clear` give the error, and are tried again while the process lives.
/// - Companions of sync functions block, those of async functions are awaited. `set`, `invalidate` and `clear` begin before
///   they are awaited. `many` is one round trip for all.
/// - The entry of an async method has `get_async`, `contains_async`, `set_async`, `invalidate_async`.
///
/// # Companions
///
/// `product::` is a hidden type beside the function `product`; both travel with one `use`. Of an async function they are awaited.
///
/// | companion | takes | gives |
/// |---|---|---|
/// | `get` | the arguments that the key reads | `Option` of what the function returns, so `Option<Result<T, E>>` where it returns a `Result`. Never loads; counts as a hit or a miss |
/// | `contains` | the same | `bool`; not counted |
/// | `invalidate` | the same | forgets the entry; a load that runs now is not kept |
/// | `set` | the same and `&value`: the value, or what the function returns | |
/// | `refresh` | all arguments | runs the body and stores; a failure leaves the old value |
/// | `uncached` | all arguments | runs the body, past the cache. (What it calls is cached: `fib::uncached` calls `fib`.) |
/// | `many` | an iterator of key arguments, tuples if several | `Vec<Option<_>>`, in their order |
/// | `invalidate_where` | a predicate of key and value | forgets what satisfies it. In memory, where there is `cache` |
/// | `clear` | | forgets everything, of all instantiations (in Redis: that this process has used) |
/// | `stats`, `reset_stats` | | hits, misses and the rest |
/// | `cache` | | the `Cache` itself. Functions without type parameters whose key is made of arguments as they are |
///
/// Type parameters are said at the companion's function:
///
/// ```
/// # use cached_runtime::{CacheValue, cached};
/// # use std::str::FromStr;
/// #[cached]
/// fn parse<T: FromStr + CacheValue>(text: &str) -> Option<T> {
///     text.parse().ok()
/// }
///
/// assert_eq!((parse::<u8>("1"), parse::get::<u8>("1")), (Some(1), Some(Some(1))));
/// parse::invalidate::<u8>("1");
/// assert!(!parse::contains::<u8>("1"));
/// ```
///
/// A method gets no companion type, since an impl can hold none: `companion = item_entry` adds one method that takes the key's
/// arguments and gives the entry, `shop.item_entry(7).invalidate()`. An entry has `get`, `contains`, `set(&value)` and
/// `invalidate`; it works in memory at once, so it is not awaited, even if the method is async. The stats of a method are
/// in `caches()`, under its path or `name`. In the impl of a trait and in default methods use `cache = ...`.
///
/// An associated function without `self` or `Self` looks like a free one, and says `companion = false`. In turn these words make
/// a free function look like a method where a macro in its body takes them as its input. Where a module or
/// crate of the function's name is in the way, `companion = other_name` renames the companion.
///
/// # Other attributes
///
/// Lint levels, `#[cfg]` and `#[must_use]` apply to the function and its companions. Attribute macros such as
/// `#[tracing::instrument]` work on the body, and trace loads under the function's name: those below `#[cached]`, and those above,
/// which are expanded first. A method is one function only: there, one below sees every call.
/// `#[async_trait]` works; so does any function that returns `Pin<Box<dyn Future<Output = R> + ..>>`, which counts as async.
///
/// # What can't be cached
///
/// A function that returns a reference, something that borrows, or `impl Trait`; a `const fn` or an `unsafe fn`; a key that is
/// not `Hash + Eq + Clone`; a value that is not `Clone`. A method must say whether `self` makes a difference: `key`, `skip(self)`
/// or `cache`. Each is a compile error under the user's own token that says what to write instead:
///
/// ```compile_fail
/// # use cached_runtime::cached;
/// #[cached]
/// fn first(words: &str) -> &str {
///     words.split(' ').next().unwrap_or("")
/// }
/// ```
#[proc_macro_attribute]
pub fn cached(attribute: TokenStream, item: TokenStream) -> TokenStream {
    cached_tokens(attribute.into(), item.into()).into()
}

/// Goes on a function that writes: after it succeeded, what it made outdated is forgotten.
///
/// ```
/// use cached_runtime::{cached, invalidates};
///
/// #[cached(tags = ["products"])]
/// fn page(number: u32) -> String {
///     format!("page {number}")
/// }
///
/// #[cached]
/// fn price(id: u64) -> u64 {
///     id * 100
/// }
///
/// #[invalidates(price(id), tags = ["products"])] // after an `Ok`
/// fn change(id: u64, to: u64) -> Result<u64, String> {
///     if to > 0 { Ok(to) } else { Err("a price is more than zero".to_owned()) }
/// }
///
/// (page(1), price(7));
/// change(7, 0).unwrap_err();
/// assert!(page::contains(1) && price::contains(7));
/// change(7, 500).unwrap();
/// assert!(!page::contains(1) && !price::contains(7));
/// ```
///
/// | what | forgets |
/// |---|---|
/// | `price(id)`, `shop::price(id)`, `parse::<u8>(text)` | one entry of a cached function: its arguments are those of the companion's `invalidate` |
/// | `price` | all entries of the function |
/// | `self.price_entry(id)`, `Self::price_entry(id)` | the entry of a method, by its `companion` |
/// | <code>\|made\| price(made.id)</code> | an entry that only the result tells: the closure gets a reference to what is inside of `Ok`, or to what the function returns |
/// | `tags = ["products", "user:{id}"]` | all entries of these tags, in every cache; templates over the writer's arguments |
///
/// Writer and target may be sync or async, functions or methods, in memory or in Redis. Several may stand in one attribute, and
/// several attributes on one function, with `#[cached]` too.
///
/// - It acts after the body returned; where it returned a `Result`, after an `Ok` only. What returns a future before the work is
///   done, such as a `JoinHandle` or a `BoxFuture` (by an alias), is a compile error: write `async fn`.
/// - Arguments are evaluated before the body, which may move them; arguments and fields of them are cloned for that. Those that
///   use the result are evaluated after it.
/// - If the body panics, or its future is dropped once it was polled, nobody can know whether it wrote: the entries are
///   forgotten. An entry that only the result would have told is then forgotten with all others of its function; that of a
///   method is not.
/// - What a server could not be told leaves the function's result alone: it is queued, counted and logged, and tried again for as
///   long as the process lives.
#[proc_macro_attribute]
pub fn invalidates(attribute: TokenStream, item: TokenStream) -> TokenStream {
    writers::writer_tokens(targets::Writer::Invalidates, attribute.into(), item.into()).into()
}

/// Goes on a function that writes: after it succeeded, what it returned becomes the entry of a cached function.
///
/// ```
/// use cached_runtime::{cached, updates};
///
/// #[cached]
/// fn price(id: u64) -> Option<u64> {
///     Some(id * 100)
/// }
///
/// #[updates(price(id))]
/// fn change(id: u64, to: u64) -> Result<u64, String> {
///     if to > 0 { Ok(to) } else { Err("a price is more than zero".to_owned()) }
/// }
///
/// change(7, 500).unwrap();
/// assert_eq!((price(7), price::stats().loads), (Some(500), 0));
/// change(7, 0).unwrap_err();
/// assert_eq!(price(7), Some(500));
/// ```
///
/// It takes entries, as [`macro@invalidates`] does: `price(id)`, `self.price_entry(id)`. The arguments are those of the companion's
/// `set`, without the value. What is inside of `Ok`, or what the writer returns, must be what the cached function returns, or what
/// is inside of that.
///
/// Of two writers of one entry at the same time none stores its value: nobody could tell which of them wrote last, and the next
/// call loads. If the body panics, or is dropped once it was polled, the entry is forgotten.
#[proc_macro_attribute]
pub fn updates(attribute: TokenStream, item: TokenStream) -> TokenStream {
    writers::writer_tokens(targets::Writer::Updates, attribute.into(), item.into()).into()
}

/// The editions 2021 and 2024 are alike. Here, where only the tests see it.
///
/// ```edition2021
/// # use cached_runtime::cached;
/// # use std::fmt::Display;
/// #[cached(key = (name.trim(), value.to_string()))]
/// fn edition<T: Display>(name: &str, value: T) -> Result<String, std::fmt::Error> {
///     Ok(format!("{name}{value}"))
/// }
///
/// #[cached]
/// async fn later<'a>(name: &'a str, n: u8) -> Option<String> {
///     Some(name.repeat(n.into()))
/// }
/// # assert_eq!(edition(" a", 1).unwrap(), " a1");
/// # drop(later("a", 1));
/// ```
#[cfg(doctest)]
fn editions() {}

/// Tokens -> plan -> tokens; on any mistake, all of them and the item as it was.
fn cached_tokens(attribute: proc_macro2::TokenStream, item: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let mut errors = errors::Errors::default();
    let options = options::parse(attribute, &mut errors);
    match function::Function::parse(item.clone(), "cached") {
        Ok(function) => {
            let plan = plan::plan(options, function, &mut errors);
            if errors.is_empty() {
                return expand::expand(&plan, &item);
            }
        }
        Err(error) => errors.push(error),
    }
    fallback::expand(errors, item)
}
