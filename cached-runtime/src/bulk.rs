//! What a function of many ids returns, taken apart into one value an id and put together again. Must never know a cache.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

/// Why a result can't be taken apart.
#[derive(Debug)]
pub enum Unsplit<R> {
    /// It is an error: the caller gets it.
    Failed(R),
    /// A `Vec` of another length than the ids': nobody can tell which value is whose.
    Length,
}

/// A collection of values by id: what a function with `each = id in ids` may return, plain or in a `Result`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not what a function with `each` can return",
    label = "a collection of one value for each id is wanted",
    note = "return a `HashMap` or `BTreeMap` from id to value, a `Vec` of values or of `Option`s in the order of the ids, or a `Result` of one of these"
)]
pub trait Bulk<Id, V>: Sized {
    /// Whether an id may be without a value.
    const ABSENT: bool;

    /// The values of these ids, in their order.
    ///
    /// # Errors
    ///
    /// The result itself if it is an error, or that it doesn't fit the ids.
    fn split(self, ids: &[Id]) -> Result<Vec<Option<V>>, Unsplit<Self>>;

    /// The result for these ids and values.
    fn join(found: Vec<(Id, Option<V>)>) -> Self;
}

impl<Id: Hash + Eq, V, S: BuildHasher + Default> Bulk<Id, V> for HashMap<Id, V, S> {
    const ABSENT: bool = true;

    fn split(mut self, ids: &[Id]) -> Result<Vec<Option<V>>, Unsplit<Self>> {
        Ok(ids.iter().map(|id| self.remove(id)).collect())
    }

    fn join(found: Vec<(Id, Option<V>)>) -> Self {
        found.into_iter().filter_map(|(id, value)| Some((id, value?))).collect()
    }
}

impl<Id: Ord, V> Bulk<Id, V> for BTreeMap<Id, V> {
    const ABSENT: bool = true;

    fn split(mut self, ids: &[Id]) -> Result<Vec<Option<V>>, Unsplit<Self>> {
        Ok(ids.iter().map(|id| self.remove(id)).collect())
    }

    fn join(found: Vec<(Id, Option<V>)>) -> Self {
        found.into_iter().filter_map(|(id, value)| Some((id, value?))).collect()
    }
}

impl<Id, V> Bulk<Id, V> for Vec<V> {
    const ABSENT: bool = false;

    fn split(self, ids: &[Id]) -> Result<Vec<Option<V>>, Unsplit<Self>> {
        if self.len() == ids.len() { Ok(self.into_iter().map(Some).collect()) } else { Err(Unsplit::Length) }
    }

    fn join(found: Vec<(Id, Option<V>)>) -> Self {
        found.into_iter().filter_map(|(_, value)| value).collect()
    }
}

impl<Id, V> Bulk<Id, V> for Vec<Option<V>> {
    const ABSENT: bool = true;

    fn split(self, ids: &[Id]) -> Result<Vec<Option<V>>, Unsplit<Self>> {
        if self.len() == ids.len() { Ok(self) } else { Err(Unsplit::Length) }
    }

    fn join(found: Vec<(Id, Option<V>)>) -> Self {
        found.into_iter().map(|(_, value)| value).collect()
    }
}

impl<Id, V, C: Bulk<Id, V>, E> Bulk<Id, V> for Result<C, E> {
    const ABSENT: bool = C::ABSENT;

    fn split(self, ids: &[Id]) -> Result<Vec<Option<V>>, Unsplit<Self>> {
        match self {
            Err(error) => Err(Unsplit::Failed(Err(error))),
            Ok(values) => values.split(ids).map_err(|why| match why {
                Unsplit::Failed(values) => Unsplit::Failed(Ok(values)),
                Unsplit::Length => Unsplit::Length,
            }),
        }
    }

    fn join(found: Vec<(Id, Option<V>)>) -> Self {
        Ok(C::join(found))
    }
}
