//! Loads that overlap: random schedules of calls that are begun, loads that end later or never, and all that may happen in
//! between, against a simple model of what may be served. One thread polls everything by hand, so nothing here is left to a
//! scheduler. How single calls age is for the other models.

use crate::secs;
use cached_runtime::{Cache, Eviction, clock};
use futures::channel::oneshot;
use futures::task::noop_waker_ref;
use proptest::prelude::*;
use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A call begins, and is polled.
    Call(u8),
    /// One of the loads that run ends: with its value, or with an error.
    End(u8, bool),
    /// One of the calls that wait is dropped.
    Drop(u8),
    Get(u8),
    Set(u8),
    Invalidate(u8),
    Clear,
    Advance(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = 0..2_u8;
    let step = prop_oneof![
        8 => key.clone().prop_map(Step::Call),
        5 => any::<u8>().prop_map(|nth| Step::End(nth, true)),
        2 => any::<u8>().prop_map(|nth| Step::End(nth, false)),
        1 => any::<u8>().prop_map(Step::Drop),
        2 => key.clone().prop_map(Step::Get),
        1 => key.clone().prop_map(Step::Set),
        2 => key.prop_map(Step::Invalidate),
        1 => Just(Step::Clear),
        3 => (1..8_u8).prop_map(Step::Advance),
    ];
    proptest::collection::vec(step, 1..80)
}

/// Where a value comes from; it is its own number.
struct Source {
    key: u8,
    /// When its load began, in steps of everything.
    begun: u32,
    /// The second at which it was stored, if it was.
    stored: Option<u64>,
}

/// All loads and what they give.
#[derive(Default)]
struct World {
    steps: u32,
    sources: Vec<Source>,
    running: Vec<(usize, oneshot::Sender<bool>)>,
    /// Loads of each key that failed, were dropped, or ended beside others of the same flight, and when the last was.
    troubled: HashMap<u8, u32>,
}

impl World {
    fn source(&mut self, key: u8) -> usize {
        self.steps += 1;
        self.sources.push(Source { key, begun: self.steps, stored: None });
        self.sources.len() - 1
    }

    /// When last a load of this key was no help to those who waited for it.
    fn trouble(&self, key: u8) -> u32 {
        self.troubled.get(&key).copied().unwrap_or(0)
    }

    /// Whether a load of this key runs that began after that step.
    fn runs_since(&self, key: u8, step: u32) -> bool {
        let sources = self.running.iter().map(|(number, _)| &self.sources[*number]);
        sources.into_iter().any(|source| source.key == key && source.begun > step)
    }
}

/// A load that runs; dropped, it leaves the list.
struct Running(Rc<RefCell<World>>, usize);

impl Drop for Running {
    fn drop(&mut self) {
        let mut world = self.0.borrow_mut();
        world.steps += 1;
        let (now, key) = (world.steps, world.sources[self.1].key);
        let before = world.running.len();
        world.running.retain(|(number, _)| *number != self.1);
        if world.running.len() < before {
            world.troubled.insert(key, now);
        }
    }
}

async fn load(world: Rc<RefCell<World>>, key: u8) -> Result<usize, ()> {
    let (number, end) = {
        let (sender, end) = oneshot::channel();
        let mut world = world.borrow_mut();
        let number = world.source(key);
        world.running.push((number, sender));
        (number, end)
    };
    let running = Running(world, number);
    let ok = end.await == Ok(true);
    drop(running);
    if ok { Ok(number) } else { Err(()) }
}

/// A call that waits.
struct Waiting {
    key: u8,
    /// What a value must have begun after.
    floor: u32,
    call: Pin<Box<dyn Future<Output = Result<usize, ()>>>>,
}

struct Model {
    ttl: u64,
    stale: u64,
    on_error: u64,
    now: u64,
    world: Rc<RefCell<World>>,
    /// What is stored: the newest of all that may be.
    entries: HashMap<u8, usize>,
    /// When a key was last changed by hand.
    floors: HashMap<u8, u32>,
}

impl Model {
    fn floor(&self, key: u8) -> u32 {
        self.floors.get(&key).copied().unwrap_or(0)
    }

    /// A load has ended well.
    fn store(&mut self, number: usize) {
        let mut world = self.world.borrow_mut();
        world.sources[number].stored = Some(self.now);
        let Source { key, begun, .. } = world.sources[number];
        let newer = self.entries.get(&key).is_none_or(|there| world.sources[*there].begun < begun);
        drop(world);
        if begun > self.floor(key) && newer {
            self.entries.insert(key, number);
        }
    }

    /// A key is changed by hand.
    fn touch(&mut self, key: u8) {
        let mut world = self.world.borrow_mut();
        world.steps += 1;
        self.floors.insert(key, world.steps);
        self.entries.remove(&key);
    }

    /// What a look-up that doesn't load must give.
    fn get(&self, key: u8) -> Option<usize> {
        let number = *self.entries.get(&key)?;
        let stored = self.world.borrow().sources[number].stored?;
        (self.now < stored + self.ttl + self.stale).then_some(number)
    }

    /// Why a call may not be given this value.
    fn wrong(&self, key: u8, floor: u32, number: usize) -> Option<&'static str> {
        let source = &self.world.borrow().sources[number];
        let ends = self.ttl + self.stale.max(self.on_error);
        if source.key != key {
            Some("another key's value")
        } else if source.begun <= floor {
            Some("a value whose load began before an invalidation that the call came after")
        } else if source.stored.is_none_or(|stored| self.now >= stored + ends) {
            Some("a value past its end")
        } else {
            None
        }
    }
}

/// Polls all calls until nothing moves any more; those that have ended are judged.
fn settle(model: &Model, waiting: &mut Vec<Waiting>) -> Result<(), TestCaseError> {
    for _ in 0..100 {
        let before = (waiting.len(), model.world.borrow().sources.len());
        let mut wrong = None;
        waiting.retain_mut(|call| match call.call.as_mut().poll(&mut Context::from_waker(noop_waker_ref())) {
            Poll::Pending => true,
            Poll::Ready(got) => {
                wrong = wrong.or(got.ok().and_then(|number| model.wrong(call.key, call.floor, number)));
                false
            }
        });
        prop_assert_eq!(wrong, None);
        if before == (waiting.len(), model.world.borrow().sources.len()) {
            return Ok(());
        }
    }
    Err(TestCaseError::fail("calls that never come to rest"))
}

fn schedule(cache: &Cache<u8, usize>, mut model: Model, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let clock = clock::pause();
    let world = Rc::clone(&model.world);
    let mut waiting: Vec<Waiting> = Vec::new();
    let end = |model: &mut Model, nth: usize, ok: bool| {
        let mut at = world.borrow_mut();
        if at.running.is_empty() {
            return;
        }
        let nth = nth % at.running.len();
        let (number, sender) = at.running.swap_remove(nth);
        at.steps += 1;
        let (now, key) = (at.steps, at.sources[number].key);
        let trouble = at.trouble(key).max(model.floor(key));
        // Those that wait for several loads (after a failure they go on in waves) have all that they want with the first:
        // nobody joins the others any more.
        if !ok || (at.sources[number].begun > trouble && at.runs_since(key, trouble)) {
            at.troubled.insert(key, now);
        }
        drop(at);
        // It is stored by the poll that follows: nothing comes in between.
        if ok {
            model.store(number);
        }
        sender.send(ok).expect("it runs");
    };
    for (i, step) in steps.into_iter().enumerate() {
        match step {
            Step::Call(key) => {
                let floor = model.floor(key);
                let (call, world) = (cache.clone(), Rc::clone(&world));
                let loads = model.world.borrow().sources.len();
                let quiet = {
                    let world = model.world.borrow();
                    world.runs_since(key, world.trouble(key).max(floor))
                };
                let call = async move { call.try_get_or_load_async(key, load(world, key)).await };
                waiting.push(Waiting { key, floor, call: Box::pin(call) });
                settle(&model, &mut waiting)?;
                let begun = model.world.borrow().sources.len() - loads;
                // With windows, a load that renews an old value may be too late for those who come after its end.
                let one_load = quiet && model.stale.max(model.on_error) == 0;
                prop_assert!(begun <= usize::from(!one_load), "step {}: {:?} began {} loads", i, step, begun);
            }
            Step::End(nth, ok) => end(&mut model, usize::from(nth), ok),
            Step::Drop(nth) if !waiting.is_empty() => drop(waiting.swap_remove(usize::from(nth) % waiting.len())),
            Step::Drop(_) => {}
            Step::Get(key) => prop_assert_eq!(cache.get(&key), model.get(key), "step {}: {:?}", i, step),
            Step::Set(key) => {
                model.touch(key);
                let number = model.world.borrow_mut().source(key);
                cache.set(key, number);
                model.store(number);
            }
            Step::Invalidate(key) => {
                cache.invalidate(&key);
                model.touch(key);
            }
            Step::Clear => {
                cache.clear();
                (0..2).for_each(|key| model.touch(key));
            }
            Step::Advance(seconds) => {
                clock.advance(secs(u64::from(seconds)));
                model.now += u64::from(seconds);
            }
        }
        settle(&model, &mut waiting)?;
        for key in 0..2 {
            prop_assert_eq!(cache.contains(&key), model.get(key).is_some(), "key {} after step {}: {:?}", key, i, step);
        }
    }
    // Promise 4: every wait ends.
    for _ in 0..200 {
        end(&mut model, 0, true);
        settle(&model, &mut waiting)?;
    }
    prop_assert!(waiting.is_empty() && world.borrow().running.is_empty());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_overlaps_is_fenced(
        store in 0..3,
        ttl in 2..12_u64,
        (stale, on_error) in prop_oneof![2 => Just((0, 0)), 1 => (0..8_u64, 0..8_u64)],
        steps in steps(),
    ) {
        let builder = Cache::builder().ttl(secs(ttl)).stale_while_revalidate(secs(stale)).stale_if_error(secs(on_error));
        let cache = match store {
            0 => builder.build(),
            1 => builder.eviction(Eviction::Sieve).build(),
            _ => builder.unbounded().build(),
        };
        let world = Rc::default();
        let model =
            Model { ttl, stale, on_error, now: 0, world, entries: HashMap::new(), floors: HashMap::new() };
        schedule(&cache, model, steps)?;
    }
}
