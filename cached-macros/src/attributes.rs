//! Where the attributes below ours go: to the function that is called, to the one that holds the body, or to both. Must
//! never drop one.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Path, Token};

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
pub(crate) fn sort(attributes: &[Attribute]) -> Attributes {
    let mut sorted = Attributes::default();
    for attribute in attributes {
        match place(attribute) {
            Place::Function => attribute.to_tokens(&mut sorted.function),
            Place::Body => attribute.to_tokens(&mut sorted.body),
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
