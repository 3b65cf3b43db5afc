//! Where the attributes below ours go: to the function that is called, to the one that holds the body, or to both. Must
//! never drop one.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Path, Token, parse_quote};

use crate::function::Function;

/// The attributes of the function, by where they go.
#[derive(Default)]
pub(crate) struct Attributes {
    /// On the function that is called.
    pub(crate) function: TokenStream,
    /// On the function that holds the body.
    pub(crate) body: TokenStream,
    /// On every companion: lint levels.
    pub(crate) companions: TokenStream,
    /// On every item: `cfg`.
    pub(crate) items: TokenStream,
}

enum Place {
    Function,
    Body,
    FunctionAndBody,
    Lint,
    Expected,
    Item,
}

/// Sorts them.
pub(crate) fn sort(function: &Function) -> Attributes {
    let mut sorted = Attributes::default();
    let attributes = function.attributes.iter().flat_map(apart);
    for attribute in attributes {
        match place(&attribute) {
            Place::Function => attribute.to_tokens(&mut sorted.function),
            Place::Body => sorted.body.extend(named(&attribute, &function.signature.ident)),
            Place::FunctionAndBody => {
                attribute.to_tokens(&mut sorted.function);
                attribute.to_tokens(&mut sorted.body);
            }
            Place::Lint => {
                attribute.to_tokens(&mut sorted.function);
                attribute.to_tokens(&mut sorted.body);
                attribute.to_tokens(&mut sorted.companions);
            }
            Place::Expected => {
                // Expected in the body, which is there once; where the same may show up it is allowed.
                attribute.to_tokens(&mut sorted.body);
                if let Meta::List(list) = &attribute.meta {
                    let lints = &list.tokens;
                    let allowed = quote_spanned!(proc_macro2::Span::mixed_site()=> #[allow(#lints)]);
                    sorted.function.extend(allowed.clone());
                    sorted.companions.extend(allowed);
                }
            }
            Place::Item => attribute.to_tokens(&mut sorted.items),
        }
    }
    sorted
}

/// `#[expect(dead_code, unused_variables)]` as two: they are expected in different places.
fn apart(attribute: &Attribute) -> Vec<Attribute> {
    let Meta::List(list) = &attribute.meta else { return vec![attribute.clone()] };
    let metas = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    let (true, Ok(metas)) = (attribute.path().is_ident("expect"), metas) else { return vec![attribute.clone()] };
    let (reason, lints): (Vec<_>, Vec<_>) = metas.into_iter().partition(|meta| meta.path().is_ident("reason"));
    let (of_the_item, of_the_body): (Vec<_>, Vec<_>) =
        lints.into_iter().partition(|lint| lint.path().is_ident("dead_code"));
    if of_the_item.is_empty() || of_the_body.is_empty() {
        return vec![attribute.clone()];
    }
    let with = |lints: Vec<Meta>| {
        let mut list = list.clone();
        let all = lints.iter().chain(&reason);
        list.tokens = quote_spanned!(proc_macro2::Span::mixed_site()=> #(#all),*);
        Attribute { meta: Meta::List(list), ..attribute.clone() }
    };
    vec![with(of_the_item), with(of_the_body)]
}

/// `#[instrument]` names a span after the function that it stands on, which is ours: it is told the user's name for it.
fn named(attribute: &Attribute, function: &Ident) -> TokenStream {
    let tracing = attribute.path().segments.last().is_some_and(|last| last.ident == "instrument");
    let name = function.unraw().to_string();
    let mut attribute = attribute.clone();
    let said = |tokens: &TokenStream| {
        let mut tokens = tokens.clone().into_iter().peekable();
        matches!(tokens.peek(), Some(TokenTree::Literal(_)))
            || tokens.any(|token| matches!(token, TokenTree::Ident(word) if word == "name"))
    };
    match &mut attribute.meta {
        Meta::Path(path) if tracing => {
            let path = path.clone();
            attribute.meta = parse_quote!(#path(name = #name));
        }
        Meta::List(list) if tracing && !said(&list.tokens) => {
            let options = &list.tokens;
            list.tokens = quote_spanned!(proc_macro2::Span::mixed_site()=> name = #name, #options);
        }
        _ => {}
    }
    attribute.into_token_stream()
}

fn place(attribute: &Attribute) -> Place {
    if attribute.path().is_ident("cfg_attr")
        && let Meta::List(list) = &attribute.meta
        && let Ok(metas) = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
        && let Some(first) = metas.iter().nth(1)
    {
        return place_of(first.path(), &attribute.meta);
    }
    place_of(attribute.path(), &attribute.meta)
}

fn place_of(path: &Path, meta: &Meta) -> Place {
    if path.segments.len() > 1
        && path
            .segments
            .first()
            .is_some_and(|first| ["clippy", "rustfmt", "diagnostic", "miri"].iter().any(|tool| first.ident == tool))
    {
        return Place::FunctionAndBody;
    }
    match path.get_ident().map(ToString::to_string).as_deref() {
        Some("cfg") => Place::Item,
        Some("allow" | "warn" | "deny" | "forbid") => Place::Lint,
        // What is said of the function as an item can only be expected of the function.
        Some("expect") if meta.to_token_stream().to_string().contains("dead_code") => Place::Function,
        Some("expect") => Place::Expected,
        // `# Errors` and the like are asked of both.
        Some("doc" | "must_use") => Place::FunctionAndBody,
        Some(
            "inline"
            | "cold"
            | "deprecated"
            | "no_mangle"
            | "export_name"
            | "link_section"
            | "unsafe"
            | "track_caller"
            | "automatically_derived"
            | "stable"
            | "unstable",
        ) => Place::Function,
        // Attribute macros work on what runs: `#[instrument]` traces the loads.
        _ => Place::Body,
    }
}
