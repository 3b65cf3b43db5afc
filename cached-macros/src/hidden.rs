//! What the attributes of writers call of a companion: hidden functions that give what is to be forgotten or stored, owned.
//! Must never be called by hand.

use proc_macro2::TokenStream;

use crate::expand::{Expansion, quote};
use crate::function::Argument;
use crate::names::is_supported;
use crate::scope::ours;
use crate::signature::{name_opaque, parameters};

/// `__forgetting`, `__writing`, `__clearing`.
pub(crate) fn of_writers(expansion: &Expansion<'_>, handle: Option<&TokenStream>) -> TokenStream {
    if !is_supported("#[invalidates]") {
        return TokenStream::new();
    }
    let rt = &expansion.rt;
    let ret = &expansion.single().returns;
    let forgetting =
        one(expansion, "__forgetting", &expansion.entry_arguments(), None, &quote!(#rt::Forget), &quote!(forgetting));
    let tags = expansion.tags();
    let writing = one(
        expansion,
        "__writing",
        &expansion.stored_arguments(),
        tags.as_ref(),
        &quote!(#rt::Write<#ret>),
        &quote!(writing),
    );
    let clearing = handle.map(|handle| clearing(expansion, handle));
    quote!(#forgetting #writing #clearing)
}

/// The arguments by value, as the other companions take them: what the user passes is coerced as in any call.
fn one(
    expansion: &Expansion<'_>,
    name: &str,
    arguments: &[&Argument],
    tags: Option<&TokenStream>,
    gives: &TokenStream,
    method: &TokenStream,
) -> TokenStream {
    let function = expansion.of();
    let (visibility, lints) = (&function.quiet_visibility, &expansion.attributes.companions);
    let name = ours(name);
    let mut generics = function.quiet.generics.clone();
    let mut taken = Vec::new();
    for argument in arguments {
        let name = &argument.name;
        let mut ty = argument.ty.clone();
        generics.params.extend(name_opaque(&mut ty, name));
        taken.push(quote!(#name: #ty));
    }
    let captured = parameters(&generics);
    let captured = quote!(+ use<#(#captured),*>);
    let (generics, _, bounds) = generics.split_for_impl();
    let entered = expansion.entry_arguments();
    let entered = entered.iter().map(|argument| &argument.name);
    let turbofish = expansion.entry_turbofish();
    quote! {
        #[doc(hidden)]
        #lints
        #visibility fn #name #generics (#(#taken),*) -> impl #gives #captured #bounds {
            Self::__entry #turbofish (#(&#entered),*) #tags.owned().#method()
        }
    }
}

fn clearing(expansion: &Expansion<'_>, handle: &TokenStream) -> TokenStream {
    let rt = &expansion.rt;
    let visibility = &expansion.of().quiet_visibility;
    let clears = match (expansion.plan.remote, expansion.plan.typed) {
        (false, _) => quote!(#rt::Clearing(|| #handle.clear())),
        (true, true) => quote!(#rt::ClearingAfar(|| #rt::clear(#handle))),
        (true, false) => quote!(#rt::ClearingAfar(|| #handle.clear_all())),
    };
    quote! {
        #[doc(hidden)]
        #visibility fn __clearing() -> impl #rt::Forget { #clears }
    }
}
