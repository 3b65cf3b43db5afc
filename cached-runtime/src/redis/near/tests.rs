//! Reads without the driver, against real servers and against what is none. Must never take a failure of theirs for the
//! server's.

use super::*;
use crate::redis::testing::Server;
use crate::redis::{Client, Config};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::thread;
use tokio::runtime::{Builder, Runtime};

/// How long something may take before a test calls it hung.
const PATIENCE: Duration = Duration::from_secs(20);

fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "not {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

fn client(name: &'static str, server: &Server, most: usize) -> Client {
    let config = Config::from_url(server.url()).near_connections(most);
    let config = config.connect_deadline(PATIENCE).read_deadline(PATIENCE).write_deadline(PATIENCE);
    config.budget(PATIENCE).install_as(name).unwrap();
    Client::named(name)
}

async fn read(
    client: Client,
    keys: impl IntoIterator<Item = u32>,
    budget: &crate::redis::Budget,
) -> Result<Vec<Option<Bytes>>, crate::Error> {
    let keys: Vec<String> = keys.into_iter().map(|key| key.to_string()).collect();
    let keys: Vec<&[u8]> = keys.iter().map(String::as_bytes).collect();
    client.look(&keys, budget).await
}

/// What a server that was filled with [`fill`] answers.
fn values(keys: impl IntoIterator<Item = u32>) -> Vec<Option<Bytes>> {
    keys.into_iter().map(|key| Some(format!("<{key}>").into())).collect()
}

fn fill(server: &Server, count: u32) {
    let words: Vec<String> = (0..count).map(|key| format!("SET {key} <{key}>")).collect();
    server.raw(&words.join("\r\n"));
}

/// Connections but that of the one who asks.
fn connections(server: &Server) -> usize {
    let info = server.raw("INFO clients");
    let clients = info.lines().find_map(|line| line.strip_prefix("connected_clients:")).unwrap();
    clients.trim().parse::<usize>().unwrap() - 1
}

#[test]
fn everyone_gets_the_own_answer_also_beside_those_who_leave() {
    let server = Server::start(&[]);
    fill(&server, 100);
    let client = client("near_tasks", &server, 16);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    connect_near(&runtime, client, &server);
    let look = move |keys: Vec<u32>| async move { read(client, keys, &client.budget()).await };
    runtime.block_on(async {
        let tasks: Vec<_> = (0..600)
            .map(|n: u32| {
                let keys: Vec<u32> = (0..n % 7).map(|more| (n + more) % 100).chain([n % 100]).collect();
                let task = tokio::spawn(look(keys.clone()));
                if n.is_multiple_of(5) {
                    task.abort();
                }
                (task, keys)
            })
            .collect();
        for (task, keys) in tasks {
            match task.await {
                Ok(found) => assert_eq!(found, Ok(values(keys))),
                Err(left) => assert!(left.is_cancelled()),
            }
        }
    });
    assert_eq!(connections(&server), 2, "still one for the driver and one for the runtime");
    drop(runtime);
    until("closed with its runtime", || connections(&server) == 1);
}

/// Polls on this thread, as an executor that is not tokio's and knows nothing of this crate.
fn polled<T>(work: impl Future<Output = T>) -> T {
    struct Unpark(thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut work = std::pin::pin!(work);
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
            return done;
        }
        thread::park_timeout(PATIENCE);
    }
}

/// Until the runtime has a connection of its own, and has read over it as well as over the driver's.
fn connect_near(runtime: &Runtime, client: Client, server: &Server) {
    until("connected", || {
        let look = async move { read(client, [1], &client.budget()).await };
        assert_eq!(runtime.block_on(look), Ok(values([1])));
        runtime.block_on(tokio::task::yield_now());
        server.raw("CLIENT LIST").matches("cmd=mget").count() == 2
    });
}

#[test]
fn nobody_waits_long_for_a_runtime_that_is_not_driven() {
    let server = Server::start(&[]);
    fill(&server, 2);
    let config = Config::from_url(server.url()).connect_deadline(PATIENCE).budget(PATIENCE);
    // What is waited for: a quarter of it.
    config.read_deadline(Duration::from_secs(2)).install_as("near_stuck").unwrap();
    let client = Client::named("near_stuck");
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    connect_near(&runtime, client, &server);
    {
        let _context = runtime.enter();
        // Once: later ones might make another connection.
        assert_eq!(polled(read(client, [1], &client.budget())), Ok(values([1])), "the driver's answer");
    }
    until("closed", || {
        // Now it is driven again, and finds out.
        runtime.block_on(tokio::task::yield_now());
        connections(&server) == 1
    });
    let look = async move { read(client, [1], &client.budget()).await };
    assert_eq!(runtime.block_on(look), Ok(values([1])));
}

#[test]
fn credentials_that_count_no_more_close_only_this_way() {
    let server = Server::start(&[]);
    fill(&server, 2);
    server.raw("ACL SETUSER app on >old ~* +@all");
    let url = server.url().replace("redis://", "redis://app:old@");
    let config = Config::from_url(url).connect_deadline(PATIENCE).read_deadline(PATIENCE).budget(PATIENCE);
    config.install_as("near_rotated").unwrap();
    let client = Client::named("near_rotated");
    let look = || async move { read(client, [1], &client.budget()).await };
    let runtime = || Builder::new_current_thread().enable_all().build().unwrap();
    // Only the driver's: there is no runtime, and nothing waits by blocking.
    assert_eq!(polled(look()), Ok(values([1])));
    server.raw("ACL SETUSER app resetpass >new");
    let late = runtime();
    until("refused", || {
        assert_eq!(late.block_on(look()), Ok(values([1])), "the driver's connection still counts");
        server.raw("ACL LOG").contains("auth")
    });
    until("closed", || connections(&server) == 1);
    let url = server.url().replace("redis://", "redis://app:new@");
    let config = Config::from_url(url).connect_deadline(PATIENCE).read_deadline(PATIENCE).budget(PATIENCE);
    config.install_as("near_rotated").unwrap();
    connect_near(&late, client, &server);
}

#[test]
fn threads_have_so_many_connections_and_no_more() {
    for (name, most) in [("near_threads", 2), ("near_none", 0)] {
        let server = Server::start(&[]);
        fill(&server, 100);
        let client = client(name, &server, most);
        let look = |key| client.block_on(read(client, [key], &client.budget()));
        until("connected", || {
            thread::scope(|scope| {
                for key in 0..8 {
                    scope.spawn(move || assert_eq!(look(key), Ok(values([key]))));
                }
            });
            connections(&server) == 1 + most
        });
        (0..100).for_each(|key| assert_eq!(look(key), Ok(values([key]))));
        assert_eq!(connections(&server), 1 + most);
    }
}

/// Says at first who it is, and answers everything after that with the same bytes; gives its port.
fn parrot(answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut buffer = [0; 1024];
                let mut next = format!("${}\r\n{RUN}\r\n", RUN.len()).into_bytes();
                while let Ok(1..) = stream.read(&mut buffer) {
                    if stream.write_all(&std::mem::replace(&mut next, answer.to_vec())).is_err() {
                        break;
                    }
                }
            });
        }
    });
    port
}

const RUN: &str = "# Server\r\nrun_id:0f2a\r\n";

/// A server that is none, and what is asked of it.
struct Odd {
    near: Near,
    info: ConnectionInfo,
    driver: Driver,
    patience: Duration,
    met: Arc<Met>,
}

impl Odd {
    fn new(answer: &'static [u8]) -> Arc<Self> {
        Self::beside(RUN, answer)
    }

    /// Beside a connection that leads to `run`.
    fn beside(run: &str, answer: &'static [u8]) -> Arc<Self> {
        let info = redis::Client::open(format!("redis://127.0.0.1:{}", parrot(answer))).unwrap();
        let info = info.get_connection_info().clone();
        // A busy machine must not make a good one late.
        let patience = if answer == GOOD { PATIENCE } else { Duration::from_millis(40) };
        let (near, driver) = (Near::beside(RunId::in_info(run.as_bytes())), driver::driver().unwrap());
        Arc::new(Self { near, info, driver, patience, met: Arc::default() })
    }

    async fn ask(&self) -> Option<Vec<Option<Bytes>>> {
        let Self { info, driver, patience, met, .. } = self;
        let (start, patience) = (Instant::now(), *patience);
        let plan = Plan { keys: &[b"1"], info, driver, start, patience, connecting: PATIENCE, most: 1, met };
        self.near.ask(&plan).await
    }

    /// Asks in a task of the runtime until its connection is of use, or has turned out not to be.
    fn settle(self: &Arc<Self>, runtime: &Runtime) -> Option<Vec<Option<Bytes>>> {
        let begun = Instant::now();
        loop {
            let odd = Arc::clone(self);
            let answer = runtime.block_on(async move { odd.ask().await });
            // Lets the other tasks of a one-thread runtime run.
            runtime.block_on(tokio::task::yield_now());
            if answer.is_some() || self.near.runtimes.is_closed() {
                return answer;
            }
            assert!(begun.elapsed() < PATIENCE, "neither an answer nor an end");
            thread::sleep(Duration::from_millis(2));
        }
    }
}

const GOOD: &[u8] = b"*1\r\n$1\r\na\r\n";
const NONE_OF_OURS: [&[u8]; 4] = [b"", b"-ERR no\r\n", b"*1\r\n:7\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"];

#[test]
fn what_gives_no_good_answer_is_left_alone_by_tasks() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let answer = Some(vec![Some(Bytes::from_static(b"a"))]);
    assert_eq!(Odd::new(GOOD).settle(&runtime), answer);
    for bytes in NONE_OF_OURS {
        let odd = Odd::new(bytes);
        assert_eq!(odd.settle(&runtime), None, "{}", String::from_utf8_lossy(bytes));
        assert!(odd.near.runtimes.is_closed());
    }
}

#[test]
fn what_gives_no_good_answer_is_left_alone_by_threads() {
    for bytes in NONE_OF_OURS.into_iter().chain([GOOD]) {
        let odd = Odd::new(bytes);
        let begun = Instant::now();
        let answer = loop {
            let was_idle = odd.near.blocking.is_idle();
            let answer = driver::block_on(odd.ask());
            if was_idle {
                break answer;
            }
            assert_eq!(answer, None, "nobody waits for a connection to be made");
            assert!(begun.elapsed() < PATIENCE);
            thread::sleep(Duration::from_millis(2));
        };
        assert_eq!(answer.is_some(), bytes == GOOD);
        assert_eq!(odd.near.blocking.is_idle(), bytes == GOOD, "a bad one is closed");
    }
}

#[test]
fn a_runtime_without_io_is_noticed_once_and_left_alone() {
    let (test, panics) = (thread::current().id(), Arc::new(AtomicUsize::new(0)));
    let (before, counted) = (std::panic::take_hook(), Arc::clone(&panics));
    std::panic::set_hook(Box::new(move |panic| {
        // Other tests panic on purpose.
        counted.fetch_add(usize::from(thread::current().id() == test), Ordering::Relaxed);
        before(panic);
    }));
    let odd = Odd::new(GOOD);
    let without = Builder::new_current_thread().build().unwrap();
    assert_eq!(odd.settle(&without), None);
    // Another connection to the server, another runtime: neither is tried.
    let again = Odd { met: Arc::clone(&odd.met), ..Arc::into_inner(Odd::new(GOOD)).unwrap() };
    assert_eq!(without.block_on(again.ask()), None);
    assert_eq!(Builder::new_current_thread().enable_all().build().unwrap().block_on(again.ask()), None);
    assert!(again.near.runtimes.is_empty());
    assert_eq!(panics.load(Ordering::Relaxed), 1);
}

#[test]
fn another_server_than_the_drivers_is_left_alone() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(Odd::beside("run_id:other\r\n", GOOD).settle(&runtime), None);
    let unknown = Odd::beside("", GOOD);
    assert_eq!(runtime.block_on(unknown.ask()), None);
    assert!(unknown.near.runtimes.is_empty(), "nothing is tried where the server doesn't say who it is");
}

#[test]
fn pauses_double_while_nothing_works() {
    let mut rest = Rest::first();
    assert!(rest.is_over());
    for _ in 0..10 {
        rest.begin();
        assert!(!rest.is_over());
    }
    assert_eq!(rest.pause, LONGEST);
    rest.worked();
    assert_eq!(rest.pause, SHORTEST);
}
