//! `Result`, `Option` and `Result<Option<_>, _>` through any alias: what is kept, what is tried again. Their durations are in `clock`.

use cached_runtime::cached;
use cached_tests::{Counter, run};
use std::io;

type Answer<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
type Found = Option<u64>;
type Fixed = Result<u64, io::ErrorKind>;

#[test]
fn an_error_is_not_kept() {
    static RUNS: Counter = Counter::new();
    #[cached]
    fn load(n: u64) -> Result<u64, String> {
        RUNS.up();
        if n == 0 { Err("zero".into()) } else { Ok(n) }
    }
    assert_eq!((load(0), load(0), RUNS.get()), (Err("zero".into()), Err("zero".into()), 2));
    assert_eq!((load(1), load(1), RUNS.get()), (Ok(1), Ok(1), 3));
    let stats = load::stats();
    assert_eq!((stats.load_errors, stats.entries, stats.hits), (2, 1, 1));
}

#[test]
fn aliases_count() {
    static RUNS: Counter = Counter::new();
    #[cached]
    fn own(n: u64) -> Answer<u64> {
        RUNS.up();
        if n == 0 { Err("zero")? } else { Ok(n) }
    }
    #[cached]
    fn of_io(n: u64) -> io::Result<u64> {
        RUNS.up();
        if n == 0 { Err(io::Error::other("zero")) } else { Ok(n) }
    }
    #[cached]
    fn of_fmt(n: u64) -> std::fmt::Result {
        RUNS.up();
        if n == 0 { Err(std::fmt::Error) } else { Ok(()) }
    }
    #[cached]
    fn found(n: u64) -> Found {
        RUNS.up();
        (n > 0).then_some(n)
    }
    #[cached]
    fn fixed(n: u64) -> Fixed {
        RUNS.up();
        if n == 0 { Err(io::ErrorKind::NotFound) } else { Ok(n) }
    }
    for _ in 0..2 {
        assert!(own(0).is_err() && of_io(0).is_err() && of_fmt(0).is_err() && found(0).is_none() && fixed(0).is_err());
    }
    assert_eq!(RUNS.get(), 10, "none of them is kept");
    for _ in 0..2 {
        assert_eq!((own(1).unwrap(), of_io(1).unwrap(), of_fmt(1), found(1), fixed(1)), (1, 1, Ok(()), Some(1), Ok(1)));
    }
    assert_eq!(RUNS.get(), 15, "all of them are");
}

#[test]
fn aliases_count_in_async_and_generic_functions() {
    static RUNS: Counter = Counter::new();
    #[cached]
    async fn load<T: From<u8> + Clone + Send + Sync + 'static>(n: u64) -> io::Result<T> {
        RUNS.up();
        if n == 0 { Err(io::Error::other("zero")) } else { Ok(T::from(1)) }
    }
    run(|| async {
        for _ in 0..2 {
            assert!(load::<u16>(0).await.is_err());
            assert_eq!(load::<u16>(1).await.unwrap(), 1);
        }
    });
    assert_eq!(RUNS.get(), 3);
}

#[test]
fn an_absent_value_in_a_result() {
    static RUNS: Counter = Counter::new();
    #[cached]
    fn find(n: u64) -> Result<Option<u64>, String> {
        RUNS.up();
        match n {
            0 => Err("zero".into()),
            1 => Ok(None),
            n => Ok(Some(n)),
        }
    }
    for _ in 0..2 {
        assert_eq!((find(0), find(1), find(2)), (Err("zero".into()), Ok(None), Ok(Some(2))));
    }
    assert_eq!((RUNS.get(), find::stats().entries), (5, 1));
    // The value may be set as itself, as an option, or as the whole result.
    find::set(1, &5);
    assert_eq!(find(1), Ok(Some(5)));
    find::set(1, &Some(6));
    assert_eq!(find(1), Ok(Some(6)));
    find::set(1, &Ok::<_, String>(Some(7)));
    assert_eq!(find(1), Ok(Some(7)));
}

#[test]
fn kept_on_request() {
    static RUNS: Counter = Counter::new();
    #[cached(cache_none = true)]
    fn none(n: u64) -> Option<u64> {
        RUNS.up();
        (n > 0).then_some(n)
    }
    #[cached(cache_err = true)]
    fn err(n: u64) -> Result<u64, String> {
        RUNS.up();
        if n == 0 { Err("zero".into()) } else { Ok(n) }
    }
    #[cached(cache_none = true)]
    fn none_but_no_err(n: u64) -> Result<Option<u64>, io::ErrorKind> {
        RUNS.up();
        match n {
            0 => Err(io::ErrorKind::NotFound),
            1 => Ok(None),
            n => Ok(Some(n)),
        }
    }
    #[cached(cache_err = true)]
    async fn err_but_no_none(n: u64) -> Result<Option<u64>, io::ErrorKind> {
        RUNS.up();
        match n {
            0 => Err(io::ErrorKind::NotFound),
            1 => Ok(None),
            n => Ok(Some(n)),
        }
    }
    for _ in 0..2 {
        assert_eq!((none(0), none(1), err(0), err(1)), (None, Some(1), Err("zero".into()), Ok(1)));
    }
    assert_eq!(RUNS.get(), 4);
    for _ in 0..2 {
        assert_eq!(
            (none_but_no_err(0), none_but_no_err(1), none_but_no_err(2)),
            (Err(io::ErrorKind::NotFound), Ok(None), Ok(Some(2)))
        );
    }
    assert_eq!(RUNS.get(), 8);
    run(|| async {
        for _ in 0..2 {
            assert_eq!(
                (err_but_no_none(0).await, err_but_no_none(1).await, err_but_no_none(2).await),
                (Err(io::ErrorKind::NotFound), Ok(None), Ok(Some(2)))
            );
        }
    });
    assert_eq!(RUNS.get(), 12);
}

/// A type of that name that is no `Result` is a plain value, and so are options deeper inside.
#[test]
fn what_only_looks_like_one() {
    mod own {
        #[derive(Clone, PartialEq, Debug)]
        pub(super) enum Result {
            Ok,
            Err,
        }
    }
    static RUNS: Counter = Counter::new();
    #[cached]
    fn load(n: u64) -> own::Result {
        RUNS.up();
        if n == 0 { own::Result::Err } else { own::Result::Ok }
    }
    #[cached]
    fn pair(n: u64) -> (Option<u64>, Vec<Option<u64>>) {
        RUNS.up();
        (None, vec![Some(n), None])
    }
    for _ in 0..2 {
        assert_eq!((load(0), load(1)), (own::Result::Err, own::Result::Ok));
        assert_eq!(pair(1), (None, vec![Some(1), None]));
    }
    assert_eq!(RUNS.get(), 3);
}

/// An error needs to be nothing at all: not `Clone`, not `Send`, not `'static` in its contents.
#[test]
fn any_error_will_do() {
    #[derive(Debug)]
    struct NotClone(std::cell::RefCell<std::rc::Rc<u32>>);
    #[cached]
    fn load(n: u32) -> Result<u32, NotClone> {
        if n == 0 { Err(NotClone(std::cell::RefCell::new(std::rc::Rc::new(7)))) } else { Ok(n) }
    }
    assert_eq!(**load(0).unwrap_err().0.borrow(), 7);
    assert_eq!(load(1).unwrap(), 1);
}

#[test]
fn question_marks_in_the_body() {
    #[cached]
    fn sum(text: &str) -> Result<i32, std::num::ParseIntError> {
        let mut total = 0;
        for part in text.split('+') {
            total += part.trim().parse::<i32>()?;
        }
        if total < 0 {
            return Ok(0);
        }
        Ok(total)
    }
    #[cached]
    async fn first(text: &str) -> Option<char> {
        let char = text.chars().next()?;
        Some(char.to_ascii_uppercase())
    }
    assert_eq!((sum("1 + 2").unwrap(), sum("-5").unwrap(), sum("1 + 2").unwrap(), sum::stats().hits), (3, 0, 3, 1));
    assert!(sum("x").is_err());
    assert_eq!(run(|| async { (first("ab").await, first("").await, first("ab").await) }), (Some('A'), None, Some('A')));
}
