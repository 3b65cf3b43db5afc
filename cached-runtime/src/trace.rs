//! What goes to the `tracing` facade, if the build has the feature: a span around each load, a line for each event. Must
//! never be reached by a hit, nor show a key.

use crate::events::LoadEnd;
use crate::hooks::{Note, Source};
use std::sync::Arc;

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

/// The span around a load. Nothing without the feature.
#[derive(Default)]
pub(crate) struct LoadSpan(#[cfg(feature = "tracing")] Option<tracing::Span>);

/// The span is entered, until this is dropped.
pub(crate) struct InSpan(
    #[cfg(feature = "tracing")]
    #[expect(dead_code, reason = "kept for its drop")]
    Option<tracing::span::EnteredSpan>,
);

impl InSpan {
    /// As its drop, by name.
    #[expect(clippy::unused_self, reason = "it is taken to be dropped")]
    pub(crate) fn leave(self) {}
}

impl LoadSpan {
    /// `cached.load`, inside of whatever span the call is in.
    #[cfg(feature = "tracing")]
    pub(crate) fn begin(source: &Arc<Source>, hash: u64) -> Self {
        let (cache, backend) = (&*source.front().name, source.front().backend);
        let span = tracing::debug_span!(
            target: "cached_runtime",
            "cached.load",
            cache,
            backend,
            key_hash = hash,
            outcome = tracing::field::Empty,
        );
        Self(Some(span))
    }

    #[cfg(not(feature = "tracing"))]
    pub(crate) fn begin(_: &Arc<Source>, _: u64) -> Self {
        Self()
    }

    /// While the body runs, or is polled.
    #[cfg(feature = "tracing")]
    pub(crate) fn enter(&self) -> InSpan {
        InSpan(self.0.clone().map(tracing::Span::entered))
    }

    #[cfg(not(feature = "tracing"))]
    #[expect(clippy::unused_self, reason = "as the one with the feature")]
    pub(crate) fn enter(&self) -> InSpan {
        InSpan()
    }

    /// The load is over.
    #[cfg(feature = "tracing")]
    pub(crate) fn ended(&self, ended: LoadEnd) {
        if let Some(span) = &self.0 {
            span.record("outcome", ended.name());
        }
    }

    #[cfg(not(feature = "tracing"))]
    #[expect(clippy::unused_self, reason = "as the one with the feature")]
    pub(crate) fn ended(&self, _: LoadEnd) {}
}

#[cfg(all(test, feature = "tracing", not(shuttle)))]
mod tests {
    use std::fmt::Write as _;
    use std::sync::{Arc, Mutex};
    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    /// Writes down what it is told, a line each.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<String>>>);

    struct Fields(String);

    impl Visit for Fields {
        fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
            if field.name() != "key_hash" && field.name() != "seconds" {
                let _ = write!(self.0, " {}={value:?}", field.name());
            }
        }
    }

    impl Lines {
        fn put(&self, line: String) {
            self.0.lock().unwrap().push(line);
        }
    }

    impl Subscriber for Lines {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.target() == "cached_runtime"
        }

        fn new_span(&self, span: &Attributes<'_>) -> Id {
            let mut fields = Fields(format!("new {}", span.metadata().name()));
            span.record(&mut fields);
            self.put(fields.0);
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, values: &Record<'_>) {
            let mut fields = Fields("record".to_owned());
            values.record(&mut fields);
            self.put(fields.0);
        }

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, event: &Event<'_>) {
            let mut fields = Fields(format!("event {}", event.metadata().level()));
            event.record(&mut fields);
            self.put(fields.0);
        }

        fn enter(&self, _: &Id) {
            self.put("enter".to_owned());
        }

        fn exit(&self, _: &Id) {
            self.put("exit".to_owned());
        }
    }

    /// Calls back where a span is left.
    struct AtExit(Box<dyn Fn() + Send + Sync>);

    impl Subscriber for AtExit {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.target() == "cached_runtime"
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, _: &Event<'_>) {}

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {
            (self.0)();
        }
    }

    /// The end of the span is told while the load is still under way, also by a panic: a call of the key from there must
    /// not wait for it, which would take the bound of a minute.
    #[test]
    fn what_listens_to_the_end_of_a_span_may_call_again() {
        use std::panic::{AssertUnwindSafe, catch_unwind};
        use std::sync::atomic::{AtomicBool, Ordering};
        let cache = crate::Cache::<u8, u8>::builder().coalesce(std::time::Duration::from_hours(1)).build();
        let (again, called) = (AtomicBool::new(false), Arc::new(AtomicBool::new(false)));
        let (other, done) = (cache.clone(), Arc::clone(&called));
        let at_exit = AtExit(Box::new(move || {
            if !again.swap(true, Ordering::Relaxed) {
                done.store(other.get_or_load(1, || 2) == 2, Ordering::Relaxed);
            }
        }));
        // On a thread of its own: if it waits, it waits for an hour.
        let (over, is_over) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let call = || catch_unwind(AssertUnwindSafe(|| cache.get_or_load(1, || panic!("on purpose"))));
            let _ = over.send(tracing::subscriber::with_default(at_exit, call).is_err());
        });
        let panicked = is_over.recv_timeout(std::time::Duration::from_mins(1));
        assert_eq!((panicked, called.load(Ordering::Relaxed)), (Ok(true), true));
    }

    #[test]
    fn a_load_has_a_span_and_a_hit_has_nothing() {
        let lines = Lines::default();
        let cache = crate::Cache::builder().name("trace").build();
        tracing::subscriber::with_default(lines.clone(), || {
            cache.get_or_load(1, || lines.put("body".to_owned()));
            let loaded = std::mem::take(&mut *lines.0.lock().unwrap());
            assert_eq!(loaded[0], "new cached.load cache=\"trace\" backend=\"memory\"");
            assert_eq!(loaded[1..4], ["enter", "body", "exit"]);
            assert!(loaded.contains(&"record outcome=\"ok\"".to_owned()), "{loaded:?}");
            assert!(loaded.iter().any(|line| line.starts_with("event DEBUG") && line.contains("event=\"load\"")));
            lines.0.lock().unwrap().clear();
            cache.get_or_load(1, || ());
            let _ = cache.try_get_or_load(2, || Err::<(), _>("on purpose"));
        });
        let failed = lines.0.lock().unwrap().clone();
        assert!(failed[0].starts_with("new cached.load"), "nothing for the hit before it: {failed:?}");
        assert!(failed.contains(&"record outcome=\"error\"".to_owned()), "{failed:?}");
    }
}
