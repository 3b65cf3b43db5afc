// #[cached(key = (self.id, n))]
// pub fn method(&self, n: u32, mut label: String) -> Option<T> {
//     label.push('x');
//     Some(T::new(label)?)
// }

pub fn method(&self, n: u32, label: String) -> Option<T> {
    let mut found = {
        use ::cached_runtime::private::{
            AnyLeaf as _, AnyOwn as _, NoPlace as _, Pick as _, NoLeaf as _, NoOwn as _,
            NoPick as _,
        };
        {
            static SLOT: ::cached_runtime::private::AnySlot = ::cached_runtime::private::AnySlot::new();
            &SLOT
        }
            .at(
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
                    Option<T>,
                    ::cached_runtime::private::AllThreads,
                >::new())
                    .__pick(),
            )
            .lookup()
    };
    match found {
        ::cached_runtime::private::Lookup::Hit(ret) => ret,
        ::cached_runtime::private::Lookup::Miss(ref mut miss) => {
            miss.run(move || -> Option<T> {
                let mut label = label;
                label.push('x');
                Some(T::new(label)?)
            })
        }
    }
}
