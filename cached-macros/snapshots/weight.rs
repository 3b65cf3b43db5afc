// #[cached(max_weight = "64MiB", weigh = |key, value| key.len() + value.len(), eviction = sieve, version = 2)]
// fn weight(name: &str) -> String {
//     name.into()
// }

/**

# Cached

`weight::get(name)`, `weight::contains(name)`, `weight::invalidate(name)`, `weight::set(name, &value)`, `weight::many(..)`; `weight::refresh(name)`, `weight::uncached(name)`; `weight::clear()`, `weight::stats()`, `weight::reset_stats()`, `weight::cache()`.*/
fn weight(name: &str) -> String {
    let mut found = weight::__entry(&name).lookup();
    match found {
        ::cached_runtime::private::Lookup::Hit(ret) => ret,
        ::cached_runtime::private::Lookup::Miss(ref mut miss) => {
            miss.run(move || weight::uncached(name))
        }
    }
}
::cached_runtime::an_associated_function_says__companion_false! {
    [] [] weight { fn __cache() -> & 'static ::cached_runtime::private::Cache <
    __key_of_weight, __value_of_weight, ::cached_runtime::private::LockFree > { { static
    SLOT : ::cached_runtime::private::Slot < __key_of_weight, __value_of_weight,
    ::cached_runtime::private::LockFree > = ::cached_runtime::private::Slot::new(); &
    SLOT } .cache(| options | options.version(2)
    .eviction(::cached_runtime::private::Eviction::Sieve).max_weight(67108864u64).weigh(|
    key, value | key.len() + value.len())) } fn __entry < '__cached_k > (name :
    ::cached_runtime::private::Borrowed < '__cached_k, & str >) ->
    ::cached_runtime::private::At < 'static, impl ::cached_runtime::private::View < Owned
    = __key_of_weight >, impl ::cached_runtime::private::Outcome < Ret = String, Value =
    __value_of_weight > + use < >, ::cached_runtime::private::LockFree > { use
    ::cached_runtime::private:: { AnyLeaf as _, AnyOwn as _, NoPlace as _, Pick as _,
    NoLeaf as _, NoOwn as _, NoPick as _ };
    ::cached_runtime::private::at_home(Self::__cache(), ::cached_runtime::private::Leaf(&
    * * name, ::cached_runtime::private::AllThreads).__part(), (&& && && &&
    ::cached_runtime::private::OutcomeOf:: < String,
    ::cached_runtime::private::AllThreads > ::new()).__pick()) } #[doc =
    "Runs the body, past the cache."] fn uncached(name : & str) -> String { name.into() }
    #[doc = "What the cache holds for these arguments; never loads."] #[inline]
    #[must_use] fn get(name : & str) -> ::core::option::Option < String > {
    Self::__entry(& name).get() } #[doc =
    "Whether the cache holds something for these arguments."] #[inline] #[must_use] fn
    contains(name : & str) -> bool { Self::__entry(& name).contains() } #[doc =
    "Stores a value, or what the function would have returned, for these arguments."]
    #[inline] fn set(name : & str, value : & impl ::cached_runtime::private::KeptBy <
    String >) { Self::__entry(& name).set(value); } #[doc =
    "Forgets what the cache holds for these arguments; a load that runs now is not kept."]
    #[inline] fn invalidate(name : & str) { Self::__entry(& name).invalidate(); } #[doc =
    "Runs the body and stores what it returns in place of what the cache holds."]
    #[inline] fn refresh(name : & str) -> String { let mut miss = Self::__entry(& name)
    .miss(); miss.run(move || Self::uncached(name)) } #[doc =
    "What the cache holds for each of these arguments, in their order; never loads."]
    #[inline] fn many < '__cached_item > (keys : impl ::core::iter::IntoIterator < Item =
    & '__cached_item str >) -> ::std::vec::Vec < ::core::option::Option < String >> { {
    let mut found = ::std::vec::Vec::new(); for name in keys { found.push(Self::__entry(&
    name).get()); } found } } #[doc =
    "Forgets everything; loads that run now are not kept."] #[inline] fn clear() {
    Self::__cache().clear(); } #[doc =
    "Hits, misses, loads and the rest, since the start or `reset_stats`."] #[inline] fn
    stats() -> ::cached_runtime::private::Stats { Self::__cache().stats() } #[doc =
    "Counts from zero again."] #[inline] fn reset_stats() { Self::__cache().reset_stats()
    } #[doc =
    "The cache itself. Its key is what the function's key reads: one part as it is, several as a tuple."]
    #[inline] fn cache() -> & 'static ::cached_runtime::private::Cache < __key_of_weight,
    __value_of_weight > { Self::__cache().__memory() } #[doc =
    "Forgets what satisfies the predicate, of what is there now; looks at every entry."]
    #[inline] fn invalidate_where(predicate : impl ::core::ops::Fn(& __key_of_weight, &
    __value_of_weight) -> bool) { Self::__cache().invalidate_where(predicate); }
    #[doc(hidden)] #[inline] fn __to_forget(name : & str) ->
    ::cached_runtime::private::Forgets < __key_of_weight, __value_of_weight,
    ::cached_runtime::private::LockFree > { Self::__entry(& name).owned().forgetting() }
    #[doc(hidden)] #[inline] fn __forgetting(taken : & ::cached_runtime::private::Forgets
    < __key_of_weight, __value_of_weight, ::cached_runtime::private::LockFree >) ->
    ::cached_runtime::private::Forgets < __key_of_weight, __value_of_weight,
    ::cached_runtime::private::LockFree > { ::core::clone::Clone::clone(taken) }
    #[doc(hidden)] #[inline] fn __to_write < '__cached_item > (name : & '__cached_item
    str) -> (& '__cached_item str,) { (name,) } #[doc(hidden)] #[inline] fn __writing <
    '__cached_k, '__cached_item > (taken : & '__cached_k(& '__cached_item str,)) -> impl
    ::cached_runtime::private::Write < String > { let _ = taken; let name = & taken.0;
    Self::__entry(name).owned().writing() } #[doc(hidden)] #[inline] fn __clearing() ->
    ::cached_runtime::private::ClearingOf < & 'static ::cached_runtime::private::Cache <
    __key_of_weight, __value_of_weight, ::cached_runtime::private::LockFree > > {
    ::cached_runtime::private::ClearingOf(|| Self::__cache()) } } #[doc(hidden)] type
    __key_of_weight = ::cached_runtime::__key_type!(str,
    ::cached_runtime::private::AllThreads); #[doc(hidden)] type __value_of_weight =
    ::cached_runtime::__value_type!(String, false, false,
    ::cached_runtime::private::AllThreads);
}
