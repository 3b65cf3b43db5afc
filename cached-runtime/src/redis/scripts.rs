//! What must happen in one step on the server, as Lua. Must never run on a hit (a script costs the server as much as two
//! plain commands), and must never touch more than one key's node.
//!
//! All of them compare the first [`HEAD`](super::envelope::HEAD) bytes of what stands at the key (its identity: magic,
//! kind, stamp) with what the caller saw, and change something only if they are equal. That is the whole of the fence:
//!
//! - *An invalidation during a load.* The load holds the stamp of its placeholder; the invalidation removes it; the fill
//!   finds another head and changes nothing. The old value never comes back, however late the fill arrives: no stamp is
//!   ever used twice. There is no unconditional write of a value anywhere, since a `SET` that had timed out was executed
//!   by a thawed connection after the invalidation, and brought the old value back.
//! - *Two loads of one key.* The second replaced the first's placeholder (take-over) or shares it (`coalesce = false`);
//!   either way the first fill changes the head, and the other one changes nothing.
//! - *A value that nobody can read* has a head as well, so it is replaced like a dead one, by whoever saw it.
//! - *A key of a wrong type* reads as absent by `MGET`. A script's `GETRANGE` fails there with `WRONGTYPE`, so a lease
//!   removes it; a fill, a renewal or a release leaves it alone, as what it was for is gone.

use redis::{Cmd, Pipeline, Script};
use std::sync::LazyLock;
use std::time::Duration;

/// Puts a placeholder where the caller saw `base`.
///
/// Gives `[1, seconds, microseconds]` by the server's clock, or 0 in front if something else stands there.
const LEASE: &str = r"
local head = redis.pcall('GETRANGE', KEYS[1], 0, 20)
if type(head) == 'table' then
  redis.call('UNLINK', KEYS[1])
  head = ''
end
local now = redis.call('TIME')
if head ~= ARGV[1] then
  return {0, now[1], now[2]}
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return {1, now[1], now[2]}
";

/// Puts an entry where `base` stands: `ARGV` is the base, the entry, and until when (see [`ends`]). Gives 1 or 0.
///
/// A renewal also gives its lock back, `KEYS[2]`, if it is still its own (`ARGV[5]`).
const FILL: &str = r"
local filled = 0
if redis.pcall('GETRANGE', KEYS[1], 0, 20) == ARGV[1] then
  if ARGV[3] == '' then
    redis.call('SET', KEYS[1], ARGV[2])
  else
    redis.call('SET', KEYS[1], ARGV[2], ARGV[3], ARGV[4])
  end
  filled = 1
end
if KEYS[2] and redis.pcall('GET', KEYS[2]) == ARGV[5] then
  redis.call('UNLINK', KEYS[2])
end
return filled
";

/// Takes the lock of a renewal, `KEYS[2]`, if the entry that it is to replace still stands at the key: `ARGV` is its head,
/// a token, and the life of the lock.
///
/// Gives `[how, seconds, microseconds]`: 1 taken, 2 another renewal is under way, 3 one has failed a moment ago, 0 the entry
/// has gone. Without the look at the entry, who reads just before another's renewal ends, and asks just after, would renew
/// once more.
const LOCK: &str = r"
local now = redis.call('TIME')
local how = 1
if redis.pcall('GETRANGE', KEYS[1], 0, 20) ~= ARGV[1] then
  how = 0
else
  local there = redis.pcall('GET', KEYS[2])
  if there == 'failed' then
    how = 3
  elseif there then
    how = 2
  else
    redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
  end
end
return {how, now[1], now[2]}
";

/// Prolongs what the caller holds. Gives 1 or 0.
const RENEW: &str = r"
if redis.pcall('GETRANGE', KEYS[1], 0, 20) ~= ARGV[1] then
  return 0
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
";

/// An entry was read that ends when nobody does: prolongs it by its idle time (`ARGV[2]`, ms) from now, but not past its end
/// (`ARGV[3]`, ms since the epoch; empty without one). Gives 1 or 0.
///
/// Only the entry that was read: what has come after it has times of its own, and what is gone stays so. Only ever to a
/// later end, so that it can't matter in which order the readers' scripts come.
const PROLONG: &str = r"
if redis.pcall('GETRANGE', KEYS[1], 0, 20) ~= ARGV[1] then
  return 0
end
local left = tonumber(ARGV[2])
if ARGV[3] ~= '' then
  local now = redis.call('TIME')
  left = math.min(left, tonumber(ARGV[3]) - (now[1] * 1000 + math.ceil(now[2] / 1000)))
end
return redis.call('PEXPIRE', KEYS[1], string.format('%.0f', left), 'GT')
";

/// Removes what the caller holds. Gives 1 or 0.
const RELEASE: &str = r"
if redis.pcall('GETRANGE', KEYS[1], 0, 20) ~= ARGV[1] then
  return 0
end
return redis.call('UNLINK', KEYS[1])
";

/// For a load whatever there is: an entry gets a new stamp in place, so that it is served on while all loads that began
/// before are fenced; anything else is replaced by a placeholder.
///
/// Gives `[1 if an entry stands there, seconds, microseconds]`; the new head is the caller's to know.
const REFRESH: &str = r"
local head = redis.pcall('GETRANGE', KEYS[1], 0, 20)
local now = redis.call('TIME')
if type(head) ~= 'table' and #head == 21 and string.sub(head, 1, 5) == ARGV[1] then
  redis.call('SETRANGE', KEYS[1], 5, ARGV[2])
  return {1, now[1], now[2]}
end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
return {0, now[1], now[2]}
";

/// Of a bare entry: puts a placeholder at `KEYS[2]` where the caller saw the head `ARGV[1]`, if what stands at the entry's own
/// key, `KEYS[1]`, is still what the caller saw there (`ARGV[4]`, none or unreadable): or else a load has ended since.
///
/// Gives what [`LEASE`] gives.
const BARE_LEASE: &str = r"
local now = redis.call('TIME')
local value = redis.pcall('GETRANGE', KEYS[1], 0, 20)
if type(value) == 'table' then
  value = ''
end
if redis.pcall('GETRANGE', KEYS[2], 0, 20) ~= ARGV[1] or value ~= ARGV[4] then
  return {0, now[1], now[2]}
end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return {1, now[1], now[2]}
";

/// Of a bare entry: stores the value at `KEYS[1]` if the placeholder at `KEYS[2]` is still the caller's, which goes.
/// `ARGV` is as for [`FILL`]. Gives 1 or 0.
const BARE_FILL: &str = r"
if redis.pcall('GETRANGE', KEYS[2], 0, 20) ~= ARGV[1] then
  return 0
end
if ARGV[3] == '' then
  redis.call('SET', KEYS[1], ARGV[2])
else
  redis.call('SET', KEYS[1], ARGV[2], ARGV[3], ARGV[4])
end
redis.call('UNLINK', KEYS[2])
return 1
";

/// Of a bare entry: removes the value as well as the placeholder, if that is still the caller's. Gives 1 or 0.
const BARE_OUTDATE: &str = r"
if redis.pcall('GETRANGE', KEYS[2], 0, 20) ~= ARGV[1] then
  return 0
end
return redis.call('UNLINK', KEYS[1], KEYS[2])
";

/// What the scripts of writers begin with. `KEYS[1]` is the key's `:w`, which holds the tickets of the writers that are under
/// way, 30 bytes each: the token, `1` if another writer's time overlapped with this one's, and when the ticket ends if nobody
/// prolongs it (ms since the epoch, 13 digits). `ARGV[1]` is the token of the one that asks; then `mine` is its ticket, if it
/// still has one, and `others` are the rest.
///
/// # Why the older value never stays
///
/// A writer takes its ticket before its body and comes with its value after; its change of the source lies in between.
/// [`TICKET`] marks the new ticket and all that are there if there are any, [`COMMIT`] stores only a value whose ticket is
/// there and unmarked, and removes the entry otherwise. So of two writers whose times overlap neither stores, and the
/// one that comes last removes whatever a load or another writer put there in between. Two whose times don't overlap
/// changed the source in the order in which they come here.
///
/// That holds however a ticket is lost (it ended, the server evicted it, an invalidation took it along): its writer finds
/// none, removes the entry, and marks those who are under way, because they could not know of it. What is never marked
/// for long: a mark belongs to one writer's ticket, and goes with it.
macro_rules! writers {
    ($rest:literal) => {
        concat!(
            r"
local there = redis.pcall('GET', KEYS[1])
if type(there) ~= 'string' then
  there = ''
end
local mine, others = nil, ''
for at = 1, #there - 29, 30 do
  local ticket = string.sub(there, at, at + 29)
  if string.sub(ticket, 1, 16) == ARGV[1] then
    mine = ticket
  else
    others = others .. ticket
  end
end
local function marked(tickets, since)
  local all = ''
  for at = 1, #tickets - 29, 30 do
    local ends = string.sub(tickets, at + 17, at + 29)
    if (tonumber(ends) or 0) > since then
      all = all .. string.sub(tickets, at, at + 15) .. '1' .. ends
    end
  end
  return all
end
local function leave(tickets)
  if tickets == '' then
    redis.call('UNLINK', KEYS[1])
  else
    redis.call('SET', KEYS[1], tickets, 'KEEPTTL')
  end
end
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
",
            $rest
        )
    };
}

/// Takes a writer's ticket, which ends after `ARGV[2]` ms. Tickets that have ended are gone.
const TICKET: &str = writers!(
    r"
local since = now()
others = marked(others, since)
local alone = others == '' and '0' or '1'
local ends = string.format('%013.0f', since + ARGV[2])
redis.call('SET', KEYS[1], others .. ARGV[1] .. alone .. ends, 'PX', ARGV[2])
return 1
"
);

/// Prolongs a writer's ticket to `ARGV[2]` ms from now. Gives 1, or 0 if it has none any more.
const KEEP_TICKET: &str = writers!(
    r"
if not mine then
  return 0
end
local ends = string.format('%013.0f', now() + ARGV[2])
redis.call('SET', KEYS[1], others .. string.sub(mine, 1, 17) .. ends, 'PX', ARGV[2])
return 1
"
);

/// Gives a ticket back: its writer changed nothing.
const RETURN_TICKET: &str = writers!(
    r"
leave(others)
return 1
"
);

/// The second half of a write: stores the value if no other writer was under way since the ticket was taken.
///
/// `KEYS` is the `:w`, the entry, and of a bare entry the placeholder, which goes: loads that began before store nothing.
/// `ARGV` is the ticket, the entry, and until when.
/// Gives 1, or 0 where the entry was removed instead: two writers that commit to the database in one order and come here
/// in the other end in a miss, not in the older value.
const COMMIT: &str = writers!(
    r"
if KEYS[3] then
  redis.call('UNLINK', KEYS[3])
end
if mine and string.sub(mine, 17, 17) == '0' then
  if ARGV[3] == '' then
    redis.call('SET', KEYS[2], ARGV[2])
  else
    redis.call('SET', KEYS[2], ARGV[2], ARGV[3], ARGV[4])
  end
  leave(others)
  return 1
end
redis.call('UNLINK', KEYS[2])
if not mine then
  others = marked(others, 0)
end
leave(others)
return 0
"
);

/// A script and its hash.
pub(crate) struct Lua {
    code: &'static str,
    script: LazyLock<Script>,
}

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident: $code:ident;)*) => { $(
        $(#[$doc])*
        pub(crate) static $name: Lua = Lua { code: $code, script: LazyLock::new(|| Script::new($code)) };
    )* };
}
scripts! {
    /// See [`LEASE`].
    LEASE_SCRIPT: LEASE;
    /// See [`FILL`].
    FILL_SCRIPT: FILL;
    /// See [`LOCK`].
    LOCK_SCRIPT: LOCK;
    /// See [`RENEW`].
    RENEW_SCRIPT: RENEW;
    /// See [`PROLONG`].
    PROLONG_SCRIPT: PROLONG;
    /// See [`RELEASE`].
    RELEASE_SCRIPT: RELEASE;
    /// See [`REFRESH`].
    REFRESH_SCRIPT: REFRESH;
    /// See [`BARE_LEASE`].
    BARE_LEASE_SCRIPT: BARE_LEASE;
    /// See [`BARE_FILL`].
    BARE_FILL_SCRIPT: BARE_FILL;
    /// See [`BARE_OUTDATE`].
    BARE_OUTDATE_SCRIPT: BARE_OUTDATE;
    /// See [`TICKET`].
    TICKET_SCRIPT: TICKET;
    /// See [`KEEP_TICKET`].
    KEEP_TICKET_SCRIPT: KEEP_TICKET;
    /// See [`RETURN_TICKET`].
    RETURN_TICKET_SCRIPT: RETURN_TICKET;
    /// See [`COMMIT`].
    COMMIT_SCRIPT: COMMIT;
}

/// A call of a script: by its hash first, and in full where the server doesn't know it yet.
pub(crate) struct Call {
    script: &'static Lua,
    keys: Vec<Vec<u8>>,
    arguments: Vec<Vec<u8>>,
}

impl Call {
    pub(crate) fn new(script: &'static Lua, keys: &[&[u8]], arguments: Vec<Vec<u8>>) -> Self {
        Self { script, keys: keys.iter().map(|key| key.to_vec()).collect(), arguments }
    }

    /// By its hash.
    pub(crate) fn short(&self) -> Pipeline {
        self.pipeline("EVALSHA", self.script.script.get_hash())
    }

    /// In full; the server knows it from then on.
    pub(crate) fn full(&self) -> Pipeline {
        self.pipeline("EVAL", self.script.code)
    }

    fn pipeline(&self, command: &str, script: &str) -> Pipeline {
        let mut pipeline = Pipeline::with_capacity(1);
        self.add(&mut pipeline, command, script);
        pipeline
    }

    fn add(&self, pipeline: &mut Pipeline, command: &str, script: &str) {
        let mut cmd = Cmd::new();
        cmd.arg(command).arg(script).arg(self.keys.len());
        for bytes in self.keys.iter().chain(&self.arguments) {
            cmd.arg(bytes.as_slice());
        }
        pipeline.add_command(cmd);
    }

    /// All of them in one pipeline; in full where the server may not know the script.
    pub(crate) fn all(calls: &[Self], in_full: bool) -> Pipeline {
        let mut pipeline = Pipeline::with_capacity(calls.len());
        for call in calls {
            let (command, script) =
                if in_full { ("EVAL", call.script.code) } else { ("EVALSHA", call.script.script.get_hash()) };
            call.add(&mut pipeline, command, script);
        }
        pipeline
    }
}

/// What Redis still adds to its clock without an overflow.
const LONGEST: u128 = 1 << 52;

/// A time to live in whole milliseconds, at least one.
pub(crate) fn millis(ttl: Duration) -> Vec<u8> {
    ttl.as_millis().clamp(1, LONGEST).to_string().into_bytes()
}

/// Until when an entry lives, as two arguments of `SET`; empty for one that never ends.
///
/// By the server's clock wherever it is known: a ttl runs from the end of the load, and a fill may have been held up on
/// its way. Such an entry then ends early by the time that the answer took which brought the clock, never late.
pub(crate) fn ends(ttl: Option<Duration>, created: Option<u64>) -> [Vec<u8>; 2] {
    match (ttl, created) {
        (None, _) => [Vec::new(), Vec::new()],
        (Some(ttl), None) => [b"PX".to_vec(), millis(ttl)],
        (Some(ttl), Some(created)) => {
            let at = u128::from(created).saturating_add(ttl.as_millis().max(1)).min(LONGEST);
            [b"PXAT".to_vec(), at.to_string().into_bytes()]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::envelope::{self, Head, Meta, Stamp};
    use super::super::testing::Server;
    use super::*;
    use redis::{Connection, FromRedisValue};

    /// A server, and a plain connection to it.
    struct Bench {
        connection: Connection,
        _server: Server,
    }

    impl Bench {
        fn new() -> Self {
            let server = Server::start(&[]);
            let connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
            Self { connection, _server: server }
        }

        fn run<T: FromRedisValue>(&mut self, script: &'static Lua, keys: &[&str], arguments: Vec<Vec<u8>>) -> T {
            let keys: Vec<&[u8]> = keys.iter().map(|key| key.as_bytes()).collect();
            let call = Call::new(script, &keys, arguments);
            let known: Result<Vec<T>, _> = call.short().query(&mut self.connection);
            let mut replies = known.unwrap_or_else(|_| call.full().query(&mut self.connection).unwrap());
            replies.remove(0)
        }

        fn ask<T: FromRedisValue>(&mut self, words: &[&str]) -> T {
            redis::cmd(words[0]).arg(&words[1..]).query(&mut self.connection).unwrap()
        }

        fn lease(&mut self, base: &Head) -> Option<Head> {
            let placeholder = envelope::placeholder(&envelope::stamp(), &[[7; 16]]);
            let head = Head::of(&placeholder);
            let arguments = vec![base.as_bytes().to_vec(), placeholder, millis(Duration::from_secs(5))];
            let (won, seconds, _): (i64, u64, u64) = self.run(&LEASE_SCRIPT, &["key"], arguments);
            assert!(seconds > 1_700_000_000);
            (won == 1).then_some(head)
        }

        fn fill(&mut self, base: &Head, payload: &str) -> bool {
            let entry = entry(payload);
            let [how, until] = ends(Some(Duration::from_mins(1)), None);
            self.run::<i64>(&FILL_SCRIPT, &["key"], vec![base.as_bytes().to_vec(), entry, how, until]) == 1
        }

        fn head(&mut self) -> Head {
            Head::of(&redis::cmd("GET").arg("key").query::<Vec<u8>>(&mut self.connection).unwrap())
        }

        fn value(&mut self) -> Option<String> {
            let bytes: Option<Vec<u8>> = redis::cmd("GET").arg("key").query(&mut self.connection).unwrap();
            Some(String::from_utf8_lossy(&bytes?[envelope::HEAD..]).into_owned())
        }

        fn commit(&mut self, ticket: &Stamp, payload: &str) -> bool {
            let [how, until] = ends(None, None);
            let arguments = vec![ticket.to_vec(), entry(payload), how, until];
            self.run::<i64>(&COMMIT_SCRIPT, &["key:w", "key"], arguments) == 1
        }

        fn ticket(&mut self) -> Stamp {
            self.ticket_for(Duration::from_hours(1))
        }

        fn ticket_for(&mut self, life: Duration) -> Stamp {
            let token = envelope::stamp();
            assert_eq!(self.run::<i64>(&TICKET_SCRIPT, &["key:w"], vec![token.to_vec(), millis(life)]), 1);
            token
        }

        fn keep(&mut self, ticket: &Stamp) -> i64 {
            let arguments = vec![ticket.to_vec(), millis(Duration::from_hours(1))];
            self.run(&KEEP_TICKET_SCRIPT, &["key:w"], arguments)
        }

        fn give_back(&mut self, ticket: &Stamp) {
            self.run::<i64>(&RETURN_TICKET_SCRIPT, &["key:w"], vec![ticket.to_vec()]);
        }

        fn tickets(&mut self) -> usize {
            let there: Option<Vec<u8>> = redis::cmd("GET").arg("key:w").query(&mut self.connection).unwrap();
            there.map_or(0, |tickets| tickets.len() / 30)
        }
    }

    fn entry(payload: &str) -> Vec<u8> {
        envelope::entry(&envelope::stamp(), &Meta::default(), &[[7; 16]], None, payload.as_bytes()).unwrap()
    }

    #[test]
    fn a_read_prolongs_only_what_was_read_and_never_beyond_its_end() {
        let mut bench = Bench::new();
        let base = bench.lease(&Head::default()).unwrap();
        assert!(bench.fill(&base, "one"));
        let head = bench.head();
        let prolong = |bench: &mut Bench, head: &Head, idle: u64, ends: &str| -> i64 {
            let arguments = vec![head.as_bytes().to_vec(), millis(Duration::from_millis(idle)), ends.into()];
            bench.run(&PROLONG_SCRIPT, &["key"], arguments)
        };
        let expiry = |bench: &mut Bench| bench.ask::<i64>(&["PEXPIRETIME", "key"]);
        bench.ask::<i64>(&["PEXPIRE", "key", "100000"]);
        let before = expiry(&mut bench);
        assert_eq!(prolong(&mut bench, &head, 50_000, ""), 0, "it is there for longer");
        assert_eq!(prolong(&mut bench, &base, 500_000, ""), 0, "something else was read");
        assert_eq!(expiry(&mut bench), before);
        let end = before + 1000;
        assert_eq!(prolong(&mut bench, &head, 500_000, &end.to_string()), 1);
        assert!((end - 2..=end).contains(&expiry(&mut bench)));
        assert_eq!(prolong(&mut bench, &head, 500_000, "1"), 0, "past its end");
        assert_eq!(prolong(&mut bench, &head, 500_000, ""), 1);
        assert!(expiry(&mut bench) > before + 300_000);
        bench.ask::<i64>(&["PERSIST", "key"]);
        assert_eq!(prolong(&mut bench, &head, 500_000, ""), 0, "it has no end");
        bench.ask::<i64>(&["DEL", "key"]);
        assert_eq!(prolong(&mut bench, &head, 500_000, ""), 0);
        assert_eq!(bench.ask::<i64>(&["EXISTS", "key"]), 0);
    }

    #[test]
    fn promise_3_a_fill_after_an_invalidation_changes_nothing() {
        let mut bench = Bench::new();
        let mine = bench.lease(&Head::default()).unwrap();
        assert_eq!(bench.lease(&Head::default()), None);
        bench.ask::<i64>(&["UNLINK", "key"]);
        assert!(!bench.fill(&mine, "old"));
        assert_eq!(bench.value(), None);
        let next = bench.lease(&Head::default()).unwrap();
        assert!(!bench.fill(&mine, "old"));
        assert!(bench.fill(&next, "new"));
        assert!(!bench.fill(&next, "twice"));
        assert!(bench.value().unwrap().ends_with("new"));
    }

    #[test]
    fn promise_7_whatever_stands_there_is_replaced_over_its_head() {
        let mut bench = Bench::new();
        for foreign in ["x", "a foreign text of more than twenty-one bytes"] {
            bench.ask::<()>(&["SET", "key", foreign]);
            assert_eq!(bench.lease(&Head::default()), None);
            let mine = bench.lease(&Head::of(foreign.as_bytes())).unwrap();
            assert!(bench.fill(&mine, "mine"));
            bench.ask::<i64>(&["DEL", "key"]);
        }
        bench.ask::<i64>(&["RPUSH", "key", "a"]);
        assert!(!bench.fill(&Head::default(), "onto a list"));
        let mine = bench.lease(&Head::default()).unwrap();
        bench.ask::<i64>(&["DEL", "key"]);
        bench.ask::<i64>(&["RPUSH", "key", "a"]);
        for script in [&RENEW_SCRIPT, &RELEASE_SCRIPT] {
            assert_eq!(bench.run::<i64>(script, &["key"], vec![mine.as_bytes().to_vec(), b"9".to_vec()]), 0);
        }
    }

    #[test]
    fn only_the_holder_renews_and_releases() {
        let mut bench = Bench::new();
        let mine = bench.lease(&Head::default()).unwrap();
        let renew = |head: &Head| vec![head.as_bytes().to_vec(), b"90000".to_vec()];
        assert_eq!(bench.run::<i64>(&RENEW_SCRIPT, &["key"], renew(&mine)), 1);
        assert!(bench.ask::<i64>(&["PTTL", "key"]) > 80_000);
        let taken = bench.lease(&mine).unwrap();
        assert_eq!(bench.run::<i64>(&RENEW_SCRIPT, &["key"], renew(&mine)), 0);
        assert_eq!(bench.run::<i64>(&RELEASE_SCRIPT, &["key"], vec![mine.as_bytes().to_vec()]), 0);
        assert_eq!(bench.run::<i64>(&RELEASE_SCRIPT, &["key"], vec![taken.as_bytes().to_vec()]), 1);
        assert_eq!(bench.value(), None);
    }

    #[test]
    fn a_refresh_keeps_the_entry_and_fences_older_loads() {
        let mut bench = Bench::new();
        let refresh = |bench: &mut Bench| {
            let stamp = envelope::stamp();
            let placeholder = envelope::placeholder(&stamp, &[[7; 16]]);
            let (placed, kept) = (Head::of(&placeholder), entry("")[..5].to_vec());
            let arguments = vec![kept.clone(), stamp.to_vec(), placeholder, b"5000".to_vec()];
            let (stands, _, _): (i64, u64, u64) = bench.run(&REFRESH_SCRIPT, &["key"], arguments);
            if stands == 1 { Head::of(&[&kept[..], &stamp].concat()) } else { placed }
        };
        let older = bench.lease(&Head::default()).unwrap();
        let first = refresh(&mut bench);
        assert!(!bench.fill(&older, "older"));
        assert!(bench.fill(&first, "first"));
        let second = refresh(&mut bench);
        assert!(bench.value().unwrap().ends_with("first"));
        let third = refresh(&mut bench);
        assert!(!bench.fill(&second, "second"));
        assert!(bench.fill(&third, "third"));
        assert!(bench.value().unwrap().ends_with("third"));
    }

    #[test]
    fn promise_9_writers_that_cross_end_in_a_miss() {
        let mut bench = Bench::new();
        let alone = bench.ticket();
        assert!(bench.commit(&alone, "alone"));
        for in_order in [true, false] {
            let (a, b) = (bench.ticket(), bench.ticket());
            let (first, last) = if in_order { (a, b) } else { (b, a) };
            assert!(!bench.commit(&first, "first"));
            // What comes in between is of a load, or of nobody knows whom.
            bench.ask::<()>(&["SET", "key", "between"]);
            // Begun while a writer that was crossed is under way.
            let third = bench.ticket();
            assert!(!bench.commit(&last, "last"));
            assert!(!bench.commit(&third, "third"));
            assert_eq!((bench.value(), bench.tickets()), (None, 0));
            // All of them have ended.
            let next = bench.ticket();
            assert!(bench.commit(&next, "next"));
        }
        // An invalidation takes the tickets along: a commit that comes late stores nothing.
        let late = bench.ticket();
        bench.ask::<i64>(&["UNLINK", "key", "key:w"]);
        let young = bench.ticket();
        assert!(!bench.commit(&late, "late"));
        assert!(!bench.commit(&young, "young"), "the late one wrote during its time");
        assert_eq!((bench.value(), bench.tickets()), (None, 0));
    }

    #[test]
    fn a_ticket_ends_with_its_writer_or_its_time() {
        let mut bench = Bench::new();
        // One that changed nothing.
        let (idle, other) = (bench.ticket(), bench.ticket());
        bench.give_back(&idle);
        assert_eq!(bench.tickets(), 1);
        assert!(!bench.commit(&other, "contested"), "it can't know that the other one changed nothing");
        let next = bench.ticket();
        assert!(bench.commit(&next, "next"));
        // One that died; others that go on keep the key, but not its ticket.
        let dead = bench.ticket_for(Duration::from_millis(1));
        let kept = bench.ticket();
        std::thread::sleep(Duration::from_millis(5));
        // On a slow machine it went when the other was taken.
        assert_eq!(bench.keep(&kept), 1);
        let new = bench.ticket();
        assert_eq!(bench.tickets(), 2);
        assert_eq!(bench.keep(&dead), 0);
        assert!(!bench.commit(&kept, "kept") && !bench.commit(&new, "new"));
        let next = bench.ticket();
        assert!(bench.commit(&next, "next"));
        assert!(!bench.commit(&dead, "dead"), "it comes after all, and nobody knows what it did");
        assert_eq!(bench.value(), None);
        // What an older version left there, or anybody.
        for mark in ["contested", "0123456789abcdef", "something that is longer than one of the tickets is"] {
            bench.ask::<()>(&["SET", "key:w", mark]);
            let next = bench.ticket();
            assert_eq!(bench.tickets(), 1);
            assert!(bench.commit(&next, "next"));
        }
        bench.ask::<i64>(&["RPUSH", "key:w", "list"]);
        let next = bench.ticket();
        assert!(bench.commit(&next, "next"));
    }

    #[test]
    fn an_end_by_the_servers_clock() {
        let second = Some(Duration::from_secs(1));
        assert_eq!(ends(second, None), [b"PX".to_vec(), b"1000".to_vec()]);
        assert_eq!(ends(second, Some(5)), [b"PXAT".to_vec(), b"1005".to_vec()]);
        assert!(ends(None, Some(5)).iter().all(Vec::is_empty));
        assert_eq!(ends(Some(Duration::MAX), Some(5))[1], LONGEST.to_string().into_bytes());
        assert_eq!(millis(Duration::from_nanos(1)), b"1");
        let mut bench = Bench::new();
        let mine = bench.lease(&Head::default()).unwrap();
        let past = vec![mine.as_bytes().to_vec(), entry("over"), b"PXAT".to_vec(), b"1005".to_vec()];
        assert_eq!(bench.run::<i64>(&FILL_SCRIPT, &["key"], past), 1);
        assert_eq!(bench.value(), None);
    }
}
