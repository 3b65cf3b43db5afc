// #[cached(cache = pages.0)]
// fn shared_handle(pages: &Pages, n: u32) -> u32 {
//     n
// }

/**

# Cached

`shared_handle::get(pages, n)`, `shared_handle::contains(pages, n)`, `shared_handle::invalidate(pages, n)`, `shared_handle::set(pages, n, &value)`, `shared_handle::many(..)`; `shared_handle::refresh(pages, n)`, `shared_handle::uncached(pages, n)`.*/
fn shared_handle(pages: &Pages, n: u32) -> u32 {
    let mut found = shared_handle::__entry(&pages, &n).lookup();
    match found {
        ::cached_runtime::private::Lookup::Hit(ret) => ret,
        ::cached_runtime::private::Lookup::Miss(ref mut miss) => {
            miss.run(move || shared_handle::uncached(pages, n))
        }
    }
}
::cached_runtime::an_associated_function_says__companion_false! {
    [] [] shared_handle { fn __entry < '__cached_k > (pages :
    ::cached_runtime::private::Borrowed < '__cached_k, & Pages >, n :
    ::cached_runtime::private::Borrowed < '__cached_k, u32 >) ->
    ::cached_runtime::private::At < '__cached_k, impl ::cached_runtime::private::View <
    Owned : ::cached_runtime::private::CacheKey >, impl
    ::cached_runtime::private::Outcome < Ret = u32, Value :
    ::cached_runtime::private::CacheValue > + use < > > { use ::cached_runtime::private::
    { AnyLeaf as _, AnyOwn as _, NoPlace as _, Pick as _, NoLocalLeaf as _, NoLocalOwn as
    _, NoLocalPick as _ }; ::cached_runtime::private::at(((* pages).0).__handle(),
    (::cached_runtime::private::Leaf(& * * pages, ::cached_runtime::private::OneThread)
    .__part(), ::cached_runtime::private::Leaf(& * n,
    ::cached_runtime::private::OneThread).__part()), (&& && && &&
    ::cached_runtime::private::OutcomeOf:: < u32, ::cached_runtime::private::OneThread >
    ::new()).__pick()) } #[doc = "Runs the body, past the cache."] fn uncached(pages : &
    Pages, n : u32) -> u32 { let _ = & pages; n } #[doc =
    "What the cache holds for these arguments; never loads."] #[inline] #[must_use] fn
    get(pages : & Pages, n : u32) -> ::core::option::Option < u32 > { Self::__entry(&
    pages, & n).get() } #[doc = "Whether the cache holds something for these arguments."]
    #[inline] #[must_use] fn contains(pages : & Pages, n : u32) -> bool { Self::__entry(&
    pages, & n).contains() } #[doc =
    "Stores a value, or what the function would have returned, for these arguments."]
    #[inline] fn set(pages : & Pages, n : u32, value : & impl
    ::cached_runtime::private::KeptBy < u32 >) { Self::__entry(& pages, & n).set(value);
    } #[doc =
    "Forgets what the cache holds for these arguments; a load that runs now is not kept."]
    #[inline] fn invalidate(pages : & Pages, n : u32) { Self::__entry(& pages, & n)
    .invalidate(); } #[doc =
    "Runs the body and stores what it returns in place of what the cache holds."]
    #[inline] fn refresh(pages : & Pages, n : u32) -> u32 { let mut miss =
    Self::__entry(& pages, & n).miss(); miss.run(move || Self::uncached(pages, n)) }
    #[doc =
    "What the cache holds for each of these arguments, in their order; never loads."]
    #[inline] fn many < '__cached_item > (keys : impl ::core::iter::IntoIterator < Item =
    (& '__cached_item Pages, u32) >) -> ::std::vec::Vec < ::core::option::Option < u32 >>
    { { let mut found = ::std::vec::Vec::new(); for (pages, n) in keys { found
    .push(Self::__entry(& pages, & n).get()); } found } } #[doc(hidden)] #[inline] fn
    __to_forget < '__cached_item > (pages : & '__cached_item Pages, n : u32) -> (&
    '__cached_item Pages, u32,) { (pages, n,) } #[doc(hidden)] #[inline] fn __forgetting
    < '__cached_k, '__cached_item > (taken : & '__cached_k(& '__cached_item Pages, u32,))
    -> impl ::cached_runtime::private::Forget { let _ = taken; let pages = & taken.0; let
    n = & taken.1; Self::__entry(pages, n).owned().forgetting() } #[doc(hidden)]
    #[inline] fn __to_write < '__cached_item > (pages : & '__cached_item Pages, n : u32)
    -> (& '__cached_item Pages, u32,) { (pages, n,) } #[doc(hidden)] #[inline] fn
    __writing < '__cached_k, '__cached_item > (taken : & '__cached_k(& '__cached_item
    Pages, u32,)) -> impl ::cached_runtime::private::Write < u32 > { let _ = taken; let
    pages = & taken.0; let n = & taken.1; Self::__entry(pages, n).owned().writing() } }
}
