// #[cached(backend = redis, ttl = never, name = "items", key = (self.id, n), companion = item_entry)]
// pub async fn redis_method(&self, n: u32) -> u32 {
//     self.load(n).await
// }

::cached_runtime::__with_redis! {
    [pub async fn redis_method(& self, n : u32) -> u32 { self.load(n). await }] pub async
    fn redis_method(& self, n : u32) -> u32 { let found = { use
    ::cached_runtime::private:: { AnyLeaf as _, AnyOwn as _, NoPlace as _, Pick as _,
    NoRemoteLeaf as _, NoRemoteOwn as _, NoRemotePick as _ }; let (slot, instance) =
    Self::__slot_of_redis_method(); slot.at_instance(instance, | options | options
    .name("items"), (::cached_runtime::private::Leaf(& self.id,
    ::cached_runtime::private::AllProcesses).__part(), ::cached_runtime::private::Leaf(&
    n, ::cached_runtime::private::AllProcesses).__part()), (&& && && &&
    ::cached_runtime::private::OutcomeOf:: < u32, ::cached_runtime::private::AllProcesses
    > ::new()).__pick()).ask() }; let found = found.lookup(). await; match found {
    ::cached_runtime::private::Lookup::Hit(ret) => ret,
    ::cached_runtime::private::Lookup::Miss(miss) => miss.run_async(async move { if false
    { return ::cached_runtime::private::returns:: < u32 > (); } self.load(n). await }).
    await, } } #[doc =
    "The entry of `redis_method` for these arguments: `get_async`, `contains_async`, `set_async`, `invalidate_async`."]
    pub fn item_entry(& self, n : u32) -> ::cached_runtime::private::At < 'static, impl
    ::cached_runtime::private::View < Owned : ::cached_runtime::private::RemoteKey >,
    impl ::cached_runtime::private::Outcome < Ret = u32, Value :
    ::cached_runtime::private::RemoteValue >, ::cached_runtime::private::Redis > { use
    ::cached_runtime::private:: { AnyLeaf as _, AnyOwn as _, NoPlace as _, Pick as _,
    NoRemoteLeaf as _, NoRemoteOwn as _, NoRemotePick as _ }; let (slot, instance) =
    Self::__slot_of_redis_method(); slot.at_instance(instance, | options | options
    .name("items"), (::cached_runtime::private::Leaf(& self.id,
    ::cached_runtime::private::AllProcesses).__part(), ::cached_runtime::private::Leaf(&
    n, ::cached_runtime::private::AllProcesses).__part()), (&& && && &&
    ::cached_runtime::private::OutcomeOf:: < u32, ::cached_runtime::private::AllProcesses
    > ::new()).__pick()).owned() } #[doc(hidden)] fn __slot_of_redis_method() -> (&
    'static ::cached_runtime::private::AnyRedisSlot, impl ::core::marker::Copy) { ({
    static SLOT : ::cached_runtime::private::AnyRedisSlot =
    ::cached_runtime::private::AnyRedisSlot::new(); & SLOT }, || ()) }
}
