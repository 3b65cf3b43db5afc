//! `cargo run --example trait_methods`: the attribute on methods of a trait's implementations and on default methods. It must
//! never let two implementations share a cache by accident.

use cached_runtime::{Cache, cached};

trait Rates {
    /// Where the default method keeps what it found.
    fn found(&self) -> &Cache<String, u32>;

    fn rate(&self, currency: &str) -> u32;

    #[cached(cache = self.found())]
    fn rounded(&self, currency: &str) -> u32 {
        println!("  rounded for {currency}");
        self.rate(currency).next_multiple_of(10)
    }
}

struct Bank {
    name: &'static str,
    rates: Cache<String, u32>,
    rounded: Cache<String, u32>,
}

impl Rates for Bank {
    fn found(&self) -> &Cache<String, u32> {
        &self.rounded
    }

    #[cached(cache = self.rates)]
    fn rate(&self, currency: &str) -> u32 {
        println!("  {} is asked for {currency}", self.name);
        100 + u32::from(currency.as_bytes().first().copied().unwrap_or_default())
    }
}

fn main() {
    let bank = |name| Bank { name, rates: Cache::builder().build(), rounded: Cache::builder().build() };
    let (north, south) = (bank("North"), bank("South"));
    println!("{} {}", north.rate("EUR"), north.rate("EUR"));
    println!("{}", south.rate("EUR"));
    println!("{} {}", north.rounded("EUR"), north.rounded("EUR"));
}
