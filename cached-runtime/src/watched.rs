//! The way of a call while somebody watches: a listener, or a scope. Must never be reached while nobody does.

use crate::at::{At, HandleOf};
use crate::events::{InvalidationCause, LoadEnd, What};
use crate::hooks::{self, Key, Source};
use crate::key::View;
use crate::memory::common::Common;
use crate::memory::entry::{Find, Same, Whichever};
use crate::miss::{Miss, Turn};
use crate::outcome::Outcome;
use crate::scope::{self, Found, Mode};
use crate::store::{Engine, InProcess};
use std::sync::{Arc, LazyLock};

impl<P, O, S> At<'_, P, O, S>
where
    P: View,
    O: Outcome,
    S: InProcess,
    HandleOf<S, P, O>: Engine<P::Owned, O::Value>,
{
    /// A call, in the ways of the scopes that it stands in, and told of.
    #[cold]
    #[inline(never)]
    pub(crate) fn call_watched(self, hash: u64, asynchronous: bool) -> Miss<P::Owned, O, HandleOf<S, P, O>> {
        let source = self.engine().common().source().clone();
        let key = Key::hash(hash);
        match scope::mode(&source, key) {
            Mode::Bypass => {
                source.looked(key, Found::Bypassed);
                Miss::new(self.outcome, Turn::Past(self.home()), self.waits())
            }
            Mode::Fresh => {
                source.looked(key, Found::Miss);
                self.anew_at(hash, asynchronous)
            }
            Mode::Usual => {
                let found = self.look_watched(hash, asynchronous);
                let _inside = found.inside();
                source.looked(key, found.turn.found());
                found
            }
        }
    }
}

/// A look-up that never loads.
#[inline]
pub(crate) fn read<K, V, H: Engine<K, V>, P: Same<K>>(engine: &H, find: &Find<'_, P>) -> Option<V> {
    if hooks::any() {
        read_watched(engine, &Find { hash: find.hash, view: &Whichever(find.view) })
    } else {
        engine.read(find)
    }
}

#[cold]
fn read_watched<K, V, H: Engine<K, V>>(engine: &H, find: &Find<'_, Whichever<'_, K>>) -> Option<V> {
    let (source, key) = (engine.common().source(), Key::hash(find.hash));
    if scope::bypasses() {
        source.looked(key, Found::Bypassed);
        return None;
    }
    let value = engine.read(find);
    source.looked(key, if value.is_some() { Found::Hit } else { Found::Miss });
    value
}

/// Whether look-ups go past all caches here.
#[inline]
pub(crate) fn is_past() -> bool {
    hooks::any() && scope::bypasses()
}

/// Forgets a key.
pub(crate) fn invalidate<K, V, H: Engine<K, V>, P: Same<K>>(engine: &H, find: &Find<'_, P>) {
    engine.invalidate(find);
    forgotten_key(engine.common().source(), find.hash);
}

/// A key was forgotten.
pub(crate) fn forgotten_key(source: &Arc<Source>, hash: u64) {
    if hooks::listening() {
        source.tell(Key::hash(hash), What::Invalidated { cause: InvalidationCause::Key });
    }
}

/// Entries of a cache were forgotten, as chosen by something else than their keys.
pub(crate) fn forgotten(source: &Arc<Source>, cause: InvalidationCause) {
    if hooks::listening() {
        source.tell(Key::default(), What::Invalidated { cause });
    }
}

/// Entries of whichever caches were forgotten.
pub(crate) fn forgotten_everywhere(cause: InvalidationCause) {
    static ALL: LazyLock<Arc<Source>> = LazyLock::new(|| Source::new("*".into(), "all", None));
    if hooks::listening() {
        forgotten(&ALL, cause);
    }
}

/// What one look-up of many is to do.
#[inline]
pub(crate) fn mode<K, V, H: Engine<K, V>>(engine: &H, hash: u64) -> Mode {
    if hooks::any() { scope::mode(engine.common().source(), Key::hash(hash)) } else { Mode::Usual }
}

/// A value past its time was served while its load goes on.
#[cfg(feature = "tokio")]
pub(crate) fn stale_served(common: &Common, hash: u64) {
    if hooks::listening() {
        common.source().tell(Key::hash(hash), What::StaleServed);
    }
}

/// A renewal is over.
pub(crate) fn refresh_ended(common: &Common, hash: u64, ended: LoadEnd) {
    if hooks::listening() {
        common.source().tell(Key::hash(hash), What::RefreshEnded { ended });
    }
}

/// A load's future was dropped before its end.
pub(crate) fn load_dropped(common: &Common, hash: u64) {
    if hooks::listening() {
        common.source().front().tell(Key::hash(hash), What::Load { took: None, ended: LoadEnd::Dropped });
    }
}
