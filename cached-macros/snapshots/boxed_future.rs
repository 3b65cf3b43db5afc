// #[cached(skip(self))]
// fn find<'life0, 'async_trait>(&'life0 self, id: u32) -> ::core::pin::Pin<Box<dyn ::core::future::Future<Output = Option<String>> + Send + 'async_trait>>
// where
//     'life0: 'async_trait,
// {
//     Box::pin(async move { None })
// }

fn find<'life0, 'async_trait>(
    &'life0 self,
    id: u32,
) -> ::core::pin::Pin<
    Box<dyn ::core::future::Future<Output = Option<String>> + Send + 'async_trait>,
>
where
    'life0: 'async_trait,
{
    ::std::boxed::Box::pin(async move {
        let found = {
            use ::cached_runtime::private::{
                AnyLeaf as _, AnyOwn as _, NoPlace as _, Pick as _, NoLeaf as _,
                NoOwn as _, NoPick as _,
            };
            {
                static SLOT: ::cached_runtime::private::AnySlot = ::cached_runtime::private::AnySlot::new();
                &SLOT
            }
                .at(
                    |options| options,
                    ::cached_runtime::private::Leaf(
                            &id,
                            ::cached_runtime::private::AllThreads,
                        )
                        .__part(),
                    (&&&&&&&&::cached_runtime::private::OutcomeOf::<
                        Option<String>,
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
                        (move || -> ::core::pin::Pin<
                            Box<
                                dyn ::core::future::Future<
                                    Output = Option<String>,
                                > + Send + 'async_trait,
                            >,
                        > { Box::pin(async move { None }) })()
                            .await
                    })
                    .await
            }
        }
    })
}
