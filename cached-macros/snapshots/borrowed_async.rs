// #[cached(ttl = "1h 30m", jitter = 0.1, skip(db))]
// pub(crate) async fn product(db: &Db, id: u64, lang: &str) -> io::Result<Product> {
//     db.product(id, lang).await
// }

pub(crate) async fn product(db: &Db, id: u64, lang: &str) -> io::Result<Product> {
    let found = product::__entry(&id, &lang).lookup_async();
    match found {
        ::cached_runtime::private::Lookup::Hit(ret) => ret,
        ::cached_runtime::private::Lookup::Miss(miss) => {
            miss.run_async(product::uncached(db, id, lang)).await
        }
    }
}
::cached_runtime::an_associated_function_says__companion_false! {
    [] [pub (crate)] product { fn __cache() -> & 'static ::cached_runtime::private::Cache
    < __key_of_product, __value_of_product > { { static SLOT :
    ::cached_runtime::private::Slot < __key_of_product, __value_of_product > =
    ::cached_runtime::private::Slot::new(); & SLOT } .cache(| options | options
    .ttl(::core::time::Duration::new(5400u64, 0u32)).jitter(0.1)) } fn __entry <
    '__cached_k > (id : ::cached_runtime::private::Borrowed < '__cached_k, u64 >, lang :
    ::cached_runtime::private::Borrowed < '__cached_k, & str >) ->
    ::cached_runtime::private::At < 'static, impl ::cached_runtime::private::View < Owned
    = __key_of_product >, impl ::cached_runtime::private::Outcome < Ret = io::Result <
    Product >, Value = __value_of_product > + use < > > { use ::cached_runtime::private::
    { AnyLeaf as _, AnyOwn as _, NoPlace as _, Pick as _, NoLeaf as _, NoOwn as _, NoPick
    as _ }; ::cached_runtime::private::at_home(Self::__cache(),
    (::cached_runtime::private::Leaf(& * id, ::cached_runtime::private::AllThreads)
    .__part(), ::cached_runtime::private::Leaf(& * * lang,
    ::cached_runtime::private::AllThreads).__part()), (&& && && &&
    ::cached_runtime::private::OutcomeOf:: < io::Result < Product >,
    ::cached_runtime::private::AllThreads > ::new()).__pick()) } #[doc =
    "Runs the body, past the cache."] pub (crate) async fn uncached(db : & Db, id : u64,
    lang : & str) -> io::Result < Product > { db.product(id, lang). await } #[doc =
    "What the cache holds for these arguments; never loads."] #[inline] pub (crate) fn
    get(id : u64, lang : & str) -> ::core::future::Ready < ::core::option::Option <
    io::Result < Product > > > { ::core::future::ready(Self::__entry(& id, & lang).get())
    } #[doc = "Whether the cache holds something for these arguments."] #[inline] pub
    (crate) fn contains(id : u64, lang : & str) -> ::core::future::Ready < bool > {
    ::core::future::ready(Self::__entry(& id, & lang).contains()) } #[doc =
    "Stores a value, or what the function would have returned, for these arguments."]
    #[inline] pub (crate) fn set(id : u64, lang : & str, value : & impl
    ::cached_runtime::private::KeptBy < io::Result < Product > >) ->
    ::core::future::Ready < () > { ::core::future::ready(Self::__entry(& id, & lang)
    .set(value)) } #[doc =
    "Forgets what the cache holds for these arguments; a load that runs now is not kept."]
    #[inline] pub (crate) fn invalidate(id : u64, lang : & str) -> ::core::future::Ready
    < () > { ::core::future::ready(Self::__entry(& id, & lang).invalidate()) } #[doc =
    "Runs the body and stores what it returns in place of what the cache holds."]
    #[inline] pub (crate) async fn refresh(db : & Db, id : u64, lang : & str) ->
    io::Result < Product > { let miss = Self::__entry(& id, & lang).miss_async(); miss
    .run_async(Self::uncached(db, id, lang)). await } #[doc =
    "What the cache holds for each of these arguments, in their order; never loads."]
    #[inline] pub (crate) fn many < '__cached_item > (keys : impl
    ::core::iter::IntoIterator < Item = (u64, & '__cached_item str) >) ->
    ::core::future::Ready < ::std::vec::Vec < ::core::option::Option < io::Result <
    Product > >> > { ::core::future::ready({ let mut found = ::std::vec::Vec::new(); for
    (id, lang) in keys { found.push(Self::__entry(& id, & lang).get()); } found }) }
    #[doc = "Forgets everything; loads that run now are not kept."] #[inline] pub (crate)
    fn clear() -> ::core::future::Ready < () > { ::core::future::ready(Self::__cache()
    .clear()) } #[doc =
    "Hits, misses, loads and the rest, since the start or `reset_stats`."] #[inline] pub
    (crate) fn stats() -> ::cached_runtime::private::Stats { Self::__cache().stats() }
    #[doc = "Counts from zero again."] #[inline] pub (crate) fn reset_stats() {
    Self::__cache().reset_stats() } #[doc =
    "The cache itself. Its key is what the function's key reads: one part as it is, several as a tuple."]
    #[inline] pub (crate) fn cache() -> & 'static ::cached_runtime::private::Cache <
    __key_of_product, __value_of_product > { Self::__cache() } #[doc =
    "Forgets what satisfies the predicate, of what is there now; looks at every entry."]
    #[inline] pub (crate) fn invalidate_where(predicate : impl ::core::ops::Fn(&
    __key_of_product, & __value_of_product) -> bool) -> ::core::future::Ready < () > {
    ::core::future::ready(Self::__cache().invalidate_where(predicate)) } #[doc(hidden)]
    #[inline] pub (crate) fn __to_forget(id : u64, lang : & str) ->
    ::cached_runtime::private::Forgets < __key_of_product, __value_of_product > {
    Self::__entry(& id, & lang).owned().forgetting() } #[doc(hidden)] #[inline] pub
    (crate) fn __forgetting(taken : & ::cached_runtime::private::Forgets <
    __key_of_product, __value_of_product >) -> ::cached_runtime::private::Forgets <
    __key_of_product, __value_of_product > { ::core::clone::Clone::clone(taken) }
    #[doc(hidden)] #[inline] pub (crate) fn __to_write < '__cached_item > (id : u64, lang
    : & '__cached_item str) -> (u64, & '__cached_item str,) { (id, lang,) }
    #[doc(hidden)] #[inline] pub (crate) fn __writing < '__cached_k, '__cached_item >
    (taken : & '__cached_k(u64, & '__cached_item str,)) -> impl
    ::cached_runtime::private::Write < io::Result < Product > > { let _ = taken; let id =
    & taken.0; let lang = & taken.1; Self::__entry(id, lang).owned().writing() }
    #[doc(hidden)] #[inline] pub (crate) fn __clearing() ->
    ::cached_runtime::private::ClearingOf < & 'static ::cached_runtime::private::Cache <
    __key_of_product, __value_of_product > > { ::cached_runtime::private::ClearingOf(||
    Self::__cache()) } } #[doc(hidden)] type __key_of_product =
    (::cached_runtime::__key_type!(u64, ::cached_runtime::private::AllThreads),
    ::cached_runtime::__key_type!(str, ::cached_runtime::private::AllThreads));
    #[doc(hidden)] type __value_of_product = ::cached_runtime::__value_type!(io::Result <
    Product >, false, false, ::cached_runtime::private::AllThreads);
}
