//! The values of options: which forms each may have, and what to write instead of a wrong one. Must never know the function
//! or the other options.

use std::time::Duration;

use syn::{Expr, Ident, Lit, LitStr, Path, Result, UnOp};

use crate::errors::{did_you_mean, error};
use crate::literal;
use crate::names::example;
use crate::options::{
    Ahead, Backend, Capacity, Codec, Companion, Envelope, Eviction, Jitter, Key, Time, Toggle, Ttl, Weight,
};

/// How the value of an option is written.
pub(crate) trait Value: Sized {
    /// Reads it.
    fn read(name: &Ident, value: Expr) -> Result<Self>;
}

/// The expression without what only stands around it: the invisible groups that `macro_rules` leave, and parentheses.
pub(crate) fn bare(value: &Expr) -> &Expr {
    match value {
        Expr::Group(group) => bare(&group.expr),
        Expr::Paren(paren) => bare(&paren.expr),
        other => other,
    }
}

fn word(value: &Expr) -> Option<String> {
    match value {
        Expr::Path(path) if path.qself.is_none() => path.path.get_ident().map(ToString::to_string),
        _ => None,
    }
}

fn text(value: &Expr) -> Option<&LitStr> {
    match value {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Str(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn boolean(value: &Expr) -> Option<bool> {
    match value {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Bool(value) => Some(value.value),
            _ => None,
        },
        _ => None,
    }
}

fn duration(text: &LitStr) -> Result<Duration> {
    literal::duration(&text.value()).map_err(|(mistake, help)| error(text, mistake, help))
}

impl Value for Time {
    fn read(name: &Ident, value: Expr) -> Result<Self> {
        if let Some(literal) = text(&value) {
            return duration(literal).map(Self::Literal);
        }
        match &value {
            Expr::Lit(lit) => {
                let help = match &lit.lit {
                    Lit::Int(number) => format!("write `{name} = \"{}s\"` for seconds", number.base10_digits()),
                    _ => format!("write `{}`", example(name)),
                };
                Err(error(&value, format_args!("`{name}` is a duration with a unit"), help))
            }
            Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
                Err(error(&value, "a duration can't be negative", format_args!("write `{}`", example(name))))
            }
            Expr::Closure(_) => Err(error(
                &value,
                format_args!("`{name}` is a duration, no closure"),
                format_args!("write `{}`, or an expression of type `Duration`", example(name)),
            )),
            _ => Ok(Self::Expr(value)),
        }
    }
}

impl Value for Ttl {
    fn read(name: &Ident, value: Expr) -> Result<Self> {
        match word(&value).as_deref() {
            Some("never") => Ok(Self::Never),
            Some("None" | "none" | "forever" | "unbounded" | "infinite") => {
                Err(error(&value, "that is no time to live", "write `ttl = never`, or no `ttl` at all"))
            }
            _ => match value {
                Expr::Closure(closure) if closure.inputs.len() != 1 => Err(error(
                    &closure.inputs,
                    "`ttl` takes a closure of the value",
                    "write `ttl = |value| Duration::from_secs(value.max_age)`",
                )),
                Expr::Closure(_) => Ok(Self::Of(value)),
                _ => Time::read(name, value).map(Self::Time),
            },
        }
    }
}

impl Value for Capacity {
    fn read(name: &Ident, value: Expr) -> Result<Self> {
        let help = "write a number of entries, `capacity = 100`, or `capacity = unbounded`";
        let wrong = |value: &Expr| Err(error(value, format_args!("`{name}` is a number of entries"), help));
        match (word(&value).as_deref(), &value) {
            (Some("unbounded"), _) => Ok(Self::Unbounded),
            (Some("none" | "None" | "never" | "infinite" | "unlimited"), _) => wrong(&value),
            (_, Expr::Lit(lit)) if !matches!(lit.lit, Lit::Int(_)) => {
                if text(&value).is_some_and(|text| literal::size(&text.value()).is_ok()) {
                    return Err(error(
                        &value,
                        "`capacity` is a number of entries, not a size",
                        "write `max_weight = \"64MiB\", weigh = |key, value| value.len()`",
                    ));
                }
                wrong(&value)
            }
            (_, Expr::Unary(unary)) if matches!(unary.op, UnOp::Neg(_)) => wrong(&value),
            _ => Ok(Self::Expr(value)),
        }
    }
}

impl Value for Eviction {
    fn read(_: &Ident, value: Expr) -> Result<Self> {
        match word(&value).or_else(|| text(&value).map(LitStr::value)).as_deref() {
            Some(name @ ("lru" | "sieve")) if text(&value).is_some() => Err(error(
                &value,
                "`eviction` is a word, not text",
                format_args!("write `eviction = {name}`, without quotes"),
            )),
            Some("lru") => Ok(Self::Lru),
            Some("sieve") => Ok(Self::Sieve),
            _ => Err(error(
                &value,
                "no such eviction",
                "write `lru` (exact) or `sieve` (lock-free hits, scan-resistant)",
            )),
        }
    }
}

impl Value for Backend {
    fn read(_: &Ident, value: Expr) -> Result<Self> {
        if let Some(text) = text(&value) {
            let help = format_args!("write `backend = {}`, without quotes", text.value()).to_string();
            return Err(error(&value, "`backend` is a word, not text", help));
        }
        match word(&value).as_deref() {
            Some("memory") => Ok(Self::Memory),
            Some("local") => Ok(Self::Local),
            Some("redis") => match value {
                Expr::Path(path) => Ok(Self::Redis(path.path.segments[0].ident.clone(), None)),
                other => Err(no_backend(&other)),
            },
            Some("tiered") => Err(error(
                &value,
                "`backend = tiered` is not supported in this version",
                "write `backend = memory`, `backend = local` or `backend = redis`",
            )),
            _ => named_connection(value),
        }
    }
}

fn no_backend(value: &Expr) -> syn::Error {
    error(
        value,
        "no such backend",
        "write `backend = memory` (shared by threads), `backend = local` (one per thread) or `backend = redis` (shared by processes)",
    )
}

/// `redis("sessions")`.
fn named_connection(value: Expr) -> Result<Backend> {
    let help = "write the name that it was installed with, `backend = redis(\"sessions\")`, or `backend = redis`";
    let Expr::Call(mut call) = value else { return Err(no_backend(&value)) };
    let Expr::Path(function) = &*call.func else { return Err(no_backend(&Expr::Call(call))) };
    let Some(name) = function.path.get_ident().filter(|name| *name == "redis").cloned() else {
        return Err(no_backend(&Expr::Call(call)));
    };
    match call.args.len() {
        1 => {}
        _ => return Err(error(&call, "`redis(..)` takes the name of one connection", help)),
    }
    let connection = call.args.pop().expect("one");
    match bare(&connection) {
        Expr::Lit(lit) if !matches!(&lit.lit, Lit::Str(text) if !text.value().is_empty()) => {
            Err(error(&connection, "the name of a connection is text", help))
        }
        Expr::Path(path)
            if path.path.get_ident().is_some_and(|name| name.to_string().chars().any(char::is_lowercase)) =>
        {
            Err(error(&connection, "the name of a connection is text", help))
        }
        _ => Ok(Backend::Redis(name, Some(connection))),
    }
}

impl Value for Codec {
    fn read(_: &Ident, value: Expr) -> Result<Self> {
        match word(&value).or_else(|| text(&value).map(LitStr::value)).as_deref() {
            Some(name @ ("json" | "msgpack" | "postcard")) if text(&value).is_some() => Err(error(
                &value,
                "`codec` is a word, not text",
                format_args!("write `codec = {name}`, without quotes"),
            )),
            Some("json") => Ok(Self::Json),
            Some("msgpack") => Ok(Self::Msgpack),
            Some("postcard") => Ok(Self::Postcard),
            _ => Err(error(
                &value,
                "no such codec",
                "write `json` (readable), `msgpack` (smaller, with field names) or `postcard` (smallest, positional)",
            )),
        }
    }
}

impl Value for Jitter {
    fn read(name: &Ident, value: Expr) -> Result<Self> {
        if let Some(literal) = text(&value) {
            return duration(literal).map(Self::Time);
        }
        let help =
            format_args!("write a share of the ttl between 0 and 1, `jitter = 0.1`, or a duration, `jitter = \"5s\"`")
                .to_string();
        match &value {
            Expr::Lit(lit) => match &lit.lit {
                Lit::Float(share) if share.base10_parse::<f64>().is_ok_and(|share| share <= 1.0) => {
                    Ok(Self::Expr(value))
                }
                _ => Err(error(&value, format_args!("`{name}` is a share of the ttl or a duration"), help)),
            },
            Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
                Err(error(&value, format_args!("`{name}` can't be negative"), help))
            }
            _ => Ok(Self::Expr(value)),
        }
    }
}

impl Value for Ahead {
    fn read(name: &Ident, value: Expr) -> Result<Self> {
        let help = "write a share of the ttl between 0 and 1, `refresh_ahead = 0.8`, or `refresh_ahead = xfetch`";
        match (word(&value).as_deref(), &value) {
            (Some("xfetch"), _) => Ok(Self::Xfetch),
            (Some(other), _) if other.chars().any(char::is_lowercase) => {
                let help = match did_you_mean(&other.to_lowercase().replace('_', ""), ["xfetch"]) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => help.to_owned(),
                };
                Err(error(&value, "no such way to refresh ahead", help))
            }
            (None, Expr::Lit(lit)) => match &lit.lit {
                Lit::Float(share) if share.base10_parse::<f64>().is_ok_and(|share| 0.0 < share && share < 1.0) => {
                    Ok(Self::Share(value))
                }
                Lit::Str(text) if text.value() == "xfetch" => Err(error(
                    &value,
                    format_args!("`{name}` is a word here, not text"),
                    "write `refresh_ahead = xfetch`, without quotes",
                )),
                Lit::Float(_) | Lit::Int(_) => {
                    Err(error(&value, format_args!("`{name}` is a share of the ttl: more than 0, less than 1"), help))
                }
                _ => Err(error(&value, format_args!("`{name}` is a share of the ttl or `xfetch`"), help)),
            },
            (None, Expr::Unary(unary)) if matches!(unary.op, UnOp::Neg(_)) => {
                Err(error(&value, format_args!("`{name}` is a share of the ttl: more than 0, less than 1"), help))
            }
            _ => Ok(Self::Share(value)),
        }
    }
}

impl Value for Vec<LitStr> {
    fn read(name: &Ident, value: Expr) -> Result<Self> {
        let help = "a tag is a text, or a template over the arguments: `tags = [\"products\", \"user:{id}\"]`";
        if let Some(text) = text(&value) {
            return Err(error(
                &value,
                format_args!("`{name}` is a list"),
                format_args!("write `{name} = [\"{}\"]`", text.value()),
            ));
        }
        let Expr::Array(list) = &value else {
            return Err(error(&value, format_args!("`{name}` is a list of texts"), help));
        };
        if list.elems.is_empty() {
            return Err(error(
                &value,
                format_args!("`{name}` names no tag"),
                "write `tags = [\"products\"]`, or remove it",
            ));
        }
        let mut tags: Vec<LitStr> = Vec::new();
        for tag in &list.elems {
            let Some(tag) = text(bare(tag)) else {
                return Err(error(tag, "a tag is a text in quotes", help));
            };
            if tag.value().is_empty() {
                return Err(error(tag, "the tag is empty", help));
            }
            if tags.iter().any(|known| known.value() == tag.value()) {
                return Err(error(tag, "the tag is there twice", "remove one of them"));
            }
            tags.push(tag.clone());
        }
        Ok(tags)
    }
}

impl Value for Weight {
    fn read(name: &Ident, value: Expr) -> Result<Self> {
        if let Some(literal) = text(&value) {
            return literal::size(&literal.value())
                .map(Self::Literal)
                .map_err(|(mistake, help)| error(literal, mistake, help));
        }
        match &value {
            Expr::Lit(lit) if !matches!(lit.lit, Lit::Int(_)) => Err(error(
                &value,
                format_args!("`{name}` is a size or an integer"),
                format_args!("write `{}`", example(name)),
            )),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => Err(error(
                &value,
                format_args!("`{name}` can't be negative"),
                format_args!("write `{}`", example(name)),
            )),
            _ => Ok(Self::Expr(value)),
        }
    }
}

impl Value for Toggle {
    fn read(name: &Ident, value: Expr) -> Result<Self> {
        match boolean(&value) {
            Some(true) => return Ok(Self::On),
            Some(false) => return Ok(Self::Off),
            None => {}
        }
        if let Some(literal) = text(&value)
            && matches!(literal.value().as_str(), "true" | "false")
        {
            return Err(error(
                &value,
                format_args!("`{name}` is a word here, not text"),
                format_args!("write `{name} = {}`, without quotes", literal.value()),
            ));
        }
        Time::read(name, value).map(Self::For)
    }
}

impl Value for Envelope {
    fn read(_: &Ident, value: Expr) -> Result<Self> {
        match boolean(&value) {
            Some(true) => Ok(Self::On),
            Some(false) => Ok(Self::Off),
            None => Err(error(
                &value,
                "`envelope` is `true` or `false`",
                "write `envelope = false` for bare JSON that other programs share",
            )),
        }
    }
}

impl Value for Companion {
    fn read(_: &Ident, value: Expr) -> Result<Self> {
        let help = "write `companion = other_name` for another name, or `companion = false` for none";
        if let Some(text) = text(&value) {
            return Err(error(
                &value,
                "`companion` is a name, not text",
                format_args!("write `companion = {}`, without quotes", text.value()),
            ));
        }
        match (boolean(&value), &value) {
            (Some(false), _) => Ok(Self::Off),
            (Some(true), _) => Err(error(&value, "a companion of the function's name is the default", help)),
            (None, Expr::Path(path)) => match path.path.get_ident() {
                Some(name) => Ok(Self::Named(name.clone())),
                None => Err(error(&value, "`companion` is a single name", help)),
            },
            _ => Err(error(&value, "`companion` is a name or `false`", help)),
        }
    }
}

impl Value for Key {
    fn read(_: &Ident, value: Expr) -> Result<Self> {
        if let Expr::Closure(closure) = &value {
            return Err(error(
                &closure.inputs_begin,
                "`key` is an expression over the arguments, no closure",
                "write `key = (user.id, page)`: the arguments are in scope",
            ));
        }
        Ok(match text(&value) {
            Some(text) => Self::Template(text.clone()),
            None => Self::Expr(value),
        })
    }
}

impl Value for Path {
    fn read(_: &Ident, value: Expr) -> Result<Self> {
        if let Some(text) = text(&value) {
            let help = format_args!("write `crate = {}`, without quotes", text.value()).to_string();
            return Err(error(&value, "`crate` is a path, not text", help));
        }
        match value {
            Expr::Path(path) if path.qself.is_none() => Ok(path.path),
            other => Err(error(&other, "`crate` is a path", "write `crate = my_crate::cached_runtime`")),
        }
    }
}
