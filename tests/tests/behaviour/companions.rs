//! The companions of functions: `get`, `contains`, `invalidate`, `set`, `refresh`, `uncached`, `many`, `clear`, `stats`, `reset_stats`, `cache`.

use cached_runtime::cached;
use cached_tests::{Counter, run};

#[test]
fn of_a_sync_function() {
    static RUNS: Counter = Counter::new();
    #[cached]
    fn area(width: u64, height: u64) -> u64 {
        RUNS.up();
        width * height
    }
    assert_eq!((area::get(2, 3), area::contains(2, 3), RUNS.get()), (None, false, 0), "get never loads");
    assert_eq!((area(2, 3), area::get(2, 3), area::contains(2, 3)), (6, Some(6), true));
    area::set(2, 3, &7);
    assert_eq!((area(2, 3), RUNS.get()), (7, 1));
    assert_eq!((area::uncached(2, 3), area(2, 3), RUNS.get()), (6, 7, 2));
    assert_eq!((area::refresh(2, 3), area(2, 3), RUNS.get()), (6, 6, 3));
    area::set(4, 5, &1);
    assert_eq!((area(4, 5), RUNS.get()), (1, 3), "set needs no entry before");
    area::invalidate(2, 3);
    area::invalidate(100, 100);
    assert_eq!((area::get(2, 3), area::get(4, 5)), (None, Some(1)));
    assert_eq!(area::stats().entries, 1);
    area::clear();
    assert_eq!((area::get(4, 5), area::stats().entries), (None, 0));
    assert!(area::stats().misses > 0);
    area::reset_stats();
    assert_eq!((area::stats().misses, area::stats().hits, area::stats().loads), (0, 0, 0));
    assert_eq!(area::cache().get(&(1, 1)), None);
}

#[test]
fn of_an_async_function() {
    static RUNS: Counter = Counter::new();
    struct Db(u64);
    #[cached(skip(db))]
    async fn product(db: &Db, id: u64, lang: &str) -> Result<String, String> {
        RUNS.up();
        tokio::task::yield_now().await;
        if id == 0 { Err("no product 0".to_owned()) } else { Ok(format!("{id} {lang} {}", db.0)) }
    }
    run(|| async {
        let (db, de) = (Db(1), String::from("de"));
        assert_eq!((product::get(7, "de").await, product::contains(7, &de).await, RUNS.get()), (None, false, 0));
        assert_eq!(product(&db, 7, "de").await.unwrap(), "7 de 1");
        assert_eq!(product::get(7, &de).await, Some(Ok("7 de 1".to_owned())));
        product::set(7, "de", &"mine".to_owned()).await;
        assert_eq!(product(&db, 7, "de").await.unwrap(), "mine");
        product::set(7, "de", &Ok::<_, String>("ok".to_owned())).await;
        assert_eq!(product(&db, 7, "de").await.unwrap(), "ok");
        assert_eq!(product::refresh(&Db(2), 7, "de").await.unwrap(), "7 de 2");
        assert_eq!(product(&db, 7, "de").await.unwrap(), "7 de 2");
        assert_eq!(product::uncached(&Db(3), 7, "de").await.unwrap(), "7 de 3");
        assert_eq!((product(&db, 7, "de").await.unwrap(), RUNS.get()), ("7 de 2".to_owned(), 3));
        assert_eq!(product(&db, 0, "de").await, Err("no product 0".to_owned()));
        assert_eq!(product::get(0, "de").await, None, "an error is not kept");
        product::invalidate(7, "de").await;
        assert!(!product::contains(7, "de").await);
        product(&db, 7, "de").await.unwrap();
        product::clear().await;
        assert!(!product::contains(7, "de").await);
        // Always sync.
        assert_eq!(product::stats().entries, 0);
        product::reset_stats();
        assert_eq!(product::cache().get(&(7, de)), None);
    });
}

#[test]
fn of_a_generic_function() {
    static RUNS: Counter = Counter::new();
    #[cached]
    fn parse<T: std::str::FromStr + Clone + Send + Sync + 'static>(text: &str) -> Option<T> {
        RUNS.up();
        text.parse().ok()
    }
    assert_eq!((parse::<u8>("7"), parse::<i64>("7"), RUNS.get()), (Some(7), Some(7), 2));
    assert_eq!((parse::get::<u8>("7"), parse::get::<u16>("7")), (Some(Some(7)), None));
    parse::set::<u8>("7", &8);
    assert_eq!((parse::<u8>("7"), parse::<i64>("7")), (Some(8), Some(7)));
    parse::set::<u8>("7", &Some(9));
    assert_eq!((parse::<u8>("7"), RUNS.get()), (Some(9), 2));
    parse::invalidate::<u8>("7");
    assert_eq!((parse::contains::<u8>("7"), parse::contains::<i64>("7")), (false, true));
    assert_eq!((parse::refresh::<i64>("7"), parse::uncached::<f64>("7"), RUNS.get()), (Some(7), Some(7.0), 4));
    parse::<u8>("7");
    // All instantiations together.
    assert_eq!(parse::stats().entries, 2);
    parse::clear();
    assert_eq!((parse::stats().entries, parse::contains::<i64>("7"), parse::contains::<u8>("7")), (0, false, false));
}

/// Their arguments are just those that the key reads, borrowed where the function borrows.
#[test]
fn take_the_arguments_that_the_key_reads() {
    struct User {
        id: u64,
    }
    #[cached(key = (user.id, page))]
    fn list(user: &User, page: u32, flags: &[bool]) -> String {
        format!("{} {page} {}", user.id, flags.len())
    }
    let user = User { id: 7 };
    assert_eq!((list(&user, 1, &[true]), list(&user, 1, &[])), ("7 1 1".into(), "7 1 1".into()));
    assert_eq!(list::get(&user, 1).as_deref(), Some("7 1 1"));
    list::invalidate(&user, 1);
    assert_eq!(list(&user, 1, &[]), "7 1 0");

    #[cached(key = "order:{id}")]
    fn order(id: u64, verbose: bool) -> String {
        format!("{id} {verbose}")
    }
    assert_eq!(order(1, true), "1 true");
    order::set(1, &"mine".to_owned());
    assert_eq!((order(1, false), order::get(1)), ("mine".into(), Some("mine".into())));
    order::invalidate(1);
    assert_eq!(order::refresh(1, false), "1 false");
}

#[test]
fn of_a_function_without_arguments() {
    static RUNS: Counter = Counter::new();
    #[cached]
    fn config() -> String {
        format!("read {}", RUNS.up())
    }
    assert_eq!((config(), config()), ("read 1".into(), "read 1".into()));
    assert_eq!((config::get(), config::contains()), (Some("read 1".into()), true));
    config::set(&"set".to_owned());
    assert_eq!(config(), "set");
    config::invalidate();
    assert_eq!((config(), config::refresh(), config()), ("read 2".into(), "read 3".into(), "read 3".into()));
}

#[test]
fn a_hit_or_miss_of_get_is_counted_or_not_but_never_loads() {
    static RUNS: Counter = Counter::new();
    #[cached]
    fn load(n: u64) -> u64 {
        RUNS.up();
        n
    }
    (0..10).for_each(|n| assert_eq!((load::get(n), load::contains(n)), (None, false)));
    assert_eq!((RUNS.get(), load::stats().loads, load::stats().entries), (0, 0, 0));
    assert_eq!((load(1), load::get(1), RUNS.get()), (1, Some(1), 1));
}

mod visibility {
    use cached_runtime::cached;

    #[cached]
    pub(crate) fn shared(n: u32) -> u32 {
        hidden(n) + 1
    }

    #[cached]
    fn hidden(n: u32) -> u32 {
        n
    }

    pub(crate) mod inner {
        #[cached_runtime::cached]
        pub(in super::super) fn within(n: u32) -> u32 {
            n + 2
        }
    }

    pub(super) fn hidden_contains(n: u32) -> bool {
        hidden::contains(n)
    }
}

/// One `use` brings the function and its companions, under another name too.
#[test]
fn travel_with_the_function() {
    use visibility::{inner::within, shared, shared as renamed};
    assert_eq!((shared(1), within(1)), (2, 3));
    assert!(shared::contains(1) && renamed::contains(1) && within::contains(1) && visibility::hidden_contains(1));
    renamed::invalidate(1);
    assert!(!shared::contains(1));
}

#[test]
fn may_have_another_name() {
    #[cached(companion = of_regex)]
    fn regex(n: u32) -> u32 {
        n + 1
    }
    assert_eq!(regex(1), 2);
    assert!(of_regex::contains(1));
    of_regex::invalidate(1);
    assert_eq!((of_regex::get(1), of_regex::stats().entries), (None, 0));
}

#[test]
fn may_be_absent() {
    // A type of the same name has room then.
    #[allow(non_camel_case_types)]
    #[derive(Clone)]
    struct regex(u32);
    #[cached(companion = false)]
    fn regex_of(n: u32) -> regex {
        regex(n)
    }
    static RUNS: Counter = Counter::new();
    #[cached(companion = false)]
    fn load(n: u32) -> u32 {
        RUNS.up();
        n
    }
    assert_eq!((regex_of(1).0, load(1), load(1), RUNS.get()), (1, 1, 1, 1));
}

/// What was kept of an absent or failed result comes back as such.
#[test]
fn kept_errors_and_absences() {
    #[cached(cache_err = true, cache_none = true)]
    fn find(n: u64) -> Result<Option<u64>, String> {
        match n {
            0 => Err("zero".into()),
            1 => Ok(None),
            n => Ok(Some(n)),
        }
    }
    for n in 0..3 {
        assert_eq!(find::get(n), None);
        let found = find(n);
        assert_eq!(find::get(n), Some(found));
    }
    find::set(0, &Ok::<_, String>(Some(5)));
    assert_eq!(find(0), Ok(Some(5)));
}

/// An argument that the function consumes is borrowed or moved into companions as the function does it.
#[test]
fn owned_arguments() {
    static RUNS: Counter = Counter::new();
    #[cached]
    fn join(parts: Vec<String>, by: char) -> String {
        RUNS.up();
        parts.join(&by.to_string())
    }
    let parts = || vec!["a".to_owned(), "b".to_owned()];
    assert_eq!((join(parts(), '-'), join(parts(), '-'), RUNS.get()), ("a-b".into(), "a-b".into(), 1));
    assert_eq!(join::get(parts(), '-').as_deref(), Some("a-b"));
    join::set(parts(), '-', &"x".to_owned());
    assert_eq!(join(parts(), '-'), "x");
    join::invalidate(parts(), '-');
    assert_eq!(join::refresh(parts(), '+'), "a+b");
}

#[test]
fn many_at_once() {
    static RUNS: Counter = Counter::new();
    #[cached]
    fn one(n: u64) -> u64 {
        RUNS.up();
        n * 10
    }
    #[cached]
    async fn pair(name: &str, n: u32) -> Result<String, String> {
        RUNS.up();
        if n == 0 { Err("zero".into()) } else { Ok(format!("{name} {n}")) }
    }
    #[cached]
    fn generic<T: From<u8> + Clone + Send + Sync + 'static>(text: &str) -> Option<T> {
        RUNS.up();
        text.parse().ok().map(|n: u8| T::from(n))
    }
    assert_eq!((one(1), one(3), generic::<u16>("7")), (10, 30, Some(7)));
    let owned = String::from("b");
    run(move || async move {
        assert!(pair("a", 1).await.is_ok() && pair("a", 0).await.is_err() && pair(&owned, 2).await.is_ok());
        assert_eq!(
            pair::many([("a", 1), ("a", 0), (&owned, 2), ("c", 3)]).await,
            [Some(Ok("a 1".into())), None, Some(Ok("b 2".into())), None]
        );
    });
    assert_eq!(one::many(vec![3, 2, 1, 3]), [Some(30), None, Some(10), Some(30)]);
    assert_eq!(one::many(1..=3), [Some(10), None, Some(30)]);
    assert_eq!(one::many([]), []);
    assert_eq!(
        (generic::many::<u16>(["7", "8"]), generic::many::<u32>(["7"])),
        (vec![Some(Some(7)), None], vec![None])
    );
    assert_eq!(RUNS.get(), 6, "it never loads");
}
