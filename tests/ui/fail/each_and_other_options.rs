use cached_runtime::cached;

#[cached(each = id in ids, cache_err = true, bypass_if = all, refresh_if = all, skip(all))]
fn f(ids: &[u64], all: bool) -> Result<Vec<u64>, String> {
    if all { Err(String::new()) } else { Ok(ids.to_vec()) }
}

fn main() {}
