// #[cached(key = (x, pair.0, _unread))]
// fn patterns(Point { x, y: _ }: Point, pair: (&str, f64), mut n: u8, _: bool, _unread: u8) -> u8 {
//     n += x;
//     n
// }

/**

# Cached

`patterns::get(arg0, pair, _unread)`, `patterns::contains(arg0, pair, _unread)`, `patterns::invalidate(arg0, pair, _unread)`, `patterns::set(arg0, pair, _unread, &value)`, `patterns::many(..)`; `patterns::refresh(arg0, pair, n, arg3, _unread)`, `patterns::uncached(arg0, pair, n, arg3, _unread)`; `patterns::clear()`, `patterns::stats()`, `patterns::reset_stats()`.*/
fn patterns(arg0: Point, pair: (&str, f64), n: u8, arg3: bool, _unread: u8) -> u8 {
    let mut found = patterns::__entry(&arg0, &pair, &_unread).lookup();
    match found {
        ::cached_runtime::private::Lookup::Hit(ret) => ret,
        ::cached_runtime::private::Lookup::Miss(ref mut miss) => {
            miss.run(move || patterns::uncached(arg0, pair, n, arg3, _unread))
        }
    }
}
::cached_runtime::an_associated_function_says__companion_false! {
    [] [] patterns { fn __slot() -> & 'static ::cached_runtime::private::AnySlot { static
    SLOT : ::cached_runtime::private::AnySlot =
    ::cached_runtime::private::AnySlot::new(); & SLOT } fn __entry < '__cached_k > (arg0
    : ::cached_runtime::private::Borrowed < '__cached_k, Point >, pair :
    ::cached_runtime::private::Borrowed < '__cached_k, (& str, f64) >, _unread :
    ::cached_runtime::private::Borrowed < '__cached_k, u8 >) ->
    ::cached_runtime::private::At < 'static, impl ::cached_runtime::private::View < Owned
    : ::cached_runtime::private::CacheKey >, impl ::cached_runtime::private::Outcome <
    Ret = u8, Value : ::cached_runtime::private::CacheValue > + use < > > { use
    ::cached_runtime::private:: { AnyLeaf as _, AnyOwn as _, NoPlace as _, Pick as _,
    NoLeaf as _, NoOwn as _, NoPick as _ }; let Point { x, y : _ } = arg0; let _ = (&
    x,); Self::__slot().at(| options | options, (::cached_runtime::private::Leaf(& (* x),
    ::cached_runtime::private::AllThreads).__part(), ::cached_runtime::private::Leaf(& (*
    pair).0, ::cached_runtime::private::AllThreads).__part(),
    ::cached_runtime::private::Leaf(& * _unread, ::cached_runtime::private::AllThreads)
    .__part()), (&& && && && ::cached_runtime::private::OutcomeOf:: < u8,
    ::cached_runtime::private::AllThreads > ::new()).__pick()) } #[doc =
    "Runs the body, past the cache."] fn uncached(Point { x, y : _ } : Point, pair : (&
    str, f64), mut n : u8, _ : bool, _unread : u8) -> u8 { let _ = & pair; n += x; n }
    #[doc = "What the cache holds for these arguments; never loads."] #[inline]
    #[must_use] fn get(arg0 : Point, pair : (& str, f64), _unread : u8) ->
    ::core::option::Option < u8 > { Self::__entry(& arg0, & pair, & _unread).get() }
    #[doc = "Whether the cache holds something for these arguments."] #[inline]
    #[must_use] fn contains(arg0 : Point, pair : (& str, f64), _unread : u8) -> bool {
    Self::__entry(& arg0, & pair, & _unread).contains() } #[doc =
    "Stores a value, or what the function would have returned, for these arguments."]
    #[inline] fn set(arg0 : Point, pair : (& str, f64), _unread : u8, value : & impl
    ::cached_runtime::private::KeptBy < u8 >) { Self::__entry(& arg0, & pair, & _unread)
    .set(value); } #[doc =
    "Forgets what the cache holds for these arguments; a load that runs now is not kept."]
    #[inline] fn invalidate(arg0 : Point, pair : (& str, f64), _unread : u8) {
    Self::__entry(& arg0, & pair, & _unread).invalidate(); } #[doc =
    "Runs the body and stores what it returns in place of what the cache holds."]
    #[inline] fn refresh(arg0 : Point, pair : (& str, f64), n : u8, arg3 : bool, _unread
    : u8) -> u8 { let mut miss = Self::__entry(& arg0, & pair, & _unread).miss(); miss
    .run(move || Self::uncached(arg0, pair, n, arg3, _unread)) } #[doc =
    "What the cache holds for each of these arguments, in their order; never loads."]
    #[inline] fn many < '__cached_item > (keys : impl ::core::iter::IntoIterator < Item =
    (Point, (& '__cached_item str, f64), u8) >) -> ::std::vec::Vec <
    ::core::option::Option < u8 >> { { let mut found = ::std::vec::Vec::new(); for (arg0,
    pair, _unread) in keys { found.push(Self::__entry(& arg0, & pair, & _unread).get());
    } found } } #[doc = "Forgets everything; loads that run now are not kept."] #[inline]
    fn clear() { Self::__slot().clear(); } #[doc =
    "Hits, misses, loads and the rest, since the start or `reset_stats`."] #[inline] fn
    stats() -> ::cached_runtime::private::Stats { Self::__slot().stats() } #[doc =
    "Counts from zero again."] #[inline] fn reset_stats() { Self::__slot().reset_stats()
    } #[doc(hidden)] #[inline] fn __to_forget < '__cached_item > (arg0 : Point, pair : (&
    '__cached_item str, f64), _unread : u8) -> (Point, (& '__cached_item str, f64), u8,)
    { (arg0, pair, _unread,) } #[doc(hidden)] #[inline] fn __forgetting < '__cached_k,
    '__cached_item > (taken : & '__cached_k(Point, (& '__cached_item str, f64), u8,)) ->
    impl ::cached_runtime::private::Forget { let _ = taken; let arg0 = & taken.0; let
    pair = & taken.1; let _unread = & taken.2; Self::__entry(arg0, pair, _unread).owned()
    .forgetting() } #[doc(hidden)] #[inline] fn __to_write < '__cached_item > (arg0 :
    Point, pair : (& '__cached_item str, f64), _unread : u8) -> (Point, (& '__cached_item
    str, f64), u8,) { (arg0, pair, _unread,) } #[doc(hidden)] #[inline] fn __writing <
    '__cached_k, '__cached_item > (taken : & '__cached_k(Point, (& '__cached_item str,
    f64), u8,)) -> impl ::cached_runtime::private::Write < u8 > { let _ = taken; let arg0
    = & taken.0; let pair = & taken.1; let _unread = & taken.2; Self::__entry(arg0, pair,
    _unread).owned().writing() } #[doc(hidden)] #[inline] fn __clearing() -> impl
    ::cached_runtime::private::Outdated { ::cached_runtime::private::Clearing(||
    Self::__slot().clear()) } }
}
