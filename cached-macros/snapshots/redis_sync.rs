// #[cached(backend = redis("sessions"), ttl = "60s", key = "session:{user.id}:{{x}}", codec = msgpack, compress_above = "1KiB")]
// /// A session.
// pub fn redis_sync(user: &User) -> Option<Session> {
//     user.session()
// }

::cached_runtime::__with_redis! {
    [#[doc = " A session."] pub fn redis_sync(user : & User) -> Option < Session > { user
    .session() }] #[doc = " A session."] #[doc =
    "\n\n# Cached\n\n`redis_sync::get(user)`, `redis_sync::contains(user)`, `redis_sync::invalidate(user)`, `redis_sync::set(user, &value)`, `redis_sync::many(..)`; `redis_sync::refresh(user)`, `redis_sync::uncached(user)`; `redis_sync::clear()`, `redis_sync::stats()`, `redis_sync::reset_stats()`."]
    pub fn redis_sync(user : & User) -> Option < Session > { let found =
    redis_sync::__entry(& user).lookup(); match found {
    ::cached_runtime::private::Lookup::Hit(ret) => ret,
    ::cached_runtime::private::Lookup::Miss(miss) => miss.run(move ||
    redis_sync::uncached(user)), } }
    ::cached_runtime::an_associated_function_says__companion_false! { [] [pub] redis_sync
    { fn __slot() -> & 'static ::cached_runtime::private::AnyRedisSlot { static SLOT :
    ::cached_runtime::private::AnyRedisSlot =
    ::cached_runtime::private::AnyRedisSlot::new(); & SLOT } fn __entry < '__cached_k >
    (user : ::cached_runtime::private::Borrowed < '__cached_k, & User >) ->
    ::cached_runtime::private::At < 'static, impl ::cached_runtime::private::View < Owned
    : ::cached_runtime::private::RemoteKey >, impl ::cached_runtime::private::Outcome <
    Ret = Option < Session >, Value : ::cached_runtime::private::RemoteValue > + use < >,
    ::cached_runtime::private::Redis > { use ::cached_runtime::private:: { AnyLeaf as _,
    AnyOwn as _, NoPlace as _, Pick as _, NoRemoteLeaf as _, NoRemoteOwn as _,
    NoRemotePick as _ }; Self::__slot().at(| options | options
    .ttl(::core::time::Duration::new(60u64, 0u32)).redis("sessions").template(&
    ["session:", ":{x}"]).codec(::cached_runtime::__codec!(msgpack))
    .compress_above(::cached_runtime::__compressed!(1024)),
    ::cached_runtime::private::Leaf(& (* user).id,
    ::cached_runtime::private::AllProcesses).__part(), (&& && && &&
    ::cached_runtime::private::OutcomeOf:: < Option < Session >,
    ::cached_runtime::private::AllProcesses > ::new()).__pick()) } #[doc =
    "Runs the body, past the cache."] #[doc = " A session."] pub fn uncached(user : &
    User) -> Option < Session > { let _ = & user; user.session() } #[doc =
    "What the cache holds for these arguments; never loads."] #[inline] #[must_use] pub
    fn get(user : & User) -> ::core::option::Option < Option < Session > > {
    Self::__entry(& user).get() } #[doc =
    "Whether the cache holds something for these arguments."] #[inline] #[must_use] pub
    fn contains(user : & User) -> bool { Self::__entry(& user).contains() } #[doc =
    "Stores a value, or what the function would have returned, for these arguments."]
    #[doc =
    "\n\n# Errors\n\nWhat kept the server from it. It is tried again for as long as the process lives."]
    #[inline] pub fn set(user : & User, value : & impl ::cached_runtime::private::KeptBy
    < Option < Session > >) -> ::core::result::Result < (),
    ::cached_runtime::private::Error > { Self::__entry(& user).set(value) } #[doc =
    "Forgets what the cache holds for these arguments; a load that runs now is not kept."]
    #[doc =
    "\n\n# Errors\n\nWhat kept the server from it. It is tried again for as long as the process lives."]
    #[inline] pub fn invalidate(user : & User) -> ::core::result::Result < (),
    ::cached_runtime::private::Error > { Self::__entry(& user).invalidate() } #[doc =
    "Runs the body and stores what it returns in place of what the cache holds."]
    #[inline] pub fn refresh(user : & User) -> Option < Session > { let miss =
    Self::__entry(& user).miss(); miss.run(move || Self::uncached(user)) } #[doc =
    "What the cache holds for each of these arguments, in their order; never loads."]
    #[doc = " One round trip for all."] #[inline] pub fn many < '__cached_item > (keys :
    impl ::core::iter::IntoIterator < Item = & '__cached_item User >) -> ::std::vec::Vec
    < ::core::option::Option < Option < Session > >> { ::cached_runtime::private::many({
    let mut found = ::std::vec::Vec::new(); for user in keys { found.push(Self::__entry(&
    user).ask()); } found }) } #[doc =
    "Forgets everything; loads that run now are not kept."] #[doc =
    "\n\n# Errors\n\nWhat kept the server from it. It is tried again for as long as the process lives."]
    #[inline] pub fn clear() -> ::core::result::Result < (),
    ::cached_runtime::private::Error > { Self::__slot().clear() } #[doc =
    "Hits, misses, loads and the rest, since the start or `reset_stats`."] #[inline] pub
    fn stats() -> ::cached_runtime::private::Stats { Self::__slot().stats() } #[doc =
    "Counts from zero again."] #[inline] pub fn reset_stats() { Self::__slot()
    .reset_stats() } #[doc(hidden)] #[inline] pub fn __to_forget < '__cached_item > (user
    : & '__cached_item User) -> (& '__cached_item User,) { (user,) } #[doc(hidden)]
    #[inline] pub fn __forgetting < '__cached_k, '__cached_item > (taken : &
    '__cached_k(& '__cached_item User,)) -> impl ::cached_runtime::private::Forget { let
    _ = taken; let user = & taken.0; Self::__entry(user).owned().forgetting() }
    #[doc(hidden)] #[inline] pub fn __to_write < '__cached_item > (user : &
    '__cached_item User) -> (& '__cached_item User,) { (user,) } #[doc(hidden)] #[inline]
    pub fn __writing < '__cached_k, '__cached_item > (taken : & '__cached_k(&
    '__cached_item User,)) -> impl ::cached_runtime::private::Write < Option < Session >
    > { let _ = taken; let user = & taken.0; Self::__entry(user).owned().writing() }
    #[doc(hidden)] #[inline] pub fn __clearing() -> impl
    ::cached_runtime::private::Outdated { ::cached_runtime::private::ClearingAfar(||
    Self::__slot().clear_each()) } } }
}
