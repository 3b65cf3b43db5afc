// #[cached(each = id in ids, skip(db), tags = ["of:{id}"])]
// pub async fn bulk(db: &Db, ids: &[u64], lang: String) -> Result<HashMap<u64, Product>, Error> {
//     db.products(ids, &lang).await
// }

pub async fn bulk(
    db: &Db,
    ids: &[u64],
    lang: String,
) -> Result<HashMap<u64, Product>, Error> {
    let items = {
        let lang = &lang;
        ::core::iter::Iterator::collect::<
            ::std::vec::Vec<_>,
        >(
            ::core::iter::Iterator::map(
                <[u64]>::iter(&ids),
                |id| (
                    ::core::clone::Clone::clone(id),
                    bulk::__entry(id, lang)
                        .tags_boxed(
                            ::std::boxed::Box::new(move |
                                tag: &mut dyn ::core::ops::FnMut(
                                    ::core::fmt::Arguments<'_>,
                                )|
                            {
                                tag(::core::format_args!("of:{}", (* id)));
                            }),
                        ),
                ),
            ),
        )
    };
    let each = ::cached_runtime::private::each_async(items);
    each.run_async(move |missing: ::std::vec::Vec<_>| {
            let lang = ::core::clone::Clone::clone(&lang);
            async move { bulk::uncached(db, &missing, lang).await }
        })
        .await
}
::cached_runtime::an_associated_function_says__companion_false! {
    [] [pub] bulk { fn __cache() -> & 'static ::cached_runtime::private::Cache <
    __key_of_bulk, __value_of_bulk > { { static SLOT : ::cached_runtime::private::Slot <
    __key_of_bulk, __value_of_bulk > = ::cached_runtime::private::Slot::new(); & SLOT }
    .cache(| options | options) } fn __entry < '__cached_k > (id :
    ::cached_runtime::private::Borrowed < '__cached_k, u64 >, lang :
    ::cached_runtime::private::Borrowed < '__cached_k, String >) ->
    ::cached_runtime::private::At < 'static, impl ::cached_runtime::private::View < Owned
    = __key_of_bulk >, impl ::cached_runtime::private::Outcome < Ret =
    ::core::option::Option < Product >, Value = __value_of_bulk > + use < > > { use
    ::cached_runtime::private:: { AnyLeaf as _, AnyOwn as _, NoPlace as _, Pick as _,
    NoLeaf as _, NoOwn as _, NoPick as _ };
    ::cached_runtime::private::at_home(Self::__cache(),
    (::cached_runtime::private::Leaf(& * id, ::cached_runtime::private::AllThreads)
    .__part(), ::cached_runtime::private::Leaf(& * lang,
    ::cached_runtime::private::AllThreads).__part()), (&& && && &&
    ::cached_runtime::private::OutcomeOf:: < ::core::option::Option < Product >,
    ::cached_runtime::private::AllThreads > ::new()).__pick()) } #[doc =
    "Runs the body, past the cache."] pub async fn uncached(db : & Db, ids : & [u64],
    lang : String) -> Result < HashMap < u64, Product >, Error > { db.products(ids, &
    lang). await } #[doc = "What the cache holds for these arguments; never loads."]
    #[inline] pub fn get(id : u64, lang : String) -> ::core::future::Ready <
    ::core::option::Option < Product > > { ::core::future::ready(Self::__entry(& id, &
    lang).get().flatten()) } #[doc =
    "Whether the cache holds something for these arguments."] #[inline] pub fn
    contains(id : u64, lang : String) -> ::core::future::Ready < bool > {
    ::core::future::ready(Self::__entry(& id, & lang).contains()) } #[doc =
    "Stores a value, or what the function would have returned, for these arguments."]
    #[inline] pub fn set(id : u64, lang : String, value : & impl
    ::cached_runtime::private::KeptBy < ::core::option::Option < Product > >) ->
    ::core::future::Ready < () > { ::core::future::ready(Self::__entry(& id, & lang)
    .tags(& | tag : & mut dyn ::core::ops::FnMut(::core::fmt::Arguments < '_ >) | {
    tag(::core::format_args!("of:{}", id)); }).set(value)) } #[doc =
    "Forgets what the cache holds for these arguments; a load that runs now is not kept."]
    #[inline] pub fn invalidate(id : u64, lang : String) -> ::core::future::Ready < () >
    { ::core::future::ready(Self::__entry(& id, & lang).invalidate()) } #[doc =
    "Runs the body for all of them, and stores what it returns in place of what the cache holds."]
    #[inline] pub async fn refresh(db : & Db, ids : & [u64], lang : String) -> Result <
    HashMap < u64, Product >, Error > { let each =
    ::cached_runtime::private::each_anew_async({ let lang = & lang;
    ::core::iter::Iterator::collect:: < ::std::vec::Vec < _ >>
    (::core::iter::Iterator::map(< [u64] > ::iter(& ids), | id |
    (::core::clone::Clone::clone(id), bulk::__entry(id, lang)
    .tags_boxed(::std::boxed::Box::new(move | tag : & mut dyn
    ::core::ops::FnMut(::core::fmt::Arguments < '_ >) | {
    tag(::core::format_args!("of:{}", (* id))); }))),)) }); each.run_async(move | missing
    : ::std::vec::Vec < _ > | { let lang = ::core::clone::Clone::clone(& lang); async
    move { bulk::uncached(db, & missing, lang). await } }). await } #[doc =
    "What the cache holds for each of these arguments, in their order; never loads."]
    #[inline] pub fn many < '__cached_item > (keys : impl ::core::iter::IntoIterator <
    Item = (u64, String) >) -> ::core::future::Ready < ::std::vec::Vec <
    ::core::option::Option < Product >> > { ::core::future::ready({ let mut found =
    ::std::vec::Vec::new(); for (id, lang) in keys { found.push(Self::__entry(& id, &
    lang).get().flatten()); } found }) } #[doc =
    "Forgets everything; loads that run now are not kept."] #[inline] pub fn clear() ->
    ::core::future::Ready < () > { ::core::future::ready(Self::__cache().clear()) } #[doc
    = "Hits, misses, loads and the rest, since the start or `reset_stats`."] #[inline]
    pub fn stats() -> ::cached_runtime::private::Stats { Self::__cache().stats() } #[doc
    = "Counts from zero again."] #[inline] pub fn reset_stats() { Self::__cache()
    .reset_stats() } #[doc =
    "The cache itself. Its key is what the function's key reads: one part as it is, several as a tuple."]
    #[inline] pub fn cache() -> & 'static ::cached_runtime::private::Cache <
    __key_of_bulk, __value_of_bulk > { Self::__cache() } #[doc =
    "Forgets what satisfies the predicate, of what is there now; looks at every entry."]
    #[inline] pub fn invalidate_where(predicate : impl ::core::ops::Fn(& __key_of_bulk, &
    __value_of_bulk) -> bool) -> ::core::future::Ready < () > {
    ::core::future::ready(Self::__cache().invalidate_where(predicate)) } #[doc(hidden)]
    #[inline] pub fn __to_forget(id : u64, lang : String) ->
    ::cached_runtime::private::Forgets < __key_of_bulk, __value_of_bulk > {
    Self::__entry(& id, & lang).owned().forgetting() } #[doc(hidden)] #[inline] pub fn
    __forgetting(taken : & ::cached_runtime::private::Forgets < __key_of_bulk,
    __value_of_bulk >) -> ::cached_runtime::private::Forgets < __key_of_bulk,
    __value_of_bulk > { ::core::clone::Clone::clone(taken) } #[doc(hidden)] #[inline] pub
    fn __to_write < '__cached_item > (id : u64, lang : String) -> (u64, String,) { (id,
    lang,) } #[doc(hidden)] #[inline] pub fn __writing < '__cached_k, '__cached_item >
    (taken : & '__cached_k(u64, String,)) -> impl ::cached_runtime::private::Write <
    ::core::option::Option < Product > > { let _ = taken; let id = & taken.0; let lang =
    & taken.1; Self::__entry(id, lang).tags(& | tag : & mut dyn
    ::core::ops::FnMut(::core::fmt::Arguments < '_ >) | {
    tag(::core::format_args!("of:{}", (* id))); }).owned().writing() } #[doc(hidden)]
    #[inline] pub fn __clearing() -> ::cached_runtime::private::ClearingOf < & 'static
    ::cached_runtime::private::Cache < __key_of_bulk, __value_of_bulk > > {
    ::cached_runtime::private::ClearingOf(|| Self::__cache()) } } #[doc(hidden)] type
    __key_of_bulk = (::cached_runtime::__key_type!(u64,
    ::cached_runtime::private::AllThreads), ::cached_runtime::__key_type!(String,
    ::cached_runtime::private::AllThreads)); #[doc(hidden)] type __value_of_bulk =
    ::cached_runtime::__value_type!(::core::option::Option < Product >, false, false,
    ::cached_runtime::private::AllThreads);
}
