//! The companion `many`: what the cache holds for many keys. Must never load.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{
    GenericParam, Generics, Ident, Lifetime, LifetimeParam, ParenthesizedGenericArguments, PredicateType, Type,
    TypeFnPtr, TypeParamBound, TypeReference, WherePredicate,
};

use crate::expand::{Expansion, quote};
use crate::function::Flow;

/// Without arguments there is one entry.
pub(crate) fn has_many(expansion: &Expansion<'_>) -> bool {
    !expansion.entry_arguments().is_empty()
}

/// What the cache holds for many keys.
pub(crate) fn many(expansion: &Expansion<'_>) -> Option<TokenStream> {
    let (rt, function) = (&expansion.rt, expansion.of());
    if !has_many(expansion) {
        return None;
    }
    let arguments = expansion.looked_up_arguments();
    let tags = expansion.plan.remote.then(|| expansion.tags()).flatten();
    let entered = expansion.entry_arguments();
    let entered = entered.iter().map(|argument| &argument.name);
    let (visibility, lints) = (&function.quiet_visibility, &expansion.attributes.companions);
    let mut generics = function.quiet.generics.clone();
    generics
        .params
        .insert(0, GenericParam::Lifetime(LifetimeParam::new(Lifetime::new("'__cached_item", Span::mixed_site()))));
    if expansion.plan.remote && function.flow != Flow::Sync {
        outlive(&mut generics);
    }
    let (generics, _, bounds) = generics.split_for_impl();
    let names: Vec<&Ident> = arguments.iter().map(|argument| &argument.name).collect();
    let types = arguments.iter().map(|argument| with_lifetime(&argument.ty));
    let (item, pattern) = match &names[..] {
        [name] => (quote!(#(#types)*), quote!(#name)),
        names => (quote!((#(#types),*)), quote!((#(#names),*))),
    };
    let turbofish = expansion.entry_turbofish();
    let entry = quote!(Self::__entry #turbofish (#(&#entered),*));
    let ret = expansion.got();
    let ret = quote!(::std::vec::Vec<::core::option::Option<#ret>>);
    // A loop: the compiler finds the types of iterators and closures anew for each function, and takes its time.
    let each = |look: TokenStream| {
        quote!({
            let mut found = ::std::vec::Vec::new();
            for #pattern in keys {
                found.push(#look);
            }
            found
        })
    };
    let doc = "What the cache holds for each of these arguments, in their order; never loads.";
    let one_trip = expansion.plan.remote.then(|| quote!(#[doc = " One round trip for all."]));
    let (ret, done) = match (expansion.plan.remote, function.flow) {
        (true, Flow::Sync) => {
            let all = each(quote!(#entry #tags.ask()));
            (ret, expansion.flat_all(quote!(#rt::many(#all))))
        }
        (true, _) => {
            let all = each(quote!(#entry #tags.ask()));
            let found = expansion.flat_all(quote!(#rt::many_async(all).await));
            let found = if expansion.plan.single.is_some() {
                quote!(async move { #found })
            } else {
                quote!(#rt::many_async(all))
            };
            let done = quote!(let all: ::std::vec::Vec<_> = #all; #found);
            (quote!(impl ::core::future::Future<Output = #ret>), done)
        }
        (false, flow) => {
            let flat = expansion.flat();
            let found = each(quote!(#entry.get() #flat));
            if flow == Flow::Sync {
                (ret, found)
            } else {
                (quote!(::core::future::Ready<#ret>), quote!(::core::future::ready(#found)))
            }
        }
    };
    Some(quote! {
        #[doc = #doc]
        #one_trip
        #[inline]
        #lints
        #visibility fn many #generics (keys: impl ::core::iter::IntoIterator<Item = #item>) -> #ret #bounds { #done }
    })
}

/// What is awaited holds the items: whatever they are made of must outlive what they borrow for, which the signature of the
/// function itself says by its arguments.
fn outlive(generics: &mut Generics) {
    let lifetimes: Vec<Lifetime> = generics.lifetimes().map(|param| param.lifetime.clone()).collect();
    let all = || lifetimes.iter().cloned().map(TypeParamBound::Lifetime);
    let mut elsewhere = Vec::new();
    // Beside the bounds that are there: clippy objects to some in each of the two places.
    for predicate in generics.where_clause.iter_mut().flat_map(|clause| &mut clause.predicates) {
        if let WherePredicate::Type(PredicateType { bounded_ty: Type::Path(path), bounds, lifetimes: None, .. }) =
            predicate
            && let Some(name) = path.path.get_ident()
            && !elsewhere.contains(name)
        {
            bounds.extend(all());
            elsewhere.push(name.clone());
        }
    }
    for param in generics.type_params_mut().filter(|param| !elsewhere.contains(&param.ident)) {
        param.bounds.extend(all());
    }
}

impl Expansion<'_> {
    /// What `get` gives in its `Option`: what the function returns; with `each`, one value.
    pub(crate) fn got(&self) -> TokenStream {
        match &self.plan.single {
            Some(bulk) => bulk.value.to_token_stream(),
            None => self.of().returns.to_token_stream(),
        }
    }

    /// From what an entry of a bulk function gives to a value.
    pub(crate) fn flat(&self) -> Option<TokenStream> {
        self.plan.single.as_ref().map(|_| quote!(.flatten()))
    }

    fn flat_all(&self, found: TokenStream) -> TokenStream {
        if self.plan.single.is_none() {
            return found;
        }
        quote!(::core::iter::Iterator::collect(::core::iter::Iterator::map(
            ::core::iter::IntoIterator::into_iter(#found),
            ::core::option::Option::flatten,
        )))
    }
}

/// The type with a name for the lifetimes that have none: they can't be left out in `impl Trait`.
pub(crate) fn with_lifetime(ty: &Type) -> Type {
    struct Named;
    impl VisitMut for Named {
        fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
            reference.lifetime.get_or_insert_with(|| Lifetime::new("'__cached_item", Span::mixed_site()));
            visit_mut::visit_type_reference_mut(self, reference);
        }
        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            if lifetime.ident == "_" {
                *lifetime = Lifetime::new("'__cached_item", Span::mixed_site());
            }
        }
        fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut ParenthesizedGenericArguments) {}
        fn visit_type_fn_ptr_mut(&mut self, _: &mut TypeFnPtr) {}
    }
    let mut ty = ty.clone();
    Named.visit_type_mut(&mut ty);
    ty
}
