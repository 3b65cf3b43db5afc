// #[cached(capacity = 100, key = (name.trim(), n))]
// pub fn page<T: Render>(name: String, n: u32) -> Answer<T> {
//     T::render(&name, n)
// }

pub fn page<T: Render>(name: String, n: u32) -> Answer<T> {
    let mut found = page::__entry::<T>(&name, &n).lookup();
    match found {
        ::cached_runtime::private::Lookup::Hit(ret) => ret,
        ::cached_runtime::private::Lookup::Miss(ref mut miss) => {
            miss.run(move || page::uncached::<T>(name, n))
        }
    }
}
::cached_runtime::an_associated_function_says__companion_false! {
    [] [pub] page { fn __slot() -> & 'static ::cached_runtime::private::AnySlot { static
    SLOT : ::cached_runtime::private::AnySlot =
    ::cached_runtime::private::AnySlot::new(); & SLOT } fn __entry < '__cached_k, T :
    Render > (name : ::cached_runtime::private::Borrowed < '__cached_k, String >, n :
    ::cached_runtime::private::Borrowed < '__cached_k, u32 >) ->
    ::cached_runtime::private::At < 'static, impl ::cached_runtime::private::View < Owned
    : ::cached_runtime::private::CacheKey >, impl ::cached_runtime::private::Outcome <
    Ret = Answer < T >, Value : ::cached_runtime::private::CacheValue > + use < T > > {
    use ::cached_runtime::private:: { AnyLeaf as _, AnyOwn as _, NoPlace as _, Pick as _,
    NoLeaf as _, NoOwn as _, NoPick as _ }; Self::__slot().at(| options | options
    .capacity(100), (::cached_runtime::private::Own((* name).trim(),
    ::cached_runtime::private::AllThreads).__part(), ::cached_runtime::private::Leaf(& *
    n, ::cached_runtime::private::AllThreads).__part()), (&& && && &&
    ::cached_runtime::private::OutcomeOf:: < Answer < T >,
    ::cached_runtime::private::AllThreads > ::new()).__pick()) } #[doc =
    "Runs the body, past the cache."] pub fn uncached < T : Render > (name : String, n :
    u32) -> Answer < T > { let _ = & name; let _ = & n; T::render(& name, n) } #[doc =
    "What the cache holds for these arguments; never loads."] #[inline] #[must_use] pub
    fn get < T : Render > (name : String, n : u32) -> ::core::option::Option < Answer < T
    > > { Self::__entry:: < T, > (& name, & n).get() } #[doc =
    "Whether the cache holds something for these arguments."] #[inline] #[must_use] pub
    fn contains < T : Render > (name : String, n : u32) -> bool { Self::__entry:: < T, >
    (& name, & n).contains() } #[doc =
    "Stores a value, or what the function would have returned, for these arguments."]
    #[inline] pub fn set < T : Render > (name : String, n : u32, value : & impl
    ::cached_runtime::private::KeptBy < Answer < T > >) { Self::__entry:: < T, > (& name,
    & n).set(value); } #[doc =
    "Forgets what the cache holds for these arguments; a load that runs now is not kept."]
    #[inline] pub fn invalidate < T : Render > (name : String, n : u32) { Self::__entry::
    < T, > (& name, & n).invalidate(); } #[doc =
    "Runs the body and stores what it returns in place of what the cache holds."]
    #[inline] pub fn refresh < T : Render > (name : String, n : u32) -> Answer < T > {
    let mut miss = Self::__entry:: < T, > (& name, & n).miss(); miss.run(move ||
    Self::uncached:: < T, > (name, n)) } #[doc =
    "What the cache holds for each of these arguments, in their order; never loads."]
    #[inline] pub fn many < '__cached_item, T : Render > (keys : impl
    ::core::iter::IntoIterator < Item = (String, u32) >) -> ::std::vec::Vec <
    ::core::option::Option < Answer < T > >> { { let mut found = ::std::vec::Vec::new();
    for (name, n) in keys { found.push(Self::__entry:: < T, > (& name, & n).get()); }
    found } } #[doc = "Forgets everything; loads that run now are not kept."] #[inline]
    pub fn clear() { Self::__slot().clear(); } #[doc =
    "Hits, misses, loads and the rest, since the start or `reset_stats`."] #[inline] pub
    fn stats() -> ::cached_runtime::private::Stats { Self::__slot().stats() } #[doc =
    "Counts from zero again."] #[inline] pub fn reset_stats() { Self::__slot()
    .reset_stats() } #[doc(hidden)] #[inline] pub fn __to_forget < '__cached_item, T :
    Render > (name : String, n : u32) -> (String, u32,) { (name, n,) } #[doc(hidden)]
    #[inline] pub fn __forgetting < '__cached_k, '__cached_item, T : Render > (taken : &
    '__cached_k(String, u32,)) -> impl ::cached_runtime::private::Forget { let _ = taken;
    let name = & taken.0; let n = & taken.1; Self::__entry:: < T, > (name, n).owned()
    .forgetting() } #[doc(hidden)] #[inline] pub fn __to_write < '__cached_item, T :
    Render > (name : String, n : u32) -> (String, u32,) { (name, n,) } #[doc(hidden)]
    #[inline] pub fn __writing < '__cached_k, '__cached_item, T : Render > (taken : &
    '__cached_k(String, u32,)) -> impl ::cached_runtime::private::Write < Answer < T > >
    { let _ = taken; let name = & taken.0; let n = & taken.1; Self::__entry:: < T, >
    (name, n).owned().writing() } #[doc(hidden)] #[inline] pub fn __clearing() -> impl
    ::cached_runtime::private::Outdated { ::cached_runtime::private::Clearing(||
    Self::__slot().clear()) } }
}
