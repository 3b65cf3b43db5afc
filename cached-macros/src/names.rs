//! The names of the options, how each is written, and what other crates call it. Must never read a value.

use proc_macro2::Ident;

use crate::errors::{did_you_mean, error};

const KNOWN: [&str; 31] = [
    "ttl",
    "tti",
    "jitter",
    "capacity",
    "eviction",
    "max_weight",
    "weigh",
    "key",
    "skip",
    "backend",
    "cache",
    "companion",
    "name",
    "version",
    "cache_if",
    "cache_err",
    "cache_none",
    "bypass_if",
    "refresh_if",
    "coalesce",
    "codec",
    "compress_above",
    "envelope",
    "crate",
    "tags",
    "stale_while_revalidate",
    "stale_if_error",
    "refresh_ahead",
    "soft_timeout",
    "timeout",
    "each",
];

/// What the runtime does not have yet: what doesn't work is not accepted.
const LATER: [&str; 0] = [];

/// Whether the runtime has it.
pub(crate) fn is_supported(name: &str) -> bool {
    !LATER.contains(&name)
}

/// What other caching crates call it, and what it is here.
const ELSEWHERE: [(&[&str], &str); 15] = [
    (&["size", "max_size", "maxsize", "max_entries", "max_capacity", "limit"], "write `capacity = 100`"),
    (&["time", "time_to_live", "expire", "expires", "lifespan", "expiry", "max_age"], "write `ttl = \"60s\"`"),
    (&["time_secs", "ttl_secs", "ttl_millis"], "write `ttl = \"60s\"`"),
    (&["time_to_idle", "idle"], "write `tti = \"60s\"`"),
    (&["unbound", "unbounded"], "write `capacity = unbounded`"),
    (&["convert", "key_expr", "key_type"], "write `key = (a, b)`: an expression over the arguments, not text"),
    (
        &["result", "option"],
        "remove it: `Result` and `Option` are recognised by type, and only `Ok` and `Some` are kept",
    ),
    (
        &["sync_writes", "sync_lock", "single_flight"],
        "remove it: calls with the same key already wait for one load; `coalesce = false` switches that off",
    ),
    (&["ignore", "exclude", "skip_args"], "write `skip(a, b)`"),
    (&["policy", "strategy"], "write `eviction = lru` or `eviction = sieve`"),
    (&["thread_local", "shared", "scope"], "write `backend = memory` or `backend = local`"),
    (
        &["stale", "grace", "stale_ttl", "swr", "serve_stale"],
        "write `stale_while_revalidate = \"10s\"` or `stale_if_error = \"1h\"`",
    ),
    (&["result_fallback", "fallback", "fail_safe"], "write `stale_if_error = \"1h\"`"),
    (&["tag", "groups", "group", "invalidate_on"], "write `tags = [\"products\", \"user:{id}\"]`"),
    (&["condition", "unless"], "write `cache_if = |value| ..` or `bypass_if = ..`"),
];

pub(crate) fn unknown(name: &Ident, text: &str) -> syn::Error {
    let mistake = format_args!("unknown option `{text}`").to_string();
    if let Some((_, help)) = ELSEWHERE.iter().find(|(names, _)| names.contains(&text)) {
        return error(name, mistake, help);
    }
    match did_you_mean(text, KNOWN) {
        Some(meant) => error(name, mistake, format_args!("did you mean `{meant}`?")),
        None => error(name, mistake, format_args!("the options are {}", list())),
    }
}

fn list() -> String {
    KNOWN.into_iter().filter(|name| is_supported(name)).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// How an option is written, for help.
pub(crate) fn example(name: &Ident) -> &'static str {
    match name.to_string().as_str() {
        "ttl" => "ttl = \"60s\"",
        "tti" => "tti = \"10m\"",
        "jitter" => "jitter = 0.1",
        "capacity" => "capacity = 100",
        "eviction" => "eviction = sieve",
        "max_weight" => "max_weight = \"64MiB\"",
        "weigh" => "weigh = |key, value| value.len()",
        "key" => "key = (user.id, page)",
        "skip" => "skip(db)",
        "backend" => "backend = local",
        "cache" => "cache = self.products",
        "companion" => "companion = product_cache",
        "name" => "name = \"products\"",
        "version" => "version = 2",
        "cache_if" => "cache_if = |value| !value.is_empty()",
        "cache_err" => "cache_err = \"5s\"",
        "cache_none" => "cache_none = true",
        "bypass_if" => "bypass_if = force",
        "refresh_if" => "refresh_if = force",
        "coalesce" => "coalesce = false",
        "codec" => "codec = json",
        "compress_above" => "compress_above = \"1KiB\"",
        "envelope" => "envelope = false",
        "tags" => "tags = [\"products\", \"user:{id}\"]",
        "stale_while_revalidate" => "stale_while_revalidate = \"10s\"",
        "stale_if_error" => "stale_if_error = \"1h\"",
        "refresh_ahead" => "refresh_ahead = 0.8",
        "soft_timeout" => "soft_timeout = \"200ms\"",
        "timeout" => "timeout = \"2s\"",
        "each" => "each = id in ids",
        _ => "crate = my_crate::cached_runtime",
    }
}
