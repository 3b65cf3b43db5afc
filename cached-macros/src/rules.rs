//! The rules about which options may stand together, and with which function. Must never stop at the first mistake.

use quote::ToTokens;
use syn::{BinOp, Expr, Ident};

use crate::errors::Errors;
use crate::function::Function;
use crate::key::{self, KeyPlan};
use crate::options::{Backend, Capacity, Codec, Envelope, Eviction, Jitter, Key, Opt, Options, Time, Toggle, Ttl};
use crate::scope;

pub(crate) fn check_skip(options: &Options, function: &Function, errors: &mut Errors) {
    let Some(skip) = &options.skip else { return };
    let names = function.names();
    for (at, name) in skip.value.iter().enumerate() {
        if skip.value[..at].contains(name) {
            errors.at(name, format_args!("`{name}` is skipped twice"), "remove one of them");
        } else if name == "self" {
            if function.receiver().is_none() {
                errors.at(name, "the function has no `self`", "remove it from `skip(..)`");
            }
        } else if name == "_" {
            errors.at(name, "`_` is never part of the key", "remove it from `skip(..)`");
        } else if function.argument(name).is_none() {
            let bound = function.arguments.iter().any(|argument| argument.binds.contains(name));
            let help = if bound {
                "an argument is skipped as a whole: give it a name and take it apart in the body, or say `key = ...`"
                    .to_owned()
            } else {
                key::meant(&name.to_string(), &names)
            };
            errors.at(name, format_args!("no argument is called `{name}`"), help);
        }
    }
}

pub(crate) fn check_self(options: &Options, function: &Function, errors: &mut Errors) {
    let Some(receiver) = function.receiver() else { return };
    let skipped = options.skip.as_ref().is_some_and(|skip| skip.value.iter().any(|name| name == "self"));
    let unread = ["key", "cache", "skip"].iter().any(|name| options.is_broken(name));
    if options.key.is_none() && options.cache.is_none() && !skipped && !unread {
        errors.at(
            receiver,
            "does `self` make a difference? A method must say what of it tells calls apart",
            "write `key = (self.id, ..)` for what distinguishes instances, `skip(self)` if all instances share their entries, \
             or `cache = self.products` for a cache in each instance",
        );
    }
    if let (true, Some(Opt { value: Key::Expr(key), .. })) = (skipped, &options.key)
        && scope::reads_self(key)
        && let Some(skip) = &options.skip
        && let Some(name) = skip.value.iter().find(|name| *name == "self")
    {
        errors.at(
            name,
            "`self` is skipped, but the key reads it",
            "remove it from `skip(..)`: with `key = ...`, only what the key reads counts",
        );
    }
}

/// `refresh_if = force` with `force` in the key: the calls without it would never see the new value.
pub(crate) fn check_refresh(options: &Options, key: &KeyPlan, function: &Function, errors: &mut Errors) {
    let Some(option) = &options.refresh_if else { return };
    if ["key", "skip"].iter().any(|name| options.is_broken(name)) {
        return;
    }
    for flag in flags(&option.value) {
        let Some(at) = scope::reads(flag, function).first().copied().filter(|at| key.reads.contains(at)) else {
            continue;
        };
        let flag = flag.to_token_stream();
        let help = if key.chosen {
            format!("leave `{flag}` out of `key = ..`")
        } else {
            format!("add `skip({})`", function.arguments[at].name)
        };
        errors.at(
            &flag,
            format_args!("`{flag}` is part of the key, so the refreshed value would go to another entry"),
            help,
        );
    }
}

/// The bare names that a condition is made of: `force` and `again` in `force || !again`. What compares (`n > 7`) picks
/// entries, and may well look at the key.
fn flags(condition: &Expr) -> Vec<&Expr> {
    match condition {
        Expr::Path(_) => vec![condition],
        Expr::Paren(paren) => flags(&paren.expr),
        Expr::Group(group) => flags(&group.expr),
        Expr::Unary(unary) => flags(&unary.expr),
        Expr::Binary(both) if matches!(both.op, BinOp::And(_) | BinOp::Or(_)) => {
            [flags(&both.left), flags(&both.right)].concat()
        }
        _ => Vec::new(),
    }
}

pub(crate) fn check_times(options: &Options, errors: &mut Errors) {
    let zero = |time: &Time| matches!(time, Time::Literal(duration) if duration.is_zero());
    if let Some(Opt { name, value: Ttl::Time(time) }) = &options.ttl
        && zero(time)
    {
        errors.at(
            name,
            "with a `ttl` of zero nothing would be kept",
            "write a longer one, or `ttl = never` to keep entries until they are evicted",
        );
    }
    if let Some(Opt { name, value }) = &options.tti
        && zero(value)
    {
        errors.at(name, "with a `tti` of zero nothing would be kept", "write a longer one");
    }
    for (option, instead) in [
        (&options.cache_err, "cache_err = false"),
        (&options.cache_none, "cache_none = false"),
        (&options.coalesce, "coalesce = false"),
    ] {
        if let Some(Opt { name, value: Toggle::For(time) }) = option
            && zero(time)
        {
            errors.at(
                name,
                format_args!("`{name}` of zero does nothing"),
                format_args!("write `{instead}`, or a longer duration"),
            );
        }
    }
    if let (Some(Opt { name, value: Jitter::Time(jitter) }), Some(Opt { value: Ttl::Time(Time::Literal(ttl)), .. })) =
        (&options.jitter, &options.ttl)
        && jitter > ttl
    {
        errors.at(
            name,
            "the `jitter` is longer than the `ttl`",
            "write a shorter one, or a share of the ttl such as `jitter = 0.1`",
        );
    }
}

pub(crate) fn check_together(options: &Options, errors: &mut Errors) {
    let Options { ttl, tti, jitter, capacity, eviction, max_weight, weigh, backend, cache, name, version, .. } =
        options;
    let Options { codec, compress_above, .. } = options;
    if cache.is_some() {
        let belongs = [
            named(ttl.as_ref()),
            named(tti.as_ref()),
            named(jitter.as_ref()),
            named(capacity.as_ref()),
            named(eviction.as_ref()),
            named(max_weight.as_ref()),
            named(weigh.as_ref()),
            named(name.as_ref()),
            named(version.as_ref()),
            named(codec.as_ref()),
            named(compress_above.as_ref()),
            named(options.stale_while_revalidate.as_ref()),
            named(options.stale_if_error.as_ref()),
            named(options.refresh_ahead.as_ref()),
            named(options.soft_timeout.as_ref()),
            named(options.timeout.as_ref()),
        ];
        if let Some(option) = &options.envelope {
            errors.at(
                &option.name,
                "`envelope` belongs to the cache, and `cache = ...` brings its own",
                "remove it, and say it where the handle is built: `Cache::builder().plain()`",
            );
        }
        if let Some(Opt { name, value }) = backend {
            let built = |with: &str| {
                format!("remove it: the handle has the one that it was built with, `Cache::builder().{with}()`")
            };
            let help = match value {
                Backend::Memory => Some(built("build")),
                Backend::Local => Some(built("build_local")),
                // That it is in Redis, the signatures need to know; on which connection, they don't.
                Backend::Redis(_, Some(_)) => Some("write `backend = redis`: the handle has a connection".to_owned()),
                Backend::Redis(_, None) => None,
            };
            if let Some(help) = help {
                errors.at(name, "`backend` belongs to the cache, and `cache = ...` brings its own", help);
            }
        }
        for option in belongs.into_iter().flatten() {
            errors.at(
                option,
                format_args!("`{option}` belongs to the cache, and `cache = ...` brings its own"),
                format_args!("remove it, and say it where the handle is built: `Cache::builder().{option}(..)`"),
            );
        }
        return;
    }
    if let (Some(option), false) =
        (jitter, matches!(ttl, Some(Opt { value: Ttl::Time(_) | Ttl::Of(_), .. })) || options.is_broken("ttl"))
    {
        errors.at(
            &option.name,
            "`jitter` shortens a `ttl`, and there is none",
            "add `ttl = \"60s\"`, or remove `jitter`",
        );
    }
    match (max_weight, weigh) {
        (Some(option), None) if !options.is_broken("weigh") => errors.at(
            &option.name,
            "`max_weight` needs to know how to weigh an entry",
            "add `weigh = |key, value| value.len()`",
        ),
        (None, Some(option)) if !options.is_broken("max_weight") => {
            errors.at(&option.name, "`weigh` without a bound does nothing", "add `max_weight = \"64MiB\"`");
        }
        _ => {}
    }
    if let (Some(_), Some(option)) = (max_weight, capacity) {
        errors.at(
            &option.name,
            "a cache is bound by count or by weight",
            "remove `capacity`, or `max_weight` and `weigh`",
        );
    }
    if let (Some(Opt { value: Backend::Local, .. }), Some(option @ Opt { value: Eviction::Sieve, .. })) =
        (backend, eviction)
    {
        errors.at(
            &option.name,
            "a cache of one thread is always `lru`",
            "remove `eviction`: SIEVE is for hits of many threads",
        );
    }
    if let (Some(Opt { value: Capacity::Unbounded, .. }), Some(option)) = (capacity, eviction) {
        errors.at(
            &option.name,
            "an unbounded cache evicts nothing",
            "remove `eviction`, or write a number: `capacity = 1000`",
        );
    }
}

/// What entries in Redis need to be told, and what only they can be told.
pub(crate) fn check_remote(options: &Options, function: &Function, many: bool, errors: &mut Errors) {
    let Options { ttl, capacity, eviction, max_weight, weigh, backend, cache, name, version, codec, .. } = options;
    let Some(Opt { name: backend, value: Backend::Redis(..) }) = backend else {
        let only_there =
            [named(codec.as_ref()), named(options.compress_above.as_ref()), named(options.envelope.as_ref())];
        for option in only_there.into_iter().flatten() {
            if cache.is_none() && !options.is_broken("backend") {
                errors.at(
                    option,
                    format_args!("`{option}` is about values in Redis, and these stay in this process"),
                    format_args!("add `backend = redis`, or remove `{option}`"),
                );
            }
        }
        return;
    };
    if cache.is_some() {
        // Said already: the handle has a backend of its own.
        return;
    }
    if ttl.is_none() && !options.is_broken("ttl") {
        errors.at(
            backend,
            "entries in Redis outlive the program: how long they may live must be said",
            "add `ttl = \"60s\"`, or `ttl = never` to leave it to invalidations and to the server's eviction",
        );
    }
    if name.is_none() && many && !options.is_broken("name") {
        let function = &function.signature.ident;
        errors.at(
            backend,
            "a method or a generic function needs a `name` for its entries in Redis: other programs and versions must find \
             them by it, and the path of this one is not as stable",
            format_args!("add `name = \"{function}\"`"),
        );
    }
    if let (Some(option @ Opt { value: Codec::Postcard, .. }), None) = (codec, version)
        && !options.is_broken("version")
    {
        errors.at(
            &option.name,
            "postcard writes fields by position: a changed type would read old entries wrongly",
            "add `version = 1`, and raise it with every change of the type; or write `codec = msgpack`",
        );
    }
    check_bare(options, errors);
    for (option, help) in [
        (named(capacity.as_ref()), "remove it: the server's `maxmemory` bounds what is kept"),
        (named(eviction.as_ref()), "remove it: the server's `maxmemory-policy` says who goes first"),
        (named(max_weight.as_ref()), "remove it: the server's `maxmemory` bounds what is kept"),
        (named(weigh.as_ref()), "remove it: the server's `maxmemory` bounds what is kept"),
    ] {
        if let Some(option) = option {
            errors.at(option, format_args!("`{option}` does not go with `backend = redis`"), help);
        }
    }
}

/// What bare JSON has no place for.
fn check_bare(options: &Options, errors: &mut Errors) {
    let Some(Opt { name, value: Envelope::Off }) = &options.envelope else { return };
    if !matches!(&options.key, Some(Opt { value: Key::Template(_), .. })) && !options.is_broken("key") {
        errors.at(
            name,
            "other programs must know the keys of bare entries",
            "add a template that says what they are: `key = \"product:{id}\"`",
        );
    }
    let codec = options.codec.as_ref().filter(|option| option.value != Codec::Json);
    let kept = options.cache_err.as_ref().filter(|option| !matches!(option.value, Toggle::Off));
    for option in [
        named(options.tti.as_ref()),
        named(options.tags.as_ref()),
        named(options.stale_while_revalidate.as_ref()),
        named(options.stale_if_error.as_ref()),
        named(options.refresh_ahead.as_ref()),
        named(options.soft_timeout.as_ref()),
        named(options.version.as_ref()),
        named(options.compress_above.as_ref()),
        named(codec),
        named(kept),
    ]
    .into_iter()
    .flatten()
    {
        errors.at(
            option,
            format_args!("`{option}` needs the envelope that `envelope = false` does without"),
            format_args!("remove one of the two: bare entries are the JSON of the value, and nothing else"),
        );
    }
}

pub(crate) fn named<T>(option: Option<&Opt<T>>) -> Option<&Ident> {
    option.map(|option| &option.name)
}
