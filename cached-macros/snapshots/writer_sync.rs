// #[invalidates(product(id), crate::shop::size::<u8>(&name, 1), list, tags = ["products", "user:{user.id}"])]
// pub fn writer_sync(user: &User, id: String, name: String) -> Result<bool, Error> {
//     user.write(id)?;
//     Ok(true)
// }

pub fn writer_sync(user: &User, id: String, name: String) -> Result<bool, Error> {
    let taken0_0 = ::cached_runtime::private::again(&id);
    let own0 = product::__to_forget(taken0_0);
    let after0 = ::cached_runtime::private::After::new(product::__forgetting(&own0));
    let taken1_0 = {
        use ::cached_runtime::private::NotAgain as _;
        ::cached_runtime::private::Again(&name).__again()
    };
    let own1 = crate::shop::size::__to_forget::<u8>(&taken1_0, 1);
    let after1 = ::cached_runtime::private::After::new(
        crate::shop::size::__forgetting::<u8>(&own1),
    );
    let after2 = ::cached_runtime::private::After::new(list::__clearing());
    let after_tags = ::cached_runtime::private::After::new({
        ::cached_runtime::private::OfTags(
            ::std::vec![::std::format!("products"), ::std::format!("user:{}", user.id)],
        )
    });
    let ret = ::cached_runtime::private::call(move || -> Result<bool, Error> {
        user.write(id)?;
        Ok(true)
    });
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
                    after0.done(),
                    after1.done(),
                    after2.done(),
                    after_tags.done(),
                ])
            }
            ::core::option::Option::None => {
                after0.leave();
                after1.leave();
                after2.leave();
                after_tags.leave();
                ::core::option::Option::None
            }
        }
    };
    ::cached_runtime::private::settle_now(done);
    ret
}
