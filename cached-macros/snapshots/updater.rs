// #[updates(product(id))]
// async fn updater(db: &Db, id: u64, patch: Patch) -> Result<Product, Error> {
//     db.update(id, patch).await
// }

async fn updater(db: &Db, id: u64, patch: Patch) -> Result<Product, Error> {
    let taken0_0 = ::cached_runtime::private::again(&id);
    let own0 = product::__to_write(taken0_0);
    let mut after0 = product::__writing(&own0);
    ::cached_runtime::private::Write::begin_async(&mut after0).await;
    let ret = async move {
        if false {
            return ::cached_runtime::private::returns::<Result<Product, Error>>();
        }
        db.update(id, patch).await
    }
        .await;
    {
        use ::cached_runtime::private::AnyEnded as _;
        ::cached_runtime::private::Ended(&ret).__ended();
    }
    let done = {
        use ::cached_runtime::private::AnyWrote as _;
        match ::cached_runtime::private::Wrote(&ret).__value() {
            ::core::option::Option::Some(value) => {
                let _ = value;
                ::core::option::Option::Some([
                    ::cached_runtime::private::commit(after0, value),
                ])
            }
            ::core::option::Option::None => {
                ::cached_runtime::private::release(after0);
                ::core::option::Option::None
            }
        }
    };
    ::cached_runtime::private::settle(done).await;
    ret
}
