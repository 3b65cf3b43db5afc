//! What the function's own documentation says of its companions. Must never emit code.

use proc_macro2::TokenStream;
use syn::Visibility;
use syn::ext::IdentExt;

use crate::companion::of_a_method;
use crate::expand::{Expansion, quote};
use crate::function::{Argument, Flow};
use crate::many::has_many;
use crate::plan::Shape;

fn joined(arguments: &[&Argument]) -> String {
    arguments.iter().map(|argument| argument.name.unraw().to_string()).collect::<Vec<_>>().join(", ")
}

/// A short list of the companions, for the function's own documentation.
pub(crate) fn list(expansion: &Expansion<'_>) -> Option<TokenStream> {
    let function = expansion.of();
    let key = joined(&expansion.entry_arguments());
    let looked_up = joined(&expansion.looked_up_arguments());
    let stored = joined(&expansion.stored_arguments());
    // Nobody's missing documentation is hidden by ours.
    let documented = function.attributes.iter().any(|attribute| attribute.path().is_ident("doc"));
    if !documented && !matches!(function.visibility, Visibility::Inherited) {
        return None;
    }
    let text = match &expansion.plan.shape {
        Shape::Alone => return None,
        Shape::Entry(name) => {
            let through = if function.receiver().is_some() { "self." } else { "Self::" };
            format!("\n\n# Cached\n\n`{through}{name}({stored})` is the entry of a call: {}.", of_a_method(expansion))
        }
        Shape::Companion(name) => {
            let wait = if function.flow == Flow::Sync { "" } else { ".await" };
            let all = joined(&function.arguments.iter().collect::<Vec<_>>());
            let value = if stored.is_empty() { "&value".to_owned() } else { format!("{stored}, &value") };
            let of_an_entry = [("get", &looked_up), ("contains", &looked_up), ("invalidate", &key)]
                .map(|(companion, takes)| format!("`{name}::{companion}({takes}){wait}`"))
                .join(", ");
            let set = format!("`{name}::set({value}){wait}`");
            let loads =
                ["refresh", "uncached"].map(|companion| format!("`{name}::{companion}({all}){wait}`")).join(", ");
            let many = if has_many(expansion) { format!(", `{name}::many(..){wait}`") } else { String::new() };
            let whole = if expansion.plan.handle_reads.is_empty() {
                let cache =
                    if expansion.names_of_types().is_some() { format!(", `{name}::cache()`") } else { String::new() };
                format!("; `{name}::clear(){wait}`, `{name}::stats()`, `{name}::reset_stats()`{cache}")
            } else {
                String::new()
            };
            format!("\n\n# Cached\n\n{of_an_entry}, {set}{many}; {loads}{whole}.")
        }
    };
    Some(quote!(#[doc = #text]))
}
