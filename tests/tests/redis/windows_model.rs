//! Random schedules of loads, failures, sets, invalidations and time against a simple model of what may be served: those of the
//! test clock, against a real server in real time.
//!
//! Nobody knows when exactly a step acted, only when it began and ended. So the model keeps for each key all states that
//! the entry may be in, with the earliest and the latest time of its making, and an answer is wrong only if it is wrong in
//! each of these states and for every moment of the step. On a machine that is held up the steps are longer, and the model
//! allows more.

mod states;

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
use states::{Call, Change, Model, Seen, Span, State, Times, nanos};
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
        4 => key.clone().prop_map(Step::Get),
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

    fn step(&self, first: bool, step: Step, value: u32) -> Seen {
        let cache = &self.caches[usize::from(first)];
        let begun = self.now();
        match step {
            Step::Sleep(time) => {
                thread::sleep(Duration::from_millis(time));
                Seen::Slept
            }
            Step::Call(key, ok) => Seen::Called(key, self.call(first, key, (ok.then_some(value), false, None))),
            Step::Fresh(key, ok) => Seen::Called(key, self.call(first, key, (ok.then_some(value), true, None))),
            Step::Disturbed(key, ok, change) => {
                let change = Some((change, value + 1));
                Seen::Called(key, self.call(first, key, (ok.then_some(value), false, change)))
            }
            Step::Get(key) => {
                let got = cache.entry(key).tags(&[&self.tag]).get();
                Seen::Got(key, got, Span(begun, self.now()))
            }
            Step::Change(key, change) => {
                self.change(cache, key, change, value);
                Seen::Changed(key, change, value, Span(begun, self.now()))
            }
        }
    }

    /// Whether something went wrong that is no matter of the windows: the server was late, or the machine was so long that
    /// leases end or the clocks are compared anew.
    fn is_disturbed(&self, took: Duration) -> bool {
        let late = took > Duration::from_secs(2) || self.begun.elapsed() > Duration::from_secs(20);
        late || self.caches.iter().any(|cache| cache.stats().store_errors > 0)
    }
}

/// Says whether the schedule came to its end.
fn agrees(schedule: &Schedule, mut model: Model, steps: &[(bool, Step)]) -> Result<bool, String> {
    for (at, (first, step)) in steps.iter().enumerate() {
        let begun = Instant::now();
        let seen = schedule.step(*first, *step, u32::try_from(at).expect("few") * 2);
        if schedule.is_disturbed(begun.elapsed()) {
            return Ok(false);
        }
        let before = model.states.clone();
        if !model.agrees(seen) {
            return Err(format!("step {at}: {seen:?}, where it was {before:?}, slack {}", model.slack));
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
