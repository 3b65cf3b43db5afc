//! One entry of a cache, and what can be asked of it: the way in for a call and for the companions. Must never run a
//! body: a miss is handed on to `miss`.

use crate::builder::Coalesce;
use crate::cache::Cache;
use crate::each::Sought;
use crate::hooks;
use crate::key::{Val, View};
use crate::leading::Leading;
use crate::memory::entry::{Find, Whichever};
use crate::memory::gate::{Ask, Purpose};
use crate::memory::shard::Begun;
use crate::miss::{Bound, Joining, Miss, Turn};
use crate::outcome::{KeptBy, Outcome, Verdict};
use crate::pulse::Pulse;
use crate::scope::{Found, Mode};
use crate::store::{Engine, Home, InProcess, Memory, Store};
use crate::tags::{TagSource, Tags, TagsOf};
use crate::watched;
use std::sync::Arc;

/// The place of one entry: a cache, the view of a key, and what the function returns.
pub struct At<'c, P: View, O: Outcome, S: Store = Memory>
where
    O::Value: 'static,
{
    pub(crate) cache: &'c Cache<P::Owned, O::Value, S>,
    /// The same cache's handle, if it is there until the process ends.
    pub(crate) home: Option<&'static HandleOf<S, P, O>>,
    pub(crate) view: P,
    pub(crate) outcome: O,
    pub(crate) coalesce: Option<Coalesce>,
    pub(crate) tags: TagSource<'c>,
}

/// The place of one entry of a cache.
pub fn at<P: View, O: Outcome, S: Store>(cache: &Cache<P::Owned, O::Value, S>, view: P, outcome: O) -> At<'_, P, O, S> {
    At { cache, home: None, view, outcome, coalesce: None, tags: TagSource::None }
}

/// The same of a cache that is there until the process ends: a load takes no handle of its own.
pub fn at_home<P: View, O: Outcome, S: Store>(
    cache: &'static Cache<P::Owned, O::Value, S>,
    view: P,
    outcome: O,
) -> At<'static, P, O, S> {
    At { home: Some(&cache.handle), ..at(cache, view, outcome) }
}

impl<'c, P: View, O: Outcome, S: Store> At<'c, P, O, S> {
    /// The same place with an owned key: for an entry that outlives the arguments.
    pub fn owned(self) -> At<'c, Val<P::Owned>, O, S> {
        let view = Val::new(self.view.own());
        At { view, cache: self.cache, home: self.home, outcome: self.outcome, coalesce: self.coalesce, tags: self.tags }
    }

    /// The tags of what a call or a `set` stores here. In memory they are asked for on a miss only, under a lock: they
    /// are to do no more than display arguments.
    #[must_use]
    pub fn tags(mut self, tags: &'c TagsOf<'_>) -> Self {
        self.tags = TagSource::By(tags);
        self
    }

    /// The same for an entry that is handed to the caller.
    #[must_use]
    pub fn tags_boxed(mut self, tags: Box<TagsOf<'c>>) -> Self {
        self.tags = TagSource::Boxed(tags);
        self
    }
}

/// What a call finds: what it returns, or a load to run or to wait for.
pub enum Lookup<R, M> {
    /// The entry, as the function returns it.
    Hit(R),
    /// There is none.
    Miss(M),
}

/// The engine behind a call's cache.
pub(crate) type HandleOf<S, P, O> = <S as Store>::Handle<<P as View>::Owned, <O as Outcome>::Value>;

/// What a look-up gives.
pub(crate) type LookupOf<S, P, O> = Lookup<<O as Outcome>::Ret, Miss<<P as View>::Owned, O, HandleOf<S, P, O>>>;

impl<P, O, S> At<'_, P, O, S>
where
    P: View,
    O: Outcome,
    S: InProcess,
    HandleOf<S, P, O>: Engine<P::Owned, O::Value>,
{
    #[inline]
    pub(crate) fn engine(&self) -> &HandleOf<S, P, O> {
        &self.cache.handle
    }

    /// The handle that a load keeps.
    #[inline]
    pub(crate) fn home(&self) -> Home<HandleOf<S, P, O>> {
        self.home.map_or_else(|| Home::Own(self.cache.handle.clone()), Home::Static)
    }

    #[inline]
    pub(crate) fn find(&self) -> Find<'_, P> {
        Find { hash: self.engine().hash(&self.view), view: &self.view }
    }

    /// Whether and how long this function's calls wait, whatever the cache says.
    #[must_use]
    pub fn coalesce(mut self, coalesce: impl Into<Coalesce>) -> Self {
        self.coalesce = Some(coalesce.into());
        self
    }

    /// A call of a sync function.
    #[expect(
        clippy::inline_always,
        reason = "the way of a hit is one straight piece of code, or it costs half as much again"
    )]
    #[inline(always)]
    pub fn lookup(self) -> LookupOf<S, P, O> {
        self.call(false)
    }

    /// A call of an async function.
    #[expect(
        clippy::inline_always,
        reason = "the way of a hit is one straight piece of code, or it costs half as much again"
    )]
    #[inline(always)]
    pub fn lookup_async(self) -> LookupOf<S, P, O> {
        self.call(true)
    }

    /// A load whatever there is (`refresh`) of a sync function.
    pub fn miss(self) -> Miss<P::Owned, O, HandleOf<S, P, O>> {
        self.anew(false)
    }

    /// A load whatever there is (`refresh`) of an async function.
    pub fn miss_async(self) -> Miss<P::Owned, O, HandleOf<S, P, O>> {
        self.anew(true)
    }

    /// A hit is all that stands here, on the parts of `self`; the rest takes the whole along, put together again. (What a
    /// function that is not inlined is handed must stand in memory before, on a hit too.)
    #[expect(
        clippy::inline_always,
        reason = "the way of a hit is one straight piece of code, or it costs half as much again"
    )]
    #[inline(always)]
    fn call(self, asynchronous: bool) -> LookupOf<S, P, O> {
        let Self { cache, home, view, outcome, coalesce, tags } = self;
        let hash = cache.handle.hash(&view);
        if hooks::any() {
            let whole = Self { cache, home, view, outcome, coalesce, tags };
            return Lookup::Miss(whole.call_watched(hash, asynchronous));
        }
        match cache.handle.hit(&Find { hash, view: &view }) {
            Ok(value) => Lookup::Hit(outcome.ret(value)),
            Err(held) => {
                let whole = Self { cache, home, view, outcome, coalesce, tags };
                Lookup::Miss(whole.missed(hash, asynchronous, held))
            }
        }
    }

    /// The call was not answered by a hit.
    #[cold]
    #[inline(never)]
    fn missed(
        self,
        hash: u64,
        asynchronous: bool,
        held: <HandleOf<S, P, O> as Engine<P::Owned, O::Value>>::Held<'_>,
    ) -> Miss<P::Owned, O, HandleOf<S, P, O>> {
        let find = Find { hash, view: &self.view };
        let ask = || self.question(Purpose::Call, asynchronous);
        let begun = self.engine().begin(held, &find, || self.view.own(), ask);
        self.begun(hash, begun)
    }

    /// A hit after all, a load to join, or one to run.
    pub(crate) fn look(self, hash: u64, asynchronous: bool) -> Miss<P::Owned, O, HandleOf<S, P, O>> {
        let find = Find { hash, view: &self.view };
        let purpose = Purpose::Call;
        let begun = self.engine().look(&find, purpose, || self.view.own(), || self.question(purpose, asynchronous));
        self.begun(hash, begun)
    }

    /// The same where it is not the usual way of a call: as trait objects, so that it is compiled once for each cache's
    /// types.
    pub(crate) fn look_watched(self, hash: u64, asynchronous: bool) -> Miss<P::Owned, O, HandleOf<S, P, O>> {
        let find = Find { hash, view: &Whichever(&self.view) };
        let purpose = Purpose::Call;
        let own: &dyn Fn() -> P::Owned = &|| self.view.own();
        let ask: &dyn Fn() -> Ask<'static, O::Value> = &|| self.question(purpose, asynchronous);
        let begun = self.engine().look(&find, purpose, own, ask);
        self.begun(hash, begun)
    }

    fn anew(self, asynchronous: bool) -> Miss<P::Owned, O, HandleOf<S, P, O>> {
        let hash = self.find().hash;
        self.anew_at(hash, asynchronous)
    }

    pub(crate) fn anew_at(self, hash: u64, asynchronous: bool) -> Miss<P::Owned, O, HandleOf<S, P, O>> {
        let find = Find { hash, view: &Whichever(&self.view) };
        let own: &dyn Fn() -> P::Owned = &|| self.view.own();
        let begun = self.engine().anew(&find, own, &self.question(Purpose::Anew, asynchronous));
        self.begun(hash, begun)
    }

    pub(crate) fn waits(&self) -> Coalesce {
        self.coalesce.unwrap_or_else(|| self.engine().coalesce())
    }

    /// The tags of what is stored here. From the first on, the cache's hits compare with the epoch of the tags.
    pub(crate) fn slots(&self) -> Tags {
        if self.tags.is_none() {
            return Tags::default();
        }
        let tags = self.tags.slots();
        if !tags.is_empty() {
            self.engine().common().mark_tagged();
        }
        tags
    }

    fn question<'a>(&self, purpose: Purpose, asynchronous: bool) -> Ask<'a, O::Value> {
        let coalesce = self.waits().0.is_some();
        let tags = self.slots();
        Ask { purpose, coalesce, asynchronous, tags, ..Ask::default() }
    }

    #[expect(clippy::inline_always, reason = "a miss is built where it is to stay: moving it takes as long as a hit")]
    #[inline(always)]
    fn begun(&self, hash: u64, begun: Option<Begun<O::Value>>) -> Miss<P::Owned, O, HandleOf<S, P, O>> {
        Miss::new(self.outcome, self.turn(hash, begun), self.waits())
    }

    #[expect(clippy::inline_always, reason = "a miss is built where it is to stay: moving it takes as long as a hit")]
    #[inline(always)]
    fn turn(&self, hash: u64, begun: Option<Begun<O::Value>>) -> Turn<P::Owned, O::Value, HandleOf<S, P, O>> {
        let handle = self.home();
        match begun {
            Some(Begun::Hit(value)) => Turn::Hit(value),
            Some(Begun::Aged(value)) => Turn::Aged(value),
            Some(Begun::Lead(lead)) => Turn::Lead(Leading::new(handle, hash, lead, None)),
            Some(Begun::Stale(lead, old)) => Turn::Lead(Leading::new(handle, hash, lead, Some(old))),
            Some(Begun::Join(flight)) => {
                Turn::Join(Joining::new(handle, (hash, self.view.own(), self.slots()), flight))
            }
            // The call comes from inside of a key's or value's own code.
            None => Turn::Past(handle),
        }
    }

    /// A call for one id of many, or a load of it whatever there is; `pulse` notes the wake-ups of their common body, if
    /// it is async.
    pub(crate) fn seek(self, pulse: Option<&Arc<Pulse>>, anew: bool) -> Sought<P::Owned, O, HandleOf<S, P, O>> {
        let find = self.find();
        let hash = find.hash;
        let ask = |purpose| Ask { pulse, ..self.question(purpose, pulse.is_some()) };
        let mode = if anew { Mode::Fresh } else { watched::mode(self.engine(), hash) };
        let begun = match mode {
            Mode::Usual => self.engine().look(&find, Purpose::Call, || self.view.own(), || ask(Purpose::Call)),
            Mode::Fresh => self.engine().anew(&find, || self.view.own(), &ask(Purpose::Anew)),
            Mode::Bypass => None,
        };
        let turn = self.turn(hash, begun);
        let told = hooks::any() && !anew;
        let looked = told.then(|| if mode == Mode::Bypass { Found::Bypassed } else { turn.found() });
        let key = (!matches!(turn, Turn::Hit(_) | Turn::Aged(_))).then(|| self.view.own());
        let bound = Bound::new(self.waits());
        let handle = self.home();
        Sought { handle, outcome: self.outcome, turn, key, bound, looked: looked.map(|found| (hash, found)) }
    }

    /// The entry, if there is one; never loads. Counts as a hit or a miss.
    pub fn get(self) -> Option<O::Ret> {
        let value = watched::read(self.engine(), &self.find())?;
        Some(self.outcome.ret(value))
    }

    /// Whether there is an entry; not a read.
    pub fn contains(self) -> bool {
        !watched::is_past() && self.engine().has(&self.find())
    }

    /// Stores a value; one that the function would not keep removes what is there.
    pub fn set<T: KeptBy<O::Ret>>(self, value: &T) {
        let ret = value.to_ret();
        let find = self.find();
        match (self.outcome.judge(&ret), self.outcome.value(&ret)) {
            (Verdict::Keep, Some(value)) => {
                self.engine().set((find.hash, self.view.own()), (value.clone(), None, self.slots()));
            }
            (Verdict::KeepFor(ttl), Some(value)) => {
                self.engine().set((find.hash, self.view.own()), (value.clone(), Some(ttl), self.slots()));
            }
            _ => watched::invalidate(self.engine(), &find),
        }
    }

    /// Forgets the entry; a load of it that is under way is not stored and not joined any more.
    pub fn invalidate(self) {
        watched::invalidate(self.engine(), &self.find());
    }

    /// Counts a call that goes past the cache (`bypass_if`).
    pub fn bypass(self) {
        self.past();
    }

    pub(crate) fn past(&self) {
        self.engine().common().count_bypassed();
    }
}
