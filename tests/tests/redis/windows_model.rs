//! Random schedules of loads, failures, sets, invalidations and time against a simple model of what may be served: those of the
//! test clock, against a real server in real time.
//!
//! Nobody knows when exactly a step acted, only when it began and ended. So the model keeps for each key all states that
//! the entry may be in, with the earliest and the latest time of its making, and an answer is wrong only if it is wrong in
//! each of these states and for every moment of the step. On a machine that is held up the steps are longer, and the model
//! allows more.

use crate::subject::patiently;
use cached_runtime::{Cache, Redis, invalidate_tag, scope};
use cached_tests::{
    crowd,
    redis::{Server, alone},
};
use futures::executor::block_on;
use proptest::{
    prelude::*,
    test_runner::{TestError, TestRunner},
};
use std::{
    cell::Cell,
    thread,
    time::{Duration, Instant},
};

type Numbers = Cache<u8, u32, Redis>;
type Case = (Times, Vec<(bool, Step)>, bool);

/// The connections of schedules that go on at one time.
const NAMES: [[&str; 2]; 6] =
    [["wm1", "wn1"], ["wm2", "wn2"], ["wm3", "wn3"], ["wm4", "wn4"], ["wm5", "wn5"], ["wm6", "wn6"]];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    Invalidate,
    Tag,
    Clear,
    Set,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A call, whose load would succeed or fail.
    Call(u8, bool),
    /// The same in a scope that wants it anew.
    Fresh(u8, bool),
    Get(u8),
    Change(u8, Change),
    /// A call whose load, while it runs, sees this happen elsewhere.
    Disturbed(u8, bool, Change),
    Sleep(u64),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![Just(Change::Invalidate), Just(Change::Tag), Just(Change::Clear), Just(Change::Set)]
}

/// Each with the connection that it goes over.
fn steps() -> impl Strategy<Value = Vec<(bool, Step)>> {
    let key = 0..2_u8;
    let step = prop_oneof![
        8 => (key.clone(), any::<bool>()).prop_map(|(key, ok)| Step::Call(key, ok)),
        1 => (key.clone(), any::<bool>()).prop_map(|(key, ok)| Step::Fresh(key, ok)),
        2 => key.clone().prop_map(Step::Get),
        2 => (key.clone(), change()).prop_map(|(key, change)| Step::Change(key, change)),
        2 => (key, any::<bool>(), change()).prop_map(|(key, ok, change)| Step::Disturbed(key, ok, change)),
        6 => (1..60_u64).prop_map(Step::Sleep),
        2 => (60..250_u64).prop_map(Step::Sleep),
    ];
    proptest::collection::vec((any::<bool>(), step), 1..30)
}

fn times() -> impl Strategy<Value = Times> {
    (40..160_u64, 0..3_u64, 0..3_u64, proptest::option::of(1..4_u8), proptest::option::weighted(0.3, 100..300_u64))
        .prop_map(|(ttl, revalidate, error, ahead, idle)| Times {
            ttl,
            revalidate: revalidate * 90,
            error: error * 90,
            ahead,
            idle,
        })
}

/// In milliseconds.
#[derive(Clone, Copy, Debug)]
struct Times {
    ttl: u64,
    revalidate: u64,
    error: u64,
    /// In quarters of the ttl.
    ahead: Option<u8>,
    idle: Option<u64>,
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
struct Span(i64, i64);

fn nanos(millis: u64) -> i64 {
    i64::try_from(millis * 1_000_000).expect("not that long")
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Entry {
    value: u32,
    born: Span,
}

/// A state that a key may be in.
#[derive(Clone, Copy, Debug, PartialEq)]
struct State {
    entry: Option<Entry>,
    /// When the pause after a failure ends, and of which value it was.
    pause: Option<(Span, u32)>,
}

/// What was seen of a call.
#[derive(Clone, Copy, Debug)]
struct Call {
    /// The value of its load, if that would succeed.
    new: Option<u32>,
    anew: bool,
    /// What happened during the load, and the value that was set by it.
    change: Option<(Change, u32)>,
    got: Result<u32, ()>,
    /// The beginning and end of the body, if it ran.
    ran: Option<Span>,
    /// Of the call.
    span: Span,
}

struct Model {
    times: Times,
    /// How far the clocks may be apart.
    slack: i64,
    states: [Vec<State>; 2],
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
                vec![State { entry: Some(Entry { value, born }), ..state }]
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

/// One schedule, over two connections as over two processes.
struct Schedule {
    caches: [Numbers; 2],
    tag: String,
    begun: Instant,
    asynchronous: bool,
}

impl Schedule {
    fn now(&self) -> i64 {
        i64::try_from(self.begun.elapsed().as_nanos()).expect("not that long")
    }

    fn change(&self, cache: &Numbers, key: u8, change: Change, value: u32) {
        let done = match change {
            Change::Invalidate => cache.invalidate(&key),
            Change::Tag => invalidate_tag(&self.tag).wait(),
            Change::Clear => cache.clear(),
            Change::Set => cache.entry(key).tags(&[&self.tag]).set(value),
        };
        done.expect("a server");
    }

    fn call(&self, first: bool, key: u8, (new, anew, change): (Option<u32>, bool, Option<(Change, u32)>)) -> Call {
        let (cache, other) = (&self.caches[usize::from(first)], &self.caches[usize::from(!first)]);
        let ran = Cell::new(None);
        let load = || {
            let begun = self.now();
            if let Some((change, value)) = change {
                self.change(other, key, change, value);
            }
            ran.set(Some(Span(begun, self.now())));
            new.ok_or(())
        };
        let tags = [&self.tag];
        let entry = || cache.entry(key).tags(&tags);
        let begun = self.now();
        let ask = || {
            if self.asynchronous {
                block_on(entry().try_get_or_load_async(async { load() }))
            } else {
                entry().try_get_or_load(load)
            }
        };
        let got = if anew { scope::fresh(ask) } else { ask() };
        Call {
            new,
            anew,
            change: change.filter(|_| ran.get().is_some()),
            got,
            ran: ran.get(),
            span: Span(begun, self.now()),
        }
    }

    /// Whether something went wrong that is no matter of the windows: the server was late.
    fn is_disturbed(&self) -> bool {
        self.caches.iter().any(|cache| cache.stats().store_errors > 0) || self.begun.elapsed() > Duration::from_secs(20)
    }
}

/// Says whether the schedule came to its end.
fn agrees(schedule: &Schedule, mut model: Model, steps: &[(bool, Step)]) -> Result<bool, String> {
    for (at, (first, step)) in steps.iter().enumerate() {
        let value = u32::try_from(at).expect("few") * 2;
        let (key, seen) = match *step {
            Step::Sleep(time) => {
                thread::sleep(Duration::from_millis(time));
                continue;
            }
            Step::Call(key, ok) => (key, schedule.call(*first, key, (ok.then_some(value), false, None))),
            Step::Fresh(key, ok) => (key, schedule.call(*first, key, (ok.then_some(value), true, None))),
            Step::Disturbed(key, ok, change) => {
                (key, schedule.call(*first, key, (ok.then_some(value), false, Some((change, value + 1)))))
            }
            Step::Get(key) => {
                let begun = schedule.now();
                let got = schedule.caches[usize::from(*first)].entry(key).tags(&[&schedule.tag]).get();
                let span = Span(begun, schedule.now());
                let before = std::mem::take(&mut model.states[usize::from(key)]);
                let after: Vec<State> = before.iter().copied().filter(|state| model.get(*state, got, span)).collect();
                if schedule.is_disturbed() {
                    return Ok(false);
                }
                if after.is_empty() {
                    return Err(format!("step {at} {step:?} got {got:?} in {span:?}, where it was {before:?}"));
                }
                model.states[usize::from(key)] = after;
                continue;
            }
            Step::Change(key, change) => {
                let begun = schedule.now();
                schedule.change(&schedule.caches[usize::from(*first)], key, change, value);
                let born = Span(begun, schedule.now());
                for (of, states) in model.states.iter_mut().enumerate() {
                    let all = matches!(change, Change::Tag | Change::Clear);
                    if all || of == usize::from(key) {
                        let entry = (change == Change::Set).then_some(Entry { value, born });
                        states.iter_mut().for_each(|state| state.entry = entry);
                        // Which pause is left there, the states tell.
                        states.dedup();
                    }
                }
                continue;
            }
        };
        if schedule.is_disturbed() {
            return Ok(false);
        }
        let before = model.states[usize::from(key)].clone();
        let mut after: Vec<State> = before.iter().flat_map(|state| model.call(*state, seen)).collect();
        after.dedup();
        if after.is_empty() {
            return Err(format!("step {at} {step:?}: {seen:?}, where it was {before:?}, slack {}", model.slack));
        }
        model.states[usize::from(key)] = after;
        // These take the other key along.
        if let Some((Change::Tag | Change::Clear, _)) = seen.change {
            model.states[usize::from(1 - key)].iter_mut().for_each(|state| state.entry = None);
        }
    }
    Ok(true)
}

/// Connects both anew, so that the clocks are as good as their first answers; gives what they may be apart from the server's.
fn connect(url: &str, names: [&'static str; 2], times: &Times) -> ([Numbers; 2], i64) {
    let mut slack = nanos(2);
    let caches = names.map(|connection| {
        let begun = Instant::now();
        patiently(url).install_as(connection).expect("a good URL");
        let mut builder = Cache::builder().name(names[0]).redis(connection).ttl(Duration::from_millis(times.ttl));
        builder = builder.stale_while_revalidate(Duration::from_millis(times.revalidate));
        builder = builder.stale_if_error(Duration::from_millis(times.error));
        if let Some(quarters) = times.ahead {
            builder = builder.refresh_ahead(f64::from(quarters) / 4.0);
        }
        if let Some(idle) = times.idle {
            builder = builder.tti(Duration::from_millis(idle));
        }
        let cache = builder.build_redis();
        cache.clear().expect("a server");
        // The first connection is made by now.
        slack += i64::try_from(begun.elapsed().as_nanos()).expect("not that long");
        for key in 0..2 {
            cache.invalidate(&key).expect("a server");
        }
        cache
    });
    (caches, slack)
}

/// Says whether the schedule came to its end.
fn run_one(url: &str, names: [&'static str; 2], case: &Case) -> Result<bool, String> {
    let (times, steps, asynchronous) = case;
    let (mut caches, mut slack) = connect(url, names, times);
    // The less is known about the clocks, the more is let through.
    for _ in 0..20 {
        if slack < nanos(12) {
            break;
        }
        (caches, slack) = connect(url, names, times);
    }
    let none = || vec![State { entry: None, pause: None }];
    let model = Model { times: *times, slack, states: [none(), none()] };
    let schedule =
        Schedule { caches, tag: format!("model of {}", names[0]), begun: Instant::now(), asynchronous: *asynchronous };
    agrees(&schedule, model, steps)
}

#[test]
fn promise_9_what_is_served_is_what_may_be_served() {
    // A tag reaches all servers that this process knows, and other tests end theirs.
    if !alone("windows_model::promise_9_what_is_served_is_what_may_be_served") {
        return;
    }
    let server = Server::start();
    let url = server.url();
    // Most of a schedule is waiting: several at one time.
    let ended = crowd(NAMES.len(), move |thread| {
        let ended = Cell::new(0_u32);
        let config = ProptestConfig {
            cases: 14,
            failure_persistence: None,
            max_shrink_time: 20_000,
            ..ProptestConfig::default()
        };
        let told = TestRunner::new(config).run(&(times(), steps(), any::<bool>()), |case| {
            let whole = run_one(&url, NAMES[thread], &case).map_err(TestCaseError::fail)?;
            ended.set(ended.get() + u32::from(whole));
            Ok(())
        });
        if let Err(TestError::Fail(why, case)) = told {
            panic!("{why}\nof {case:?}");
        }
        ended.get()
    });
    println!("schedules that came to their ends: {ended:?}");
    assert!(ended.iter().sum::<u32>() > 0, "the server was always late");
}
