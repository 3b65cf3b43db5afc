//! What macros write around the attribute: options, bodies and names that are handed in. They must mean what they say by hand.

use cached_runtime::{cached, invalidate_tag, invalidates};
use cached_tests::Counter;

#[test]
fn a_key_that_a_macro_hands_in_is_a_template() {
    macro_rules! make {
        ($name:ident, $key:literal) => {
            #[cached(key = $key)]
            fn $name(id: u32) -> u32 {
                id
            }
        };
    }
    macro_rules! make_of_an_expression {
        ($name:ident, $key:expr) => {
            #[cached(key = $key)]
            fn $name(id: (u32, f64)) -> u32 {
                id.0
            }
        };
    }
    make!(product, "product:{id}");
    make_of_an_expression!(user, ("user:{id.0}:{id.1:.2}"));
    #[cached(key = ("in parentheses:{id}"))]
    fn enclosed(id: u32) -> u32 {
        id
    }
    assert_eq!((product(1), product(2), product::get(2)), (1, 2, Some(2)));
    assert_eq!((user((1, 0.5)), user((2, 0.5)), user((9, 0.5)), user::get((9, 0.501))), (1, 2, 9, Some(9)));
    assert_eq!((enclosed(1), enclosed(2), enclosed::get(1)), (1, 2, Some(1)));
}

#[test]
fn every_option_may_be_handed_in() {
    static RUNS: Counter = Counter::new();
    macro_rules! make {
        ($name:ident($n:ident), $ttl:literal, $tag:literal, $text:expr, $coalesce:expr, $flag:expr) => {
            #[cached(ttl = $ttl, tags = [$tag, $text], coalesce = $coalesce, bypass_if = $flag, name = $text)]
            fn $name($n: u32) -> u32 {
                RUNS.up();
                $n
            }
        };
    }
    make!(numbers(n), "1m", "produced_numbers:{n}", "produced_numbers", false, n > 7);
    assert_eq!((numbers(1), numbers(1), numbers(2), RUNS.get()), (1, 1, 2, 2));
    drop(invalidate_tag("produced_numbers:1"));
    assert_eq!((numbers::get(1), numbers::get(2)), (None, Some(2)));

    macro_rules! write {
        ($name:ident, $tag:literal) => {
            #[invalidates(tags = [$tag])]
            fn $name() {}
        };
    }
    write!(forget, "produced_numbers");
    forget();
    assert_eq!(numbers::get(2), None);
}

#[test]
fn a_body_may_be_handed_in() {
    macro_rules! make {
        ($name:ident($n:ident) $body:block) => {
            #[cached]
            fn $name($n: u32) -> u32 $body
        };
    }
    make!(double(n) {
        assert!(n < 9);
        n * 2
    });
    assert_eq!((double(2), double::get(2), double(3)), (4, Some(4), 6));
    macro_rules! write {
        ($name:ident($n:ident) $body:block) => {
            #[invalidates(double($n))]
            fn $name($n: u32) -> u32 $body
        };
    }
    write!(change(n) { n });
    assert_eq!((change(2), double::get(2), double::get(3)), (2, None, Some(6)));
}
