//! Pieces of signatures: names, turbofish, opaque arguments. Must never decide what is emitted.

use proc_macro2::{Ident, Span, TokenStream};
use syn::ext::IdentExt;
use syn::visit_mut::{self, VisitMut};
use syn::{FnArg, GenericParam, Generics, Pat, PatIdent, Signature, Type, parse_quote};

use crate::expand::quote;
use crate::function::Function;
use crate::scope::ours;

/// The name where the user wrote it, as a name of ours: rustc's lints about names and dead code leave it alone.
pub(crate) fn resolved(name: &Ident) -> Ident {
    let mut name = name.clone();
    name.set_span(name.span().resolved_at(Span::mixed_site()));
    name
}

/// Patterns become names: the function hands its arguments on.
pub(crate) fn name_arguments(signature: &mut Signature, function: &Function) {
    let mut arguments = function.arguments.iter();
    for input in &mut signature.inputs {
        if let FnArg::Typed(typed) = input
            && let Some(argument) = arguments.next()
        {
            *typed.pat = Pat::Ident(PatIdent {
                attrs: Vec::new(),
                by_ref: None,
                mutability: None,
                ident: argument.name.clone(),
                subpat: None,
            });
        }
    }
}

/// `::<T, N, _>`: the function's types and constants, then the `inferred` ones of `impl Trait` arguments.
pub(crate) fn turbofish(generics: &Generics, inferred: usize) -> TokenStream {
    let names = parameters(generics);
    if names.is_empty() {
        // Whatever is left is inferred.
        return TokenStream::new();
    }
    let inferred = (0..inferred).map(|_| quote!(_));
    quote!(::<#(#names,)* #(#inferred),*>)
}

/// The names of types and constants.
pub(crate) fn parameters(generics: &Generics) -> Vec<&Ident> {
    let names = generics.params.iter().filter_map(|param| match param {
        GenericParam::Type(param) => Some(&param.ident),
        GenericParam::Const(param) => Some(&param.ident),
        GenericParam::Lifetime(_) => None,
    });
    names.collect()
}

/// Gives each `impl Trait` in an argument's type a name; returns them as generic parameters.
pub(crate) fn name_opaque(ty: &mut Type, argument: &Ident) -> Vec<GenericParam> {
    struct Name<'a>(&'a Ident, Vec<GenericParam>);
    impl VisitMut for Name<'_> {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            visit_mut::visit_type_mut(self, ty);
            if let Type::ImplTrait(opaque) = ty {
                // Shown in errors.
                let name = match self.1.len() {
                    0 => ours(&format!("TypeOf_{}", self.0.unraw())),
                    more => ours(&format!("TypeOf_{}_{more}", self.0.unraw())),
                };
                let bounds = &opaque.bounds;
                self.1.push(parse_quote!(#name: #bounds));
                *ty = parse_quote!(#name);
            }
        }
    }
    let mut name = Name(argument, Vec::new());
    name.visit_type_mut(ty);
    name.1
}
