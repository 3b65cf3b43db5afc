//! What can be a key, and which arguments are equal: borrowed, owned, evaluated and skipped parts.

use cached_runtime::cached;
use cached_tests::Counter;
use std::{
    borrow::Cow,
    net::IpAddr,
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

/// Calls `$call`s that must share one execution, then says how many executions there were.
macro_rules! executions {
    ($runs:ident: $($call:expr),+ $(,)?) => {{
        $(let _ = $call;)+
        $runs.get()
    }};
}

#[test]
fn strings() {
    static RUNS: Counter = Counter::new();
    #[cached]
    fn borrowed(a: &str, b: String, c: Option<&str>) -> usize {
        RUNS.up();
        a.len() + b.len() + c.map_or(0, str::len)
    }
    let text = String::from("abc");
    assert_eq!(executions!(RUNS: borrowed("abc", "x".into(), None), borrowed(&text, String::from("x"), None)), 1);
    assert_eq!(
        executions!(RUNS: borrowed("abc", "x".into(), Some("")), borrowed("abc", "x".into(), Some("abc")), borrowed("abc", "x".into(), Some(&text))),
        3
    );
    assert!(borrowed::contains(&text, "x".into(), Some(&text)));
}

#[test]
fn floats() {
    static RUNS: Counter = Counter::new();
    #[cached]
    fn half(x: f64, y: f32) -> f64 {
        RUNS.up();
        x / 2.0 + f64::from(y)
    }
    assert_eq!(executions!(RUNS: half(0.0, 0.0), half(-0.0, 0.0), half(0.0, -0.0), half(-0.0, -0.0)), 1, "-0.0 is 0.0");
    assert_eq!(
        executions!(RUNS: half(f64::NAN, 1.0), half(-f64::NAN, 1.0), half(f64::from_bits(0x7ff8_0000_0000_0001), 1.0)),
        2,
        "all NaN are equal"
    );
    assert_eq!(executions!(RUNS: half(1.0, f32::NAN), half(1.0, -f32::NAN)), 3);
    assert_eq!(
        executions!(RUNS: half(1.0, 0.0), half(1.0 + f64::EPSILON, 0.0), half(f64::INFINITY, 0.0), half(f64::NEG_INFINITY, 0.0), half(f64::MIN_POSITIVE, 0.0)),
        8,
        "others go by their bits"
    );
}

#[test]
fn floats_inside_of_other_parts() {
    static RUNS: Counter = Counter::new();
    #[cached]
    fn maybe(x: Option<f64>, point: (f32, f32)) -> f64 {
        RUNS.up();
        x.unwrap_or(0.0) + f64::from(point.0 + point.1)
    }
    assert_eq!(
        executions!(RUNS: maybe(Some(0.0), (1.0, 0.0)), maybe(Some(-0.0), (1.0, -0.0)), maybe(None, (1.0, 0.0))),
        2
    );
}

#[test]
fn slices_and_arrays() {
    static RUNS: Counter = Counter::new();
    #[cached]
    fn sum(bytes: &[u8], numbers: [u32; 3], more: &[u64; 2], list: Vec<u16>) -> u64 {
        RUNS.up();
        bytes.iter().map(|n| u64::from(*n)).sum::<u64>() + u64::from(numbers[0]) + more[0] + list.len() as u64
    }
    let owned = vec![1, 2, 3];
    assert_eq!(
        executions!(RUNS: sum(&[1, 2, 3], [1; 3], &[2; 2], vec![]), sum(&owned, [1; 3], &[2; 2], Vec::with_capacity(9))),
        1
    );
    assert_eq!(
        executions!(RUNS: sum(&[1, 2], [1; 3], &[2; 2], vec![]), sum(&[1, 2, 3], [1, 1, 2], &[2; 2], vec![]), sum(&[1, 2, 3], [1; 3], &[2; 2], vec![0])),
        4
    );
}

#[test]
fn paths() {
    static RUNS: Counter = Counter::new();
    #[cached]
    fn depth(path: &Path, other: PathBuf) -> usize {
        RUNS.up();
        path.components().count() + other.components().count()
    }
    let path = PathBuf::from("a/b");
    // Equality of paths is by component, and so is their hash.
    assert_eq!(
        executions!(RUNS: depth(&path, "x".into()), depth(Path::new("a/b"), PathBuf::from("x")), depth(Path::new("a//b"), "x".into())),
        1
    );
    assert_eq!(executions!(RUNS: depth(Path::new("a/c"), "x".into())), 2);
}

#[test]
fn smart_pointers() {
    static RUNS: Counter = Counter::new();
    #[cached]
    #[expect(clippy::boxed_local, reason = "that is the point")]
    fn len(a: Arc<str>, b: &Arc<String>, c: Cow<'_, str>, d: Box<str>) -> usize {
        RUNS.up();
        a.len() + b.len() + c.len() + d.len()
    }
    let owned = String::from("c");
    assert_eq!(
        executions!(RUNS:
            len("a".into(), &Arc::new("b".into()), Cow::Borrowed("c"), "d".into()),
            len(Arc::from(String::from("a")), &Arc::new("b".into()), Cow::Owned("c".into()), "d".into()),
            len("a".into(), &Arc::new("b".into()), Cow::Borrowed(&owned), "d".into()),
        ),
        1
    );
    assert_eq!(executions!(RUNS: len("a".into(), &Arc::new("b".into()), Cow::Borrowed("x"), "d".into())), 2);
}

#[test]
fn references_to_references() {
    static RUNS: Counter = Counter::new();
    #[cached]
    fn len(a: &&str, b: &&&u32, c: &(String, u32)) -> usize {
        RUNS.up();
        a.len() + ***b as usize + c.0.len()
    }
    assert_eq!(
        executions!(RUNS: len(&"a", &&&1, &("x".into(), 1)), len(&String::from("a").as_str(), &&&1, &("x".into(), 1)), len(&"a", &&&2, &("x".into(), 1))),
        2
    );
}

#[test]
fn own_types() {
    #[derive(Clone, PartialEq, Eq, Hash, Debug)]
    enum Color {
        Red,
        Rgb(u8, u8, u8),
        Named { name: String },
    }
    static RUNS: Counter = Counter::new();
    #[cached]
    fn show(color: Color, other: &Color, at: IpAddr, within: Duration) -> String {
        RUNS.up();
        format!("{color:?} {other:?} {at} {within:?}")
    }
    let at: IpAddr = "::1".parse().unwrap();
    let named = || Color::Named { name: "x".into() };
    for _ in 0..2 {
        assert_eq!(show(Color::Red, &Color::Rgb(1, 2, 3), at, Duration::ZERO), "Red Rgb(1, 2, 3) ::1 0ns");
        assert_eq!(show(named(), &named(), at, Duration::ZERO), "Named { name: \"x\" } Named { name: \"x\" } ::1 0ns");
    }
    assert_eq!(RUNS.get(), 2);
}

#[test]
fn a_key_expression() {
    static RUNS: Counter = Counter::new();
    #[cached(key = name.trim())]
    fn trimmed(name: &str) -> usize {
        RUNS.up();
        name.len()
    }
    assert_eq!((trimmed("  ab "), trimmed("ab"), trimmed("\tab"), RUNS.get()), (5, 5, 5, 1));
    assert!(trimmed::contains("ab") && !trimmed::contains("a b"));
}

#[test]
fn a_tuple_of_expressions() {
    static RUNS: Counter = Counter::new();
    struct User {
        id: u64,
        name: String,
    }
    #[cached(key = (user.id, user.name.to_lowercase(), page / 10, tags.len(), *flag))]
    fn list(user: &User, page: u32, tags: Vec<String>, flag: &bool) -> String {
        RUNS.up();
        format!("{} {page} {} {flag}", user.id, tags.len())
    }
    let user = |name: &str| User { id: 1, name: name.into() };
    let first = list(&user("Ann"), 11, vec!["x".into()], &true);
    assert_eq!(first, "1 11 1 true");
    assert_eq!(list(&user("ANN"), 19, vec!["y".into()], &true), first);
    assert_eq!(RUNS.get(), 1);
    list(&user("ANN"), 20, vec!["y".into()], &true);
    list(&user("ANN"), 19, vec![], &true);
    list(&user("ANN"), 19, vec!["y".into()], &false);
    assert_eq!(RUNS.get(), 4);
}

/// A key that borrows from an argument which the body then consumes.
#[test]
fn a_key_of_a_moved_argument() {
    #[cached(key = (name.trim(), names.first().map(String::as_str)))]
    fn consume(name: String, names: Vec<String>) -> (String, usize) {
        let length = names.into_iter().map(String::into_bytes).map(|bytes| bytes.len()).sum();
        (name, length)
    }
    let value = consume(" a ".into(), vec!["b".into(), "c".into()]);
    assert_eq!(value, (" a ".to_owned(), 2));
    assert_eq!(consume("a".into(), vec!["b".into()]), value);
    assert_eq!(consume("a".into(), vec![]).1, 0);
}

#[test]
fn templates() {
    static RUNS: Counter = Counter::new();
    struct Page {
        number: u32,
    }
    #[cached(key = "user:{id}/page:{page.number}/{{literal}}")]
    fn show(id: u64, page: &Page, verbose: bool) -> String {
        RUNS.up();
        format!("{id} {} {verbose}", page.number)
    }
    assert_eq!(show(1, &Page { number: 2 }, true), "1 2 true");
    assert_eq!(show(1, &Page { number: 2 }, false), "1 2 true");
    assert_eq!(show(12, &Page { number: 2 }, false), "12 2 false");
    assert_eq!((show(1, &Page { number: 22 }, false), RUNS.get()), ("1 22 false".into(), 3));
}

#[test]
fn one_entry_on_purpose() {
    static RUNS: Counter = Counter::new();
    #[cached(key = ())]
    fn any(n: u32) -> u32 {
        RUNS.up();
        n
    }
    assert_eq!((any(1), any(2), RUNS.get()), (1, 1, 1));
}

#[test]
fn skipped_arguments() {
    struct Db;
    static RUNS: Counter = Counter::new();
    #[cached(skip(db, trace))]
    fn load(db: &Db, id: u64, trace: &mut Vec<u64>) -> u64 {
        let Db = db;
        RUNS.up();
        trace.push(id);
        id
    }
    let mut trace = Vec::new();
    assert_eq!((load(&Db, 1, &mut trace), load(&Db, 1, &mut trace), load(&Db, 2, &mut trace)), (1, 1, 2));
    assert_eq!((trace, RUNS.get(), load::get(1)), (vec![1, 2], 2, Some(1)));
}

#[test]
fn all_skipped() {
    static RUNS: Counter = Counter::new();
    #[cached(skip(n))]
    fn once(n: u32) -> u32 {
        RUNS.up();
        n
    }
    assert_eq!((once(1), once(2), RUNS.get(), once::get()), (1, 1, 1, Some(1)));
}

#[test]
fn pattern_arguments() {
    static RUNS: Counter = Counter::new();
    struct Pair {
        a: u32,
        b: u32,
    }
    #[cached]
    fn sum((x, y): (u32, u32), [first, ..]: [u32; 3], mut n: u32, _: ()) -> u32 {
        RUNS.up();
        n += x + y + first;
        n
    }
    #[cached(key = (a, b))]
    fn fields(Pair { a, b }: Pair) -> u32 {
        RUNS.up();
        a * b
    }
    assert_eq!((sum((1, 2), [3, 4, 5], 6, ()), sum((1, 2), [3, 4, 5], 6, ())), (12, 12));
    assert_eq!((sum((1, 2), [3, 4, 6], 6, ()), RUNS.get()), (12, 2), "the whole argument is the key");
    assert_eq!((fields(Pair { a: 2, b: 3 }), fields(Pair { a: 2, b: 3 }), RUNS.get()), (6, 6, 3));
}

#[test]
fn twelve_parts() {
    static RUNS: Counter = Counter::new();
    #[cached]
    #[expect(clippy::too_many_arguments, reason = "that is the point")]
    fn many(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8, i: u8, j: u8, k: u8, l: &str) -> usize {
        RUNS.up();
        [a, b, c, d, e, f, g, h, i, j, k].iter().map(|n| usize::from(*n)).sum::<usize>() + l.len()
    }
    assert_eq!(
        (many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, "x"), many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, "x"), RUNS.get()),
        (67, 67, 1)
    );
    assert_eq!((many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, "y"), RUNS.get()), (67, 2));
}

#[test]
fn keys_of_a_local_cache_need_not_be_send() {
    static RUNS: Counter = Counter::new();
    #[cached(backend = local)]
    fn len(text: Rc<str>, list: &Rc<Vec<u8>>) -> Rc<usize> {
        RUNS.up();
        Rc::new(text.len() + list.len())
    }
    assert_eq!((*len("ab".into(), &Rc::new(vec![1])), *len(Rc::from("ab"), &Rc::new(vec![1])), RUNS.get()), (3, 3, 1));
}

/// What a companion looks up by borrowed parts is what the handle finds by an owned key.
#[test]
fn borrowed_parts_and_owned_keys_hash_alike() {
    #[cached]
    fn one(name: &str) -> usize {
        name.len()
    }
    #[cached]
    fn several(name: &str, id: u32, path: &Path, bytes: &[u8], maybe: Option<&str>) -> usize {
        name.len() + id as usize + path.components().count() + bytes.len() + maybe.map_or(0, str::len)
    }
    one("abc");
    assert_eq!((one::cache().get("abc"), one::cache().get(&String::from("abc"))), (Some(3), Some(3)));
    several("a", 1, Path::new("x/y"), &[1, 2], Some("z"));
    let key = ("a".to_owned(), 1, PathBuf::from("x/y"), vec![1, 2], Some("z".to_owned()));
    assert_eq!(several::cache().get(&key), Some(7));
    several::cache().set(key, 70);
    assert_eq!(several("a", 1, Path::new("x/y"), &[1, 2], Some("z")), 70);
}
