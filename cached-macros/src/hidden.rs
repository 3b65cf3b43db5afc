//! What the attributes of writers call of a companion: hidden functions that give what is to be forgotten or stored, owned.
//! Must never be called by hand.
//!
//! ```text
//! fn __to_forget<'item>(id: u64, lang: &'item str) -> (u64, &'item str)     // the arguments are coerced as in any call
//! fn __forgetting<'k, 'item>(taken: &'k (u64, &'item str)) -> impl Forget
//! ```
//!
//! Two steps, since what the second gives can't hide that its key was made of borrowed arguments: they must be the
//! writer's own by then, and no longer those that its body may move. Where the types of key and value have names, what is
//! to be forgotten has one too, which hides it: then the first step does all, and the second copies what it gave.

use proc_macro2::{Span, TokenStream};
use syn::{GenericParam, Index, Lifetime, LifetimeParam};

use crate::companion;
use crate::expand::{Expansion, quote};
use crate::function::Argument;
use crate::many::with_lifetime;
use crate::names::is_supported;
use crate::scope::ours;
use crate::signature::name_opaque;

/// `__forgetting`, `__writing`, `__clearing`.
pub(crate) fn of_writers(expansion: &Expansion<'_>, handle: Option<&TokenStream>) -> TokenStream {
    if !is_supported("#[invalidates]") {
        return TokenStream::new();
    }
    let rt = &expansion.rt;
    let ret = &expansion.single().returns;
    let (entered, stored) = (expansion.entry_arguments(), expansion.stored_arguments());
    let forgetting =
        at_once(expansion, &entered).unwrap_or_else(|| both(expansion, "forget", &entered, None, &quote!(#rt::Forget)));
    let writing = both(expansion, "writ", &stored, expansion.tags_of_refs().as_ref(), &quote!(#rt::Write<#ret>));
    let clearing = handle.map(|handle| clearing(expansion, handle));
    quote!(#forgetting #writing #clearing)
}

/// The names of the two steps to forget an entry, or to write it.
pub(crate) fn steps(writes: bool) -> (&'static str, &'static str) {
    if writes { ("__to_write", "__writing") } else { ("__to_forget", "__forgetting") }
}

/// Both steps to forget, where the first does all.
fn at_once(expansion: &Expansion<'_>, arguments: &[&Argument]) -> Option<TokenStream> {
    let rt = &expansion.rt;
    let (key, value) = expansion.names_of_types().filter(|_| !expansion.plan.remote)?;
    let store = expansion.store().map(|store| quote!(, #store));
    let function = expansion.of();
    let (visibility, lints) = (&function.quiet_visibility, &expansion.attributes.companions);
    let (generics, _, bounds) = function.quiet.generics.split_for_impl();
    let (take, step) = steps(false);
    let (take, step) = (ours(take), ours(step));
    let forgets = quote!(#rt::Forgets<#key, #value #store>);
    let names = arguments.iter().map(|argument| &argument.name);
    let parameters = arguments.iter().map(|argument| {
        let (name, ty) = (&argument.name, &argument.ty);
        quote!(#name: #ty)
    });
    Some(quote! {
        #[doc(hidden)]
        #[inline]
        #lints
        #visibility fn #take #generics (#(#parameters),*) -> #forgets #bounds {
            Self::__entry(#(&#names),*).owned().forgetting()
        }

        #[doc(hidden)]
        #[inline]
        #lints
        #visibility fn #step(taken: &#forgets) -> #forgets { ::core::clone::Clone::clone(taken) }
    })
}

/// Both steps.
fn both(
    expansion: &Expansion<'_>,
    name: &str,
    arguments: &[&Argument],
    tags: Option<&TokenStream>,
    gives: &TokenStream,
) -> TokenStream {
    let function = expansion.of();
    let (visibility, lints) = (&function.quiet_visibility, &expansion.attributes.companions);
    let (take, step) = steps(name == "writ");
    let method = ours(step.trim_start_matches('_'));
    let (take, step) = (ours(take), ours(step));
    let mut generics = function.quiet.generics.clone();
    let mut types = Vec::new();
    for argument in arguments {
        let mut ty = with_lifetime(&argument.ty);
        generics.params.extend(name_opaque(&mut ty, &argument.name));
        types.push(ty);
    }
    let lifetime = |name: &str| GenericParam::Lifetime(LifetimeParam::new(Lifetime::new(name, Span::mixed_site())));
    generics.params.insert(0, lifetime("'__cached_item"));
    let mut borrowing = generics.clone();
    borrowing.params.insert(0, lifetime("'__cached_k"));
    let (generics, _, bounds) = generics.split_for_impl();
    let (borrowing, _, _) = borrowing.split_for_impl();
    let names: Vec<_> = arguments.iter().map(|argument| &argument.name).collect();
    let entered = expansion.entry_arguments();
    let entered = entered.iter().map(|argument| &argument.name);
    let turbofish = expansion.entry_turbofish();
    // By reference, as `__entry` takes them; the tags look at them as they are.
    let lets = names.iter().enumerate().map(|(at, name)| {
        let at = Index::from(at);
        quote!(let #name = &taken.#at;)
    });
    // Clippy objects to `()` as a value.
    let (taken, all) =
        if names.is_empty() { (quote!([u8; 0]), quote!([])) } else { (quote!((#(#types,)*)), quote!((#(#names,)*))) };
    quote! {
        #[doc(hidden)]
        #[inline]
        #lints
        #visibility fn #take #generics (#(#names: #types),*) -> #taken #bounds { #all }

        #[doc(hidden)]
        #[inline]
        #lints
        #visibility fn #step #borrowing (taken: &'__cached_k #taken) -> impl #gives #bounds {
            let _ = taken;
            #(#lets)*
            Self::__entry #turbofish (#(#entered),*) #tags.owned().#method()
        }
    }
}

fn clearing(expansion: &Expansion<'_>, handle: &TokenStream) -> TokenStream {
    let rt = &expansion.rt;
    let visibility = &expansion.of().quiet_visibility;
    let cache = companion::cache_type(expansion).filter(|_| !expansion.plan.remote);
    let clears = match (expansion.plan.remote, expansion.is_one_cache()) {
        (false, _) if cache.is_some() => quote!(#rt::ClearingOf(|| #handle)),
        (false, _) => quote!(#rt::Clearing(|| #handle.clear())),
        (true, true) => quote!(#rt::ClearingAfar(|| ::std::vec![#rt::clear(#handle)])),
        (true, false) => quote!(#rt::ClearingAfar(|| #handle.clear_each())),
    };
    let gives = cache.map_or_else(|| quote!(impl #rt::Outdated), |cache| quote!(#rt::ClearingOf<#cache>));
    quote! {
        #[doc(hidden)]
        #[inline]
        #visibility fn __clearing() -> #gives { #clears }
    }
}
