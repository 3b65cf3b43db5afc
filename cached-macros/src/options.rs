//! Attribute tokens to options with spans; duplicates, unknown names, values of the wrong form. Must never see the function.

use std::time::Duration;

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, Ident, Lit, LitStr, Path, Result, Token, token};

use crate::errors::{Errors, error};
use crate::lists::{set_each, set_skip};
use crate::names::{example, is_supported, unknown};
use crate::values::{Value, bare};

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

/// The value of `envelope`.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Envelope {
    /// `true`.
    On,
    /// `false`: bare JSON.
    Off,
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

/// The value of `refresh_ahead`.
pub(crate) enum Ahead {
    /// A share of the ttl.
    Share(Expr),
    /// `xfetch`.
    Xfetch,
}

/// The value of `each`: `id in ids`.
pub(crate) struct Each {
    /// The name of one id, in `key` and `tags`.
    pub(crate) id: Ident,
    /// The argument that has all of them.
    pub(crate) ids: Ident,
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
    pub(crate) envelope: Option<Opt<Envelope>>,
    pub(crate) krate: Option<Opt<Path>>,
    pub(crate) tags: Option<Opt<Vec<LitStr>>>,
    pub(crate) stale_while_revalidate: Option<Opt<Time>>,
    pub(crate) stale_if_error: Option<Opt<Time>>,
    pub(crate) refresh_ahead: Option<Opt<Ahead>>,
    pub(crate) soft_timeout: Option<Opt<Time>>,
    pub(crate) timeout: Option<Opt<Time>>,
    pub(crate) each: Option<Opt<Each>>,
    /// The names of options that were there and couldn't be read: no rule asks for them again.
    pub(crate) broken: Vec<String>,
}

impl Options {
    /// Whether an option was there and couldn't be read.
    pub(crate) fn is_broken(&self, name: &str) -> bool {
        self.broken.iter().any(|broken| broken == name)
    }
}

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
    let text = name.to_string();
    if !is_supported(&text) {
        return Err(error(&name, format_args!("`{text}` is not supported in this version"), "remove it"));
    }
    match text.as_str() {
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
        "envelope" => set(&mut options.envelope, name, input),
        "crate" => set(&mut options.krate, name, input),
        "tags" => set(&mut options.tags, name, input),
        "stale_while_revalidate" => set(&mut options.stale_while_revalidate, name, input),
        "stale_if_error" => set(&mut options.stale_if_error, name, input),
        "refresh_ahead" => set(&mut options.refresh_ahead, name, input),
        "soft_timeout" => set(&mut options.soft_timeout, name, input),
        "timeout" => set(&mut options.timeout, name, input),
        "each" => set_each(&mut options.each, name, input),
        other => Err(unknown(&name, other)),
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

pub(crate) fn once<T>(slot: &mut Option<Opt<T>>, name: Ident, value: T) -> Result<()> {
    if slot.is_some() {
        return Err(error(&name, format_args!("`{name}` is said twice"), "remove one of them"));
    }
    *slot = Some(Opt { name, value });
    Ok(())
}

fn set<T: Value>(slot: &mut Option<Opt<T>>, name: Ident, input: ParseStream<'_>) -> Result<()> {
    let value = expr(&name, input)?;
    let value = T::read(&name, bare(&value).clone())?;
    once(slot, name, value)
}

fn set_expr(slot: &mut Option<Opt<Expr>>, name: Ident, input: ParseStream<'_>) -> Result<()> {
    let mut value = expr(&name, input)?;
    // What is whole without them; anything else may need them where it will stand.
    if let whole @ (Expr::Lit(_) | Expr::Path(_) | Expr::Closure(_)) = bare(&value) {
        value = whole.clone();
    }
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
