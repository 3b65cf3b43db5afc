//! `#[invalidates]` and `#[updates]`: what they forget and store, when, and for which shapes of functions. It never looks at
//! what a store does with it.

use cached_runtime::{cached, invalidates, updates};
use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

#[derive(Clone, Debug, PartialEq)]
struct Product {
    id: u64,
    name: String,
}

fn named(id: u64, name: &str) -> Product {
    Product { id, name: name.to_owned() }
}

#[test]
fn a_writer_forgets_after_it_succeeded_and_only_then() {
    #[cached]
    fn product(id: u64) -> Product {
        named(id, "loaded")
    }
    #[invalidates(product(id))]
    fn update(id: u64, works: bool) -> Result<u8, String> {
        assert!(product::contains(id), "not before the body");
        if !works {
            return Err("refused".to_owned());
        }
        let written = "7".parse::<u8>().map_err(|error| error.to_string())?;
        Ok(written)
    }
    product(1);
    product(2);
    assert_eq!(update(1, false), Err("refused".to_owned()));
    assert!(product::contains(1));
    assert_eq!(update(1, true), Ok(7));
    assert!(!product::contains(1) && product::contains(2));
}

#[tokio::test]
async fn so_does_an_async_one_whatever_the_function_is() {
    #[cached]
    async fn product(id: u64, lang: &str) -> Result<Product, String> {
        Ok(named(id, lang))
    }
    #[cached]
    fn list() -> u32 {
        7
    }
    #[invalidates(product(id, "en"), list)]
    async fn update(id: u64, works: bool) -> Result<(), String> {
        std::future::ready(()).await;
        if works { Ok(()) } else { Err(String::new()) }
    }
    product(1, "en").await.unwrap();
    product(1, "de").await.unwrap();
    list();
    update(1, false).await.unwrap_err();
    assert!(product::contains(1, "en").await && list::contains());
    update(1, true).await.unwrap();
    assert!(!product::contains(1, "en").await && product::contains(1, "de").await && !list::contains());
}

#[test]
fn the_body_may_move_the_arguments() {
    #[cached]
    fn length(name: &str) -> usize {
        name.len()
    }
    #[cached]
    fn owned(name: String) -> usize {
        name.len()
    }
    struct Change {
        name: String,
    }
    #[invalidates(length(&name), owned(name), owned(change.name), length(&format!("{name}!")))]
    fn rename(name: String, change: Change) -> (String, String) {
        (name, change.name)
    }
    for name in ["a", "b", "c", "a!"] {
        length(name);
        owned(name.to_owned());
    }
    assert_eq!(rename("a".into(), Change { name: "b".into() }), ("a".into(), "b".into()));
    let names = ["a", "b", "c", "a!"];
    assert_eq!(names.map(length::contains), [false, true, true, false]);
    assert_eq!(names.map(|name| owned::contains(name.to_owned())), [false, false, true, true]);
}

#[tokio::test]
async fn an_argument_may_come_from_the_result() {
    #[cached]
    fn product(id: u64, lang: String) -> Product {
        named(id, &lang)
    }
    #[invalidates(|made| product(made.id, lang), |Product { id, .. }| product(*id, format!("{}!", made_in(*id))))]
    async fn create(lang: String, works: bool) -> Result<Product, String> {
        if works { Ok(named(5, &lang)) } else { Err(lang) }
    }
    fn made_in(id: u64) -> u64 {
        id + 1
    }
    for lang in ["en", "6!"] {
        product(5, lang.into());
    }
    product(6, "en".into());
    create("en".into(), false).await.unwrap_err();
    assert!(product::contains(5, "en".into()));
    create("en".into(), true).await.unwrap();
    assert!(
        !product::contains(5, "en".into()) && !product::contains(5, "6!".into()) && product::contains(6, "en".into())
    );
}

#[test]
fn tags_are_templates_over_the_writers_arguments() {
    #[cached(tags = ["writers-of-tags", "writer:{owner}"])]
    fn page(id: u64, owner: &str) -> String {
        format!("{id} {owner}")
    }
    #[invalidates(tags = ["writer:{owner}"])]
    fn write(owner: String) -> String {
        owner
    }
    #[invalidates(tags = ["writers-of-tags"])]
    fn write_all() {}
    page(1, "ann");
    page(2, "bob");
    write("ann".into());
    assert!(!page::contains(1, "ann") && page::contains(2, "bob"));
    page(1, "ann");
    write_all();
    assert!(!page::contains(1, "ann") && !page::contains(2, "bob"));
}

#[test]
fn generic_targets_and_targets_elsewhere() {
    mod shop {
        use cached_runtime::{CacheValue, cached};
        use std::str::FromStr;
        #[cached]
        pub(crate) fn parsed<T: FromStr + CacheValue>(text: &str) -> Option<T> {
            text.parse().ok()
        }
    }
    #[invalidates(shop::parsed::<u8>(text))]
    fn write(text: &str) -> &str {
        text
    }
    shop::parsed::<u8>("1");
    shop::parsed::<u16>("1");
    assert_eq!(write("1"), "1");
    assert!(!shop::parsed::contains::<u8>("1") && shop::parsed::contains::<u16>("1"));
}

#[test]
fn methods_write_and_methods_are_forgotten() {
    struct Shop {
        id: u32,
        written: Vec<u64>,
    }
    impl Shop {
        #[cached(key = (self.id, item), companion = price_entry)]
        fn price(&self, item: u64) -> u64 {
            item * 10
        }

        #[invalidates(self.price_entry(item), self.price_entry(item + 1))]
        fn write(&mut self, item: u64) -> Option<&mut u64> {
            self.written.push(item);
            self.written.last_mut()
        }

        #[updates(self.price_entry(item))]
        fn set(&self, item: u64, price: u64) -> Result<u64, String> {
            if price > 0 { Ok(price) } else { Err("free".into()) }
        }
    }
    let mut shop = Shop { id: 1, written: Vec::new() };
    for item in 1..4 {
        shop.price(item);
    }
    assert_eq!(shop.write(1), Some(&mut 1));
    assert_eq!([1, 2, 3].map(|item| shop.price_entry(item).contains()), [false, false, true]);
    assert_eq!(shop.set(3, 7), Ok(7));
    assert_eq!(shop.price(3), 7);
    assert_eq!(shop.set(3, 0), Err("free".to_owned()));
    assert_eq!(shop.price(3), 7);
}

#[tokio::test]
async fn an_update_stores_what_was_written() {
    #[cached]
    async fn product(id: u64) -> Result<Product, String> {
        Ok(named(id, "loaded"))
    }
    #[updates(product(id))]
    async fn rename(id: u64, name: &str) -> Result<Product, u8> {
        if name.is_empty() { Err(1) } else { Ok(named(id, name)) }
    }
    rename(1, "written").await.unwrap();
    assert_eq!(product(1).await.unwrap().name, "written");
    assert_eq!(product::stats().loads, 0);
    rename(1, "").await.unwrap_err();
    assert_eq!(product(1).await.unwrap().name, "written");
}

#[test]
fn local_caches_are_written_too() {
    #[cached(backend = local)]
    fn rc(id: u64) -> std::rc::Rc<u64> {
        std::rc::Rc::new(id)
    }
    #[updates(rc(id))]
    fn set(id: u64, value: u64) -> std::rc::Rc<u64> {
        std::rc::Rc::new(value)
    }
    #[invalidates(rc(id))]
    fn forget(id: u64) {
        let _ = id;
    }
    #[invalidates(rc)]
    fn forget_all() {}
    set(1, 5);
    assert_eq!(*rc(1), 5);
    forget(1);
    assert_eq!(*rc(1), 1);
    forget_all();
    assert!(!rc::contains(1));
}

/// Polls once.
fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_writer_that_panics_or_is_dropped_on_its_way_has_written_perhaps() {
    #[cached]
    fn product(id: u64) -> u64 {
        id
    }
    #[invalidates(product(id))]
    fn panics(id: u64) -> Result<(), String> {
        assert!(id > 100, "on purpose");
        Ok(())
    }
    #[invalidates(product(id), |value| product(*value))]
    async fn hangs(id: u64) -> u64 {
        std::future::pending::<()>().await;
        id
    }
    #[updates(product(id))]
    async fn updating(id: u64) -> u64 {
        std::future::pending::<()>().await;
        id
    }
    product(1);
    catch_unwind(AssertUnwindSafe(|| panics(1))).unwrap_err();
    assert!(!product::contains(1));

    (1..4).for_each(|id| drop(product(id)));
    drop(hangs(1));
    drop(updating(2));
    assert!(product::contains(1) && product::contains(2), "it never began");
    {
        let mut writer = pin!(updating(2));
        assert!(poll(writer.as_mut()).is_pending());
    }
    assert!(product::contains(1) && !product::contains(2));
    {
        let mut writer = pin!(hangs(1));
        assert!(poll(writer.as_mut()).is_pending());
    }
    // What the result would have told, nobody knows: everything goes.
    assert!(!product::contains(1) && !product::contains(3));
}

#[test]
fn it_composes_with_itself_and_with_cached() {
    thread_local!(static RUNS: Cell<u32> = const { Cell::new(0) });
    #[cached]
    fn one(id: u64) -> u64 {
        id
    }
    #[cached]
    fn two(id: u64) -> u64 {
        id
    }
    #[invalidates(one(id))]
    #[cached]
    #[invalidates(two(id))]
    #[updates(two(id + 1))]
    fn both(id: u64) -> u64 {
        RUNS.set(RUNS.get() + 1);
        id * 100
    }
    one(1);
    two(1);
    assert_eq!(both(1), 100);
    assert!(!one::contains(1) && !two::contains(1));
    assert_eq!(two::get(2), Some(100));
    assert_eq!((both(1), RUNS.get()), (100, 1));
}

#[async_trait::async_trait]
trait Writes {
    async fn write(&self, id: u64) -> Result<u64, String>;
}

#[cached]
fn seen(id: u64) -> u64 {
    id
}

struct Writer;

#[async_trait::async_trait]
impl Writes for Writer {
    #[invalidates(seen(id))]
    #[tracing::instrument(skip(self))]
    async fn write(&self, id: u64) -> Result<u64, String> {
        std::future::ready(()).await;
        if id == 0 { Err("zero".to_owned()) } else { Ok(id) }
    }
}

#[tokio::test]
async fn under_async_trait() {
    let writer: Box<dyn Writes> = Box::new(Writer);
    seen(0);
    seen(1);
    writer.write(0).await.unwrap_err();
    writer.write(1).await.unwrap();
    assert!(seen::contains(0) && !seen::contains(1));
}

/// Also where the cache itself can't be: each thread has its own.
#[test]
fn a_writer_that_forgets_a_threads_own_cache_may_be_sent() {
    fn sent<T: Send>(_: &T) {}
    #[cached(backend = local)]
    fn own(n: u64) -> u64 {
        n
    }
    #[cached]
    fn shared(n: u64) -> u64 {
        n
    }
    #[invalidates(own, shared)]
    async fn write(n: u64) -> u64 {
        std::future::ready(()).await;
        n
    }
    #[invalidates(|made| own(*made), |made| shared(*made))]
    async fn write_one(n: u64) -> u64 {
        std::future::ready(()).await;
        n
    }
    sent(&write_one(1));
    let writing = write(1);
    sent(&writing);
    assert_eq!((own(1), shared(1), own::stats().entries, shared::stats().entries), (1, 1, 1, 1));
    futures::executor::block_on(writing);
    assert_eq!((own::stats().entries, shared::stats().entries), (0, 0));
}

#[test]
fn a_writer_may_be_sent() {
    fn sent<T: Send>(_: &T) {}
    #[cached(tags = ["sent"])]
    async fn page(id: u64, name: String) -> String {
        format!("{id}{name}")
    }
    #[invalidates(page(id, name), |made| page(1, made.clone()), page, tags = ["sent"])]
    #[updates(page(id, "x".to_owned()))]
    async fn write(id: u64, name: String) -> String {
        std::future::ready(()).await;
        name
    }
    sent(&page(1, String::new()));
    sent(&write(1, String::new()));
}
