// #[invalidates(|made| product(made.id, lang))]
// #[instrument]
// async fn create(db: &Db, lang: String) -> io::Result<Product> {
//     db.create(lang).await
// }

#[instrument]
async fn create(db: &Db, lang: String) -> io::Result<Product> {
    let taken0_1 = ::cached_runtime::private::again(&lang);
    let after0 = ::cached_runtime::private::After::new(product::__clearing());
    let ret = async move {
        if false {
            return ::cached_runtime::private::returns::<io::Result<Product>>();
        }
        db.create(lang).await
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
                    {
                        after0.leave();
                        let made = value;
                        let taken0_0 = ::cached_runtime::private::again(&made.id);
                        let own0 = product::__to_forget(taken0_0, taken0_1);
                        ::cached_runtime::private::After::new(
                                product::__forgetting(&own0),
                            )
                            .done()
                    },
                ])
            }
            ::core::option::Option::None => {
                after0.leave();
                ::core::option::Option::None
            }
        }
    };
    ::cached_runtime::private::settle(done).await;
    ret
}
