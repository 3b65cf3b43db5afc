//! What is kept of a concrete return type, as a type: by constants, without a value. Must agree with `pick`.

use super::{CacheValue, LocalValue};
use crate::key::{AllThreads, OneThread};
use std::marker::PhantomData;
#[cfg(feature = "redis")]
use {crate::key::AllProcesses, crate::redis::RemoteValue};

/// Tells in constants what a return type is, and what of it can be kept: an inherent constant wins over that of
/// [`Otherwise`].
#[derive(Debug)]
pub struct Probe<R, S>(PhantomData<(R, S)>);

const OTHER: u8 = 0;
const RESULT: u8 = 1;
const OPTION: u8 = 2;
const RESULT_OPTION: u8 = 3;
const NOTHING: u8 = 4;

impl<T, E, S> Probe<Result<T, E>, S> {
    /// What this type is.
    pub const OUTER: u8 = RESULT;
}

impl<T, S> Probe<Option<T>, S> {
    /// What this type is.
    pub const OUTER: u8 = OPTION;
}

impl<T, E, S> Probe<Result<Option<T>, E>, S> {
    /// Whether there is an option inside of a result.
    pub const NESTED: bool = true;
}

macro_rules! keepable {
    ($Threads:ident $Value:ident) => {
        impl<T: $Value> Probe<T, $Threads> {
            /// It can be kept as it is.
            pub const WHOLE_OK: bool = true;
        }

        impl<T: $Value> Probe<Option<T>, $Threads> {
            /// What is inside can be kept.
            pub const INNER_OK: bool = true;
        }

        // Of an option inside, what that is made of must do: both or neither can be kept.
        impl<T: $Value, E> Probe<Result<T, E>, $Threads> {
            /// What is inside can be kept.
            pub const INNER_OK: bool = true;
        }
    };
}
keepable!(AllThreads CacheValue);
keepable!(OneThread LocalValue);
#[cfg(feature = "redis")]
keepable!(AllProcesses RemoteValue);

/// All types that none of these constants is made for.
pub trait Otherwise {
    /// See [`Probe`].
    const OUTER: u8 = OTHER;
    /// See [`Probe`].
    const NESTED: bool = false;
    /// See [`Probe`].
    const WHOLE_OK: bool = false;
    /// See [`Probe`].
    const INNER_OK: bool = false;
}

impl<R, S> Otherwise for Probe<R, S> {}

/// What is kept of a return type: the parameter of [`Kept`]. `all` and `inner` say whether the whole can be kept, and what
/// is inside of it; `none` and `err` are `cache_none` and `cache_err`.
#[must_use]
pub const fn kept(outer: u8, nested: bool, [all, inner]: [bool; 2], [none, err]: [bool; 2]) -> u8 {
    match outer {
        _ if err && all => OTHER,
        RESULT if !inner => NOTHING,
        RESULT if nested && !none => RESULT_OPTION,
        RESULT => RESULT,
        OPTION if !none && inner => OPTION,
        _ if all && (none || outer != OPTION) => OTHER,
        _ => NOTHING,
    }
}

/// What is kept of a return type, by what [`kept`] says.
pub trait Kept<const KIND: u8> {
    /// `()` where nothing can be kept, which is an error elsewhere.
    type Value;
}

impl<T> Kept<OTHER> for T {
    type Value = T;
}

impl<T, E> Kept<RESULT> for Result<T, E> {
    type Value = T;
}

impl<T> Kept<OPTION> for Option<T> {
    type Value = T;
}

impl<T, E> Kept<RESULT_OPTION> for Result<Option<T>, E> {
    type Value = T;
}

impl<R> Kept<NOTHING> for R {
    type Value = ();
}

/// Apart from the other tests: the macro brings its traits along.
#[cfg(test)]
#[expect(
    unused_imports,
    reason = "an inherent constant wins: then the macro's trait is not used, which only shows in its own crate"
)]
mod names {
    use crate::key::AllThreads;
    use std::cell::Cell;

    type Answer<T> = Result<Option<T>, String>;

    macro_rules! kept {
        ($R:ty) => {
            crate::__value_type!($R, false, false, AllThreads)
        };
    }
    macro_rules! all_kept {
        ($R:ty, $none:literal, $err:literal) => {
            crate::__value_type!($R, $none, $err, AllThreads)
        };
    }

    #[test]
    fn what_is_kept_has_a_name() {
        let _: kept!(Answer<u8>) = 1_u8;
        let _: kept!(std::io::Result<u16>) = 1_u16;
        let _: kept!(Option<u32>) = 1_u32;
        let _: kept!(Result<Result<u8, u16>, u32>) = Ok::<u8, u16>(1);
        let _: kept!(char) = 'x';
    }

    #[test]
    fn options_change_what_is_kept() {
        let _: all_kept!(Answer<u8>, true, false) = Some(1_u8);
        let _: all_kept!(Option<u8>, true, false) = Some(1_u8);
        let _: all_kept!(u8, true, false) = 1_u8;
        let _: all_kept!(Answer<u8>, false, true) = Answer::<u8>::Ok(None);
        let _: all_kept!(Result<u8, Cell<u8>>, false, true) = 1_u8;
    }

    #[test]
    fn what_can_not_be_kept_is_nothing() {
        let () = <kept!(Cell<u8>)>::default();
        let () = <kept!(Option<Cell<u8>>)>::default();
        let () = <kept!(Result<Option<Cell<u8>>, u8>)>::default();
    }
}
