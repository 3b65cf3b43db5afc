//! Key views: what distinguishes entries, hashed and compared by reference. Must never allocate before a miss.
//!
//! A [`View`] is a borrowed key. Its parts are found by type, with method probes that the macro's expansion names:
//! `Leaf(&place).__part()` for arguments and fields, `Own(value).__part()` for computed values.
//!
//! Injective by construction: the number of parts is fixed for a function, and a part is compared as what it is, never
//! as text. Floats are compared by their bits, with `-0.0` as `0.0` and every NaN equal, so that they can be keys at all.

#[cfg(feature = "redis")]
use crate::redis::RemoteKey;
use std::borrow::{Borrow, Cow};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::mem;

/// A borrowed key: hashes and compares like its owned form without building it.
pub trait View {
    /// What is stored: one part as it is, several as a tuple.
    type Owned: Hash + Eq + Clone + 'static;

    /// Hashes exactly as `Self::Owned: Hash` does, so that a look-up by an owned key finds the same entry.
    fn feed<H: Hasher>(&self, hasher: &mut H);

    /// Whether `owned` is this key.
    fn same(&self, owned: &Self::Owned) -> bool;

    /// Whether [`same`](Self::same) costs next to nothing and is nobody's own code: so that it may be asked of keys whose
    /// hash is another, too.
    fn is_plain(&self) -> bool {
        false
    }

    /// Builds the stored form.
    fn own(&self) -> Self::Owned;
}

/// What a key of a cache that threads share must be: `Hash + Eq + Clone + Send + Sync + 'static`. Whatever is that is a
/// `CacheKey`; generic cached functions can ask for it in one word.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a cache key",
    label = "a key must be `Hash + Eq + Clone + Send + Sync`",
    note = "derive `PartialEq, Eq, Hash, Clone` for it",
    note = "or choose what tells calls apart, `key = ...`, or leave the argument out, `skip(...)`",
    note = "what can't cross threads wants `backend = local`"
)]
pub trait CacheKey: Hash + Eq + Clone + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Hash + Eq + Clone + Send + Sync + 'static> CacheKey for T {}

/// What a key of a cache of one thread must be.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a cache key",
    label = "a key must be `Hash + Eq + Clone`",
    note = "derive `PartialEq, Eq, Hash, Clone` for it",
    note = "or choose what tells calls apart, `key = ...`, or leave the argument out, `skip(...)`"
)]
pub trait LocalKey: Hash + Eq + Clone + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Hash + Eq + Clone + 'static> LocalKey for T {}

/// What a place must be to take part in a key by reference.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a cache key",
    label = "a key must be `Hash + Eq`, and `Clone` or `ToOwned`",
    note = "choose what tells calls apart, `key = ...`, or leave the argument out, `skip(...)`"
)]
pub trait KeyPart: ToOwned<Owned: Hash + Eq + Clone + 'static> + Hash + Eq {}

#[diagnostic::do_not_recommend]
impl<T: ?Sized + ToOwned<Owned: Hash + Eq + Clone + 'static> + Hash + Eq> KeyPart for T {}

/// The probes of a cache that threads share.
#[derive(Clone, Copy, Debug)]
pub struct AllThreads;

/// The probes of a cache in Redis.
#[cfg(feature = "redis")]
#[derive(Clone, Copy, Debug)]
pub struct AllProcesses;

/// The probes of a cache of one thread, or of a handle.
#[derive(Clone, Copy, Debug)]
pub struct OneThread;

// ---------- views ----------

/// A part by reference. `T: Clone` is `ToOwned<Owned = T>`, so this serves `str` and `u64` alike.
#[derive(Debug)]
pub struct Ref<'a, T: ?Sized>(&'a T);

impl<T: ?Sized + KeyPart> View for Ref<'_, T> {
    type Owned = T::Owned;

    fn feed<H: Hasher>(&self, hasher: &mut H) {
        self.0.hash(hasher);
    }

    fn same(&self, owned: &T::Owned) -> bool {
        *self.0 == *owned.borrow()
    }

    fn own(&self) -> T::Owned {
        self.0.to_owned()
    }
}

/// A number, by value: a hit needs no memory for it.
#[derive(Clone, Copy, Debug)]
pub struct Num<T>(T);

impl<T: LocalKey + Copy> View for Num<T> {
    type Owned = T;

    fn feed<H: Hasher>(&self, hasher: &mut H) {
        self.0.hash(hasher);
    }

    fn same(&self, owned: &T) -> bool {
        self.0 == *owned
    }

    fn is_plain(&self) -> bool {
        true
    }

    fn own(&self) -> T {
        self.0
    }
}

macro_rules! number {
    ($($N:ident)*) => { $(
        impl<S> Leaf<'_, $N, S> {
            /// A number.
            #[must_use]
            pub fn __part(self) -> Num<$N> {
                Num(*self.0)
            }
        }
    )* };
}
// Not for `Own` as well: the type of a literal would be open.
number!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize bool char);

/// A part that may be absent, such as `Option<&str>`.
#[derive(Debug)]
pub struct Opt<P>(Option<P>);

impl<P: View> View for Opt<P> {
    type Owned = Option<P::Owned>;

    fn feed<H: Hasher>(&self, hasher: &mut H) {
        // As `Option`'s derived `Hash`: the discriminant, then the value.
        mem::discriminant(&self.0).hash(hasher);
        if let Some(part) = &self.0 {
            part.feed(hasher);
        }
    }

    fn same(&self, owned: &Self::Owned) -> bool {
        match (&self.0, owned) {
            (Some(part), Some(owned)) => part.same(owned),
            (None, None) => true,
            _ => false,
        }
    }

    fn own(&self) -> Self::Owned {
        self.0.as_ref().map(View::own)
    }
}

/// A computed part.
#[derive(Debug)]
pub struct Val<T>(T);

impl<T> Val<T> {
    /// A key that is there by value.
    pub(crate) fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T: LocalKey> View for Val<T> {
    type Owned = T;

    fn feed<H: Hasher>(&self, hasher: &mut H) {
        self.0.hash(hasher);
    }

    fn same(&self, owned: &T) -> bool {
        self.0 == *owned
    }

    fn own(&self) -> T {
        self.0.clone()
    }
}

/// A computed part that may be borrowed.
pub struct CowVal<'a, T: ?Sized + ToOwned>(Cow<'a, T>);

impl<T: ?Sized + ToOwned> fmt::Debug for CowVal<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CowVal")
    }
}

impl<T: ?Sized + KeyPart> View for CowVal<'_, T> {
    type Owned = T::Owned;

    fn feed<H: Hasher>(&self, hasher: &mut H) {
        (*self.0).hash(hasher);
    }

    fn same(&self, owned: &T::Owned) -> bool {
        *self.0 == *owned.borrow()
    }

    fn own(&self) -> T::Owned {
        (*self.0).to_owned()
    }
}

/// Stands for a part that can't be one: so that the mistake is one error, where the part is, and nothing follows from it.
#[derive(Clone, Copy, Debug)]
pub struct NoKey;

impl View for NoKey {
    type Owned = ();

    fn feed<H: Hasher>(&self, _: &mut H) {}

    fn same(&self, (): &()) -> bool {
        true
    }

    fn own(&self) {}
}

macro_rules! tuple {
    ($($n:tt $T:ident)*) => {
        impl<$($T: View),*> View for ($($T,)*) {
            type Owned = ($($T::Owned,)*);

            // In one piece with the hasher, whose state is then no more than a few registers.
            #[inline(always)]
            fn feed<Sink: Hasher>(&self, hasher: &mut Sink) {
                $(self.$n.feed(hasher);)*
                let _ = hasher;
            }

            fn same(&self, owned: &Self::Owned) -> bool {
                let _ = owned;
                true $(&& self.$n.same(&owned.$n))*
            }

            fn is_plain(&self) -> bool {
                true $(&& self.$n.is_plain())*
            }

            // For the empty tuple, which is a key too: one entry for all calls.
            #[allow(clippy::unused_unit)]
            fn own(&self) -> Self::Owned {
                ($(self.$n.own(),)*)
            }
        }
    };
}
tuple!();
tuple!(0 A);
tuple!(0 A 1 B);
tuple!(0 A 1 B 2 C);
tuple!(0 A 1 B 2 C 3 D);
tuple!(0 A 1 B 2 C 3 D 4 E);
tuple!(0 A 1 B 2 C 3 D 4 E 5 F);
tuple!(0 A 1 B 2 C 3 D 4 E 5 F 6 G);
tuple!(0 A 1 B 2 C 3 D 4 E 5 F 6 G 7 H);
tuple!(0 A 1 B 2 C 3 D 4 E 5 F 6 G 7 H 8 I);
tuple!(0 A 1 B 2 C 3 D 4 E 5 F 6 G 7 H 8 I 9 J);
tuple!(0 A 1 B 2 C 3 D 4 E 5 F 6 G 7 H 8 I 9 J 10 K);
tuple!(0 A 1 B 2 C 3 D 4 E 5 F 6 G 7 H 8 I 9 J 10 K 11 L);

// ---------- floats ----------

/// A float as a key: compared by its bits, `-0.0` as `0.0`, all NaN equal.
///
/// A cached function with an `f64` argument has `Float<f64>` in its key; whoever shares such a cache by hand builds it
/// with `Float::from(0.5)`.
#[derive(Clone, Copy, Default)]
pub struct Float<F>(F);

impl<F: Copy> Float<F> {
    /// The float itself.
    pub fn get(self) -> F {
        self.0
    }
}

impl<F: fmt::Debug> fmt::Debug for Float<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<F: fmt::Display> fmt::Display for Float<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! float {
    ($($F:ident)*) => { $(
        impl Float<$F> {
            fn bits(self) -> impl Hash + Eq {
                if self.0 == 0.0 {
                    0
                } else if self.0.is_nan() {
                    // The bits of a NaN that no normalised number has.
                    $F::NAN.to_bits()
                } else {
                    self.0.to_bits()
                }
            }
        }

        impl PartialEq for Float<$F> {
            fn eq(&self, other: &Self) -> bool {
                self.bits() == other.bits()
            }
        }

        impl Eq for Float<$F> {}

        impl Hash for Float<$F> {
            fn hash<H: Hasher>(&self, hasher: &mut H) {
                self.bits().hash(hasher);
            }
        }

        impl From<$F> for Float<$F> {
            fn from(float: $F) -> Self {
                Self(float)
            }
        }

        /// As a key in Redis: both zeros are one, and there is one NaN.
        #[cfg(feature = "redis")]
        #[cfg_attr(docsrs, doc(cfg(feature = "redis")))]
        impl serde::Serialize for Float<$F> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let float = if self.0.is_nan() { $F::NAN } else { self.0 };
                serde::Serialize::serialize(&float, serializer)
            }
        }

        impl<S> Leaf<'_, $F, S> {
            /// A float by its bits.
            #[must_use]
            pub fn __part(self) -> Val<Float<$F>> {
                Val(Float(*self.0))
            }
        }

        impl<S> Leaf<'_, Option<$F>, S> {
            /// A float that may be absent.
            #[must_use]
            pub fn __part(self) -> Val<Option<Float<$F>>> {
                Val(self.0.map(Float))
            }
        }

        impl<S> Own<$F, S> {
            /// A float by its bits.
            #[must_use]
            pub fn __part(self) -> Val<Float<$F>> {
                Val(Float(self.0))
            }
        }

        impl<S> Own<Option<$F>, S> {
            /// A float that may be absent.
            #[must_use]
            pub fn __part(self) -> Val<Option<Float<$F>>> {
                Val(self.0.map(Float))
            }
        }

        impl Named<FLOAT> for $F {
            type Owned = Float<$F>;
        }

        impl Named<FLOAT> for Option<$F> {
            type Owned = Option<Float<$F>>;
        }

        impl KindOf<$F> {
            /// How this type takes part.
            pub const KIND: u8 = FLOAT;
        }

        impl KindOf<Option<$F>> {
            /// How this type takes part.
            pub const KIND: u8 = FLOAT;
        }
    )* };
}
float!(f32 f64);

// ---------- the probe for places ----------

/// A place that is part of a key, looked at by reference.
///
/// Method look-up finds `__part` here for the types with a form of their own, then in [`AnyLeaf`] for all that can be
/// keys, then, by one more reference, in [`NoLeaf`] and [`NoPlace`]: whose bounds can't hold, and say so in our words.
#[derive(Debug)]
pub struct Leaf<'a, T: ?Sized, S>(pub &'a T, pub S);

impl<'a, T: ?Sized, S> Leaf<'a, &'a T, S> {
    /// A reference counts as what it refers to.
    #[must_use]
    pub fn __part(self) -> Ref<'a, T> {
        Ref(self.0)
    }
}

impl<'a, T: ?Sized, S> Leaf<'a, Option<&'a T>, S> {
    /// A reference that may be absent.
    #[must_use]
    pub fn __part(self) -> Opt<Ref<'a, T>> {
        Opt(self.0.map(Ref))
    }
}

impl<'a, T: ?Sized + ToOwned, S> Leaf<'a, Cow<'a, T>, S> {
    /// A `Cow` counts as what it borrows or owns.
    #[must_use]
    pub fn __part(self) -> Ref<'a, T> {
        Ref(self.0)
    }
}

/// All places whose type has no form of its own.
pub trait AnyLeaf<'a, T: ?Sized> {
    /// The view of the place.
    fn __part(self) -> Ref<'a, T>;
}

impl<'a, T: ?Sized + KeyPart + ToOwned<Owned: CacheKey>> AnyLeaf<'a, T> for Leaf<'a, T, AllThreads> {
    fn __part(self) -> Ref<'a, T> {
        Ref(self.0)
    }
}

impl<'a, T: ?Sized + KeyPart> AnyLeaf<'a, T> for Leaf<'a, T, OneThread> {
    fn __part(self) -> Ref<'a, T> {
        Ref(self.0)
    }
}

#[cfg(feature = "redis")]
impl<'a, T: ?Sized + KeyPart + ToOwned<Owned: RemoteKey>> AnyLeaf<'a, T> for Leaf<'a, T, AllProcesses> {
    fn __part(self) -> Ref<'a, T> {
        Ref(self.0)
    }
}

/// Places that can't be keys of a cache that threads share.
pub trait NoLeaf<T> {
    /// Says why.
    fn __part(self) -> NoKey
    where
        T: CacheKey;
}

impl<T> NoLeaf<T> for &Leaf<'_, T, AllThreads> {
    fn __part(self) -> NoKey
    where
        T: CacheKey,
    {
        NoKey
    }
}

/// Places that can't be keys of a cache of one thread.
pub trait NoLocalLeaf<T> {
    /// Says why.
    fn __part(self) -> NoKey
    where
        T: LocalKey;
}

impl<T> NoLocalLeaf<T> for &Leaf<'_, T, OneThread> {
    fn __part(self) -> NoKey
    where
        T: LocalKey,
    {
        NoKey
    }
}

/// Places that can't be keys of a cache in Redis.
#[cfg(feature = "redis")]
pub trait NoRemoteLeaf<T> {
    /// Says why.
    fn __part(self) -> NoKey
    where
        T: RemoteKey;
}

#[cfg(feature = "redis")]
impl<T> NoRemoteLeaf<T> for &Leaf<'_, T, AllProcesses> {
    fn __part(self) -> NoKey
    where
        T: RemoteKey,
    {
        NoKey
    }
}

/// Places without a size that can't be keys.
pub trait NoPlace<T: ?Sized> {
    /// Says why.
    fn __part(self) -> NoKey
    where
        T: KeyPart;
}

impl<T: ?Sized, S> NoPlace<T> for &mut Leaf<'_, T, S> {
    fn __part(self) -> NoKey
    where
        T: KeyPart,
    {
        NoKey
    }
}

// ---------- the probe for computed values ----------

/// A computed value that is part of a key: as [`Leaf`], by value.
#[derive(Debug)]
pub struct Own<T, S>(pub T, pub S);

impl<'a, T: ?Sized, S> Own<&'a T, S> {
    /// A reference counts as what it refers to.
    #[must_use]
    pub fn __part(self) -> Ref<'a, T> {
        Ref(self.0)
    }
}

impl<'a, T: ?Sized, S> Own<Option<&'a T>, S> {
    /// A reference that may be absent.
    #[must_use]
    pub fn __part(self) -> Opt<Ref<'a, T>> {
        Opt(self.0.map(Ref))
    }
}

impl<'a, T: ?Sized + ToOwned, S> Own<Cow<'a, T>, S> {
    /// A `Cow` counts as what it borrows or owns.
    #[must_use]
    pub fn __part(self) -> CowVal<'a, T> {
        CowVal(self.0)
    }
}

/// All computed values whose type has no form of its own.
pub trait AnyOwn<T> {
    /// The view of the value.
    fn __part(self) -> Val<T>;
}

impl<T: CacheKey> AnyOwn<T> for Own<T, AllThreads> {
    fn __part(self) -> Val<T> {
        Val(self.0)
    }
}

impl<T: LocalKey> AnyOwn<T> for Own<T, OneThread> {
    fn __part(self) -> Val<T> {
        Val(self.0)
    }
}

#[cfg(feature = "redis")]
impl<T: RemoteKey> AnyOwn<T> for Own<T, AllProcesses> {
    fn __part(self) -> Val<T> {
        Val(self.0)
    }
}

/// Values that can't be keys of a cache that threads share.
pub trait NoOwn<T> {
    /// Says why.
    fn __part(self) -> NoKey
    where
        T: CacheKey;
}

impl<T> NoOwn<T> for &Own<T, AllThreads> {
    fn __part(self) -> NoKey
    where
        T: CacheKey,
    {
        NoKey
    }
}

/// Values that can't be keys of a cache of one thread.
pub trait NoLocalOwn<T> {
    /// Says why.
    fn __part(self) -> NoKey
    where
        T: LocalKey;
}

impl<T> NoLocalOwn<T> for &Own<T, OneThread> {
    fn __part(self) -> NoKey
    where
        T: LocalKey,
    {
        NoKey
    }
}

/// Values that can't be keys of a cache in Redis.
#[cfg(feature = "redis")]
pub trait NoRemoteOwn<T> {
    /// Says why.
    fn __part(self) -> NoKey
    where
        T: RemoteKey;
}

#[cfg(feature = "redis")]
impl<T> NoRemoteOwn<T> for &Own<T, AllProcesses> {
    fn __part(self) -> NoKey
    where
        T: RemoteKey,
    {
        NoKey
    }
}

// ---------- the name of a part's owned form, for concrete types ----------

const PLAIN: u8 = 0;
const FLOAT: u8 = 1;
const REFERENCE: u8 = 2;
const OPTION: u8 = 3;
const COW: u8 = 4;
const NONE: u8 = 5;

/// The kind of a part: of its own form, or plain if it can be a key at all.
#[must_use]
pub const fn kind(special: u8, keyable: bool) -> u8 {
    match (special, keyable) {
        (PLAIN, false) => NONE,
        _ => special,
    }
}

/// Tells in a constant whether a type can be a key: an inherent constant wins over that of [`NotKeyable`].
#[derive(Debug)]
pub struct Keyable<T: ?Sized, S>(std::marker::PhantomData<S>, std::marker::PhantomData<T>);

impl<T: ?Sized + KeyPart + ToOwned<Owned: CacheKey>> Keyable<T, AllThreads> {
    /// It can.
    pub const OK: bool = true;
}

#[cfg(feature = "redis")]
impl<T: ?Sized + KeyPart + ToOwned<Owned: RemoteKey>> Keyable<T, AllProcesses> {
    /// It can.
    pub const OK: bool = true;
}

impl<T: ?Sized + KeyPart> Keyable<T, OneThread> {
    /// It can.
    pub const OK: bool = true;
}

/// All types that can't be keys.
pub trait NotKeyable {
    /// See [`Keyable`].
    const OK: bool = false;
}

impl<T: ?Sized, S> NotKeyable for Keyable<T, S> {}

/// Tells the forms of key parts apart in a constant: an inherent constant wins over that of [`PlainKind`].
#[derive(Debug)]
pub struct KindOf<T: ?Sized>(std::marker::PhantomData<T>);

impl<T: ?Sized> KindOf<&T> {
    /// How this type takes part.
    pub const KIND: u8 = REFERENCE;
}

impl<T: ?Sized> KindOf<Option<&T>> {
    /// How this type takes part.
    pub const KIND: u8 = OPTION;
}

impl<T: ?Sized + ToOwned> KindOf<Cow<'_, T>> {
    /// How this type takes part.
    pub const KIND: u8 = COW;
}

/// All types whose form is their own.
pub trait PlainKind {
    /// See [`KindOf`].
    const KIND: u8 = PLAIN;
}

impl<T: ?Sized> PlainKind for KindOf<T> {}

/// The owned form of a part of type `Self`, whose kind is `KIND`.
pub trait Named<const KIND: u8> {
    /// What [`View::Owned`] is for it.
    type Owned;
}

impl<T: ?Sized + ToOwned> Named<PLAIN> for T {
    type Owned = T::Owned;
}

impl<T: ?Sized> Named<NONE> for T {
    type Owned = ();
}

impl<T: ?Sized + ToOwned> Named<REFERENCE> for &T {
    type Owned = T::Owned;
}

impl<T: ?Sized + ToOwned> Named<OPTION> for Option<&T> {
    type Owned = Option<T::Owned>;
}

impl<T: ?Sized + ToOwned> Named<COW> for Cow<'_, T> {
    type Owned = T::Owned;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::DefaultHasher;
    use std::sync::Arc;

    fn hash(feed: impl FnOnce(&mut DefaultHasher)) -> u64 {
        let mut hasher = DefaultHasher::new();
        feed(&mut hasher);
        hasher.finish()
    }

    fn agrees<P: View>(view: &P) -> P::Owned {
        let owned = view.own();
        assert!(view.same(&owned));
        assert_eq!(hash(|h| view.feed(h)), hash(|h| owned.hash(h)));
        owned
    }

    #[test]
    fn views_hash_as_their_owned_forms() {
        let (name, list) = (String::from("ada"), vec![1_u8, 2]);
        let cow: Cow<'_, str> = Cow::Borrowed("x");
        let shared = Arc::new(7_u64);
        assert_eq!(agrees(&Leaf("text", AllThreads).__part()), "text");
        assert_eq!(agrees(&Leaf(&"text", AllThreads).__part()), "text");
        assert_eq!(agrees(&Leaf(&name, AllThreads).__part()), name);
        assert_eq!(agrees(&Leaf(&list[..], AllThreads).__part()), list);
        assert_eq!(agrees(&Leaf(&cow, AllThreads).__part()), "x");
        assert_eq!(agrees(&Own(cow, AllThreads).__part()), "x");
        assert_eq!(agrees(&Leaf(&shared, AllThreads).__part()), shared);
        assert_eq!(agrees(&Leaf(&Some("a"), AllThreads).__part()).as_deref(), Some("a"));
        assert_eq!(agrees(&Leaf(&None::<&str>, AllThreads).__part()), None);
        assert_eq!(agrees(&Own(name.trim(), AllThreads).__part()), name);
        assert_eq!(agrees(&Own(3_u8, AllThreads).__part()), 3);
        assert_eq!(agrees(&()), ());
        let three =
            (Leaf("a", AllThreads).__part(), Leaf(&1_u32, AllThreads).__part(), Leaf(&2.5_f64, AllThreads).__part());
        assert_eq!(agrees(&three), (String::from("a"), 1, Float(2.5)));
        agrees(&(
            Leaf(&1_i32, AllThreads).__part(),
            (Leaf("b", AllThreads).__part(), Own(Some(1.0_f32), AllThreads).__part()),
        ));
    }

    #[test]
    fn floats_are_compared_by_bits() {
        let same = |a: f64, b: f64| Leaf(&a, AllThreads).__part().same(&Float(b));
        assert!(same(0.0, -0.0) && same(f64::NAN, -f64::NAN) && same(1.5, 1.5));
        assert!(!same(0.1 + 0.2, 0.3) && !same(f64::NAN, 0.0) && !same(1.0, -1.0));
        assert!(!same(f64::INFINITY, f64::NAN));
        agrees(&Leaf(&f64::NAN, AllThreads).__part());
        agrees(&Leaf(&-0.0_f32, AllThreads).__part());
    }

    #[test]
    fn pairs_with_the_same_text_differ() {
        let (a, b) = (
            (Leaf("x:y", AllThreads).__part(), Leaf("z", AllThreads).__part()),
            (Leaf("x", AllThreads).__part(), Leaf("y:z", AllThreads).__part()),
        );
        assert!(!a.same(&b.own()));
        assert_ne!(hash(|h| a.feed(h)), hash(|h| b.feed(h)));
    }
}
