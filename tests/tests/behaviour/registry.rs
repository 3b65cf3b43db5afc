//! `cached_runtime::caches()`: every cache of the process with its name and stats. `clear_all` touches everybody's, so its test is in `clock`, where tests take turns.

use cached_runtime::{Cache, CacheInfo, cached, caches};

fn named(name: &str) -> Option<CacheInfo> {
    caches().into_iter().find(|cache| cache.name() == name)
}

#[test]
fn lists_functions_once_they_were_used() {
    #[cached(name = "registry: a function")]
    fn load(n: u32) -> u32 {
        n
    }
    #[cached(name = "registry: a local one", backend = local)]
    fn local(n: u32) -> u32 {
        n
    }
    assert!((load(1), load(1), local(1)) == (1, 1, 1));
    let info = named("registry: a function").expect("it is listed");
    assert_eq!((info.stats().hits, info.stats().entries), (1, 1));
    assert_eq!(info.stats(), load::stats());
    assert_eq!(named("registry: a local one").expect("it is listed").stats().misses, 1);
    info.clear();
    assert!(!load::contains(1));
}

#[test]
fn lists_builders_while_they_live() {
    let cache: Cache<u32, u32> = Cache::builder().name("registry: a builder").build();
    cache.set(1, 1);
    assert_eq!(named("registry: a builder").expect("it is listed").stats().entries, 1);
    let clone = cache.clone();
    drop(cache);
    assert!(named("registry: a builder").is_some(), "a handle is left");
    drop(clone);
    assert!(named("registry: a builder").is_none(), "nothing keeps it alive");
}

#[test]
fn default_names_tell_functions_apart() {
    mod one {
        #[cached_runtime::cached]
        pub(super) fn registered(n: u32) -> u32 {
            n
        }
    }
    mod two {
        #[cached_runtime::cached]
        pub(super) fn registered(n: u32) -> u32 {
            n
        }
    }
    assert_eq!((one::registered(1), two::registered(1)), (1, 1));
    let (one, two) = (one::registered::cache().name(), two::registered::cache().name());
    assert!(one.ends_with("one::registered") && two.ends_with("two::registered"), "{one} {two}");
    assert!(named(one).is_some() && named(two).is_some());
}

#[test]
fn a_clear_through_the_list_is_a_fence_too() {
    #[cached(name = "registry: fenced")]
    fn load(n: u32) -> u32 {
        named("registry: fenced").expect("it is listed").clear();
        n
    }
    assert_eq!((load(1), load::contains(1), load::stats().fenced), (1, false, 1));
}
