// #[cached(backend = redis, ttl = "60s", skip(db))]
// pub async fn redis_async(db: &Db, id: u64) -> Result<Product, DbError> {
//     db.product(id).await
// }

::cached_runtime::__with_redis! {
    [pub async fn redis_async(db : & Db, id : u64) -> Result < Product, DbError > { db
    .product(id). await }] pub async fn redis_async(db : & Db, id : u64) -> Result <
    Product, DbError > { let found = redis_async::__entry(& id).ask(); let found = found
    .lookup(). await; match found { ::cached_runtime::private::Lookup::Hit(ret) => ret,
    ::cached_runtime::private::Lookup::Miss(miss) => miss
    .run_async(redis_async::uncached(db, id)). await, } }
    ::cached_runtime::an_associated_function_says__companion_false! { [] [pub]
    redis_async { fn __cache() -> & 'static ::cached_runtime::private::Cache <
    __key_of_redis_async, __value_of_redis_async, ::cached_runtime::private::Redis > { {
    static SLOT : ::cached_runtime::private::RedisSlot < __key_of_redis_async,
    __value_of_redis_async > = ::cached_runtime::private::RedisSlot::new(); & SLOT }
    .cache(| options | options.ttl(::core::time::Duration::new(60u64, 0u32))) } fn
    __entry < '__cached_k > (id : ::cached_runtime::private::Borrowed < '__cached_k, u64
    >) -> ::cached_runtime::private::At < 'static, impl ::cached_runtime::private::View <
    Owned = __key_of_redis_async >, impl ::cached_runtime::private::Outcome < Ret =
    Result < Product, DbError >, Value = __value_of_redis_async > + use < >,
    ::cached_runtime::private::Redis > { use ::cached_runtime::private:: { AnyLeaf as _,
    AnyOwn as _, NoPlace as _, Pick as _, NoRemoteLeaf as _, NoRemoteOwn as _,
    NoRemotePick as _ }; ::cached_runtime::private::at_home(Self::__cache(),
    ::cached_runtime::private::Leaf(& * id, ::cached_runtime::private::AllProcesses)
    .__part(), (&& && && && ::cached_runtime::private::OutcomeOf:: < Result < Product,
    DbError >, ::cached_runtime::private::AllProcesses > ::new()).__pick()) } #[doc =
    "Runs the body, past the cache."] pub async fn uncached(db : & Db, id : u64) ->
    Result < Product, DbError > { db.product(id). await } #[doc =
    "What the cache holds for these arguments; never loads."] #[inline] pub async fn
    get(id : u64) -> ::core::option::Option < Result < Product, DbError > > { let asked =
    Self::__entry(& id).ask(); asked.get(). await } #[doc =
    "Whether the cache holds something for these arguments."] #[inline] pub async fn
    contains(id : u64) -> bool { let asked = Self::__entry(& id).ask(); asked.contains().
    await } #[doc =
    "Stores a value, or what the function would have returned, for these arguments."]
    #[doc =
    "\n\n# Errors\n\nWhat kept the server from it. It is tried again for as long as the process lives."]
    #[inline] pub fn set(id : u64, value : & impl ::cached_runtime::private::KeptBy <
    Result < Product, DbError > >) -> ::cached_runtime::private::Acting { Self::__entry(&
    id).set_async(value) } #[doc =
    "Forgets what the cache holds for these arguments; a load that runs now is not kept."]
    #[doc =
    "\n\n# Errors\n\nWhat kept the server from it. It is tried again for as long as the process lives."]
    #[inline] pub fn invalidate(id : u64) -> ::cached_runtime::private::Acting {
    Self::__entry(& id).invalidate_async() } #[doc =
    "Runs the body and stores what it returns in place of what the cache holds."]
    #[inline] pub async fn refresh(db : & Db, id : u64) -> Result < Product, DbError > {
    let miss = Self::__entry(& id).miss_async(); miss.run_async(Self::uncached(db, id)).
    await } #[doc =
    "What the cache holds for each of these arguments, in their order; never loads."]
    #[doc = " One round trip for all."] #[inline] pub fn many < '__cached_item > (keys :
    impl ::core::iter::IntoIterator < Item = u64 >) -> impl ::core::future::Future <
    Output = ::std::vec::Vec < ::core::option::Option < Result < Product, DbError > >> >
    { let all : ::std::vec::Vec < _ > = { let mut found = ::std::vec::Vec::new(); for id
    in keys { found.push(Self::__entry(& id).ask()); } found };
    ::cached_runtime::private::many_async(all) } #[doc =
    "Forgets everything; loads that run now are not kept."] #[doc =
    "\n\n# Errors\n\nWhat kept the server from it. It is tried again for as long as the process lives."]
    #[inline] pub fn clear() -> ::cached_runtime::private::Acting {
    ::cached_runtime::private::clear(Self::__cache()) } #[doc =
    "Hits, misses, loads and the rest, since the start or `reset_stats`."] #[inline] pub
    fn stats() -> ::cached_runtime::private::Stats { Self::__cache().stats() } #[doc =
    "Counts from zero again."] #[inline] pub fn reset_stats() { Self::__cache()
    .reset_stats() } #[doc =
    "The cache itself. Its key is what the function's key reads: one part as it is, several as a tuple."]
    #[inline] pub fn cache() -> & 'static ::cached_runtime::private::Cache <
    __key_of_redis_async, __value_of_redis_async, ::cached_runtime::private::Redis > {
    Self::__cache() } #[doc(hidden)] #[inline] pub fn __to_forget < '__cached_item > (id
    : u64) -> (u64,) { (id,) } #[doc(hidden)] #[inline] pub fn __forgetting <
    '__cached_k, '__cached_item > (taken : & '__cached_k(u64,)) -> impl
    ::cached_runtime::private::Forget { let _ = taken; let id = & taken.0;
    Self::__entry(id).owned().forgetting() } #[doc(hidden)] #[inline] pub fn __to_write <
    '__cached_item > (id : u64) -> (u64,) { (id,) } #[doc(hidden)] #[inline] pub fn
    __writing < '__cached_k, '__cached_item > (taken : & '__cached_k(u64,)) -> impl
    ::cached_runtime::private::Write < Result < Product, DbError > > { let _ = taken; let
    id = & taken.0; Self::__entry(id).owned().writing() } #[doc(hidden)] #[inline] pub fn
    __clearing() -> impl ::cached_runtime::private::Outdated {
    ::cached_runtime::private::ClearingAfar(||
    ::std::vec![::cached_runtime::private::clear(Self::__cache())]) } } #[doc(hidden)]
    type __key_of_redis_async = ::cached_runtime::__key_type!(u64,
    ::cached_runtime::private::AllProcesses); #[doc(hidden)] type __value_of_redis_async
    = ::cached_runtime::__value_type!(Result < Product, DbError >, false, false,
    ::cached_runtime::private::AllProcesses); }
}
