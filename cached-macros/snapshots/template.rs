// #[cached(key = "product:{user.id}:{{}}:{price:.2}")]
// fn template(user: &User, price: f64) -> u8 {
//     1
// }

/**

# Cached

`template::get(user, price)`, `template::contains(user, price)`, `template::invalidate(user, price)`, `template::set(user, price, &value)`, `template::many(..)`; `template::refresh(user, price)`, `template::uncached(user, price)`; `template::clear()`, `template::stats()`, `template::reset_stats()`.*/
fn template(user: &User, price: f64) -> u8 {
    let mut found = template::__entry(&user, &price).lookup();
    match found {
        ::cached_runtime::private::Lookup::Hit(ret) => ret,
        ::cached_runtime::private::Lookup::Miss(ref mut miss) => {
            miss.run(move || template::uncached(user, price))
        }
    }
}
::cached_runtime::an_associated_function_says__companion_false! {
    [] [] template { fn __slot() -> & 'static ::cached_runtime::private::AnySlot { static
    SLOT : ::cached_runtime::private::AnySlot =
    ::cached_runtime::private::AnySlot::new(); & SLOT } fn __entry < '__cached_k > (user
    : ::cached_runtime::private::Borrowed < '__cached_k, & User >, price :
    ::cached_runtime::private::Borrowed < '__cached_k, f64 >) ->
    ::cached_runtime::private::At < 'static, impl ::cached_runtime::private::View < Owned
    : ::cached_runtime::private::CacheKey >, impl ::cached_runtime::private::Outcome <
    Ret = u8, Value : ::cached_runtime::private::CacheValue > + use < > > { use
    ::cached_runtime::private:: { AnyLeaf as _, AnyOwn as _, NoPlace as _, Pick as _,
    NoLeaf as _, NoOwn as _, NoPick as _ }; Self::__slot().at(| options | options.text(|
    key, out | { #[allow(unused_imports)] use ::cached_runtime::private::NoText as _; let
    _ = key; out.write_str("product:").ok() ?; ::cached_runtime::private::Text(& key.0)
    .__text(out) ?; out.write_str(":{}:").ok() ?; ::cached_runtime::private::Text(& key
    .1).__text(out) ?; ::core::option::Option::Some(()) }),
    (::cached_runtime::private::Leaf(& (* user).id,
    ::cached_runtime::private::AllThreads).__part(),
    ::cached_runtime::private::Own(::std::format!("{:.2}", (* price)),
    ::cached_runtime::private::AllThreads).__part()), (&& && && &&
    ::cached_runtime::private::OutcomeOf:: < u8, ::cached_runtime::private::AllThreads >
    ::new()).__pick()) } #[doc = "Runs the body, past the cache."] fn uncached(user : &
    User, price : f64) -> u8 { let _ = & user; let _ = & price; 1 } #[doc =
    "What the cache holds for these arguments; never loads."] #[inline] #[must_use] fn
    get(user : & User, price : f64) -> ::core::option::Option < u8 > { Self::__entry(&
    user, & price).get() } #[doc =
    "Whether the cache holds something for these arguments."] #[inline] #[must_use] fn
    contains(user : & User, price : f64) -> bool { Self::__entry(& user, & price)
    .contains() } #[doc =
    "Stores a value, or what the function would have returned, for these arguments."]
    #[inline] fn set(user : & User, price : f64, value : & impl
    ::cached_runtime::private::KeptBy < u8 >) { Self::__entry(& user, & price)
    .set(value); } #[doc =
    "Forgets what the cache holds for these arguments; a load that runs now is not kept."]
    #[inline] fn invalidate(user : & User, price : f64) { Self::__entry(& user, & price)
    .invalidate(); } #[doc =
    "Runs the body and stores what it returns in place of what the cache holds."]
    #[inline] fn refresh(user : & User, price : f64) -> u8 { let mut miss =
    Self::__entry(& user, & price).miss(); miss.run(move || Self::uncached(user, price))
    } #[doc =
    "What the cache holds for each of these arguments, in their order; never loads."]
    #[inline] fn many < '__cached_item > (keys : impl ::core::iter::IntoIterator < Item =
    (& '__cached_item User, f64) >) -> ::std::vec::Vec < ::core::option::Option < u8 >> {
    { let mut found = ::std::vec::Vec::new(); for (user, price) in keys { found
    .push(Self::__entry(& user, & price).get()); } found } } #[doc =
    "Forgets everything; loads that run now are not kept."] #[inline] fn clear() {
    Self::__slot().clear(); } #[doc =
    "Hits, misses, loads and the rest, since the start or `reset_stats`."] #[inline] fn
    stats() -> ::cached_runtime::private::Stats { Self::__slot().stats() } #[doc =
    "Counts from zero again."] #[inline] fn reset_stats() { Self::__slot().reset_stats()
    } #[doc(hidden)] #[inline] fn __to_forget < '__cached_item > (user : & '__cached_item
    User, price : f64) -> (& '__cached_item User, f64,) { (user, price,) } #[doc(hidden)]
    #[inline] fn __forgetting < '__cached_k, '__cached_item > (taken : & '__cached_k(&
    '__cached_item User, f64,)) -> impl ::cached_runtime::private::Forget { let _ =
    taken; let user = & taken.0; let price = & taken.1; Self::__entry(user, price)
    .owned().forgetting() } #[doc(hidden)] #[inline] fn __to_write < '__cached_item >
    (user : & '__cached_item User, price : f64) -> (& '__cached_item User, f64,) { (user,
    price,) } #[doc(hidden)] #[inline] fn __writing < '__cached_k, '__cached_item >
    (taken : & '__cached_k(& '__cached_item User, f64,)) -> impl
    ::cached_runtime::private::Write < u8 > { let _ = taken; let user = & taken.0; let
    price = & taken.1; Self::__entry(user, price).owned().writing() } #[doc(hidden)]
    #[inline] fn __clearing() -> impl ::cached_runtime::private::Outdated {
    ::cached_runtime::private::Clearing(|| Self::__slot().clear()) } }
}
