//! All that expansions of the macros name. Must never be named by hand: it changes without notice.

pub use crate::acting::Acting;
pub use crate::after::{
    After, Again, AnyEnded, AnyWrote, Clearing, ClearingAfar, ClearingOf, DoneWhenItReturns, Ended, NotAgain, Nothing,
    OfTags, Outdated, Wrote, again, call, commit, release, settle, settle_now,
};
pub use crate::at::{At, Lookup, at, at_home};
pub use crate::builder::{Builder, Coalesce, Eviction};
pub use crate::bulk::{Bulk, Unsplit};
pub use crate::cache::Cache;
pub use crate::each::{Each, EachAsync, InBulk, each, each_anew, each_anew_async, each_async, each_past};
#[cfg(feature = "redis")]
pub use crate::error::Error;
#[cfg(feature = "redis")]
pub use crate::key::{AllProcesses, NoRemoteLeaf, NoRemoteOwn};
pub use crate::key::{
    AllThreads, AnyLeaf, AnyOwn, CacheKey, Keyable, KindOf, Leaf, Named, NoLeaf, NoLocalLeaf, NoLocalOwn, NoOwn,
    NoPlace, NotKeyable, OneThread, Own, PlainKind, View, kind,
};
pub use crate::matching::{NoText, Text};
#[cfg(feature = "redis")]
pub use crate::outcome::NoRemotePick;
pub use crate::outcome::{
    AS_LONG_AS_A_VALUE, CacheValue, Change, ChangeErr, ChangeNone, Kept, KeptBy, NoChangeErr, NoChangeNone, NoKeptErr,
    NoLocalPick, NoPick, Otherwise, Outcome, OutcomeOf, Pick, Probe, cache_if, kept, ttl_of,
};
pub use crate::owning::{
    All, AllGo, Away, BorrowedGoes, FutureOf, Given, GivenAway, Goes, Here, IdOf, Kept as KeptArgument, Lent, Moved,
    NoWay, OwnedGoes,
};
pub use crate::policy::RefreshAhead;
#[cfg(feature = "redis")]
pub use crate::redis::{AnyRedisSlot, RedisSlot, RemoteKey, RemoteMiss, RemoteValue, clear, many, many_async};
pub use crate::slot::{AnyLocalCell, AnyLocalSlot, AnySlot, LocalAt, LocalCell, LocalCommon, LocalSlot, Slot};
pub use crate::stats::Stats;
pub use crate::store::Local;
#[cfg(feature = "redis")]
pub use crate::store::Redis;
pub use crate::tags::{TagsOf, rendered};
#[cfg(feature = "tokio")]
pub use crate::timeout::limited;
pub use crate::timeout::{MayTimeOut, NoTimeOut, TimesOut};
pub use crate::writers::{Forget, Forgets, Write};

/// Tells what an `async` block returns, in code that never runs.
///
/// # Panics
///
/// Whenever it is called.
#[cold]
pub fn returns<R>() -> R {
    unreachable!("stands behind `if false`")
}

/// An argument, borrowed for a look-up. An alias, since clippy objects to some references as arguments (`&Cow<str>`,
/// `&Option<&T>`), and these are not the user's.
pub type Borrowed<'k, T> = &'k T;

/// The owned form of a key's part of type `$T`, of a concrete type.
#[doc(hidden)]
#[macro_export]
macro_rules! __key_type {
    ($T:ty, $Threads:ty) => {
        <$T as $crate::private::Named<
            {
                use $crate::private::{NotKeyable as _, PlainKind as _};
                $crate::private::kind(<$crate::private::KindOf<$T>>::KIND, <$crate::private::Keyable<$T, $Threads>>::OK)
            },
        >>::Owned
    };
}

/// What is kept of a concrete return type; with `cache_none` or `cache_err`, or without.
///
/// Of the constant's paths, each that the compiler resolves costs every cached function its time: these are all.
#[doc(hidden)]
#[macro_export]
macro_rules! __value_type {
    ($R:ty, $none:literal, $err:literal, $Threads:ty) => {
        <$R as $crate::private::Kept<
            {
                use $crate::private::Otherwise as _;
                $crate::private::kept(
                    <$crate::private::Probe<$R, $Threads>>::OUTER,
                    <$crate::private::Probe<$R, $Threads>>::NESTED,
                    [
                        <$crate::private::Probe<$R, $Threads>>::WHOLE_OK,
                        <$crate::private::Probe<$R, $Threads>>::INNER_OK,
                    ],
                    [$none, $err],
                )
            },
        >>::Value
    };
}

/// The expansion of `backend = redis`, where the build has the feature; else the item as it was, and one error.
#[doc(hidden)]
#[macro_export]
#[cfg(feature = "redis")]
macro_rules! __with_redis {
    ([$($item:tt)*] $($expansion:tt)*) => { $($expansion)* };
}

/// See the one above.
#[doc(hidden)]
#[macro_export]
#[cfg(not(feature = "redis"))]
macro_rules! __with_redis {
    ([$($item:tt)*] $($expansion:tt)*) => {
        ::core::compile_error! {
            "`backend = redis` needs the feature `redis` of cached-runtime\n\n\
             help: in Cargo.toml, write `cached-runtime = { version = \"..\", features = [\"redis\"] }`"
        }
        $($item)*
    };
}

/// The value of `codec`.
#[doc(hidden)]
#[macro_export]
#[cfg(feature = "redis")]
macro_rules! __codec {
    (json) => {
        $crate::redis::Codec::Json
    };
    (msgpack) => {
        $crate::__msgpack!()
    };
    (postcard) => {
        $crate::__postcard!()
    };
}

/// The codec of feature `msgpack`.
#[doc(hidden)]
#[macro_export]
#[cfg(feature = "msgpack")]
macro_rules! __msgpack {
    () => {
        $crate::redis::Codec::Msgpack
    };
}

/// See the one above.
#[doc(hidden)]
#[macro_export]
#[cfg(all(feature = "redis", not(feature = "msgpack")))]
macro_rules! __msgpack {
    () => {
        ::core::compile_error!("`codec = msgpack` needs the feature `msgpack` of cached-runtime")
    };
}

/// The codec of feature `postcard`.
#[doc(hidden)]
#[macro_export]
#[cfg(feature = "postcard")]
macro_rules! __postcard {
    () => {
        $crate::redis::Codec::Postcard
    };
}

/// See the one above.
#[doc(hidden)]
#[macro_export]
#[cfg(all(feature = "redis", not(feature = "postcard")))]
macro_rules! __postcard {
    () => {
        ::core::compile_error!("`codec = postcard` needs the feature `postcard` of cached-runtime")
    };
}

/// The value of `compress_above`.
#[doc(hidden)]
#[macro_export]
#[cfg(feature = "compress")]
macro_rules! __compressed {
    ($bytes:expr) => {
        $bytes
    };
}

/// See the one above.
#[doc(hidden)]
#[macro_export]
#[cfg(all(feature = "redis", not(feature = "compress")))]
macro_rules! __compressed {
    ($bytes:expr) => {
        ::core::compile_error!("`compress_above` needs the feature `compress` of cached-runtime")
    };
}

/// The companion type. In an impl, where no type can stand, the compiler names the macro that the type comes from: its name
/// is the way out.
#[doc(hidden)]
#[macro_export]
macro_rules! an_associated_function_says__companion_false {
    ([$($items:tt)*] [$($visibility:tt)*] $name:ident { $($functions:tt)* } $($types:item)*) => {
        $($items)*
        #[doc(hidden)]
        $($visibility)* enum $name {}

        $($items)*
        impl $name { $($functions)* }

        $($types)*
    };
}

/// A call that may be let go before its load ends.
#[doc(hidden)]
#[macro_export]
#[cfg(feature = "tokio")]
macro_rules! __run_background {
    ($miss:expr, $future:expr) => {
        $miss.run_background($future)
    };
}

/// See the one above: without a runtime to spawn on, the call waits for its load.
#[doc(hidden)]
#[macro_export]
#[cfg(not(feature = "tokio"))]
macro_rules! __run_background {
    ($miss:expr, $future:expr) => {
        $miss.run_async($future)
    };
}

/// A load with a time limit.
#[doc(hidden)]
#[macro_export]
#[cfg(feature = "tokio")]
macro_rules! __limited {
    ($after:expr, $future:expr, $error:expr) => {
        $crate::private::limited($after, $future, $error)
    };
}

/// See the one above.
#[doc(hidden)]
#[macro_export]
#[cfg(not(feature = "tokio"))]
macro_rules! __limited {
    ($after:expr, $future:expr, $error:expr) => {
        ::core::compile_error!("`timeout` needs the feature `tokio` of cached-runtime")
    };
}

/// The value of `soft_timeout`.
#[doc(hidden)]
#[macro_export]
#[cfg(feature = "tokio")]
macro_rules! __soft_timeout {
    ($builder:expr, $after:expr) => {
        $builder.soft_timeout($after)
    };
}

/// See the one above.
#[doc(hidden)]
#[macro_export]
#[cfg(not(feature = "tokio"))]
macro_rules! __soft_timeout {
    ($builder:expr, $after:expr) => {
        ::core::compile_error!("`soft_timeout` needs the feature `tokio` of cached-runtime")
    };
}
