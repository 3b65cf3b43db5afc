use cached_runtime::cached;

mod regex {
    #[derive(Clone)]
    pub struct Regex;
}

#[cached]
fn regex(n: u32) -> regex::Regex {
    let _ = n;
    regex::Regex
}

fn main() {}
