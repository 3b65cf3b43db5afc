//! Functions that other macros and other functions hold.
#![deny(warnings, missing_docs, unused, clippy::all, clippy::pedantic, single_use_lifetimes, rust_2018_idioms)]
#![forbid(unsafe_code)]

use cached_runtime::cached;

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident($argument:ident: $ty:ty) -> $ret:ty = $body:expr;)*) => { $(
        $(#[$doc])*
        #[cached(ttl = "1m")]
        #[must_use]
        pub fn $name($argument: $ty) -> $ret {
            $body
        }
    )* };
}
functions! {
    /// Doubles.
    double(n: u32) -> u32 = n * 2;
    /// Counts.
    length(text: &str) -> Option<usize> = text.len().checked_add(1);
}

/// Recursion, plain and mutual.
#[cached]
#[must_use]
pub fn fib(n: u64) -> u64 {
    if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
}

/// Recursion, async.
#[cached]
pub async fn fib_async(n: u64) -> u64 {
    if n < 2 { n } else { Box::pin(fib_async(n - 1)).await + Box::pin(fib_async(n - 2)).await }
}

/// Uses its own companion.
#[cached]
#[must_use]
pub fn knows_itself(n: u32) -> u32 {
    knows_itself::invalidate(n + 1);
    n
}

/// A future in a box, by hand.
#[cached]
#[must_use]
pub fn boxed(n: u32) -> std::pin::Pin<Box<dyn Future<Output = Option<u32>> + Send>> {
    if n == 0 {
        return Box::pin(async { None });
    }
    Box::pin(async move { Some(n) })
}

/// Inside of a body, with items of its own.
#[must_use]
pub fn outer(n: u32) -> u32 {
    #[cached(capacity = 2)]
    fn inner(n: u32) -> u32 {
        struct Own(u32);
        impl Own {
            fn get(&self) -> u32 {
                self.0
            }
        }
        Own(n).get()
    }
    inner(n) + inner::get(n).unwrap_or_default()
}

/// With an ABI.
#[cached]
#[must_use]
pub extern "C" fn called_from_c(n: u32) -> u32 {
    n + 1
}

/// A private one in a private module.
mod private {
    use cached_runtime::cached;

    #[cached]
    pub(super) fn near(n: u32) -> u32 {
        n
    }

    #[cached]
    pub(crate) fn far(n: u32) -> u32 {
        n
    }
}

/// Futures can be sent.
fn sent<T: Send>(value: T) -> T {
    value
}

/// Calls them.
///
/// # Panics
///
/// If one of them is wrong.
pub fn main() {
    assert_eq!((double(1), length("a")), (2, Some(2)));
    assert_eq!((fib(90), knows_itself(1), outer(2)), (2_880_067_194_370_816_120, 1, 4));
    assert_eq!((called_from_c(1), called_from_c::get(1)), (2, Some(2)));
    assert_eq!((private::near(1), private::near::get(1), private::far(1)), (1, Some(1), 1));
    drop((sent(fib_async(9)), sent(boxed(1)), sent(fib_async::refresh(1)), sent(boxed::get(1))));
}

macro_rules! unused {
    ($name:ident) => {
        #[cached]
        fn $name(n: u32) -> u32 {
            n
        }
    };
}
unused!(used_once);

/// Calls it.
#[must_use]
pub fn calls(n: u32) -> u32 {
    #[cached]
    fn inside(n: u32) -> u32 {
        n
    }
    used_once(n) + inside(n)
}
