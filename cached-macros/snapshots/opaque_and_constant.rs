// #[cached(name = "opaque")]
// fn opaque<'a, const N: usize>(value: impl Hash + Eq, text: &'a str, list: [u8; N]) -> String
// where
//     'a: 'static,
// {
//     text.into()
// }

/**

# Cached

`opaque::get(value, text, list)`, `opaque::contains(value, text, list)`, `opaque::invalidate(value, text, list)`, `opaque::set(value, text, list, &value)`, `opaque::many(..)`; `opaque::refresh(value, text, list)`, `opaque::uncached(value, text, list)`; `opaque::clear()`, `opaque::stats()`, `opaque::reset_stats()`.*/
fn opaque<'a, const N: usize>(
    value: impl Hash + Eq,
    text: &'a str,
    list: [u8; N],
) -> String
where
    'a: 'static,
{
    let mut found = opaque::__entry::<N, _>(&value, &text, &list).lookup();
    match found {
        ::cached_runtime::private::Lookup::Hit(ret) => ret,
        ::cached_runtime::private::Lookup::Miss(ref mut miss) => {
            miss.run(move || opaque::uncached::<N>(value, text, list))
        }
    }
}
::cached_runtime::an_associated_function_says__companion_false! {
    [] [] opaque { fn __slot() -> & 'static ::cached_runtime::private::AnySlot { static
    SLOT : ::cached_runtime::private::AnySlot =
    ::cached_runtime::private::AnySlot::new(); & SLOT } fn __entry < '__cached_k, 'a,
    const N : usize, TypeOf_value : Hash + Eq > (value :
    ::cached_runtime::private::Borrowed < '__cached_k, TypeOf_value >, text :
    ::cached_runtime::private::Borrowed < '__cached_k, & 'a str >, list :
    ::cached_runtime::private::Borrowed < '__cached_k, [u8; N] >) ->
    ::cached_runtime::private::At < 'static, impl ::cached_runtime::private::View < Owned
    : ::cached_runtime::private::CacheKey >, impl ::cached_runtime::private::Outcome <
    Ret = String, Value : ::cached_runtime::private::CacheValue > + use < N, TypeOf_value
    > > where 'a : 'static, { use ::cached_runtime::private:: { AnyLeaf as _, AnyOwn as
    _, NoPlace as _, Pick as _, NoLeaf as _, NoOwn as _, NoPick as _ }; Self::__slot()
    .at(| options | options.name("opaque"), (::cached_runtime::private::Leaf(& * value,
    ::cached_runtime::private::AllThreads).__part(), ::cached_runtime::private::Leaf(& *
    * text, ::cached_runtime::private::AllThreads).__part(),
    ::cached_runtime::private::Leaf(& * list, ::cached_runtime::private::AllThreads)
    .__part()), (&& && && && ::cached_runtime::private::OutcomeOf:: < String,
    ::cached_runtime::private::AllThreads > ::new()).__pick()) } #[doc =
    "Runs the body, past the cache."] fn uncached < 'a, const N : usize > (value : impl
    Hash + Eq, text : & 'a str, list : [u8; N]) -> String where 'a : 'static, { text
    .into() } #[doc = "What the cache holds for these arguments; never loads."] #[inline]
    #[must_use] fn get < 'a, const N : usize > (value : impl Hash + Eq, text : & 'a str,
    list : [u8; N]) -> ::core::option::Option < String > where 'a : 'static, {
    Self::__entry:: < N, _ > (& value, & text, & list).get() } #[doc =
    "Whether the cache holds something for these arguments."] #[inline] #[must_use] fn
    contains < 'a, const N : usize > (value : impl Hash + Eq, text : & 'a str, list :
    [u8; N]) -> bool where 'a : 'static, { Self::__entry:: < N, _ > (& value, & text, &
    list).contains() } #[doc =
    "Stores a value, or what the function would have returned, for these arguments."]
    #[inline] fn set < 'a, const N : usize > (value : impl Hash + Eq, text : & 'a str,
    list : [u8; N], value : & impl ::cached_runtime::private::KeptBy < String >) where 'a
    : 'static, { Self::__entry:: < N, _ > (& value, & text, & list).set(value); } #[doc =
    "Forgets what the cache holds for these arguments; a load that runs now is not kept."]
    #[inline] fn invalidate < 'a, const N : usize > (value : impl Hash + Eq, text : & 'a
    str, list : [u8; N]) where 'a : 'static, { Self::__entry:: < N, _ > (& value, & text,
    & list).invalidate(); } #[doc =
    "Runs the body and stores what it returns in place of what the cache holds."]
    #[inline] fn refresh < 'a, const N : usize > (value : impl Hash + Eq, text : & 'a
    str, list : [u8; N]) -> String where 'a : 'static, { let mut miss = Self::__entry:: <
    N, _ > (& value, & text, & list).miss(); miss.run(move || Self::uncached:: < N, >
    (value, text, list)) } #[doc =
    "What the cache holds for each of these arguments, in their order; never loads."]
    #[inline] fn many < '__cached_item, 'a, const N : usize > (keys : impl
    ::core::iter::IntoIterator < Item = (impl Hash + Eq, & 'a str, [u8; N]) >) ->
    ::std::vec::Vec < ::core::option::Option < String >> where 'a : 'static, { { let mut
    found = ::std::vec::Vec::new(); for (value, text, list) in keys { found
    .push(Self::__entry:: < N, _ > (& value, & text, & list).get()); } found } } #[doc =
    "Forgets everything; loads that run now are not kept."] #[inline] fn clear() {
    Self::__slot().clear(); } #[doc =
    "Hits, misses, loads and the rest, since the start or `reset_stats`."] #[inline] fn
    stats() -> ::cached_runtime::private::Stats { Self::__slot().stats() } #[doc =
    "Counts from zero again."] #[inline] fn reset_stats() { Self::__slot().reset_stats()
    } #[doc(hidden)] #[inline] fn __to_forget < '__cached_item, 'a, const N : usize,
    TypeOf_value : Hash + Eq > (value : TypeOf_value, text : & 'a str, list : [u8; N]) ->
    (TypeOf_value, & 'a str, [u8; N],) where 'a : 'static, { (value, text, list,) }
    #[doc(hidden)] #[inline] fn __forgetting < '__cached_k, '__cached_item, 'a, const N :
    usize, TypeOf_value : Hash + Eq > (taken : & '__cached_k(TypeOf_value, & 'a str, [u8;
    N],)) -> impl ::cached_runtime::private::Forget where 'a : 'static, { let _ = taken;
    let value = & taken.0; let text = & taken.1; let list = & taken.2; Self::__entry:: <
    N, _ > (value, text, list).owned().forgetting() } #[doc(hidden)] #[inline] fn
    __to_write < '__cached_item, 'a, const N : usize, TypeOf_value : Hash + Eq > (value :
    TypeOf_value, text : & 'a str, list : [u8; N]) -> (TypeOf_value, & 'a str, [u8; N],)
    where 'a : 'static, { (value, text, list,) } #[doc(hidden)] #[inline] fn __writing <
    '__cached_k, '__cached_item, 'a, const N : usize, TypeOf_value : Hash + Eq > (taken :
    & '__cached_k(TypeOf_value, & 'a str, [u8; N],)) -> impl
    ::cached_runtime::private::Write < String > where 'a : 'static, { let _ = taken; let
    value = & taken.0; let text = & taken.1; let list = & taken.2; Self::__entry:: < N, _
    > (value, text, list).owned().writing() } #[doc(hidden)] #[inline] fn __clearing() ->
    impl ::cached_runtime::private::Outdated { ::cached_runtime::private::Clearing(||
    Self::__slot().clear()) } }
}
