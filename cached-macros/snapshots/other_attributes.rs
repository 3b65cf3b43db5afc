// #[cached]
// #[cfg(feature = "x")]
// #[tracing::instrument]
// #[must_use]
// #[inline]
// #[allow(unused)]
// #[expect(clippy::too_many_lines, reason = "long")]
// pub fn other_attributes(n: u8) -> u8 {
//     n
// }

#[cfg(feature = "x")]
#[must_use]
#[inline]
#[allow(unused)]
#[allow(clippy::too_many_lines, reason = "long")]
pub fn other_attributes(n: u8) -> u8 {
    let mut found = other_attributes::__entry(&n).lookup();
    match found {
        ::cached_runtime::private::Lookup::Hit(ret) => ret,
        ::cached_runtime::private::Lookup::Miss(ref mut miss) => {
            miss.run(move || other_attributes::uncached(n))
        }
    }
}
::cached_runtime::an_associated_function_says__companion_false! {
    [#[cfg(feature = "x")]] [pub] other_attributes { fn __cache() -> & 'static
    ::cached_runtime::private::Cache < __key_of_other_attributes,
    __value_of_other_attributes > { { static SLOT : ::cached_runtime::private::Slot <
    __key_of_other_attributes, __value_of_other_attributes > =
    ::cached_runtime::private::Slot::new(); & SLOT } .cache(| options | options) }
    #[allow(unused)] #[allow(clippy::too_many_lines, reason = "long")] fn __entry <
    '__cached_k > (n : ::cached_runtime::private::Borrowed < '__cached_k, u8 >) ->
    ::cached_runtime::private::At < 'static, impl ::cached_runtime::private::View < Owned
    = __key_of_other_attributes >, impl ::cached_runtime::private::Outcome < Ret = u8,
    Value = __value_of_other_attributes > + use < > > { use ::cached_runtime::private:: {
    AnyLeaf as _, AnyOwn as _, NoPlace as _, Pick as _, NoLeaf as _, NoOwn as _, NoPick
    as _ }; ::cached_runtime::private::at_home(Self::__cache(),
    ::cached_runtime::private::Leaf(& * n, ::cached_runtime::private::AllThreads)
    .__part(), (&& && && && ::cached_runtime::private::OutcomeOf:: < u8,
    ::cached_runtime::private::AllThreads > ::new()).__pick()) } #[doc =
    "Runs the body, past the cache."] #[tracing::instrument(name = "other_attributes")]
    #[must_use] #[allow(unused)] #[expect(clippy::too_many_lines, reason = "long")] pub
    fn uncached(n : u8) -> u8 { n } #[doc =
    "What the cache holds for these arguments; never loads."] #[inline] #[allow(unused)]
    #[allow(clippy::too_many_lines, reason = "long")] #[must_use] pub fn get(n : u8) ->
    ::core::option::Option < u8 > { Self::__entry(& n).get() } #[doc =
    "Whether the cache holds something for these arguments."] #[inline] #[allow(unused)]
    #[allow(clippy::too_many_lines, reason = "long")] #[must_use] pub fn contains(n : u8)
    -> bool { Self::__entry(& n).contains() } #[doc =
    "Stores a value, or what the function would have returned, for these arguments."]
    #[inline] #[allow(unused)] #[allow(clippy::too_many_lines, reason = "long")] pub fn
    set(n : u8, value : & impl ::cached_runtime::private::KeptBy < u8 >) {
    Self::__entry(& n).set(value); } #[doc =
    "Forgets what the cache holds for these arguments; a load that runs now is not kept."]
    #[inline] #[allow(unused)] #[allow(clippy::too_many_lines, reason = "long")] pub fn
    invalidate(n : u8) { Self::__entry(& n).invalidate(); } #[doc =
    "Runs the body and stores what it returns in place of what the cache holds."]
    #[inline] #[allow(unused)] #[allow(clippy::too_many_lines, reason = "long")] pub fn
    refresh(n : u8) -> u8 { let mut miss = Self::__entry(& n).miss(); miss.run(move ||
    Self::uncached(n)) } #[doc =
    "What the cache holds for each of these arguments, in their order; never loads."]
    #[inline] #[allow(unused)] #[allow(clippy::too_many_lines, reason = "long")] pub fn
    many < '__cached_item > (keys : impl ::core::iter::IntoIterator < Item = u8 >) ->
    ::std::vec::Vec < ::core::option::Option < u8 >> { { let mut found =
    ::std::vec::Vec::new(); for n in keys { found.push(Self::__entry(& n).get()); } found
    } } #[doc = "Forgets everything; loads that run now are not kept."] #[inline] pub fn
    clear() { Self::__cache().clear(); } #[doc =
    "Hits, misses, loads and the rest, since the start or `reset_stats`."] #[inline] pub
    fn stats() -> ::cached_runtime::private::Stats { Self::__cache().stats() } #[doc =
    "Counts from zero again."] #[inline] pub fn reset_stats() { Self::__cache()
    .reset_stats() } #[doc =
    "The cache itself. Its key is what the function's key reads: one part as it is, several as a tuple."]
    #[inline] pub fn cache() -> & 'static ::cached_runtime::private::Cache <
    __key_of_other_attributes, __value_of_other_attributes > { Self::__cache() } #[doc =
    "Forgets what satisfies the predicate, of what is there now; looks at every entry."]
    #[inline] pub fn invalidate_where(predicate : impl ::core::ops::Fn(&
    __key_of_other_attributes, & __value_of_other_attributes) -> bool) { Self::__cache()
    .invalidate_where(predicate); } #[doc(hidden)] #[inline] #[allow(unused)]
    #[allow(clippy::too_many_lines, reason = "long")] pub fn __to_forget(n : u8) ->
    ::cached_runtime::private::Forgets < __key_of_other_attributes,
    __value_of_other_attributes > { Self::__entry(& n).owned().forgetting() }
    #[doc(hidden)] #[inline] #[allow(unused)] #[allow(clippy::too_many_lines, reason =
    "long")] pub fn __forgetting(taken : & ::cached_runtime::private::Forgets <
    __key_of_other_attributes, __value_of_other_attributes >) ->
    ::cached_runtime::private::Forgets < __key_of_other_attributes,
    __value_of_other_attributes > { ::core::clone::Clone::clone(taken) } #[doc(hidden)]
    #[inline] #[allow(unused)] #[allow(clippy::too_many_lines, reason = "long")] pub fn
    __to_write < '__cached_item > (n : u8) -> (u8,) { (n,) } #[doc(hidden)] #[inline]
    #[allow(unused)] #[allow(clippy::too_many_lines, reason = "long")] pub fn __writing <
    '__cached_k, '__cached_item > (taken : & '__cached_k(u8,)) -> impl
    ::cached_runtime::private::Write < u8 > { let _ = taken; let n = & taken.0;
    Self::__entry(n).owned().writing() } #[doc(hidden)] #[inline] pub fn __clearing() ->
    ::cached_runtime::private::ClearingOf < & 'static ::cached_runtime::private::Cache <
    __key_of_other_attributes, __value_of_other_attributes > > {
    ::cached_runtime::private::ClearingOf(|| Self::__cache()) } } #[cfg(feature = "x")]
    #[doc(hidden)] type __key_of_other_attributes = ::cached_runtime::__key_type!(u8,
    ::cached_runtime::private::AllThreads); #[cfg(feature = "x")] #[doc(hidden)] type
    __value_of_other_attributes = ::cached_runtime::__value_type!(u8, false, false,
    ::cached_runtime::private::AllThreads);
}
