//! `jitter`: each ttl is shortened by a random part of it; never prolonged.

use crate::{secs, stores};
use cached_runtime::{Cache, cached, clock};

fn alive(cache: &Cache<u32, u32>) -> usize {
    (0..500).filter(|key| cache.contains(key)).count()
}

#[test]
fn a_share_of_the_ttl() {
    let clock = clock::pause();
    for (store, builder) in stores() {
        let cache = builder.ttl(secs(100)).jitter(0.5).build();
        (0..500).for_each(|key| cache.set(key, key));
        clock.advance(secs(49));
        assert_eq!(alive(&cache), 500, "{store}: none goes before half of it");
        clock.advance(secs(26));
        let three_quarters = alive(&cache);
        assert!((125..375).contains(&three_quarters), "{store}: {three_quarters} of 500 at three quarters");
        clock.advance(secs(23));
        let late = alive(&cache);
        assert!(late < three_quarters && late < 100, "{store}: {late} of 500 near the end");
        clock.advance(secs(2));
        assert_eq!(alive(&cache), 0, "{store}: none outlives the ttl");
    }
}

#[test]
fn a_duration() {
    let clock = clock::pause();
    let cache: Cache<u32, u32> = Cache::builder().ttl(secs(100)).jitter(secs(10)).build();
    (0..500).for_each(|key| cache.set(key, key));
    clock.advance(secs(89));
    assert_eq!(alive(&cache), 500);
    clock.advance(secs(6));
    assert!((100..400).contains(&alive(&cache)), "{} of 500", alive(&cache));
    clock.advance(secs(5));
    assert_eq!(alive(&cache), 0);
}

#[test]
fn longer_than_the_ttl() {
    let clock = clock::pause();
    let cache: Cache<u32, u32> = Cache::builder().ttl(secs(10)).jitter(secs(1000)).build();
    (0..500).for_each(|key| cache.set(key, key));
    // Nothing overflows; what is kept goes within the ttl.
    assert!(cache.len() <= 500);
    clock.advance(secs(10));
    assert_eq!(alive(&cache), 0);
}

#[test]
fn of_the_attribute() {
    let clock = clock::pause();
    #[cached(ttl = "100s", jitter = 0.2)]
    fn share(n: u32) -> u32 {
        n
    }
    #[cached(ttl = "100s", jitter = "20s")]
    fn duration(n: u32) -> u32 {
        n
    }
    (0..500).for_each(|n| assert_eq!((share(n), duration(n)), (n, n)));
    let alive =
        || ((0..500).filter(|n| share::contains(*n)).count(), (0..500).filter(|n| duration::contains(*n)).count());
    clock.advance(secs(79));
    assert_eq!(alive(), (500, 500));
    clock.advance(secs(11));
    let (by_share, by_duration) = alive();
    assert!((100..400).contains(&by_share) && (100..400).contains(&by_duration), "{by_share} {by_duration}");
    clock.advance(secs(10));
    assert_eq!(alive(), (0, 0));
}
