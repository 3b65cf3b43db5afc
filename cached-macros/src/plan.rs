//! Options and function to a plan: every rule about what may stand together, all mistakes collected. Must never quote code.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{BinOp, Expr, ExprPath, Ident, Path, Type, TypePath};

use crate::errors::Errors;
use crate::function::Function;
use crate::key::{self, KeyPlan};
use crate::options::{
    Backend, Capacity, Codec, Companion, Eviction, Jitter, Key, Opt, Options, Time, Toggle, Ttl, Weight,
};
use crate::scope;

/// All that the expansion needs to know.
pub(crate) struct Plan {
    pub(crate) function: Function,
    pub(crate) key: KeyPlan,
    pub(crate) shape: Shape,
    /// Whether the slot is one of a thread.
    pub(crate) local: bool,
    /// Whether entries are in Redis.
    pub(crate) remote: bool,
    /// Whether key and value have names here, so that the slot can be typed.
    pub(crate) typed: bool,
    /// The arguments that `cache = ..` reads, beside those of the key.
    pub(crate) handle_reads: BTreeSet<usize>,
    /// The options that the expansion quotes as they are.
    pub(crate) options: Options,
}

/// What is emitted.
pub(crate) enum Shape {
    /// The function and a companion type of this name.
    Companion(Ident),
    /// The method and a method of this name that gives an entry.
    Entry(Ident),
    /// The function alone.
    Alone,
}

/// The names of all companions: `f::name(..)` in the body of `f` means one of them.
const COMPANIONS: [&str; 11] =
    ["get", "contains", "invalidate", "set", "refresh", "uncached", "many", "clear", "stats", "reset_stats", "cache"];

/// Applies the rules. The plan is only of use when `errors` stayed empty.
pub(crate) fn plan(options: Options, function: Function, errors: &mut Errors) -> Plan {
    function.check(errors);
    let method = function.is_method();
    check_skip(&options, &function, errors);
    check_self(&options, &function, errors);
    check_times(&options, errors);
    check_together(&options, errors);
    check_evaluated_once(&options, &function, errors);
    let shape = shape(&options, &function, method, errors);
    let key = key::plan(&options, &function, errors);
    check_refresh(&options, &key, &function, errors);
    if let Shape::Entry(_) = &shape {
        for argument in
            key.reads.iter().map(|at| &function.arguments[*at]).filter(|argument| mentions_impl(&argument.ty))
        {
            errors.at(
                &argument.ty,
                "a method with a companion needs names for the types in its key",
                "write `fn name<T: ..>(argument: T)` instead of `impl ..`",
            );
        }
    }
    let generic =
        function.signature.generics.params.iter().any(|param| !matches!(param, syn::GenericParam::Lifetime(_)))
            || function.arguments.iter().any(|argument| mentions_impl(&argument.ty));
    check_remote(&options, &function, method || generic, errors);
    let nameable = key.parts.iter().all(key::Part::is_plain);
    Plan {
        typed: matches!(shape, Shape::Companion(_)) && !generic && nameable && options.cache.is_none(),
        local: matches!(options.backend, Some(Opt { value: Backend::Local, .. })),
        remote: matches!(options.backend, Some(Opt { value: Backend::Redis(..), .. })),
        handle_reads: options.cache.as_ref().map(|cache| scope::reads(&cache.value, &function)).unwrap_or_default(),
        function,
        key,
        shape,
        options,
    }
}

fn shape(options: &Options, function: &Function, method: bool, errors: &mut Errors) -> Shape {
    let name = match &options.companion {
        Some(Opt { value: Companion::Off, .. }) => return Shape::Alone,
        Some(Opt { value: Companion::Named(name), .. }) => Some(name),
        None => None,
    };
    if method {
        if let Some(name) = name {
            if options.cache.is_some() {
                errors.at(
                    name,
                    "a method with `cache = ...` needs no companion",
                    "remove `companion`: the handle has `get`, `set`, `invalidate` and the rest",
                );
            }
            if *name == function.signature.ident {
                errors.at(
                    name,
                    "the companion of a method is a method: it needs a name of its own",
                    format_args!("write `companion = {name}_entry`"),
                );
            }
        }
        return name.map_or(Shape::Alone, |name| Shape::Entry(name.clone()));
    }
    let name = name.unwrap_or(&function.signature.ident).clone();
    check_clash(&name, function, errors);
    Shape::Companion(name)
}

/// `fn regex() -> regex::Regex`: the companion would stand before the crate.
fn check_clash(name: &Ident, function: &Function, errors: &mut Errors) {
    struct Clash<'e>(&'e Ident, &'e mut Errors);
    impl Clash<'_> {
        fn at(&mut self, path: &Path) {
            if path.leading_colon.is_none()
                && let Some(first) = path.segments.first()
                && first.ident == *self.0
            {
                clash(&first.ident, self.1);
            }
        }
    }
    impl VisitMut for Clash<'_> {
        fn visit_type_path_mut(&mut self, ty: &mut TypePath) {
            if ty.qself.is_none() {
                self.at(&ty.path);
            }
            visit_mut::visit_type_path_mut(self, ty);
        }
    }
    let mut seen = Clash(name, errors);
    for argument in &function.arguments {
        seen.visit_type_mut(&mut argument.ty.clone());
    }
    seen.visit_type_mut(&mut function.returns.clone());
    check_body(name, function.body.stream(), errors);
}

fn clash(path: &Ident, errors: &mut Errors) {
    errors.at(
        path,
        format_args!("the companion type `{path}` of this function hides what `{path}` means here"),
        format_args!("write `::{path}::..` for a crate or `self::{path}::..`, or rename the companion: `companion = {path}_cache`"),
    );
}

fn check_body(name: &Ident, body: TokenStream, errors: &mut Errors) {
    let tokens: Vec<TokenTree> = body.into_iter().collect();
    let is =
        |at: usize, wanted: char| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == wanted);
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => check_body(name, group.stream(), errors),
            TokenTree::Ident(ident) if ident == name && is(at + 1, ':') && is(at + 2, ':') => {
                let starts = at == 0 || !(is(at - 1, ':') || is(at - 1, '.'));
                let companion = matches!(tokens.get(at + 3), Some(TokenTree::Ident(next)) if COMPANIONS.iter().any(|known| next == known));
                if starts && !companion && !is(at + 3, '<') {
                    clash(ident, errors);
                }
            }
            _ => {}
        }
    }
}

fn check_skip(options: &Options, function: &Function, errors: &mut Errors) {
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

fn check_self(options: &Options, function: &Function, errors: &mut Errors) {
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
fn check_refresh(options: &Options, key: &KeyPlan, function: &Function, errors: &mut Errors) {
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

fn check_times(options: &Options, errors: &mut Errors) {
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

fn check_together(options: &Options, errors: &mut Errors) {
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
            named(backend.as_ref()),
            named(name.as_ref()),
            named(version.as_ref()),
            named(codec.as_ref()),
            named(compress_above.as_ref()),
        ];
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
fn check_remote(options: &Options, function: &Function, many: bool, errors: &mut Errors) {
    let Options { ttl, tti, capacity, eviction, max_weight, weigh, backend, cache, name, version, codec, .. } = options;
    let Some(Opt { name: backend, value: Backend::Redis(..) }) = backend else {
        for option in [named(codec.as_ref()), named(options.compress_above.as_ref())].into_iter().flatten() {
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
    for (option, help) in [
        (named(tti.as_ref()), "remove it, and write a `ttl`: a read does not write to the server"),
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

fn named<T>(option: Option<&Opt<T>>) -> Option<&Ident> {
    option.map(|option| &option.name)
}

// ---------- what is evaluated once reads no arguments ----------

fn check_evaluated_once(options: &Options, function: &Function, errors: &mut Errors) {
    let mut once: Vec<(&Ident, &Expr)> = Vec::new();
    if let Some(Opt { name, value: Ttl::Time(Time::Expr(value)) | Ttl::Of(value) }) = &options.ttl {
        once.push((name, value));
    }
    if let Some(Opt { name, value: Time::Expr(value) }) = &options.tti {
        once.push((name, value));
    }
    for option in [&options.cache_err, &options.cache_none, &options.coalesce] {
        if let Some(Opt { name, value: Toggle::For(Time::Expr(value)) }) = option {
            once.push((name, value));
        }
    }
    if let Some(Opt { name, value: Jitter::Expr(value) }) = &options.jitter {
        once.push((name, value));
    }
    if let Some(Opt { name, value: Capacity::Expr(value) }) = &options.capacity {
        once.push((name, value));
    }
    for option in [&options.max_weight, &options.compress_above] {
        if let Some(Opt { name, value: Weight::Expr(value) }) = option {
            once.push((name, value));
        }
    }
    if let Some(Opt { name, value: Backend::Redis(_, Some(value)) }) = &options.backend {
        once.push((name, value));
    }
    for Opt { name, value } in
        [&options.weigh, &options.name, &options.version, &options.cache_if].into_iter().flatten()
    {
        once.push((name, value));
    }
    for (name, expr) in once {
        if let Some(argument) = first_read(expr, function) {
            let help = match name.to_string().as_str() {
                "cache_if" => {
                    "it sees the value only: `|value| ..`; to leave calls out by their arguments, say `bypass_if = ..`"
                        .to_owned()
                }
                "weigh" => "it sees the key and the value: `|key, value| ..`".to_owned(),
                other => format!("`{other}` holds for all calls and is evaluated once: write a constant or a call"),
            };
            errors.at(&argument, format_args!("`{name}` can't read the argument `{argument}`"), help);
        }
        if scope::reads_self(expr) {
            errors.at(
                expr,
                format_args!("`{name}` can't read `self`"),
                "it holds for all instances; `cache = self.products` gives each instance its own cache",
            );
        }
    }
}

/// The first word in `expr` that is an argument, as it stands there.
fn first_read(expr: &Expr, function: &Function) -> Option<Ident> {
    let read = scope::reads(expr, function);
    let argument = &function.arguments[*read.first()?];
    let name = argument.binds.first().unwrap_or(&argument.name);
    let mut find = Find(name, None);
    find.visit_expr_mut(&mut expr.clone());
    Some(find.1.unwrap_or_else(|| name.clone()))
}

/// Finds a name in an expression.
struct Find<'f>(&'f Ident, Option<Ident>);

impl VisitMut for Find<'_> {
    fn visit_expr_path_mut(&mut self, path: &mut ExprPath) {
        if let Some(name) = path.path.get_ident()
            && name == self.0
        {
            self.1.get_or_insert_with(|| name.clone());
        }
    }
}

fn mentions_impl(ty: &Type) -> bool {
    fn any(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => ident == "impl",
            TokenTree::Group(group) => any(group.stream()),
            TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        })
    }
    any(ty.to_token_stream())
}
