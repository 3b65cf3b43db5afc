//! The options that are no plain `name = value`: `skip(a, b)` and `each = id in ids`. Must never know the function.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{LitStr, Result, Token, parenthesized, token};

use crate::errors::error;
use crate::options::{Each, Opt, once};

const EACH: &str = "write `each = id in ids`: a name for one id, and the argument that has them all";

fn word(name: &Ident, input: ParseStream<'_>, what: &str) -> Result<Ident> {
    if input.peek(Ident::peek_any) && !input.peek(Token![in]) {
        return input.call(Ident::parse_any);
    }
    match input.parse::<TokenTree>() {
        Ok(token) => Err(error(&token, format_args!("expected {what}"), EACH)),
        Err(_) => Err(error(name, format_args!("expected {what}"), EACH)),
    }
}

/// `each = id in ids`.
pub(crate) fn set_each(slot: &mut Option<Opt<Each>>, name: Ident, input: ParseStream<'_>) -> Result<()> {
    let help = EACH;
    if !input.peek(Token![=]) {
        return Err(error(&name, "`each` has no value", help));
    }
    let equals: Token![=] = input.parse()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(error(&equals, "`each` has no value", help));
    }
    let id = word(&name, input, "a name for one id")?;
    if !input.peek(Token![in]) {
        return Err(error(&id, "`each` names one id and the argument that has them all", help));
    }
    let _: Token![in] = input.parse()?;
    let ids = word(&name, input, "the argument that has all ids")?;
    once(slot, name, Each { id, ids })
}

pub(crate) fn set_skip(slot: &mut Option<Opt<Vec<Ident>>>, name: Ident, input: ParseStream<'_>) -> Result<()> {
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
