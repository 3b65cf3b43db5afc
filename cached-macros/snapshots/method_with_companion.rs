// #[cached(key = (self.id, n), companion = item_entry)]
// pub async fn item<U: Render>(&self, n: u32, label: &str) -> Result<U, Error> {
//     self.render(label).await
// }

pub async fn item<U: Render>(&self, n: u32, label: &str) -> Result<U, Error> {
    let found = {
        use ::cached_runtime::private::{
            AnyLeaf as _, AnyOwn as _, NoPlace as _, Pick as _, NoLeaf as _, NoOwn as _,
            NoPick as _,
        };
        let (slot, instance) = Self::__slot_of_item::<U>();
        slot.at_instance(
                instance,
                |options| options,
                (
                    ::cached_runtime::private::Leaf(
                            &self.id,
                            ::cached_runtime::private::AllThreads,
                        )
                        .__part(),
                    ::cached_runtime::private::Leaf(
                            &n,
                            ::cached_runtime::private::AllThreads,
                        )
                        .__part(),
                ),
                (&&&&&&&&::cached_runtime::private::OutcomeOf::<
                    Result<U, Error>,
                    ::cached_runtime::private::AllThreads,
                >::new())
                    .__pick(),
            )
            .lookup_async()
    };
    match found {
        ::cached_runtime::private::Lookup::Hit(ret) => ret,
        ::cached_runtime::private::Lookup::Miss(miss) => {
            miss.run_async(async move {
                    if false {
                        return ::cached_runtime::private::returns::<Result<U, Error>>();
                    }
                    self.render(label).await
                })
                .await
        }
    }
}
///The entry of `item` for these arguments: `get`, `contains`, `set`, `invalidate`.
pub fn item_entry<U: Render>(
    &self,
    n: u32,
) -> ::cached_runtime::private::At<
    'static,
    impl ::cached_runtime::private::View<Owned: ::cached_runtime::private::CacheKey>,
    impl ::cached_runtime::private::Outcome<
        Ret = Result<U, Error>,
        Value: ::cached_runtime::private::CacheValue,
    >,
> {
    use ::cached_runtime::private::{
        AnyLeaf as _, AnyOwn as _, NoPlace as _, Pick as _, NoLeaf as _, NoOwn as _,
        NoPick as _,
    };
    let (slot, instance) = Self::__slot_of_item::<U>();
    slot.at_instance(
            instance,
            |options| options,
            (
                ::cached_runtime::private::Leaf(
                        &self.id,
                        ::cached_runtime::private::AllThreads,
                    )
                    .__part(),
                ::cached_runtime::private::Leaf(
                        &n,
                        ::cached_runtime::private::AllThreads,
                    )
                    .__part(),
            ),
            (&&&&&&&&::cached_runtime::private::OutcomeOf::<
                Result<U, Error>,
                ::cached_runtime::private::AllThreads,
            >::new())
                .__pick(),
        )
        .owned()
}
#[doc(hidden)]
fn __slot_of_item<U: Render>() -> (
    &'static ::cached_runtime::private::AnySlot,
    impl ::core::marker::Copy,
) {
    (
        {
            static SLOT: ::cached_runtime::private::AnySlot = ::cached_runtime::private::AnySlot::new();
            &SLOT
        },
        || (),
    )
}
