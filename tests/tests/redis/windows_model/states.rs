//! What a cache with windows may serve, as the states that each key may be in. Must never know how long anything took but
//! from the spans that it is told.

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Change {
    Invalidate,
    Tag,
    Clear,
    Set,
}

/// In milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) ttl: u64,
    pub(super) revalidate: u64,
    pub(super) error: u64,
    /// In quarters of the ttl.
    pub(super) ahead: Option<u8>,
    pub(super) idle: Option<u64>,
}

impl Times {
    fn due(&self) -> u64 {
        self.ahead.map_or(self.ttl, |quarters| self.ttl * u64::from(quarters) / 4)
    }

    fn ends(&self) -> u64 {
        self.ttl + self.revalidate.max(self.error)
    }

    fn throttle(&self) -> u64 {
        let window = match self.revalidate.max(self.error) {
            0 => self.ttl - self.due(),
            window => window,
        };
        window / 10
    }
}

/// From the earliest to the latest moment, in nanoseconds since the schedule began.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span(pub(super) i64, pub(super) i64);

pub(super) fn nanos(millis: u64) -> i64 {
    i64::try_from(millis * 1_000_000).expect("not that long")
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) value: u32,
    pub(super) born: Span,
}

/// A state that a key may be in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct State {
    pub(super) entry: Option<Entry>,
    /// When the pause after a failure ends, and of which value it was.
    pub(super) pause: Option<(Span, u32)>,
}

/// What was seen of a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    /// The value of its load, if that would succeed.
    pub(super) new: Option<u32>,
    pub(super) anew: bool,
    /// What happened during the load, and the value that was set by it.
    pub(super) change: Option<(Change, u32)>,
    pub(super) got: Result<u32, ()>,
    /// The beginning and end of the body, if it ran.
    pub(super) ran: Option<Span>,
    /// Of the call.
    pub(super) span: Span,
}

/// What was seen of a step.
#[derive(Clone, Copy, Debug)]
pub(super) enum Seen {
    Slept,
    Called(u8, Call),
    Got(u8, Option<u32>, Span),
    Changed(u8, Change, u32, Span),
}

pub(super) struct Model {
    pub(super) times: Times,
    /// How far the clocks may be apart.
    pub(super) slack: i64,
    pub(super) states: [Vec<State>; 2],
}

impl Model {
    /// Whether the age of an entry may be less than this at some moment of the span.
    fn may_be_younger(&self, entry: Entry, than: u64, at: Span) -> bool {
        at.0 - entry.born.1 < nanos(than) + self.slack
    }

    fn may_be_older(&self, entry: Entry, than: u64, at: Span) -> bool {
        at.1 - entry.born.0 >= nanos(than) - self.slack
    }

    fn may_be_gone(&self, entry: Entry, at: Span) -> bool {
        let idle = self.times.idle.unwrap_or(u64::MAX / 2_000_000);
        self.may_be_older(entry, self.times.ends().min(idle), at)
    }

    fn may_be_paused(&self, state: State, at: Span) -> bool {
        state.pause.is_some_and(|(until, _)| at.0 < until.1 + self.slack)
    }

    fn is_paused(&self, state: State, at: Span) -> bool {
        let of = |value| state.entry.is_some_and(|entry| entry.value == value);
        state.pause.is_some_and(|(until, value)| at.1 < until.0 - self.slack && of(value))
    }

    /// The states that a key may be in after a call, if it was in this one before.
    fn call(&self, state: State, call: Call) -> Vec<State> {
        let Call { new, anew, change, got, ran, span } = call;
        let Some(body) = ran else {
            let served = state.entry.is_some_and(|entry| {
                let plain = self.may_be_younger(entry, self.times.due(), span) || self.may_be_paused(state, span);
                !anew && plain && self.may_be_younger(entry, self.times.ends(), span) && got == Ok(entry.value)
            });
            return if served { vec![state] } else { vec![] };
        };
        let gone = state.entry.is_none_or(|entry| self.may_be_gone(entry, span));
        let due = state.entry.is_some_and(|entry| self.may_be_older(entry, self.times.due(), span));
        if !anew && !gone && (!due || self.is_paused(state, span)) {
            return vec![];
        }
        let after = Span(body.1, span.1);
        if let Some((change, value)) = change {
            // Whatever was there before the change is not served after it, on error neither.
            let entry = (change == Change::Set).then_some(Entry { value, born: body });
            // Of a failed renewal a mark may be left, which holds for the next entry too.
            let until = state.pause.map_or(0, |(until, _)| until.1).max(span.1 + nanos(self.times.throttle()));
            let pause = Some((Span(i64::MIN / 2, until), value));
            return if got == new.ok_or(()) { vec![State { entry, pause }] } else { vec![] };
        }
        match (new, got) {
            (Some(value), Ok(given)) if given == value => {
                // Its making is dated from the server's answer before the body.
                let born = Span(body.1 - (body.0 - span.0), after.1);
                let stored = State { entry: Some(Entry { value, born }), ..state };
                // A load over an old value that ends meanwhile finds nothing to replace, as after an invalidation.
                let ends_meanwhile =
                    |old: Entry| self.may_be_younger(old, self.times.ends(), span) && self.may_be_gone(old, after);
                if state.entry.is_some_and(ends_meanwhile) {
                    vec![stored, State { entry: None, ..state }]
                } else {
                    vec![stored]
                }
            }
            (None, Err(())) if anew => vec![state],
            // The old value must be good when the load has failed, and not be served if it is not.
            (None, Err(())) => match state.entry {
                Some(entry) if !self.may_be_gone(entry, after) => vec![],
                // It may have been gone when the load had failed, and then there is a mark of that.
                Some(entry) => {
                    let until = state.pause.map_or(0, |(until, _)| until.1).max(after.1 + nanos(self.times.throttle()));
                    vec![State { pause: Some((Span(i64::MIN / 2, until), entry.value)), ..state }]
                }
                None => vec![state],
            },
            (None, Ok(given)) if !anew => match state.entry {
                Some(entry) if given == entry.value && self.may_be_younger(entry, self.times.ends(), after) => {
                    let throttle = nanos(self.times.throttle());
                    vec![State { pause: Some((Span(body.1 + throttle, after.1 + throttle), given)), ..state }]
                }
                _ => vec![],
            },
            _ => vec![],
        }
    }

    fn get(&self, state: State, got: Option<u32>, span: Span) -> bool {
        let at_once = self.times.ttl + self.times.revalidate;
        match (state.entry, got) {
            (None, got) => got.is_none(),
            (Some(entry), Some(value)) => value == entry.value && self.may_be_younger(entry, at_once, span),
            (Some(entry), None) => self.may_be_gone(entry, span) || self.may_be_older(entry, at_once, span),
        }
    }
}

impl Model {
    /// Whether what was seen is right in one of the states at least; those are the states from here on.
    pub(super) fn agrees(&mut self, seen: Seen) -> bool {
        match seen {
            Seen::Slept => true,
            Seen::Got(key, got, span) => {
                let states = std::mem::take(&mut self.states[usize::from(key)]);
                self.leave(key, states.into_iter().filter(|state| self.get(*state, got, span)).collect())
            }
            Seen::Called(key, call) => {
                let states = std::mem::take(&mut self.states[usize::from(key)]);
                if let Some((Change::Tag | Change::Clear, _)) = call.change {
                    // These take the other key along.
                    self.set(1 - key, None);
                }
                self.leave(key, states.into_iter().flat_map(|state| self.call(state, call)).collect())
            }
            Seen::Changed(key, change, value, born) => {
                if matches!(change, Change::Tag | Change::Clear) {
                    self.set(1 - key, None);
                }
                self.set(key, (change == Change::Set).then_some(Entry { value, born }));
                true
            }
        }
    }

    fn leave(&mut self, key: u8, mut states: Vec<State>) -> bool {
        states.dedup();
        let agrees = !states.is_empty();
        self.states[usize::from(key)] = states;
        agrees
    }

    /// Which pause is left there, the states tell.
    fn set(&mut self, key: u8, entry: Option<Entry>) {
        let states = &mut self.states[usize::from(key)];
        for state in states.iter_mut() {
            state.entry = entry;
        }
        states.dedup();
    }
}
