//! The workloads: which keys are asked for, how a batch is timed, who takes part.
//! A hit workload must never be timed unless every call of it hits.

use crate::functions::{self, Product, load, loads};
use crate::report::name;
use cached_benches::harness::Contestant;
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands as _, Commands as _};
use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Instant;
use tokio::runtime::{Builder, Runtime};

/// So many entries; each call asks for the next.
const KEYS: u64 = 1000;
/// Keys of one bulk call.
const BULK: u64 = 64;
const TASKS: u64 = 64;
const THREADS: u64 = 16;

type Called = Pin<Box<dyn Future<Output = ()> + Send>>;
/// One call with a key.
type Call = Arc<dyn Fn(u64) -> Called + Send + Sync>;
type SyncCall = Arc<dyn Fn(u64) + Send + Sync>;

/// What the contestants stand on.
pub(crate) struct World {
    client: redis::Client,
    /// As `#[tokio::main]` makes it.
    runtime: Arc<Runtime>,
    connection: MultiplexedConnection,
}

fn key(id: u64) -> String {
    format!("raw:{id}")
}

fn decode(bytes: &[u8]) -> Product {
    serde_json::from_slice(bytes).expect("what was stored")
}

impl World {
    /// Everything that is asked for is there afterwards.
    pub(crate) fn new(url: &str) -> Self {
        let runtime = Arc::new(Builder::new_multi_thread().enable_all().build().expect("a runtime"));
        let client = redis::Client::open(url).expect("a good URL");
        let mut sync = client.get_connection().expect("a server");
        for id in 0..KEYS {
            let json = serde_json::to_vec(&load(id)).expect("JSON");
            let _: () = sync.set(key(id), json).expect("stored");
            functions::product_sync(id);
        }
        let connection = runtime.block_on(client.get_multiplexed_async_connection()).expect("a server");
        runtime.block_on(async {
            for id in 0..KEYS {
                functions::product(id).await;
                functions::plain(id).await;
                functions::peer(id).await.expect("a server");
            }
            functions::products(&(0..KEYS).collect::<Vec<_>>()).await;
        });
        Self { client, runtime, connection }
    }

    fn raw(&self) -> Call {
        raw(&self.connection)
    }

    fn raw_alone(&self) -> Call {
        let connection = self.connection.clone();
        Arc::new(move |id| {
            let mut connection = connection.clone();
            Box::pin(async move {
                let bytes: Vec<u8> = connection.get(key(id)).await.expect("a server");
                black_box(bytes);
            })
        })
    }

    /// One call after the other, in one task of a runtime of several threads.
    pub(crate) fn one_at_a_time(&self) -> Vec<Contestant> {
        let calls = [
            (name::OURS, ours()),
            (name::PLAIN, plain()),
            (name::RAW, self.raw()),
            (name::RAW_ALONE, self.raw_alone()),
            (name::PEER, peer()),
        ];
        calls.map(|(name, call)| contestant(name, 2_000, tasks(&self.runtime, 1, call))).into()
    }

    /// The same on a runtime of one thread, where the raw connection needs no other.
    pub(crate) fn one_thread(&self) -> Vec<Contestant> {
        let runtime = Arc::new(Builder::new_current_thread().enable_all().build().expect("a runtime"));
        let connection = runtime.block_on(self.client.get_multiplexed_async_connection()).expect("a server");
        let calls = [(name::OURS, ours()), (name::RAW, raw(&connection))];
        calls.map(|(name, call)| contestant(name, 2_000, tasks(&runtime, 1, call))).into()
    }

    /// Many tasks at once.
    pub(crate) fn tasks(&self) -> Vec<Contestant> {
        let calls = [
            (name::OURS, ours()),
            (name::PLAIN, plain()),
            (name::RAW, self.raw()),
            (name::RAW_ALONE, self.raw_alone()),
            (name::PEER, peer()),
        ];
        calls.map(|(name, call)| contestant(name, 128 * TASKS, tasks(&self.runtime, TASKS, call))).into()
    }

    /// One call after the other, without any runtime.
    pub(crate) fn sync(&self) -> Vec<Contestant> {
        let connection = Mutex::new(self.client.get_connection().expect("a server"));
        let raw: SyncCall = Arc::new(move |id| {
            let mut connection = connection.lock().expect("no panic");
            let bytes: Vec<u8> = connection.get(key(id)).expect("a server");
            black_box(decode(&bytes));
        });
        let calls = [(name::OURS, sync()), (name::CONNECTION, raw)];
        calls.map(|(name, call)| contestant(name, 2_000, threads(1, call))).into()
    }

    /// Many threads at once.
    pub(crate) fn threads(&self) -> Vec<Contestant> {
        let pool = |test| {
            let size = u32::try_from(THREADS).expect("few");
            let pool = r2d2::Pool::builder().max_size(size).test_on_check_out(test).build(self.client.clone());
            let pool = pool.expect("a server");
            let call: SyncCall = Arc::new(move |id| {
                let bytes: Vec<u8> = pool.get().expect("a connection").get(key(id)).expect("a server");
                black_box(decode(&bytes));
            });
            call
        };
        let calls = [(name::OURS, sync()), (name::POOL, pool(true)), (name::POOL_UNTESTED, pool(false))];
        calls.map(|(name, call)| contestant(name, 256 * THREADS, threads(THREADS, call))).into()
    }

    /// Many keys in one call.
    pub(crate) fn bulk(&self) -> Vec<Contestant> {
        let ids = |first: u64| (first..first + BULK).map(|id| id % KEYS);
        let many: Call = Arc::new(move |first| {
            Box::pin(async move {
                let found = functions::product::many(ids(first)).await;
                assert!(found.iter().all(Option::is_some), "all are there");
                black_box(found);
            })
        });
        let each: Call = Arc::new(move |first| {
            Box::pin(async move {
                let ids: Vec<u64> = ids(first).collect();
                black_box(functions::products(&ids).await);
            })
        });
        let connection = self.connection.clone();
        let raw: Call = Arc::new(move |first| {
            let mut connection = connection.clone();
            Box::pin(async move {
                let keys: Vec<String> = ids(first).map(key).collect();
                let found: Vec<Vec<u8>> = connection.mget(keys).await.expect("a server");
                let found: Vec<Product> = found.iter().map(|bytes| decode(bytes)).collect();
                black_box(found);
            })
        });
        let calls = [(name::MANY, many), (name::EACH, each), (name::MGET, raw)];
        calls.map(|(name, call)| contestant(name, 500, tasks(&self.runtime, 1, call))).into()
    }

    /// A new key each time.
    pub(crate) fn miss(&self) -> Vec<Contestant> {
        static NEXT: AtomicU64 = AtomicU64::new(KEYS);
        let new = |call: Call| -> Call { Arc::new(move |_| call(NEXT.fetch_add(1, Ordering::Relaxed))) };
        let connection = self.connection.clone();
        let by_hand: Call = Arc::new(move |id| {
            let mut connection = connection.clone();
            Box::pin(async move {
                let found: Option<Vec<u8>> = connection.get(key(id)).await.expect("a server");
                assert!(found.is_none(), "it is new");
                let json = serde_json::to_vec(&load(id)).expect("JSON");
                let _: () = connection.set_ex(key(id), json, 3600).await.expect("a server");
            })
        });
        let calls = [(name::OURS, new(ours())), (name::BY_HAND, new(by_hand)), (name::PEER, new(peer()))];
        let timed = |call| tasks_unchecked(&self.runtime, 1, call);
        calls.map(|(name, call)| Contestant { name, operations: 500, batch: Box::new(timed(call)) }).into()
    }
}

fn ours() -> Call {
    Arc::new(|id| {
        Box::pin(async move {
            black_box(functions::product(id).await);
        })
    })
}

fn plain() -> Call {
    Arc::new(|id| {
        Box::pin(async move {
            black_box(functions::plain(id).await);
        })
    })
}

fn peer() -> Call {
    Arc::new(|id| {
        Box::pin(async move {
            black_box(functions::peer(id).await.expect("a server"));
        })
    })
}

fn sync() -> SyncCall {
    Arc::new(|id| {
        black_box(functions::product_sync(id));
    })
}

fn raw(connection: &MultiplexedConnection) -> Call {
    let connection = connection.clone();
    Arc::new(move |id| {
        let mut connection = connection.clone();
        Box::pin(async move {
            let bytes: Vec<u8> = connection.get(key(id)).await.expect("a server");
            black_box(decode(&bytes));
        })
    })
}

/// Times a batch of hits: one during which a body ran is timed again.
fn contestant(name: &'static str, operations: u64, mut timed: impl FnMut(u64) -> f64 + 'static) -> Contestant {
    let batch = move |operations| {
        for _ in 0..5 {
            let before = loads();
            let took = timed(operations);
            if loads() == before {
                return took;
            }
        }
        panic!("{name}: calls that should be hits run the body");
    };
    Contestant { name, operations, batch: Box::new(batch) }
}

#[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 calls")]
fn per_call(start: Instant, operations: u64) -> f64 {
    start.elapsed().as_nanos() as f64 / operations as f64
}

fn tasks(runtime: &Arc<Runtime>, count: u64, call: Call) -> impl FnMut(u64) -> f64 + use<> {
    tasks_unchecked(runtime, count, call)
}

/// Wall time of all calls of all tasks, divided by their number.
fn tasks_unchecked(runtime: &Arc<Runtime>, count: u64, call: Call) -> impl FnMut(u64) -> f64 + use<> {
    let runtime = Arc::clone(runtime);
    move |operations| {
        let each = (operations / count).max(1);
        runtime.block_on(async {
            let start = Instant::now();
            let one = |task: u64| {
                let call = Arc::clone(&call);
                tokio::spawn(async move {
                    // Each begins elsewhere.
                    for at in 0..each {
                        call((task * KEYS / count + at) % KEYS).await;
                    }
                })
            };
            let all: Vec<_> = (0..count).map(one).collect();
            for task in all {
                task.await.expect("no panic");
            }
            per_call(start, each * count)
        })
    }
}

fn threads(count: u64, call: SyncCall) -> impl FnMut(u64) -> f64 {
    move |operations| {
        let each = (operations / count).max(1);
        let ready = Barrier::new(usize::try_from(count).expect("few") + 1);
        thread::scope(|scope| {
            let one = |thread: u64| {
                let (call, ready) = (&call, &ready);
                scope.spawn(move || {
                    ready.wait();
                    for at in 0..each {
                        call((thread * KEYS / count + at) % KEYS);
                    }
                })
            };
            let all: Vec<_> = (0..count).map(one).collect();
            ready.wait();
            let start = Instant::now();
            for thread in all {
                thread.join().expect("no panic");
            }
            per_call(start, each * count)
        })
    }
}
