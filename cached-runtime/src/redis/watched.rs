//! How those who watch are told of a cache in Redis. Must never call them on the driver.

use super::driver;
use super::keys::Name;
use crate::error::Error;
use crate::events::{LoadEnd, What};
use crate::hooks::{self, Key, Note, Source};
use crate::scope::{self, Found, Mode};
use std::sync::Arc;
use std::time::Duration;

/// What a call is to do.
pub(crate) fn mode(source: &Arc<Source>, name: &Name) -> Mode {
    if !hooks::any() {
        return Mode::Usual;
    }
    let mode = scope::mode(source, Key::text(name.text()));
    match mode {
        Mode::Usual => {}
        Mode::Fresh => looked(source, name, Found::Miss),
        Mode::Bypass => looked(source, name, Found::Bypassed),
    }
    mode
}

/// A look-up found something, or not.
pub(crate) fn looked(source: &Arc<Source>, name: &Name, found: Found) {
    if hooks::any() {
        source.looked(Key::text(name.text()), found);
    }
}

/// Something happened to one entry, or to all.
pub(crate) fn tell(source: &Arc<Source>, name: Option<&Name>, what: What) {
    if hooks::listening() {
        source.tell(name.map_or_else(Key::default, |name| Key::text(name.text())), what);
    }
}

/// An operation failed.
pub(crate) fn failed(source: &Arc<Source>, name: Option<&Name>, error: &Error) {
    tell(source, name, What::StoreError { error: error.clone() });
}

/// A load is over.
pub(crate) fn loaded(source: &Arc<Source>, took: Duration, ended: LoadEnd) {
    tell(source, None, What::Load { took: Some(took), ended });
}

/// A renewal that this process runs: told of when it is dropped.
pub(crate) struct Renewing {
    source: Arc<Source>,
    name: Name,
    /// How it ended; `None` if it did not come to an end of its own.
    pub(crate) ended: Option<LoadEnd>,
}

impl Renewing {
    pub(crate) fn begin(source: &Arc<Source>, name: &Name) -> Self {
        tell(source, Some(name), What::RefreshBegun);
        Self { source: Arc::clone(source), name: name.clone(), ended: None }
    }
}

impl Drop for Renewing {
    fn drop(&mut self) {
        let cut = || if std::thread::panicking() { LoadEnd::Panicked } else { LoadEnd::Dropped };
        tell(&self.source, Some(&self.name), What::RefreshEnded { ended: self.ended.unwrap_or_else(cut) });
    }
}

/// Gives the note back to be told here, unless here is the driver's thread, which no listener may hold up: then it is told
/// on a thread of its own.
pub(crate) fn not_on_driver(note: Note, hand_over: fn(Note)) -> Option<Note> {
    if std::thread::current().name() != Some(driver::THREAD) {
        return Some(note);
    }
    if let Ok(driver) = driver::driver() {
        driver.call_back(move || hand_over(note));
    }
    None
}
