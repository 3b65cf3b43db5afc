// #[cached(skip(force), bypass_if = id == 7, refresh_if = force, coalesce = "5s", cache_if = |value| value > &1, cache_none = "1s", cache_err = true)]
// fn conditions(id: u32, force: bool) -> Result<Option<u32>, String> {
//     Ok(Some(id))
// }

/**

# Cached

`conditions::get(id)`, `conditions::contains(id)`, `conditions::invalidate(id)`, `conditions::set(id, &value)`, `conditions::many(..)`; `conditions::refresh(id, force)`, `conditions::uncached(id, force)`; `conditions::clear()`, `conditions::stats()`, `conditions::reset_stats()`, `conditions::cache()`.*/
fn conditions(id: u32, force: bool) -> Result<Option<u32>, String> {
    let mut found = match conditions::__entry(&id) {
        at => {
            if id == 7 {
                at.bypass();
                ::core::option::Option::None
            } else {
                ::core::option::Option::Some(
                    if force {
                        ::cached_runtime::private::Lookup::Miss(at.miss())
                    } else {
                        at.lookup()
                    },
                )
            }
        }
    };
    let load = move || conditions::uncached(id, force);
    match found {
        ::core::option::Option::Some(::cached_runtime::private::Lookup::Hit(ret)) => ret,
        ::core::option::Option::Some(
            ::cached_runtime::private::Lookup::Miss(ref mut miss),
        ) => miss.run(load),
        ::core::option::Option::None => ::cached_runtime::private::call(load),
    }
}
::cached_runtime::an_associated_function_says__companion_false! {
    [] [] conditions { fn __cache() -> & 'static ::cached_runtime::private::Cache <
    __key_of_conditions, __value_of_conditions > { { static SLOT :
    ::cached_runtime::private::Slot < __key_of_conditions, __value_of_conditions > =
    ::cached_runtime::private::Slot::new(); & SLOT } .cache(| options | options) } fn
    __entry < '__cached_k > (id : ::cached_runtime::private::Borrowed < '__cached_k, u32
    >) -> ::cached_runtime::private::At < 'static, impl ::cached_runtime::private::View <
    Owned = __key_of_conditions >, impl ::cached_runtime::private::Outcome < Ret = Result
    < Option < u32 >, String >, Value = __value_of_conditions > + use < > > { use
    ::cached_runtime::private:: { AnyLeaf as _, AnyOwn as _, NoPlace as _, Pick as _,
    NoLeaf as _, NoOwn as _, NoPick as _ };
    ::cached_runtime::private::at_home(Self::__cache(), ::cached_runtime::private::Leaf(&
    * id, ::cached_runtime::private::AllThreads).__part(), { use
    ::cached_runtime::private:: { ChangeErr as _, NoChangeErr as _, NoKeptErr as _ };
    ::cached_runtime::private::Change({ use ::cached_runtime::private:: { ChangeNone as
    _, NoChangeNone as _ };
    ::cached_runtime::private::Change(::cached_runtime::private::cache_if((&& && && &&
    ::cached_runtime::private::OutcomeOf:: < Result < Option < u32 >, String >,
    ::cached_runtime::private::AllThreads > ::new()).__pick(), | value | value > & 1),
    ::cached_runtime::private::AllThreads).cache_none(::core::time::Duration::new(1u64,
    0u32)) }, ::cached_runtime::private::AllThreads)
    .cache_err(::cached_runtime::private::AS_LONG_AS_A_VALUE) })
    .coalesce(::cached_runtime::private::Coalesce::from(::core::time::Duration::new(5u64,
    0u32))) } #[doc = "Runs the body, past the cache."] fn uncached(id : u32, force :
    bool) -> Result < Option < u32 >, String > { let _ = & id; let _ = & force;
    Ok(Some(id)) } #[doc = "What the cache holds for these arguments; never loads."]
    #[inline] #[must_use] fn get(id : u32) -> ::core::option::Option < Result < Option <
    u32 >, String > > { Self::__entry(& id).get() } #[doc =
    "Whether the cache holds something for these arguments."] #[inline] #[must_use] fn
    contains(id : u32) -> bool { Self::__entry(& id).contains() } #[doc =
    "Stores a value, or what the function would have returned, for these arguments."]
    #[inline] fn set(id : u32, value : & impl ::cached_runtime::private::KeptBy < Result
    < Option < u32 >, String > >) { Self::__entry(& id).set(value); } #[doc =
    "Forgets what the cache holds for these arguments; a load that runs now is not kept."]
    #[inline] fn invalidate(id : u32) { Self::__entry(& id).invalidate(); } #[doc =
    "Runs the body and stores what it returns in place of what the cache holds."]
    #[inline] fn refresh(id : u32, force : bool) -> Result < Option < u32 >, String > {
    let mut miss = Self::__entry(& id).miss(); miss.run(move || Self::uncached(id,
    force)) } #[doc =
    "What the cache holds for each of these arguments, in their order; never loads."]
    #[inline] fn many < '__cached_item > (keys : impl ::core::iter::IntoIterator < Item =
    u32 >) -> ::std::vec::Vec < ::core::option::Option < Result < Option < u32 >, String
    > >> { { let mut found = ::std::vec::Vec::new(); for id in keys { found
    .push(Self::__entry(& id).get()); } found } } #[doc =
    "Forgets everything; loads that run now are not kept."] #[inline] fn clear() {
    Self::__cache().clear(); } #[doc =
    "Hits, misses, loads and the rest, since the start or `reset_stats`."] #[inline] fn
    stats() -> ::cached_runtime::private::Stats { Self::__cache().stats() } #[doc =
    "Counts from zero again."] #[inline] fn reset_stats() { Self::__cache().reset_stats()
    } #[doc =
    "The cache itself. Its key is what the function's key reads: one part as it is, several as a tuple."]
    #[inline] fn cache() -> & 'static ::cached_runtime::private::Cache <
    __key_of_conditions, __value_of_conditions > { Self::__cache() } #[doc =
    "Forgets what satisfies the predicate, of what is there now; looks at every entry."]
    #[inline] fn invalidate_where(predicate : impl ::core::ops::Fn(& __key_of_conditions,
    & __value_of_conditions) -> bool) { Self::__cache().invalidate_where(predicate); }
    #[doc(hidden)] #[inline] fn __to_forget(id : u32) ->
    ::cached_runtime::private::Forgets < __key_of_conditions, __value_of_conditions > {
    Self::__entry(& id).owned().forgetting() } #[doc(hidden)] #[inline] fn
    __forgetting(taken : & ::cached_runtime::private::Forgets < __key_of_conditions,
    __value_of_conditions >) -> ::cached_runtime::private::Forgets < __key_of_conditions,
    __value_of_conditions > { ::core::clone::Clone::clone(taken) } #[doc(hidden)]
    #[inline] fn __to_write < '__cached_item > (id : u32) -> (u32,) { (id,) }
    #[doc(hidden)] #[inline] fn __writing < '__cached_k, '__cached_item > (taken : &
    '__cached_k(u32,)) -> impl ::cached_runtime::private::Write < Result < Option < u32
    >, String > > { let _ = taken; let id = & taken.0; Self::__entry(id).owned()
    .writing() } #[doc(hidden)] #[inline] fn __clearing() ->
    ::cached_runtime::private::ClearingOf < & 'static ::cached_runtime::private::Cache <
    __key_of_conditions, __value_of_conditions > > {
    ::cached_runtime::private::ClearingOf(|| Self::__cache()) } } #[doc(hidden)] type
    __key_of_conditions = ::cached_runtime::__key_type!(u32,
    ::cached_runtime::private::AllThreads); #[doc(hidden)] type __value_of_conditions =
    ::cached_runtime::__value_type!(Result < Option < u32 >, String >, true, true,
    ::cached_runtime::private::AllThreads);
}
