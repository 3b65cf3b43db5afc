//! What goes to the `tracing` facade, if the build has the feature: a line for each event that is rarer than a hit. Must
//! never be reached by a hit, nor show a key.

use crate::hooks::Note;

/// Whether somebody listens to the events that are no hits.
pub(crate) fn listens() -> bool {
    #[cfg(feature = "tracing")]
    if tracing::enabled!(target: "cached_runtime", tracing::Level::DEBUG) {
        return true;
    }
    // Loads are recorded as they end.
    cfg!(feature = "metrics")
}

/// Writes an event.
#[cfg(feature = "tracing")]
pub(crate) fn event(note: &Note) {
    use crate::events::What;
    let (cache, backend, event) = (&*note.source.name, note.source.backend, note.what.name());
    match &note.what {
        What::Hit | What::Miss => {
            tracing::trace!(target: "cached_runtime", cache, backend, event, "look-up");
        }
        What::StoreError { error } => {
            tracing::warn!(target: "cached_runtime", cache, backend, event, %error, "the server failed a cache");
        }
        What::Load { took, ended } => {
            let seconds = took.map(|took| took.as_secs_f64());
            tracing::debug!(target: "cached_runtime", cache, backend, event, outcome = ended.name(), seconds, "load");
        }
        what => tracing::debug!(target: "cached_runtime", cache, backend, event, detail = ?what, "change"),
    }
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn event(_: &Note) {}
