// #[cached(ttl = "60s", stale_while_revalidate = "10s", refresh_ahead = xfetch)]
// fn renewed_by_the_call(n: u32) -> u32 {
//     n
// }

/**

# Cached

`renewed_by_the_call::get(n)`, `renewed_by_the_call::contains(n)`, `renewed_by_the_call::invalidate(n)`, `renewed_by_the_call::set(n, &value)`, `renewed_by_the_call::many(..)`; `renewed_by_the_call::refresh(n)`, `renewed_by_the_call::uncached(n)`; `renewed_by_the_call::clear()`, `renewed_by_the_call::stats()`, `renewed_by_the_call::reset_stats()`, `renewed_by_the_call::cache()`.*/
fn renewed_by_the_call(n: u32) -> u32 {
    let mut found = renewed_by_the_call::__entry(&n).lookup();
    match found {
        ::cached_runtime::private::Lookup::Hit(ret) => ret,
        ::cached_runtime::private::Lookup::Miss(ref mut miss) => {
            miss.run(move || renewed_by_the_call::uncached(n))
        }
    }
}
::cached_runtime::an_associated_function_says__companion_false! {
    [] [] renewed_by_the_call { fn __cache() -> & 'static
    ::cached_runtime::private::Cache < __key_of_renewed_by_the_call,
    __value_of_renewed_by_the_call > { { static SLOT : ::cached_runtime::private::Slot <
    __key_of_renewed_by_the_call, __value_of_renewed_by_the_call > =
    ::cached_runtime::private::Slot::new(); & SLOT } .cache(| options | options
    .ttl(::core::time::Duration::new(60u64, 0u32))
    .stale_while_revalidate(::core::time::Duration::new(10u64, 0u32))
    .refresh_ahead(::cached_runtime::private::RefreshAhead::xfetch())) } fn __entry <
    '__cached_k > (n : ::cached_runtime::private::Borrowed < '__cached_k, u32 >) ->
    ::cached_runtime::private::At < 'static, impl ::cached_runtime::private::View < Owned
    = __key_of_renewed_by_the_call >, impl ::cached_runtime::private::Outcome < Ret =
    u32, Value = __value_of_renewed_by_the_call > + use < > > { use
    ::cached_runtime::private:: { AnyLeaf as _, AnyOwn as _, NoPlace as _, Pick as _,
    NoLeaf as _, NoOwn as _, NoPick as _ };
    ::cached_runtime::private::at_home(Self::__cache(), ::cached_runtime::private::Leaf(&
    * n, ::cached_runtime::private::AllThreads).__part(), (&& && && &&
    ::cached_runtime::private::OutcomeOf:: < u32, ::cached_runtime::private::AllThreads >
    ::new()).__pick()) } #[doc = "Runs the body, past the cache."] fn uncached(n : u32)
    -> u32 { n } #[doc = "What the cache holds for these arguments; never loads."]
    #[inline] #[must_use] fn get(n : u32) -> ::core::option::Option < u32 > {
    Self::__entry(& n).get() } #[doc =
    "Whether the cache holds something for these arguments."] #[inline] #[must_use] fn
    contains(n : u32) -> bool { Self::__entry(& n).contains() } #[doc =
    "Stores a value, or what the function would have returned, for these arguments."]
    #[inline] fn set(n : u32, value : & impl ::cached_runtime::private::KeptBy < u32 >) {
    Self::__entry(& n).set(value); } #[doc =
    "Forgets what the cache holds for these arguments; a load that runs now is not kept."]
    #[inline] fn invalidate(n : u32) { Self::__entry(& n).invalidate(); } #[doc =
    "Runs the body and stores what it returns in place of what the cache holds."] #[doc =
    "\n\nA value that is due is renewed by one of the calls that find it: that one waits for the load and has the new value, the others have the old one meanwhile. It is not done in the background, since the function is not async."]
    #[inline] fn refresh(n : u32) -> u32 { let mut miss = Self::__entry(& n).miss(); miss
    .run(move || Self::uncached(n)) } #[doc =
    "What the cache holds for each of these arguments, in their order; never loads."]
    #[inline] fn many < '__cached_item > (keys : impl ::core::iter::IntoIterator < Item =
    u32 >) -> ::std::vec::Vec < ::core::option::Option < u32 >> { { let mut found =
    ::std::vec::Vec::new(); for n in keys { found.push(Self::__entry(& n).get()); } found
    } } #[doc = "Forgets everything; loads that run now are not kept."] #[inline] fn
    clear() { Self::__cache().clear(); } #[doc =
    "Hits, misses, loads and the rest, since the start or `reset_stats`."] #[inline] fn
    stats() -> ::cached_runtime::private::Stats { Self::__cache().stats() } #[doc =
    "Counts from zero again."] #[inline] fn reset_stats() { Self::__cache().reset_stats()
    } #[doc =
    "The cache itself. Its key is what the function's key reads: one part as it is, several as a tuple."]
    #[inline] fn cache() -> & 'static ::cached_runtime::private::Cache <
    __key_of_renewed_by_the_call, __value_of_renewed_by_the_call > { Self::__cache() }
    #[doc =
    "Forgets what satisfies the predicate, of what is there now; looks at every entry."]
    #[inline] fn invalidate_where(predicate : impl ::core::ops::Fn(&
    __key_of_renewed_by_the_call, & __value_of_renewed_by_the_call) -> bool) {
    Self::__cache().invalidate_where(predicate); } #[doc(hidden)] #[inline] fn
    __to_forget(n : u32) -> ::cached_runtime::private::Forgets <
    __key_of_renewed_by_the_call, __value_of_renewed_by_the_call > { Self::__entry(& n)
    .owned().forgetting() } #[doc(hidden)] #[inline] fn __forgetting(taken : &
    ::cached_runtime::private::Forgets < __key_of_renewed_by_the_call,
    __value_of_renewed_by_the_call >) -> ::cached_runtime::private::Forgets <
    __key_of_renewed_by_the_call, __value_of_renewed_by_the_call > {
    ::core::clone::Clone::clone(taken) } #[doc(hidden)] #[inline] fn __to_write <
    '__cached_item > (n : u32) -> (u32,) { (n,) } #[doc(hidden)] #[inline] fn __writing <
    '__cached_k, '__cached_item > (taken : & '__cached_k(u32,)) -> impl
    ::cached_runtime::private::Write < u32 > { let _ = taken; let n = & taken.0;
    Self::__entry(n).owned().writing() } #[doc(hidden)] #[inline] fn __clearing() ->
    ::cached_runtime::private::ClearingOf < & 'static ::cached_runtime::private::Cache <
    __key_of_renewed_by_the_call, __value_of_renewed_by_the_call > > {
    ::cached_runtime::private::ClearingOf(|| Self::__cache()) } } #[doc(hidden)] type
    __key_of_renewed_by_the_call = ::cached_runtime::__key_type!(u32,
    ::cached_runtime::private::AllThreads); #[doc(hidden)] type
    __value_of_renewed_by_the_call = ::cached_runtime::__value_type!(u32, false, false,
    ::cached_runtime::private::AllThreads);
}
