// #[cached(backend = local, ttl = |value| value.ttl)]
// fn local(text: &str) -> Rc<Token> {
//     text.into()
// }

/**

# Cached

`local::get(text)`, `local::contains(text)`, `local::invalidate(text)`, `local::set(text, &value)`, `local::many(..)`; `local::refresh(text)`, `local::uncached(text)`; `local::clear()`, `local::stats()`, `local::reset_stats()`, `local::cache()`.*/
fn local(text: &str) -> Rc<Token> {
    let mut found = local::__entry(&text).lookup_of(|| {});
    match found {
        ::cached_runtime::private::Lookup::Hit(ret) => ret,
        ::cached_runtime::private::Lookup::Miss(ref mut miss) => {
            miss.run(move || local::uncached(text))
        }
    }
}
::cached_runtime::an_associated_function_says__companion_false! {
    [] [] local { fn __slot() -> & 'static ::cached_runtime::private::LocalSlot <
    __key_of_local, __value_of_local > { ::std::thread_local! { static CELL :
    ::cached_runtime::private::LocalCell < __key_of_local, __value_of_local > = const {
    ::cached_runtime::private::LocalCell::new() }; } static SHARED :
    ::cached_runtime::private::LocalCommon =
    ::cached_runtime::private::LocalCommon::new(); static SLOT :
    ::cached_runtime::private::LocalSlot < __key_of_local, __value_of_local > =
    ::cached_runtime::private::LocalSlot::new(& CELL, & SHARED); & SLOT } fn __cache() ->
    ::cached_runtime::private::Cache < __key_of_local, __value_of_local,
    ::cached_runtime::private::Local > { Self::__slot().cache(| options | options) } fn
    __entry < '__cached_k > (text : ::cached_runtime::private::Borrowed < '__cached_k, &
    str >) -> ::cached_runtime::private::LocalAt < impl ::cached_runtime::private::View <
    Owned = __key_of_local >, impl ::cached_runtime::private::Outcome < Ret = Rc < Token
    >, Value = __value_of_local > + use < > > { use ::cached_runtime::private:: { AnyLeaf
    as _, AnyOwn as _, NoPlace as _, Pick as _, NoLocalLeaf as _, NoLocalOwn as _,
    NoLocalPick as _ }; ::cached_runtime::private::LocalAt::home(Self::__slot(),
    Self::__cache, ::cached_runtime::private::Leaf(& * * text,
    ::cached_runtime::private::OneThread).__part(), ::cached_runtime::private::ttl_of((&&
    && && && ::cached_runtime::private::OutcomeOf:: < Rc < Token >,
    ::cached_runtime::private::OneThread > ::new()).__pick(), | value | value.ttl)) }
    #[doc = "Runs the body, past the cache."] fn uncached(text : & str) -> Rc < Token > {
    text.into() } #[doc = "What the cache holds for these arguments; never loads."]
    #[inline] #[must_use] fn get(text : & str) -> ::core::option::Option < Rc < Token > >
    { Self::__entry(& text).get() } #[doc =
    "Whether the cache holds something for these arguments."] #[inline] #[must_use] fn
    contains(text : & str) -> bool { Self::__entry(& text).contains() } #[doc =
    "Stores a value, or what the function would have returned, for these arguments."]
    #[inline] fn set(text : & str, value : & impl ::cached_runtime::private::KeptBy < Rc
    < Token > >) { Self::__entry(& text).set(value); } #[doc =
    "Forgets what the cache holds for these arguments; a load that runs now is not kept."]
    #[inline] fn invalidate(text : & str) { Self::__entry(& text).invalidate(); } #[doc =
    "Runs the body and stores what it returns in place of what the cache holds."]
    #[inline] fn refresh(text : & str) -> Rc < Token > { let mut miss = Self::__entry(&
    text).miss(); miss.run(move || Self::uncached(text)) } #[doc =
    "What the cache holds for each of these arguments, in their order; never loads."]
    #[inline] fn many < '__cached_item > (keys : impl ::core::iter::IntoIterator < Item =
    & '__cached_item str >) -> ::std::vec::Vec < ::core::option::Option < Rc < Token > >>
    { { let mut found = ::std::vec::Vec::new(); for text in keys { found
    .push(Self::__entry(& text).get()); } found } } #[doc =
    "Forgets everything; loads that run now are not kept."] #[inline] fn clear() {
    Self::__cache().clear(); } #[doc =
    "Hits, misses, loads and the rest, since the start or `reset_stats`."] #[inline] fn
    stats() -> ::cached_runtime::private::Stats { Self::__cache().stats() } #[doc =
    "Counts from zero again."] #[inline] fn reset_stats() { Self::__cache().reset_stats()
    } #[doc =
    "The cache itself. Its key is what the function's key reads: one part as it is, several as a tuple."]
    #[inline] fn cache() -> ::cached_runtime::private::Cache < __key_of_local,
    __value_of_local, ::cached_runtime::private::Local > { Self::__cache() } #[doc =
    "Forgets what satisfies the predicate, of what is there now; looks at every entry."]
    #[inline] fn invalidate_where(predicate : impl ::core::ops::Fn(& __key_of_local, &
    __value_of_local) -> bool) { Self::__cache().invalidate_where(predicate); }
    #[doc(hidden)] #[inline] fn __to_forget(text : & str) ->
    ::cached_runtime::private::Forgets < __key_of_local, __value_of_local,
    ::cached_runtime::private::Local > { Self::__entry(& text).owned().forgetting() }
    #[doc(hidden)] #[inline] fn __forgetting(taken : & ::cached_runtime::private::Forgets
    < __key_of_local, __value_of_local, ::cached_runtime::private::Local >) ->
    ::cached_runtime::private::Forgets < __key_of_local, __value_of_local,
    ::cached_runtime::private::Local > { ::core::clone::Clone::clone(taken) }
    #[doc(hidden)] #[inline] fn __to_write < '__cached_item > (text : & '__cached_item
    str) -> (& '__cached_item str,) { (text,) } #[doc(hidden)] #[inline] fn __writing <
    '__cached_k, '__cached_item > (taken : & '__cached_k(& '__cached_item str,)) -> impl
    ::cached_runtime::private::Write < Rc < Token > > { let _ = taken; let text = & taken
    .0; Self::__entry(text).owned().writing() } #[doc(hidden)] #[inline] fn __clearing()
    -> ::cached_runtime::private::ClearingOf < ::cached_runtime::private::Cache <
    __key_of_local, __value_of_local, ::cached_runtime::private::Local > > {
    ::cached_runtime::private::ClearingOf(|| Self::__cache()) } } #[doc(hidden)] type
    __key_of_local = ::cached_runtime::__key_type!(str,
    ::cached_runtime::private::OneThread); #[doc(hidden)] type __value_of_local =
    ::cached_runtime::__value_type!(Rc < Token >, false, false,
    ::cached_runtime::private::OneThread);
}
