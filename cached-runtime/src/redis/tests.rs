//! The client against real servers, and against what isn't one. Must never need a server that it didn't start.

use super::testing::{Directory, Proxy, Server, free_port, stalled_since};
use super::{Budget, Client, Config, Kind, State, check_named, disconnect, driver, health, news};
use crate::error::{Error, ErrorKind, Refusal};
use parking_lot::{Mutex, RwLock};
use redis::{Pipeline, Value, cmd};
use std::io::Write;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

/// Closes connections of all the others: while it runs, nobody else does.
static DISCONNECTING: RwLock<()> = RwLock::new(());

/// What was logged, by all tests.
static LOGGED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Lines that say so hang while this is held.
static HANGING: RwLock<()> = RwLock::new(());

struct Logger;

fn log_to_us() {
    if log::set_logger(&Logger).is_ok() {
        log::set_max_level(log::LevelFilter::Info);
    }
}

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{} {}", record.level(), record.args());
        if line.contains("hang on") {
            drop(HANGING.read());
        }
        LOGGED.lock().push(line);
    }

    fn flush(&self) {}
}

/// What a machine may add to any figure, besides the time in which it ran nobody.
const SLACK: Duration = Duration::from_millis(60);
const BUDGET: Duration = Duration::from_millis(300);

/// Whether no more than `limit` has passed since `start`, give or take what the machine adds.
fn within(start: Instant, limit: Duration) -> bool {
    let took = start.elapsed();
    took <= limit + SLACK + 2 * stalled_since(start)
}

/// A connection with the deadlines that users get.
fn client(name: &'static str, config: Config) -> Client {
    let _ = stalled_since(Instant::now());
    config.install_as(name).unwrap();
    Client::named(name)
}

/// A connection that waits for a busy machine: where the deadlines are not what is tested.
fn patient(name: &'static str, config: Config) -> Client {
    const LONG: Duration = Duration::from_secs(10);
    client(name, config.connect_deadline(LONG).read_deadline(LONG).write_deadline(LONG).budget(LONG))
}

fn work(words: &[&str]) -> Pipeline {
    let mut work = Pipeline::new();
    let mut command = cmd(words[0]);
    command.arg(&words[1..]);
    work.add_command(command);
    work
}

fn read(client: Client, budget: &Budget) -> Result<Value, Error> {
    let answers = client.block_on(client.call(work(&["GET", "key"]), Kind::Read, budget));
    answers.map(|mut answers| answers.remove(0))
}

fn ask(client: Client, words: &[&str]) -> Result<Value, Error> {
    let answers = client.block_on(client.call(work(words), Kind::Write, &client.budget()));
    answers.map(|mut answers| answers.remove(0))
}

/// A read with a budget of its own, and when it began.
fn timed(client: Client) -> (Result<Value, Error>, Instant) {
    let start = Instant::now();
    (read(client, &client.budget()), start)
}

/// The first connection, however busy the machine is.
fn warm(client: Client) {
    let start = Instant::now();
    while timed(client).0.is_err() {
        assert!(start.elapsed() < Duration::from_secs(10));
        thread::sleep(Duration::from_millis(10));
    }
}

/// Reads until one works, each within its budget; gives how long that took.
fn recovers(client: Client, limit: Duration) -> Duration {
    let start = Instant::now();
    loop {
        let (read, began) = timed(client);
        assert!(within(began, BUDGET), "a call took {:?}", began.elapsed());
        if read.is_ok() {
            return start.elapsed();
        }
        assert!(within(start, limit), "still {read:?} after {:?}", start.elapsed());
        thread::sleep(Duration::from_millis(10));
    }
}

fn text(value: &Value) -> &str {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).unwrap(),
        Value::SimpleString(text) => text,
        Value::Okay => "OK",
        other => panic!("{other:?}"),
    }
}

#[test]
fn sync_callers_are_served_inside_and_outside_of_runtimes() {
    let _others = DISCONNECTING.read();
    let server = Server::start(&[]);
    let client = patient("sync", Config::from_url(server.url()));
    assert_eq!(ask(client, &["SET", "key", "1"]).as_ref().map(text), Ok("OK"));
    for workers in [false, true] {
        let runtime = if workers {
            tokio::runtime::Builder::new_current_thread().build()
        } else {
            tokio::runtime::Builder::new_current_thread().enable_all().build()
        };
        runtime.unwrap().block_on(async { assert_eq!(timed(client).0.as_ref().map(text), Ok("1")) });
    }
    assert!(timed(client).0.is_ok(), "after the runtimes are gone");
}

#[test]
fn async_callers_need_no_timers_and_no_runtime_and_their_runtimes_may_go() {
    let _others = DISCONNECTING.read();
    let server = Server::start(&[]);
    let client = patient("async", Config::from_url(server.url()));
    for _ in 0..3 {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let answer = runtime.block_on(client.call(work(&["PING"]), Kind::Read, &client.budget()));
        assert_eq!(answer.map(|answers| answers.len()), Ok(1));
    }
    let answer = super::driver::block_on(client.call(work(&["PING"]), Kind::Read, &client.budget()));
    assert_eq!(answer.map(|answers| answers.len()), Ok(1));
    assert_eq!(server.raw("INFO clients").matches("connected_clients:2").count(), 1, "one, and the one that asks");
}

#[test]
fn callers_of_many_threads_and_tasks_share_a_connection() {
    let _others = DISCONNECTING.read();
    let server = Server::start(&[]);
    let client = patient("many", Config::from_url(server.url()));
    ask(client, &["SET", "key", "1"]).unwrap();
    thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert_eq!(read(client, &Budget::new(10 * BUDGET)).as_ref().map(text), Ok("1"));
                }
            });
        }
        scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let budget = Budget::new(10 * BUDGET);
                let calls: Vec<_> =
                    (0..500).map(|_| tokio::spawn(client.call(work(&["GET", "key"]), Kind::Read, &budget))).collect();
                for call in calls {
                    assert!(call.await.unwrap().is_ok());
                }
            });
        });
    });
}

#[test]
fn without_a_server_a_call_fails_fast_then_at_once_and_recovers_when_it_comes() {
    let _others = DISCONNECTING.read();
    let server = Server::start(&[]);
    let url = server.url();
    let start_again = server.kill();
    let client = client("absent", Config::from_url(url));
    let (first, began) = timed(client);
    assert!(within(began, Duration::from_millis(100)), "a refused connection is known at once: {:?}", began.elapsed());
    assert_eq!(first.as_ref().map_err(Error::kind), Err(ErrorKind::Unreachable), "{first:?}");
    let (second, began) = timed(client);
    assert!(within(began, Duration::ZERO), "{:?}", began.elapsed());
    assert_eq!(second.as_ref().map_err(Error::kind), Err(ErrorKind::BreakerOpen), "{second:?}");
    assert_eq!(state("absent"), State::Failing);
    let _server = start_again();
    let took = recovers(client, Duration::from_millis(2500));
    println!("server comes up: recovered after {took:?}");
    assert_eq!(state("absent"), State::Well);
}

fn state(name: &str) -> State {
    health().into_iter().find(|health| health.name == name).unwrap().state
}

#[test]
fn each_change_of_state_is_one_line_in_the_log() {
    let _others = DISCONNECTING.read();
    log_to_us();
    let server = Server::start(&["--requirepass", "s3cret"]);
    let client = client("logged", Config::from_url(format!("redis://:s3cret@127.0.0.1:{}", server.port)));
    warm(client);
    let start_again = server.kill();
    let fails = || (0..50).for_each(|_| assert!(timed(client).0.is_err()));
    fails();
    thread::sleep(Duration::from_secs(1));
    fails();
    let server = start_again();
    recovers(client, Duration::from_millis(2500));
    server.raw("AUTH s3cret\r\nCONFIG SET maxmemory 1");
    (0..50).for_each(|_| assert!(ask(client, &["SET", "key", "1"]).is_err()));
    thread::sleep(Duration::from_millis(50));
    let lines: Vec<_> = LOGGED.lock().iter().filter(|line| line.contains("`logged`")).cloned().collect();
    let [down, up, full] = lines.as_slice() else { panic!("{lines:#?}") };
    assert!(down.starts_with("WARN") && down.contains("run without it"), "{down}");
    assert!(up.starts_with("INFO") && up.contains("answers again"), "{up}");
    assert!(full.starts_with("WARN") && full.contains("maxmemory"), "{full}");
    assert!(!lines.concat().contains("s3cret"));
}

#[test]
fn what_finds_no_helper_is_done_without_one() {
    static HELPERS: RwLock<()> = RwLock::new(());
    // Hosts of others are not looked up meanwhile.
    let _alone = DISCONNECTING.write();
    let client = Client::named("helpers");
    let held = HELPERS.write();
    let driver = driver::driver().unwrap();
    for _ in 0..8 {
        driver.spawn_blocking(|| drop(HELPERS.read()));
    }
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || tell.send(client.block_on(client.apart(Duration::from_millis(50), || 7))));
    let done = told.recv_timeout(Duration::from_secs(10));
    drop(held);
    assert_eq!(done, Ok(Some(7)));
}

#[test]
fn a_logger_that_hangs_keeps_one_thread_and_loses_no_line() {
    const LINES: usize = 10;
    // Lines of others wait as well.
    let _alone = DISCONNECTING.write();
    log_to_us();
    let driver = driver::driver().unwrap();
    let hanging = HANGING.write();
    for _ in 0..LINES {
        news::tell(&driver, log::Level::Warn, "to hang on".to_owned());
    }
    let (tell, told) = std::sync::mpsc::channel();
    driver.call_back(move || tell.send(()).unwrap());
    let heard = told.recv_timeout(Duration::from_secs(10));
    drop(hanging);
    assert_eq!(heard, Ok(()), "another user's code runs meanwhile");
    let start = Instant::now();
    while LOGGED.lock().iter().filter(|line| line.ends_with("to hang on")).count() < LINES {
        assert!(start.elapsed() < Duration::from_secs(10));
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_accepts_and_never_answers_costs_the_first_deadline_once() {
    let _others = DISCONNECTING.read();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let client = client("silent", Config::from_url(url));
    let (first, began) = timed(client);
    assert!(within(began, Duration::from_millis(500)), "{:?}", began.elapsed());
    println!("silent server: first call {:?} later", began.elapsed());
    assert!(first.is_err_and(|e| matches!(e.kind(), ErrorKind::Unreachable | ErrorKind::TimedOut)));
    thread::sleep(SLACK);
    let (_, began) = timed(client);
    assert!(within(began, Duration::ZERO), "{:?}", began.elapsed());
}

#[test]
fn what_is_no_redis_is_an_error_and_no_panic() {
    let _others = DISCONNECTING.read();
    let answers: [&'static [u8]; 5] =
        [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\x01\x02\x03", b"*9999999999\r\n", b"$-7\r\n", b""];
    for (at, answer) in answers.into_iter().enumerate() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        thread::spawn(move || listener.incoming().flatten().for_each(|mut peer| drop(peer.write_all(answer))));
        let name = ["foreign0", "foreign1", "foreign2", "foreign3", "foreign4"][at];
        let client = client(name, Config::from_url(url));
        let (read, began) = timed(client);
        assert!(read.is_err() && within(began, Duration::from_millis(500)), "{read:?} {:?}", began.elapsed());
    }
}

#[test]
fn a_frozen_connection_is_replaced_within_a_second() {
    let _others = DISCONNECTING.read();
    let server = Server::start(&[]);
    let proxy = Proxy::to(server.port);
    let client = client("frozen", Config::from_url(proxy.url()));
    for busy in [false, true] {
        warm(client);
        proxy.freeze();
        let start = Instant::now();
        if busy {
            let took = recovers(client, Duration::from_secs(1));
            println!("frozen connection: recovered after {took:?}");
        } else {
            // One call, then silence: the check in the background finds it out.
            assert!(timed(client).0.is_err());
            thread::sleep(Duration::from_millis(250));
            assert!(timed(client).0.is_ok(), "replaced without further calls");
        }
        assert!(within(start, Duration::from_secs(1)), "{:?}", start.elapsed());
    }
    let shown = health().into_iter().find(|health| health.name == "frozen").unwrap();
    assert_eq!(shown.opened, 0, "the server was well all the time: {shown:?}");
}

#[test]
fn a_frozen_connection_under_load_delays_nobody_beyond_the_budget() {
    let _others = DISCONNECTING.read();
    let server = Server::start(&[]);
    let proxy = Proxy::to(server.port);
    let client = client("frozen-load", Config::from_url(proxy.url()));
    warm(client);
    proxy.freeze();
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| recovers(client, Duration::from_secs(1)));
        }
    });
}

#[test]
fn a_stopped_server_costs_the_budget_at_most_and_is_back_soon_after_it_goes_on() {
    let _others = DISCONNECTING.read();
    let server = Server::start(&[]);
    let client = client("stopped", Config::from_url(server.url()));
    warm(client);
    server.stop();
    let start = Instant::now();
    let mut worst = Duration::ZERO;
    let mut at_once = 0;
    while start.elapsed() < Duration::from_millis(1500) {
        let (read, began) = timed(client);
        assert!(within(began, BUDGET), "{:?}", began.elapsed());
        assert!(read.is_err());
        worst = worst.max(began.elapsed());
        at_once += usize::from(began.elapsed() < Duration::from_millis(5));
        thread::sleep(Duration::from_millis(5));
    }
    println!("stopped server: at most {worst:?} later, {at_once} calls at once");
    assert!(at_once > 20, "{at_once}");
    server.go_on();
    let took = recovers(client, Duration::from_millis(2500));
    println!("stopped server goes on: recovered after {took:?}");
}

#[test]
fn a_restart_is_not_noticed_by_reads_that_come_after_it() {
    let _others = DISCONNECTING.read();
    let server = Server::start(&[]);
    let client = patient("restart", Config::from_url(server.url()));
    assert!(timed(client).0.is_ok());
    let start_again = server.kill();
    let _server = start_again();
    let (read, _) = timed(client);
    assert!(read.is_ok(), "{read:?}");
}

#[test]
fn a_restart_makes_no_other_server_of_it() {
    let _others = DISCONNECTING.read();
    log_to_us();
    let server = Server::start(&[]);
    let client = patient("same address", Config::from_url(server.url()));
    // Over both connections.
    let large = "x".repeat(300 * 1024);
    let both = |works: bool| {
        let done = (ask(client, &["SET", "key", "1"]).is_ok(), ask(client, &["SET", "key", &large]).is_ok());
        assert!(!works || done == (true, true), "{done:?}");
    };
    both(true);
    let start_again = server.kill();
    while client.link().unwrap().is_connected() {
        thread::sleep(Duration::from_millis(1));
    }
    let _server = start_again();
    both(false);
    both(true);
    // Lines are written in order, and this is one more.
    news::tell(client.link().unwrap().driver(), log::Level::Warn, "`same address` was restarted".to_owned());
    let lines = || LOGGED.lock().iter().filter(|line| line.contains("`same address`")).cloned().collect::<Vec<_>>();
    let start = Instant::now();
    while !lines().iter().any(|line| line.contains("was restarted")) {
        assert!(start.elapsed() < Duration::from_secs(10));
        thread::sleep(Duration::from_millis(1));
    }
    assert!(!lines().concat().contains("another server"), "{:#?}", lines());
}

#[test]
fn a_read_is_sent_again_when_its_connection_is_cut_and_a_write_is_not() {
    let _others = DISCONNECTING.read();
    let server = Server::start(&[]);
    let proxy = Proxy::to(server.port);
    let client = patient("cut", Config::from_url(proxy.url()));
    for (kind, works) in [(Kind::Read, true), (Kind::Write, false)] {
        assert!(timed(client).0.is_ok());
        proxy.freeze();
        let call = thread::spawn(move || client.block_on(client.call(work(&["GET", "k"]), kind, &client.budget())));
        proxy.holds("GET");
        proxy.cut();
        let answer = call.join().unwrap();
        assert_eq!(answer.is_ok(), works, "{answer:?}");
    }
    assert!(timed(client).0.is_ok());
}

#[test]
fn after_a_timeout_the_rest_of_the_call_fails_at_once() {
    let _others = DISCONNECTING.read();
    let server = Server::start(&[]);
    let proxy = Proxy::to(server.port);
    let client = client("budget", Config::from_url(proxy.url()));
    warm(client);
    proxy.freeze();
    let budget = client.budget();
    let first = read(client, &budget).unwrap_err();
    assert_eq!(first.kind(), ErrorKind::TimedOut, "{first}");
    assert!(recovers(client, Duration::from_secs(1)) > Duration::ZERO, "others go on");
    let start = Instant::now();
    assert_eq!(read(client, &budget), Err(first));
    assert!(within(start, Duration::ZERO));
}

#[test]
fn a_wrong_password_is_said_at_once_and_never_shown() {
    let _others = DISCONNECTING.read();
    let server = Server::start(&["--requirepass", "r1ght"]);
    for (name, url) in [
        ("wrong", format!("redis://:wr0ng@127.0.0.1:{}", server.port)),
        ("none", server.url()),
        ("user", format!("redis://nobody:wr0ng@127.0.0.1:{}", server.port)),
    ] {
        let client = client(name, Config::from_url(url));
        for _ in 0..2 {
            let start = Instant::now();
            let error = check_named(name).wait().unwrap_err();
            assert!(within(start, Duration::from_millis(100)));
            assert_eq!(error.kind(), ErrorKind::Auth, "{error}");
            let shown = format!("{error} {error:?} {:?} {client:?}", health());
            assert!(!shown.contains("wr0ng") && !shown.contains("r1ght"), "{shown}");
            assert!(shown.contains("user and password"), "{shown}");
        }
    }
    let right = patient("right", Config::from_url(server.url()).password("r1ght"));
    assert!(timed(right).0.is_ok());
    server.raw("AUTH r1ght\r\nACL SETUSER app on >p@ss ~* +@all");
    let user = patient("acl", Config::from_url(format!("redis://app:p%40ss@127.0.0.1:{}", server.port)));
    assert!(timed(user).0.is_ok());
    // May not do what the greeting wants: no pushes, no clock, but it works.
    server.raw("AUTH r1ght\r\nACL SETUSER poor on >poor ~* +get +hello");
    let poor = patient("poor", Config::from_url(format!("redis://poor:poor@127.0.0.1:{}", server.port)));
    assert!(timed(poor).0.is_ok(), "{:?}", timed(poor));
    assert!(poor.watch(b"key").is_none() && poor.server_now(b"key").is_none());
    let refused = ask(poor, &["SET", "key", "1"]).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Server(Refusal::NoPermission), "{refused}");
}

#[test]
fn refusals_are_told_apart_and_quote_no_arguments() {
    let _others = DISCONNECTING.read();
    let server = Server::start(&["--maxmemory", "100kb", "--maxmemory-policy", "noeviction"]);
    let client = patient("refusals", Config::from_url(server.url()));
    let kind = |words: &[&str]| {
        ask(client, words).map_err(|error| {
            assert!(!error.to_string().contains("s3cret"), "{error}");
            error.kind()
        })
    };
    assert_eq!(kind(&["SET", "key", "s3cret"]), Err(ErrorKind::Server(Refusal::OutOfMemory)));
    assert!(kind(&["UNLINK", "key"]).is_ok(), "a full server still forgets");
    server.raw("CONFIG SET maxmemory 0\r\nRPUSH list s3cret");
    assert_eq!(kind(&["GET", "list"]), Err(ErrorKind::Server(Refusal::WrongType)));
    assert_eq!(kind(&["EVALSHA", "s3cret", "0"]), Err(ErrorKind::Server(Refusal::NoScript)));
    assert_eq!(kind(&["S3CRET", "s3cret"]), Err(ErrorKind::Server(Refusal::UnknownCommand)));
    assert_eq!(kind(&["GETRANGE", "key", "s3cret", "s3cret"]), Err(ErrorKind::Server(Refusal::Other)));
    server.raw(&format!("REPLICAOF 127.0.0.1 {}", free_port()));
    assert_eq!(kind(&["SET", "key", "s3cret"]), Err(ErrorKind::Server(Refusal::ReadOnly)));
    server.raw("REPLICAOF NO ONE");
    assert!(kind(&["SET", "key", "1"]).is_ok());
    assert_eq!(state("refusals"), State::Well, "a server that refuses is there");
}

#[test]
fn a_busy_script_refuses_and_delays_nobody_beyond_the_budget() {
    let _others = DISCONNECTING.read();
    let server = Server::start(&["--busy-reply-threshold", "1"]);
    let client = client("busy", Config::from_url(server.url()));
    warm(client);
    let port = server.port;
    let script = thread::spawn(move || {
        let mut peer = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        peer.write_all(b"EVAL \"while true do end\" 0\r\n").unwrap();
        thread::sleep(Duration::from_millis(1200));
    });
    thread::sleep(Duration::from_millis(100));
    let mut kinds = Vec::new();
    for _ in 0..10 {
        let (read, began) = timed(client);
        assert!(within(began, BUDGET), "{:?}", began.elapsed());
        kinds.push(read.map_err(|e| e.kind()).err());
    }
    assert!(kinds.contains(&Some(ErrorKind::Server(Refusal::Busy))), "{kinds:?}");
    server.raw("SCRIPT KILL");
    script.join().unwrap();
    recovers(client, Duration::from_millis(2500));
}

#[test]
fn each_command_of_a_pipeline_has_its_answer() {
    let _others = DISCONNECTING.read();
    let server = Server::start(&[]);
    let client = patient("each", Config::from_url(server.url()));
    let mut several = Pipeline::new();
    several.cmd("SET").arg("a").arg("1").cmd("RPUSH").arg("a").arg("2").cmd("GET").arg("a");
    let answers = client.block_on(client.call_each(several.clone(), Kind::Write, &client.budget())).unwrap();
    assert_eq!(answers.len(), 3);
    assert!(answers[0].is_ok() && answers[2].as_ref().is_ok_and(|value| text(value) == "1"));
    assert_eq!(answers[1].as_ref().map_err(Error::kind), Err(ErrorKind::Server(Refusal::WrongType)));
    let all = client.block_on(client.call(several.clone(), Kind::Write, &client.budget()));
    assert_eq!(all.map_err(|e| e.kind()), Err(ErrorKind::Server(Refusal::WrongType)));
    several.clear();
    several.atomic().cmd("SET").arg("a").arg("1").cmd("GET").arg("a");
    let answers = client.block_on(client.call(several, Kind::Write, &client.budget())).unwrap();
    assert_eq!(answers.iter().map(text).collect::<Vec<_>>(), ["OK", "1"]);
    let nothing = client.block_on(client.call(Pipeline::new(), Kind::Write, &client.budget()));
    assert_eq!(nothing, Ok(Vec::new()));
}

#[test]
fn a_change_of_a_watched_key_is_pushed() {
    let _others = DISCONNECTING.read();
    let server = Server::start(&[]);
    let proxy = Proxy::to(server.port);
    let client = patient("watch", Config::from_url(proxy.url()));
    assert!(timed(client).0.is_ok());
    let mut watch = client.watch(b"key").unwrap();
    let mut tracked = Pipeline::new();
    tracked.cmd("CLIENT").arg("CACHING").arg("YES").cmd("GET").arg("key");
    client.block_on(client.call(tracked.clone(), Kind::Read, &client.budget())).unwrap();
    let waiting = thread::spawn(move || {
        client.block_on(watch.changed());
        (watch, Instant::now())
    });
    thread::sleep(Duration::from_millis(30));
    assert!(!waiting.is_finished());
    let changed = Instant::now();
    server.raw("SET key 1");
    let (mut watch, woken) = waiting.join().unwrap();
    println!("push after {:?}", woken - changed);
    assert!(woken - changed <= SLACK + 2 * stalled_since(changed));
    // A lost connection may have lost a push.
    proxy.cut();
    client.block_on(watch.changed());
    assert!(timed(client).0.is_ok());
    assert!(client.watch(b"key").is_some());
}

#[test]
fn the_servers_clock_is_known() {
    let _others = DISCONNECTING.read();
    let server = Server::start(&[]);
    let client = patient("clock", Config::from_url(server.url()));
    assert_eq!(client.server_now(b"key"), None);
    assert!(timed(client).0.is_ok());
    let began = Instant::now();
    let here = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let there = client.server_now(b"key").unwrap();
    assert!(there.abs_diff(here) <= SLACK + 2 * stalled_since(began), "{here:?} {there:?}");
}

#[test]
fn a_unix_socket_and_a_database_are_reached() {
    let _others = DISCONNECTING.read();
    let directory = Directory::new();
    let path = directory.file("socket");
    let server = Server::start(&["--unixsocket", &path]);
    let client = patient("unix", Config::from_url(format!("unix://{path}")).database(3));
    assert!(ask(client, &["SET", "key", "1"]).is_ok());
    assert!(server.raw("SELECT 3\r\nGET key").contains("$1\r\n1"));
    assert!(server.raw("GET key").contains("$-1"));
}

#[test]
fn large_values_do_not_hold_up_small_ones() {
    let _others = DISCONNECTING.read();
    let server = Server::start(&[]);
    let client = patient("large", Config::from_url(server.url()));
    assert!(timed(client).0.is_ok());
    let large = "x".repeat(10 * 1024 * 1024);
    let small = thread::scope(|scope| {
        let writes = scope.spawn(|| (0..5).map(|_| ask(client, &["SET", "large", &large]).is_ok()).collect::<Vec<_>>());
        let mut worst = Duration::ZERO;
        while !writes.is_finished() {
            let (read, began) = timed(client);
            assert!(read.is_ok());
            worst = worst.max(began.elapsed());
        }
        assert_eq!(writes.join().unwrap(), [true; 5]);
        worst
    });
    println!("beside writes of 10 MB a small read takes at most {small:?}");
    let value = client.block_on(client.call(work(&["GET", "large"]), Kind::Read, &client.budget())).unwrap();
    assert_eq!(text(&value[0]).len(), large.len());
}

#[test]
fn too_many_operations_wait_and_then_fail() {
    let _others = DISCONNECTING.read();
    let server = Server::start(&[]);
    let client = patient("crowd", Config::from_url(server.url()).max_in_flight(2));
    assert!(timed(client).0.is_ok());
    thread::scope(|scope| (0..16).for_each(|_| drop(scope.spawn(|| assert!(timed(client).0.is_ok())))));
    // From here on with the deadlines that users get.
    let client = self::client("crowd", Config::from_url(server.url()).max_in_flight(2));
    warm(client);
    server.stop();
    let failed_in_time = || {
        let (read, began) = timed(client);
        read.is_err() && within(began, BUDGET)
    };
    thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(|| assert!(failed_in_time())))));
    server.go_on();
}

#[test]
fn installing_and_disconnecting_take_effect_for_those_who_have_the_client() {
    let _alone = DISCONNECTING.write();
    let (one, two) = (Server::start(&[]), Server::start(&[]));
    let client = patient("moving", Config::from_url(one.url()).namespace("first"));
    assert!(ask(client, &["SET", "key", "one"]).is_ok());
    Config::from_url(two.url()).namespace("second").install_as("moving").unwrap();
    assert_eq!(timed(client).0, Ok(Value::Nil));
    assert_eq!(&*client.settings().namespace, "second");
    assert_eq!(state("moving"), State::Well);
    disconnect();
    assert_eq!(state("moving"), State::Idle);
    thread::sleep(Duration::from_millis(50));
    assert!(two.raw("INFO clients").contains("connected_clients:1\r"), "only the one that asks");
    assert_eq!(timed(client).0, Ok(Value::Nil));
}

#[test]
fn what_is_not_configured_says_so() {
    let _others = DISCONNECTING.read();
    let error = check_named("never installed").wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("never installed"), "{error}");
    assert_eq!(state("never installed"), State::Unusable);
    let server = Server::start(&[]);
    Config::from_url(server.url()).install_as("never installed").unwrap();
    assert_eq!(check_named("never installed").wait(), Ok(()));
    assert!(Config::from_url("nonsense").install_as("never installed").is_err());
    assert_eq!(check_named("never installed").wait(), Ok(()), "a bad one replaces nothing");
}

#[test]
fn a_sync_call_in_a_task_that_used_up_its_share_of_polls_is_served() {
    let _others = DISCONNECTING.read();
    let server = Server::start(&[]);
    let client = patient("coop", Config::from_url(server.url()));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for _ in 0..300 {
            tokio::task::consume_budget().await;
            assert!(read(client, &client.budget()).is_ok());
        }
        let (send, mut receive) = tokio::sync::mpsc::unbounded_channel();
        (0..1000).for_each(|n| send.send(n).unwrap());
        while std::future::poll_fn(|cx| std::task::Poll::Ready(receive.poll_recv(cx).is_ready())).await {}
        assert!(read(client, &client.budget()).is_ok());
    });
}

#[test]
fn dropped_calls_leave_nothing_behind() {
    let _others = DISCONNECTING.read();
    let server = Server::start(&[]);
    let client = patient("dropped", Config::from_url(server.url()).max_in_flight(4));
    assert!(timed(client).0.is_ok());
    // A call may also be answered, or refused for want of a place, within its first poll: the driver has a thread
    // of its own.
    let dropped_on_the_way = (0..100)
        .filter(|_| {
            let mut call = Box::pin(client.call(work(&["GET", "key"]), Kind::Read, &client.budget()));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            call.as_mut().poll(&mut context).is_pending()
        })
        .count();
    assert!(dropped_on_the_way > 4, "{dropped_on_the_way}: fewer than there are places show nothing");
    assert!(timed(client).0.is_ok(), "no place is taken for ever");
}

#[test]
fn what_nobody_waits_for_survives_and_sleeps_end() {
    let _others = DISCONNECTING.read();
    let server = Server::start(&[]);
    let client = patient("spawn", Config::from_url(server.url()));
    let (send, receive) = std::sync::mpsc::channel();
    client.spawn(async move {
        client.sleep(Duration::from_millis(30)).await;
        let answer = client.call(work(&["PING"]), Kind::Write, &client.budget()).await;
        let _ = send.send(answer.is_ok());
    });
    assert_eq!(receive.recv_timeout(Duration::from_secs(1)), Ok(true));
    let start = Instant::now();
    client.block_on(client.sleep(Duration::from_millis(30)));
    assert!(start.elapsed() >= Duration::from_millis(30) && within(start, Duration::from_millis(30)));
}

#[test]
fn the_master_is_found_by_its_sentinel_and_followed() {
    let _others = DISCONNECTING.read();
    let directory = Directory::new();
    let (one, two) = (
        Server::start(&["--requirepass", "p", "--masterauth", "p"]),
        Server::start(&["--requirepass", "p", "--masterauth", "p"]),
    );
    let conf = directory.file("sentinel.conf");
    std::fs::write(&conf, format!("sentinel monitor main 127.0.0.1 {} 1\nsentinel auth-pass main p\n", one.port))
        .unwrap();
    let sentinel = Server::sentinel(&conf);
    let lost = free_port();
    let url = format!("redis+sentinel://:p@127.0.0.1:{lost},127.0.0.1:{}/main", sentinel.port);
    let client = patient("sentinel", Config::from_url(url));
    assert!(ask(client, &["SET", "key", "one"]).is_ok());
    assert!(one.raw("AUTH p\r\nGET key").contains("one"));
    // The other one takes over.
    sentinel.raw("SENTINEL REMOVE main");
    sentinel.raw(&format!("SENTINEL MONITOR main 127.0.0.1 {} 1\r\nSENTINEL SET main auth-pass p", two.port));
    one.raw(&format!("AUTH p\r\nREPLICAOF 127.0.0.1 {}", two.port));
    let start = Instant::now();
    while ask(client, &["SET", "key", "two"]).is_err() {
        assert!(within(start, Duration::from_secs(3)));
        thread::sleep(Duration::from_millis(10));
    }
    println!("failover: recovered after {:?}", start.elapsed());
    assert!(two.raw("AUTH p\r\nGET key").contains("two"));
    let error =
        Config::from_url(format!("redis+sentinel://127.0.0.1:{}/unknown", sentinel.port)).install_as("no master");
    assert_eq!(error, Ok(()));
    let error = check_named("no master").wait().unwrap_err();
    assert!(error.to_string().contains("`unknown`"), "{error}");
}

#[cfg(feature = "redis-cluster")]
#[test]
fn a_cluster_serves_keys_of_all_nodes_and_those_that_are_left() {
    let _others = DISCONNECTING.read();
    let (mut servers, _directory) = super::testing::cluster();
    let client = client("cluster", Config::from_url(format!("redis+cluster://127.0.0.1:{}", servers[0].port)));
    let mut several = Pipeline::new();
    for n in 0..64 {
        several.cmd("SET").arg(format!("key{n}")).arg(n);
    }
    several.cmd("PING").cmd("RPUSH").arg("key1").arg("x");
    let answers = client.block_on(client.call_each(several, Kind::Write, &client.budget())).unwrap();
    assert!(answers[..65].iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(answers[65].as_ref().map_err(Error::kind), Err(ErrorKind::Server(Refusal::WrongType)));
    let keys: Vec<_> = (0..64).map(|n| format!("key{n}")).collect();
    let mut all = Pipeline::new();
    for key in &keys {
        all.cmd("GET").arg(key);
    }
    let values = client.block_on(client.call(all, Kind::Read, &client.budget())).unwrap();
    assert!(values.iter().enumerate().all(|(n, value)| text(value) == n.to_string()), "{values:?}");
    let several = ask(client, &["MGET", "key1", "key2"]).unwrap_err();
    assert!(several.to_string().contains("several slots"), "{several}");
    let script = ask(client, &["EVAL", "return redis.call('GET', KEYS[1])", "1", "key7"]);
    assert_eq!(script.as_ref().map(text), Ok("7"));
    assert_eq!(ask(client, &["UNLINK", "key60"]), Ok(Value::Int(1)));

    // One node freezes, then dies: keys of the others go on.
    servers[2].stop();
    let start = Instant::now();
    let (mut served, mut failed, mut worst) = (0, 0, Duration::ZERO);
    while start.elapsed() < Duration::from_secs(3) {
        for key in &keys[..8] {
            let start = Instant::now();
            let answer = client.block_on(client.call(work(&["GET", key]), Kind::Read, &client.budget()));
            assert!(within(start, BUDGET), "{:?}", start.elapsed());
            worst = worst.max(start.elapsed());
            served += usize::from(answer.is_ok());
            failed += usize::from(answer.is_err());
        }
    }
    println!("a node of three is frozen: {served} reads served, {failed} failed, at most {worst:?} later");
    assert!(served > failed / 4 && failed > 0, "{served} {failed}");
    servers[2].go_on();
    let start = Instant::now();
    while keys[..8]
        .iter()
        .any(|key| client.block_on(client.call(work(&["GET", key]), Kind::Read, &client.budget())).is_err())
    {
        assert!(start.elapsed() < Duration::from_secs(6), "{:?}", health());
        thread::sleep(Duration::from_millis(20));
    }
    println!("the node goes on: recovered after {:?}", start.elapsed());
    drop(servers.remove(2));
}
