// #[cached]
// /// Adds.
// pub fn fib(n: u64) -> u64 {
//     if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
// }

/// Adds.
/**

# Cached

`fib::get(n)`, `fib::contains(n)`, `fib::invalidate(n)`, `fib::set(n, &value)`, `fib::many(..)`; `fib::refresh(n)`, `fib::uncached(n)`; `fib::clear()`, `fib::stats()`, `fib::reset_stats()`, `fib::cache()`.*/
pub fn fib(n: u64) -> u64 {
    let mut found = fib::__entry(&n).lookup();
    match found {
        ::cached_runtime::private::Lookup::Hit(ret) => ret,
        ::cached_runtime::private::Lookup::Miss(ref mut miss) => {
            miss.run(move || fib::uncached(n))
        }
    }
}
::cached_runtime::an_associated_function_says__companion_false! {
    [] [pub] fib { fn __cache() -> & 'static ::cached_runtime::private::Cache <
    __key_of_fib, __value_of_fib > { { static SLOT : ::cached_runtime::private::Slot <
    __key_of_fib, __value_of_fib > = ::cached_runtime::private::Slot::new(); & SLOT }
    .cache(| options | options) } fn __entry < '__cached_k > (n :
    ::cached_runtime::private::Borrowed < '__cached_k, u64 >) ->
    ::cached_runtime::private::At < 'static, impl ::cached_runtime::private::View < Owned
    = __key_of_fib >, impl ::cached_runtime::private::Outcome < Ret = u64, Value =
    __value_of_fib > + use < > > { use ::cached_runtime::private:: { AnyLeaf as _, AnyOwn
    as _, NoPlace as _, Pick as _, NoLeaf as _, NoOwn as _, NoPick as _ };
    ::cached_runtime::private::at_home(Self::__cache(), ::cached_runtime::private::Leaf(&
    * n, ::cached_runtime::private::AllThreads).__part(), (&& && && &&
    ::cached_runtime::private::OutcomeOf:: < u64, ::cached_runtime::private::AllThreads >
    ::new()).__pick()) } #[doc = "Runs the body, past the cache."] #[doc = " Adds."] pub
    fn uncached(n : u64) -> u64 { if n < 2 { n } else { fib(n - 1) + fib(n - 2) } } #[doc
    = "What the cache holds for these arguments; never loads."] #[inline] #[must_use] pub
    fn get(n : u64) -> ::core::option::Option < u64 > { Self::__entry(& n).get() } #[doc
    = "Whether the cache holds something for these arguments."] #[inline] #[must_use] pub
    fn contains(n : u64) -> bool { Self::__entry(& n).contains() } #[doc =
    "Stores a value, or what the function would have returned, for these arguments."]
    #[inline] pub fn set(n : u64, value : & impl ::cached_runtime::private::KeptBy < u64
    >) { Self::__entry(& n).set(value); } #[doc =
    "Forgets what the cache holds for these arguments; a load that runs now is not kept."]
    #[inline] pub fn invalidate(n : u64) { Self::__entry(& n).invalidate(); } #[doc =
    "Runs the body and stores what it returns in place of what the cache holds."]
    #[inline] pub fn refresh(n : u64) -> u64 { let mut miss = Self::__entry(& n).miss();
    miss.run(move || Self::uncached(n)) } #[doc =
    "What the cache holds for each of these arguments, in their order; never loads."]
    #[inline] pub fn many < '__cached_item > (keys : impl ::core::iter::IntoIterator <
    Item = u64 >) -> ::std::vec::Vec < ::core::option::Option < u64 >> { { let mut found
    = ::std::vec::Vec::new(); for n in keys { found.push(Self::__entry(& n).get()); }
    found } } #[doc = "Forgets everything; loads that run now are not kept."] #[inline]
    pub fn clear() { Self::__cache().clear(); } #[doc =
    "Hits, misses, loads and the rest, since the start or `reset_stats`."] #[inline] pub
    fn stats() -> ::cached_runtime::private::Stats { Self::__cache().stats() } #[doc =
    "Counts from zero again."] #[inline] pub fn reset_stats() { Self::__cache()
    .reset_stats() } #[doc =
    "The cache itself. Its key is what the function's key reads: one part as it is, several as a tuple."]
    #[inline] pub fn cache() -> & 'static ::cached_runtime::private::Cache <
    __key_of_fib, __value_of_fib > { Self::__cache() } #[doc =
    "Forgets what satisfies the predicate, of what is there now; looks at every entry."]
    #[inline] pub fn invalidate_where(predicate : impl ::core::ops::Fn(& __key_of_fib, &
    __value_of_fib) -> bool) { Self::__cache().invalidate_where(predicate); }
    #[doc(hidden)] #[inline] pub fn __to_forget(n : u64) ->
    ::cached_runtime::private::Forgets < __key_of_fib, __value_of_fib > { Self::__entry(&
    n).owned().forgetting() } #[doc(hidden)] #[inline] pub fn __forgetting(taken : &
    ::cached_runtime::private::Forgets < __key_of_fib, __value_of_fib >) ->
    ::cached_runtime::private::Forgets < __key_of_fib, __value_of_fib > {
    ::core::clone::Clone::clone(taken) } #[doc(hidden)] #[inline] pub fn __to_write <
    '__cached_item > (n : u64) -> (u64,) { (n,) } #[doc(hidden)] #[inline] pub fn
    __writing < '__cached_k, '__cached_item > (taken : & '__cached_k(u64,)) -> impl
    ::cached_runtime::private::Write < u64 > { let _ = taken; let n = & taken.0;
    Self::__entry(n).owned().writing() } #[doc(hidden)] #[inline] pub fn __clearing() ->
    ::cached_runtime::private::ClearingOf < & 'static ::cached_runtime::private::Cache <
    __key_of_fib, __value_of_fib > > { ::cached_runtime::private::ClearingOf(||
    Self::__cache()) } } #[doc(hidden)] type __key_of_fib =
    ::cached_runtime::__key_type!(u64, ::cached_runtime::private::AllThreads);
    #[doc(hidden)] type __value_of_fib = ::cached_runtime::__value_type!(u64, false,
    false, ::cached_runtime::private::AllThreads);
}
