//! `cargo bench -p cached-benches --bench scale -- WHAT`: how cost grows with entries, threads, caches and sizes; the
//! longest hits while another thread works; hit ratios; memory; compile time. It must never be part of a check: it takes
//! minutes and wants a quiet machine.

mod compile;
mod growth;
mod memory;
mod ratio;
mod tail;

const USAGE: &str = "usage: cargo bench -p cached-benches --bench scale -- [growth] [tail] [ratio] [memory] [compile]
  growth    a hit and a miss from 100 to 10,000,000 entries; hits on 1 to 64 threads; 10,000 caches; long keys; large values
  tail      the longest of a million hits while another thread inserts, sweeps and makes the tables grow
  ratio     the share of hits on zipf streams, beside quick_cache
  memory    resident bytes an entry at a million u64 entries, beside the peers
  compile   seconds to build 100 cached functions, and the default features, beside `cached`
without a word: all of them";

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [flag, name] = words.as_slice()
        && flag == "--fill"
    {
        return memory::fill(name);
    }
    let parts: [(&str, fn()); 5] = [
        ("growth", growth::run),
        ("tail", tail::run),
        ("ratio", ratio::run),
        ("memory", memory::run),
        ("compile", compile::run),
    ];
    if let Some(unknown) = words.iter().find(|word| !parts.iter().any(|(name, _)| name == word)) {
        eprintln!("scale: unknown argument `{unknown}`\n\n{USAGE}");
        std::process::exit(2);
    }
    for (name, run) in parts {
        if words.is_empty() || words.iter().any(|word| word == name) {
            println!("\n## {name}\n");
            run();
        }
    }
}

/// A small generator (splitmix64), so that every run sees the same keys.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}
