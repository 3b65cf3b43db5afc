//! Attribute tokens to options with spans; duplicates, unknown names, values of the wrong form. Must never see the function.

use std::time::Duration;

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, Ident, Lit, LitStr, Path, Result, Token, parenthesized, token};

use crate::errors::{Errors, did_you_mean, error};
use crate::values::Value;

/// An option as it was written.
pub(crate) struct Opt<T> {
    /// Its name, for errors about the option as a whole.
    pub(crate) name: Ident,
    /// Its value.
    pub(crate) value: T,
}

/// A duration.
pub(crate) enum Time {
    /// `"30s"`.
    Literal(Duration),
    /// An expression of type `Duration`.
    Expr(Expr),
}

/// The value of `ttl`.
pub(crate) enum Ttl {
    /// `never`.
    Never,
    /// A duration.
    Time(Time),
    /// A closure of the value.
    Of(Expr),
}

/// The value of `capacity`.
pub(crate) enum Capacity {
    /// `unbounded`.
    Unbounded,
    /// A number of entries.
    Expr(Expr),
}

/// The value of `eviction`.
#[derive(Clone, Copy)]
pub(crate) enum Eviction {
    /// `lru`.
    Lru,
    /// `sieve`.
    Sieve,
}

/// The value of `backend`.
pub(crate) enum Backend {
    /// `memory`.
    Memory,
    /// `local`.
    Local,
    /// `redis`, or `redis("sessions")` for a connection of this name; and the word itself.
    Redis(Ident, Option<Expr>),
}

/// The value of `codec`.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Codec {
    /// `json`.
    Json,
    /// `msgpack`.
    Msgpack,
    /// `postcard`.
    Postcard,
}

/// The value of `jitter`.
pub(crate) enum Jitter {
    /// `"5s"`.
    Time(Duration),
    /// A share of the ttl, or an expression of type `Duration`.
    Expr(Expr),
}

/// The value of `max_weight` and `compress_above`.
pub(crate) enum Weight {
    /// `"64MiB"`.
    Literal(u64),
    /// An integer expression.
    Expr(Expr),
}

/// The value of `cache_err`, `cache_none` and `coalesce`.
pub(crate) enum Toggle {
    /// `false`.
    Off,
    /// `true`.
    On,
    /// A duration.
    For(Time),
}

/// The value of `companion`.
pub(crate) enum Companion {
    /// `false`.
    Off,
    /// Another name.
    Named(Ident),
}

/// The value of `key`.
pub(crate) enum Key {
    /// `"product:{id}"`.
    Template(LitStr),
    /// An expression over the arguments.
    Expr(Expr),
}

/// All options of one attribute.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) ttl: Option<Opt<Ttl>>,
    pub(crate) tti: Option<Opt<Time>>,
    pub(crate) jitter: Option<Opt<Jitter>>,
    pub(crate) capacity: Option<Opt<Capacity>>,
    pub(crate) eviction: Option<Opt<Eviction>>,
    pub(crate) max_weight: Option<Opt<Weight>>,
    pub(crate) weigh: Option<Opt<Expr>>,
    pub(crate) key: Option<Opt<Key>>,
    pub(crate) skip: Option<Opt<Vec<Ident>>>,
    pub(crate) backend: Option<Opt<Backend>>,
    pub(crate) cache: Option<Opt<Expr>>,
    pub(crate) companion: Option<Opt<Companion>>,
    pub(crate) name: Option<Opt<Expr>>,
    pub(crate) version: Option<Opt<Expr>>,
    pub(crate) cache_if: Option<Opt<Expr>>,
    pub(crate) cache_err: Option<Opt<Toggle>>,
    pub(crate) cache_none: Option<Opt<Toggle>>,
    pub(crate) bypass_if: Option<Opt<Expr>>,
    pub(crate) refresh_if: Option<Opt<Expr>>,
    pub(crate) coalesce: Option<Opt<Toggle>>,
    pub(crate) codec: Option<Opt<Codec>>,
    pub(crate) compress_above: Option<Opt<Weight>>,
    pub(crate) krate: Option<Opt<Path>>,
    /// The names of options that were there and couldn't be read: no rule asks for them again.
    pub(crate) broken: Vec<String>,
}

impl Options {
    /// Whether an option was there and couldn't be read.
    pub(crate) fn is_broken(&self, name: &str) -> bool {
        self.broken.iter().any(|broken| broken == name)
    }
}

const KNOWN: [&str; 23] = [
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
    "crate",
];

const LATER: [&str; 5] = ["tags", "stale_while_revalidate", "stale_if_error", "refresh_ahead", "each"];

/// What other caching crates call it, and what it is here.
const ELSEWHERE: [(&[&str], &str); 12] = [
    (&["size", "max_size", "maxsize", "max_entries", "max_capacity", "limit"], "write `capacity = 100`"),
    (
        &["time", "time_to_live", "expire", "expires", "lifespan", "expiry", "timeout", "max_age"],
        "write `ttl = \"60s\"`",
    ),
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
    (&["condition", "unless"], "write `cache_if = |value| ..` or `bypass_if = ..`"),
];

/// Reads the tokens of the attribute. What can't be read is an error and is left out.
pub(crate) fn parse(attribute: TokenStream, errors: &mut Errors) -> Options {
    let mut options = Options::default();
    let all = |input: ParseStream<'_>| {
        while !input.is_empty() {
            if let Err(error) = one(&mut options, input) {
                errors.push(error);
                skip_to_comma(input);
            } else if !input.is_empty() && !input.peek(Token![,]) {
                let next: TokenTree = input.fork().parse()?;
                errors.at(&next, "expected `,` between options", "write `option = value, option = value`");
                skip_to_comma(input);
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    };
    if let Err(error) = all.parse2(attribute) {
        errors.push(error);
    }
    options
}

/// After a mistake, the next option is still read. A `|` may open a closure, whose arguments have commas of their own.
fn skip_to_comma(input: ParseStream<'_>) {
    let mut inside_bars = false;
    while !input.is_empty() && (inside_bars || !input.peek(Token![,])) {
        match input.parse::<TokenTree>() {
            Ok(TokenTree::Punct(punct)) if punct.as_char() == '|' => inside_bars = !inside_bars,
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

fn one(options: &mut Options, input: ParseStream<'_>) -> Result<()> {
    if !input.peek(Ident::peek_any) {
        let token: TokenTree = input.parse()?;
        return Err(error(
            &token,
            "expected the name of an option",
            "options are written `name = value`, as in `#[cached(ttl = \"60s\", capacity = 100)]`",
        ));
    }
    let name = input.call(Ident::parse_any)?;
    let text = name.to_string();
    let read = read(options, name, input);
    if read.is_err() {
        options.broken.push(text);
    }
    read
}

fn read(options: &mut Options, name: Ident, input: ParseStream<'_>) -> Result<()> {
    match name.to_string().as_str() {
        "ttl" => set(&mut options.ttl, name, input),
        "tti" => set(&mut options.tti, name, input),
        "jitter" => set(&mut options.jitter, name, input),
        "capacity" => set(&mut options.capacity, name, input),
        "eviction" => set(&mut options.eviction, name, input),
        "max_weight" => set(&mut options.max_weight, name, input),
        "weigh" => set_expr(&mut options.weigh, name, input),
        "key" => set(&mut options.key, name, input),
        "skip" => set_skip(&mut options.skip, name, input),
        "backend" => set(&mut options.backend, name, input),
        "cache" => set_expr(&mut options.cache, name, input),
        "companion" => set(&mut options.companion, name, input),
        "name" => set_expr(&mut options.name, name, input),
        "version" => set_expr(&mut options.version, name, input),
        "cache_if" => set_expr(&mut options.cache_if, name, input),
        "cache_err" => set(&mut options.cache_err, name, input),
        "cache_none" => set(&mut options.cache_none, name, input),
        "bypass_if" => set_expr(&mut options.bypass_if, name, input),
        "refresh_if" => set_expr(&mut options.refresh_if, name, input),
        "coalesce" => set(&mut options.coalesce, name, input),
        "codec" => set(&mut options.codec, name, input),
        "compress_above" => set(&mut options.compress_above, name, input),
        "crate" => set(&mut options.krate, name, input),
        other => Err(unknown(&name, other)),
    }
}

fn unknown(name: &Ident, text: &str) -> syn::Error {
    if LATER.contains(&text) {
        return error(name, format_args!("`{text}` is not supported in this version"), "remove it");
    }
    let mistake = format_args!("unknown option `{text}`").to_string();
    if let Some((_, help)) = ELSEWHERE.iter().find(|(names, _)| names.contains(&text)) {
        return error(name, mistake, help);
    }
    match did_you_mean(text, KNOWN.into_iter().chain(LATER)) {
        Some(meant) => error(name, mistake, format_args!("did you mean `{meant}`?")),
        None => error(name, mistake, format_args!("the options are {}", list(&KNOWN))),
    }
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
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
        _ => "crate = my_crate::cached_runtime",
    }
}

fn expr(name: &Ident, input: ParseStream<'_>) -> Result<Expr> {
    let help = format_args!("write `{}`", example(name)).to_string();
    if input.peek(token::Paren) {
        return Err(error(name, format_args!("`{name}` takes its value after `=`"), help));
    }
    if input.peek(Token![:]) {
        let colon: TokenTree = input.parse()?;
        return Err(error(&colon, format_args!("`{name}` takes its value after `=`"), "write `=`, not `:`"));
    }
    if input.is_empty() || input.peek(Token![,]) || !input.peek(Token![=]) {
        return Err(error(name, format_args!("`{name}` has no value"), help));
    }
    let equals: Token![=] = input.parse()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(error(&equals, format_args!("`{name}` has no value"), help));
    }
    input.parse()
}

fn once<T>(slot: &mut Option<Opt<T>>, name: Ident, value: T) -> Result<()> {
    if slot.is_some() {
        return Err(error(&name, format_args!("`{name}` is said twice"), "remove one of them"));
    }
    *slot = Some(Opt { name, value });
    Ok(())
}

fn set<T: Value>(slot: &mut Option<Opt<T>>, name: Ident, input: ParseStream<'_>) -> Result<()> {
    let value = expr(&name, input)?;
    let value = T::read(&name, value)?;
    once(slot, name, value)
}

fn set_expr(slot: &mut Option<Opt<Expr>>, name: Ident, input: ParseStream<'_>) -> Result<()> {
    let value = expr(&name, input)?;
    check_expr(&name, &value)?;
    once(slot, name, value)
}

/// Options that are expressions of Rust: the forms that can't be right are refused here, with the words of the option.
fn check_expr(name: &Ident, value: &Expr) -> Result<()> {
    let help = format_args!("write `{}`", example(name)).to_string();
    match (name.to_string().as_str(), value) {
        ("cache_if", Expr::Lit(_)) => Err(error(value, "`cache_if` takes a closure that looks at the value", help)),
        ("weigh", Expr::Lit(_)) => {
            Err(error(value, "`weigh` takes a closure that looks at the key and the value", help))
        }
        ("weigh", Expr::Closure(closure)) if closure.inputs.len() != 2 => {
            Err(error(&closure.inputs, "`weigh` takes a closure of the key and the value", help))
        }
        ("cache_if", Expr::Closure(closure)) if closure.inputs.len() != 1 => {
            Err(error(&closure.inputs, "`cache_if` takes a closure of the value", help))
        }
        ("bypass_if" | "refresh_if", Expr::Closure(_)) => {
            Err(error(value, format_args!("`{name}` is an expression over the arguments, no closure"), help))
        }
        ("bypass_if" | "refresh_if" | "cache", Expr::Lit(lit)) if matches!(lit.lit, Lit::Str(_)) => Err(error(
            value,
            format_args!("`{name}` is an expression, not text"),
            format_args!("{help}, without quotes"),
        )),
        ("name", Expr::Lit(lit)) => match &lit.lit {
            Lit::Str(text) if text.value().is_empty() => Err(error(value, "the name is empty", help)),
            Lit::Str(_) => Ok(()),
            _ => Err(error(value, "`name` is text", help)),
        },
        ("name", Expr::Path(path))
            if path.path.get_ident().is_some_and(|ident| ident.to_string().chars().any(char::is_lowercase)) =>
        {
            let ident = path.path.get_ident().map(ToString::to_string).unwrap_or_default();
            Err(error(value, "`name` is text", format_args!("write `name = \"{ident}\"`")))
        }
        ("version", Expr::Lit(lit)) if !matches!(lit.lit, Lit::Int(_)) => {
            Err(error(value, "`version` is an integer", help))
        }
        _ => Ok(()),
    }
}

fn set_skip(slot: &mut Option<Opt<Vec<Ident>>>, name: Ident, input: ParseStream<'_>) -> Result<()> {
    if input.peek(Token![=]) {
        let equals: Token![=] = input.parse()?;
        let value = input.fork().parse::<TokenTree>().map(|value| value.to_string()).unwrap_or_default();
        let value = value.trim_matches(['"', '[', ']', '(', ')', ' ']);
        let value = if value.is_empty() { "db" } else { value };
        return Err(error(
            &equals,
            "`skip` takes a list of arguments in parentheses",
            format_args!("write `skip({value})`"),
        ));
    }
    if !input.peek(token::Paren) {
        return Err(error(&name, "`skip` takes a list of arguments", "write `skip(db)`"));
    }
    let content;
    parenthesized!(content in input);
    // All of it is taken, so that a mistake in it is one error.
    let content: TokenStream = content.parse()?;
    let names = Punctuated::<Argument, Token![,]>::parse_terminated.parse2(content)?;
    if names.is_empty() {
        return Err(error(&name, "`skip()` names no argument", "write `skip(db)`, or remove it"));
    }
    once(slot, name, names.into_iter().map(|argument| argument.0).collect())
}

/// An argument's name in `skip(..)`.
struct Argument(Ident);

impl Parse for Argument {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(Ident::peek_any) {
            let name = input.call(Ident::parse_any)?;
            if input.is_empty() || input.peek(Token![,]) {
                return Ok(Self(name));
            }
            let rest: TokenTree = input.parse()?;
            return Err(error(
                &rest,
                "`skip` takes names of arguments",
                format_args!("write `skip({name})`; to use only a part of an argument, say `key = ...`"),
            ));
        }
        if input.peek(LitStr) {
            let text: LitStr = input.parse()?;
            return Err(error(&text, "`skip` takes names, not text", format_args!("write `skip({})`", text.value())));
        }
        let token: TokenTree = input.parse()?;
        Err(error(&token, "`skip` takes names of arguments", "write `skip(db)`"))
    }
}
