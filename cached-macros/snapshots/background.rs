// #[cached(skip(db), ttl = "60s", stale_if_error = "1h", refresh_ahead = 0.8, soft_timeout = "200ms", timeout = "2s")]
// async fn background(db: &Db, name: &str, id: u64) -> Result<Product, DbError> {
//     db.product(name, id).await
// }

/**

# Cached

`background::get(name, id).await`, `background::contains(name, id).await`, `background::invalidate(name, id).await`, `background::set(name, id, &value).await`, `background::many(..).await`; `background::refresh(db, name, id).await`, `background::uncached(db, name, id).await`; `background::clear().await`, `background::stats()`, `background::reset_stats()`, `background::cache()`.*/
async fn background(db: &Db, name: &str, id: u64) -> Result<Product, DbError> {
    let found = background::__entry(&name, &id).lookup_async();
    match found {
        ::cached_runtime::private::Lookup::Hit(ret) => ret,
        ::cached_runtime::private::Lookup::Miss(miss) => {
            use ::cached_runtime::private::{GivenAway as _, NoWay as _};
            ::cached_runtime::private::Given(db).__must_be_cloned();
            ::cached_runtime::private::Given(name).__must_be_cloned();
            ::cached_runtime::private::Given(&id).__must_go();
            let own0 = ::cached_runtime::private::Given(db).__own();
            let own1 = ::cached_runtime::private::Given(name).__own();
            let own2 = ::cached_runtime::private::Moved(id);
            ::cached_runtime::private::All((&own0, (&own1, (&own2, ()))))
                .__after_a_soft_timeout_the_load_goes_on_in_another_task(|| background::uncached(
                    ::cached_runtime::private::returns(),
                    ::cached_runtime::private::returns(),
                    ::cached_runtime::private::returns(),
                ));
            let future = ::cached_runtime::private::FutureOf::<
                _,
                false,
            >::of(|| background::uncached(
                ::cached_runtime::private::returns(),
                ::cached_runtime::private::returns(),
                ::cached_runtime::private::returns(),
            ));
            let way = ::cached_runtime::private::All((
                    &future,
                    (&own0, (&own1, (&own2, ()))),
                ))
                .__way();
            way.run(
                    miss,
                    {
                        let error = {
                            use ::cached_runtime::private::NoTimeOut as _;
                            ::cached_runtime::private::TimesOut::<
                                Result<Product, DbError>,
                            >::new()
                                .__error()
                        };
                        ::cached_runtime::__limited!(
                            ::core::time::Duration::new(2u64, 0u32), async move {
                            background::uncached(own0.__lend(), own1.__lend(), own2.0).
                            await }, error
                        )
                    },
                )
                .await
        }
    }
}
::cached_runtime::an_associated_function_says__companion_false! {
    [] [] background { fn __cache() -> & 'static ::cached_runtime::private::Cache <
    __key_of_background, __value_of_background > { { static SLOT :
    ::cached_runtime::private::Slot < __key_of_background, __value_of_background > =
    ::cached_runtime::private::Slot::new(); & SLOT } .cache(| options |
    ::cached_runtime::__soft_timeout!(options.ttl(::core::time::Duration::new(60u64,
    0u32)).stale_if_error(::core::time::Duration::new(3600u64, 0u32)).refresh_ahead(0.8),
    ::core::time::Duration::new(0u64, 200000000u32))) } fn __entry < '__cached_k > (name
    : ::cached_runtime::private::Borrowed < '__cached_k, & str >, id :
    ::cached_runtime::private::Borrowed < '__cached_k, u64 >) ->
    ::cached_runtime::private::At < 'static, impl ::cached_runtime::private::View < Owned
    = __key_of_background >, impl ::cached_runtime::private::Outcome < Ret = Result <
    Product, DbError >, Value = __value_of_background > + use < > > { use
    ::cached_runtime::private:: { AnyLeaf as _, AnyOwn as _, NoPlace as _, Pick as _,
    NoLeaf as _, NoOwn as _, NoPick as _ };
    ::cached_runtime::private::at_home(Self::__cache(),
    (::cached_runtime::private::Leaf(& * * name, ::cached_runtime::private::AllThreads)
    .__part(), ::cached_runtime::private::Leaf(& * id,
    ::cached_runtime::private::AllThreads).__part()), (&& && && &&
    ::cached_runtime::private::OutcomeOf:: < Result < Product, DbError >,
    ::cached_runtime::private::AllThreads > ::new()).__pick()) } #[doc =
    "Runs the body, past the cache."] async fn uncached(db : & Db, name : & str, id :
    u64) -> Result < Product, DbError > { db.product(name, id). await } #[doc =
    "What the cache holds for these arguments; never loads."] #[inline] fn get(name : &
    str, id : u64) -> ::core::future::Ready < ::core::option::Option < Result < Product,
    DbError > > > { ::core::future::ready(Self::__entry(& name, & id).get()) } #[doc =
    "Whether the cache holds something for these arguments."] #[inline] fn contains(name
    : & str, id : u64) -> ::core::future::Ready < bool > {
    ::core::future::ready(Self::__entry(& name, & id).contains()) } #[doc =
    "Stores a value, or what the function would have returned, for these arguments."]
    #[inline] fn set(name : & str, id : u64, value : & impl
    ::cached_runtime::private::KeptBy < Result < Product, DbError > >) ->
    ::core::future::Ready < () > { ::core::future::ready(Self::__entry(& name, & id)
    .set(value)) } #[doc =
    "Forgets what the cache holds for these arguments; a load that runs now is not kept."]
    #[inline] fn invalidate(name : & str, id : u64) -> ::core::future::Ready < () > {
    ::core::future::ready(Self::__entry(& name, & id).invalidate()) } #[doc =
    "Runs the body and stores what it returns in place of what the cache holds."] #[doc =
    "\n\nA value that is due is renewed in the background of the tokio runtime that finds it so, and all calls have the old one meanwhile: what is borrowed is cloned for that. Where an argument can't be cloned and sent to another thread (`Clone + Send + Sync + 'static`), where the load itself can't be sent, outside of such a runtime, or without the feature `tokio`, one call waits for the load and has the new value."]
    #[inline] async fn refresh(db : & Db, name : & str, id : u64) -> Result < Product,
    DbError > { let miss = Self::__entry(& name, & id).miss_async(); miss.run_async({ let
    error = { use ::cached_runtime::private::NoTimeOut as _;
    ::cached_runtime::private::TimesOut:: < Result < Product, DbError > > ::new()
    .__error() }; ::cached_runtime::__limited!(::core::time::Duration::new(2u64, 0u32),
    Self::uncached(db, name, id), error) }). await } #[doc =
    "What the cache holds for each of these arguments, in their order; never loads."]
    #[inline] fn many < '__cached_item > (keys : impl ::core::iter::IntoIterator < Item =
    (& '__cached_item str, u64) >) -> ::core::future::Ready < ::std::vec::Vec <
    ::core::option::Option < Result < Product, DbError > >> > { ::core::future::ready({
    let mut found = ::std::vec::Vec::new(); for (name, id) in keys { found
    .push(Self::__entry(& name, & id).get()); } found }) } #[doc =
    "Forgets everything; loads that run now are not kept."] #[inline] fn clear() ->
    ::core::future::Ready < () > { ::core::future::ready(Self::__cache().clear()) } #[doc
    = "Hits, misses, loads and the rest, since the start or `reset_stats`."] #[inline] fn
    stats() -> ::cached_runtime::private::Stats { Self::__cache().stats() } #[doc =
    "Counts from zero again."] #[inline] fn reset_stats() { Self::__cache().reset_stats()
    } #[doc =
    "The cache itself. Its key is what the function's key reads: one part as it is, several as a tuple."]
    #[inline] fn cache() -> & 'static ::cached_runtime::private::Cache <
    __key_of_background, __value_of_background > { Self::__cache() } #[doc =
    "Forgets what satisfies the predicate, of what is there now; looks at every entry."]
    #[inline] fn invalidate_where(predicate : impl ::core::ops::Fn(& __key_of_background,
    & __value_of_background) -> bool) -> ::core::future::Ready < () > {
    ::core::future::ready(Self::__cache().invalidate_where(predicate)) } #[doc(hidden)]
    #[inline] fn __to_forget(name : & str, id : u64) ->
    ::cached_runtime::private::Forgets < __key_of_background, __value_of_background > {
    Self::__entry(& name, & id).owned().forgetting() } #[doc(hidden)] #[inline] fn
    __forgetting(taken : & ::cached_runtime::private::Forgets < __key_of_background,
    __value_of_background >) -> ::cached_runtime::private::Forgets < __key_of_background,
    __value_of_background > { ::core::clone::Clone::clone(taken) } #[doc(hidden)]
    #[inline] fn __to_write < '__cached_item > (name : & '__cached_item str, id : u64) ->
    (& '__cached_item str, u64,) { (name, id,) } #[doc(hidden)] #[inline] fn __writing <
    '__cached_k, '__cached_item > (taken : & '__cached_k(& '__cached_item str, u64,)) ->
    impl ::cached_runtime::private::Write < Result < Product, DbError > > { let _ =
    taken; let name = & taken.0; let id = & taken.1; Self::__entry(name, id).owned()
    .writing() } #[doc(hidden)] #[inline] fn __clearing() ->
    ::cached_runtime::private::ClearingOf < & 'static ::cached_runtime::private::Cache <
    __key_of_background, __value_of_background > > {
    ::cached_runtime::private::ClearingOf(|| Self::__cache()) } } #[doc(hidden)] type
    __key_of_background = (::cached_runtime::__key_type!(str,
    ::cached_runtime::private::AllThreads), ::cached_runtime::__key_type!(u64,
    ::cached_runtime::private::AllThreads)); #[doc(hidden)] type __value_of_background =
    ::cached_runtime::__value_type!(Result < Product, DbError >, false, false,
    ::cached_runtime::private::AllThreads);
}
