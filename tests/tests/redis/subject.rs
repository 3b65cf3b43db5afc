//! What the fault tests call: a cached function over a server of the test's, whose values tell which load made them. It
//! holds no expectation of its own but the promise that a call ends in time and with a value of its key.

use cached_runtime::{Cache, Error, Redis, redis::Config};
use cached_tests::{Counter, PATIENCE, run, within};
use std::{
    future::Future,
    process,
    sync::{Arc, Mutex, Once, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// How much later a call may end because of Redis.
pub(crate) const BUDGET: Duration = Duration::from_millis(300);
/// The same while a first connection is made.
pub(crate) const CONNECTING: Duration = Duration::from_millis(500);
/// What a call may take once the server is known to be away.
pub(crate) const AT_ONCE: Duration = Duration::from_millis(50);

/// A cached function of a number, instant unless a test gives it a body of its own.
#[derive(Clone)]
pub(crate) struct Subject {
    cache: Cache<u64, String, Redis>,
    loads: Arc<Counter>,
    patient: bool,
}

/// What came of one call.
#[derive(Debug)]
pub(crate) struct Called {
    pub(crate) value: String,
    /// All of it is the cache's doing: the body takes no time.
    pub(crate) took: Duration,
    /// How many loads there were after it.
    pub(crate) loads: usize,
}

impl Subject {
    /// Over the server at `url`; nothing is connected before the first call. `name` is the connection's and the cache's.
    pub(crate) fn at(name: &'static str, url: &str) -> Self {
        Config::from_url(url).namespace("tests").install_as(name).expect("a good URL");
        Self::over(name)
    }

    /// The same with deadlines that no busy machine misses, for tests that are not about them: a call that misses one runs
    /// the function, as it should.
    pub(crate) fn patient(name: &'static str, url: &str) -> Self {
        patiently(url).install_as(name).expect("a good URL");
        Self { patient: true, ..Self::over(name) }
    }

    /// Over a connection that was configured before, or never.
    pub(crate) fn over(connection: &'static str) -> Self {
        // Watches the machine from here on.
        slack();
        let cache = Cache::builder().name(connection).ttl(Duration::from_mins(1)).redis(connection).build_redis();
        Self { cache, loads: Arc::default(), patient: false }
    }

    /// How often the body ran.
    pub(crate) fn loads(&self) -> usize {
        self.loads.get()
    }

    /// The cache itself.
    pub(crate) fn cache(&self) -> &Cache<u64, String, Redis> {
        &self.cache
    }

    /// What the next load of a key gives.
    fn load(&self, key: u64) -> String {
        format!("<{key}> of load {} in {}", self.loads.up(), process::id())
    }

    /// A call from sync code.
    pub(crate) fn call(&self, key: u64) -> Called {
        let subject = self.clone();
        within(PATIENCE, "a call", move || {
            let begun = Instant::now();
            let value = subject.cache.get_or_load(key, || subject.load(key));
            subject.called(key, value, begun)
        })
    }

    /// A call from async code.
    pub(crate) async fn task(&self, key: u64) -> Called {
        let begun = Instant::now();
        let value = self.cache.get_or_load_async(key, async { self.load(key) }).await;
        self.called(key, value, begun)
    }

    fn called(&self, key: u64, value: String, begun: Instant) -> Called {
        let took = begun.elapsed();
        assert!(value.starts_with(&format!("<{key}>")), "key {key} got {value}");
        Called { value, took, loads: self.loads() }
    }

    /// A call whose body `then` stands in the middle of.
    pub(crate) fn call_during(&self, key: u64, then: impl FnOnce()) -> String {
        self.cache.get_or_load(key, || {
            then();
            self.load(key)
        })
    }

    /// The same from async code.
    pub(crate) async fn task_during(&self, key: u64, then: impl Future<Output = ()>) -> String {
        let load = async {
            then.await;
            self.load(key)
        };
        self.cache.get_or_load_async(key, load).await
    }

    /// One sync and one async call of each key, none of which may take longer than `limit` and the machine's share; returns
    /// the longest.
    pub(crate) fn bounded(&self, what: &str, keys: impl IntoIterator<Item = u64>, limit: Duration) -> Duration {
        let mut longest = Duration::ZERO;
        for key in keys {
            let subject = self.clone();
            let took = if key % 2 == 0 {
                self.call(key).took
            } else {
                run(move || async move { subject.task(key).await.took })
            };
            assert!(took <= limit + slack(), "{what}: a call took {took:?}, where {limit:?} is promised");
            longest = longest.max(took);
        }
        longest
    }

    /// Makes sure that a key is stored: the next call is a hit. On a busy machine a call may miss its deadline and run the
    /// function instead, as it should, so this is tried again; with [`patient`](Self::patient) it isn't.
    pub(crate) fn warm(&self, key: u64) -> String {
        let mut value = self.call(key).value;
        cached_tests::eventually("a stored value", || {
            let before = std::mem::replace(&mut value, self.call(key).value);
            assert!(before == value || !self.patient, "it was not stored");
            before == value
        });
        value
    }

    /// Waits until values are stored and found again; returns how long that took.
    pub(crate) fn recovered(&self) -> Duration {
        let begun = Instant::now();
        let mut key = 1_000_000;
        cached_tests::eventually("the cache to work again", || {
            key += 1;
            let first = self.call(key);
            let second = self.call(key);
            first.value == second.value && second.loads == first.loads
        });
        begun.elapsed()
    }

    /// From sync code.
    pub(crate) fn invalidate(&self, key: u64) -> Result<(), Error> {
        let subject = self.clone();
        within(PATIENCE, "an invalidation", move || subject.cache.invalidate(&key))
    }
}

/// A configuration that waits for a busy machine.
pub(crate) fn patiently(url: &str) -> Config {
    const LONG: Duration = Duration::from_secs(5);
    Config::from_url(url)
        .namespace("tests")
        .connect_deadline(LONG)
        .read_deadline(LONG)
        .write_deadline(LONG)
        .budget(LONG)
}

/// What a busy machine may add to any measured time before it counts: always a bit; and for how long it has lately left a
/// thread waiting that was ready to run. That thread sleeps in short turns and notes by how much they are too long.
pub(crate) fn slack() -> Duration {
    const ALWAYS: Duration = Duration::from_millis(250);
    const TURN: Duration = Duration::from_millis(2);
    const LATELY: Duration = Duration::from_secs(5);
    static STALLS: Mutex<Vec<(Instant, Duration)>> = Mutex::new(Vec::new());
    static WATCHING: Once = Once::new();
    let stalls = || STALLS.lock().unwrap_or_else(PoisonError::into_inner);
    WATCHING.call_once(|| {
        thread::spawn(move || {
            loop {
                let begun = Instant::now();
                thread::sleep(TURN);
                let late = begun.elapsed().saturating_sub(TURN);
                if late > TURN {
                    stalls().push((Instant::now(), late));
                }
            }
        });
    });
    let stalled: Duration = stalls().iter().filter(|(at, _)| at.elapsed() < LATELY).map(|(_, late)| *late).sum();
    ALWAYS + stalled
}

/// A line for the table of faults.
pub(crate) fn note(fault: &str, extra: Duration, recovered: Option<Duration>) {
    let recovered = recovered.map_or_else(|| "-".to_owned(), |took| format!("{} ms", took.as_millis()));
    println!("fault: {fault} | extra {} ms | recovered after {recovered}", extra.as_millis());
}
