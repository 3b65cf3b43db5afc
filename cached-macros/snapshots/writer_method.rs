// #[invalidates(self.item_entry(n), Self::page_entry(n))]
// pub async fn writer_method(&mut self, n: u32) {
//     self.write(n).await;
// }

pub async fn writer_method(&mut self, n: u32) {
    let taken0_0 = ::cached_runtime::private::again(&n);
    let after0 = ::cached_runtime::private::After::new(
        self.item_entry(taken0_0).owned().forgetting(),
    );
    let taken1_0 = ::cached_runtime::private::again(&n);
    let after1 = ::cached_runtime::private::After::new(
        Self::page_entry(taken1_0).owned().forgetting(),
    );
    let ret = async move {
        if false {
            return ::cached_runtime::private::returns::<()>();
        }
        self.write(n).await;
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
                ::core::option::Option::Some([after0.done(), after1.done()])
            }
            ::core::option::Option::None => {
                after0.leave();
                after1.leave();
                ::core::option::Option::None
            }
        }
    };
    ::cached_runtime::private::settle(done).await;
    ret
}
