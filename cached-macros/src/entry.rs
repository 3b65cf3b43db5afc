//! Plan to the entry of a call: slot or handle, view of the key, outcome, once for the function and all its companions. Must
//! never read the body.

use std::collections::BTreeSet;

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::Ident;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::companion;
use crate::expand::{Expansion, located, quote};
use crate::function::Argument;
use crate::key::{self, KeyPlan, Probes};
use crate::options::{Opt, Toggle, Ttl};
use crate::plan::{Plan, Shape};
use crate::scope::{self, Scope, ours};
use crate::settings::time;
use crate::signature::{name_opaque, resolved, turbofish};

impl Expansion<'_> {
    /// The arguments that the entry needs: those that the key reads, and those of `cache = ..`.
    pub(crate) fn entry_arguments(&self) -> Vec<&Argument> {
        let reads: BTreeSet<usize> = self.plan.key.reads.union(&self.plan.handle_reads).copied().collect();
        reads.into_iter().map(|at| &self.single().arguments[at]).collect()
    }

    /// The arguments that storing an entry needs: those of the entry, and those that the tags read.
    pub(crate) fn stored_arguments(&self) -> Vec<&Argument> {
        let Plan { key, handle_reads, tag_reads, .. } = self.plan;
        let reads: BTreeSet<usize> = key.reads.iter().chain(handle_reads).chain(tag_reads).copied().collect();
        reads.into_iter().map(|at| &self.single().arguments[at]).collect()
    }

    /// The arguments that a look needs: in Redis it asks for the tags too.
    pub(crate) fn looked_up_arguments(&self) -> Vec<&Argument> {
        if self.plan.remote { self.stored_arguments() } else { self.entry_arguments() }
    }

    /// `.tags(..)`, where the arguments are in scope as they are.
    pub(crate) fn tags(&self) -> Option<TokenStream> {
        let each = self.each_tag(Scope::Inside)?;
        Some(quote!(.tags(&#each)))
    }

    /// The same where the arguments are references to themselves.
    pub(crate) fn tags_of_refs(&self) -> Option<TokenStream> {
        let each = self.each_tag(Scope::Borrowed)?;
        Some(quote!(.tags(&#each)))
    }

    /// The same for an entry that is handed on, where the arguments are references to themselves.
    pub(crate) fn tags_boxed(&self) -> Option<TokenStream> {
        let each = self.each_tag(Scope::Borrowed)?;
        Some(quote!(.tags_boxed(::std::boxed::Box::new(move #each))))
    }

    /// The same for an entry that outlives the arguments.
    pub(crate) fn tags_rendered(&self) -> Option<TokenStream> {
        let (each, rt) = (self.each_tag(Scope::Inside)?, &self.rt);
        Some(quote!(.tags_boxed(#rt::rendered(&#each))))
    }

    fn each_tag(&self, scope: Scope) -> Option<TokenStream> {
        if self.plan.tags.is_empty() {
            return None;
        }
        let function = self.single();
        let lets = KeyPlan::destructure(&self.plan.tag_reads, true, function, scope);
        let tags = self.plan.tags.iter().map(|tag| {
            let arguments = tag.arguments(function, scope);
            quote!(tag(::core::format_args!(#arguments));)
        });
        Some(quote!(|tag: &mut dyn ::core::ops::FnMut(::core::fmt::Arguments<'_>)| { #lets #(#tags)* }))
    }

    pub(crate) fn entry_turbofish(&self) -> TokenStream {
        let mut named = 0;
        for argument in self.entry_arguments() {
            named += name_opaque(&mut argument.ty.clone(), &argument.name).len();
        }
        turbofish(&self.single().signature.generics, named)
    }

    /// Slot or handle, key, outcome and every option that decides about the entry, once; and what stands before it.
    pub(crate) fn at(&self, scope: Scope) -> (TokenStream, TokenStream) {
        let rt = &self.rt;
        let Plan { key, options, .. } = self.plan;
        let function = self.single();
        let imports = key::imports(&self.probes, self.plan);
        let view = key.view(function, scope, &self.probes);
        let mut reads = key.reads.clone();
        reads.extend(&self.plan.handle_reads);
        let lets = KeyPlan::destructure(&reads, key.chosen || options.cache.is_some(), function, scope);
        let outcome = self.outcome();
        let coalesce = options.coalesce.as_ref().and_then(|option| match &option.value {
            Toggle::On => None,
            Toggle::Off => Some(quote!(.coalesce(#rt::Coalesce::from(false)))),
            Toggle::For(duration) => {
                let duration = time(duration);
                Some(quote!(.coalesce(#rt::Coalesce::from(#duration))))
            }
        });
        if let Some(Opt { value: handle, .. }) = &options.cache {
            let mut handle = handle.clone();
            let span = handle.span().resolved_at(Span::mixed_site());
            scope::rewrite(&mut handle, function, scope);
            // A cache of other types is an error at the user's expression.
            let at = located(quote!(#rt::at), span);
            let entry = quote_spanned!(span=> #at((#handle).__handle(), #view, #outcome));
            return (quote!(#imports #lets), quote!(#entry #coalesce));
        }
        if self.plan.typed {
            let at = if self.plan.local {
                quote!(#rt::LocalAt::home(Self::__slot(), Self::__cache, #view, #outcome))
            } else {
                quote!(#rt::at_home(Self::__cache(), #view, #outcome))
            };
            return (quote!(#imports #lets), quote!(#at #coalesce));
        }
        let options = self.options();
        let settings = quote!(|options| #options);
        match self.plan.shape {
            Shape::Companion(_) => {
                (quote!(#imports #lets), quote!(Self::__slot().at(#settings, #view, #outcome)#coalesce))
            }
            Shape::Alone => {
                let (_, slot) = self.slot();
                (quote!(#imports #lets), quote!({ #slot }.at(#settings, #view, #outcome)#coalesce))
            }
            // Two closures, one slot: the instance tells instantiations apart.
            Shape::Entry(_) => {
                let slot = companion::slot_of(function);
                let turbofish = turbofish(&function.signature.generics, 0);
                (
                    quote!(#imports #lets let (slot, instance) = Self::#slot #turbofish ();),
                    quote!(slot.at_instance(instance, #settings, #view, #outcome)#coalesce),
                )
            }
        }
    }

    /// The type of the slot, and the expression that declares and borrows it.
    pub(crate) fn slot(&self) -> (TokenStream, TokenStream) {
        let rt = &self.rt;
        let types = self.names_of_types();
        let (name, cell) = match (types.is_some(), self.plan.local) {
            (true, false) if self.plan.remote => (quote!(#rt::RedisSlot), None),
            (false, false) if self.plan.remote => (quote!(#rt::AnyRedisSlot), None),
            (true, false) => (quote!(#rt::Slot), None),
            (false, false) => (quote!(#rt::AnySlot), None),
            (true, true) => (quote!(#rt::LocalSlot), Some(quote!(#rt::LocalCell))),
            (false, true) => (quote!(#rt::AnyLocalSlot), Some(quote!(#rt::AnyLocalCell))),
        };
        // Of those that threads share; the others are kinds of slot.
        let store = self.store().filter(|_| self.plan.lock_free());
        let parameters = match types {
            Some((key, value)) => {
                let store = store.map(|store| quote!(, #store));
                Some(quote!(<#key, #value #store>))
            }
            None => store.map(|store| quote!(<#store>)),
        };
        let slot = quote!(#name #parameters);
        let declared = match cell {
            None => quote!(static SLOT: #slot = #name::new(); &SLOT),
            Some(cell) => {
                // Apart from the slot, which is then a constant: a call reads its thread's cell without looking for it.
                let shared = parameters
                    .is_some()
                    .then(|| (quote!(static SHARED: #rt::LocalCommon = #rt::LocalCommon::new();), quote!(, &SHARED)));
                let (shared, and_shared) = shared.unzip();
                quote! {
                    ::std::thread_local! {
                        static CELL: #cell #parameters = const { #cell::new() };
                    }
                    #shared
                    static SLOT: #slot = #name::new(&CELL #and_shared);
                    &SLOT
                }
            }
        };
        (slot, declared)
    }

    /// The kind of store, where it is not the usual one.
    pub(crate) fn store(&self) -> Option<TokenStream> {
        let (rt, Plan { local, remote, .. }) = (&self.rt, self.plan);
        match (local, remote, self.plan.lock_free()) {
            (true, ..) => Some(quote!(#rt::Local)),
            (_, true, _) => Some(quote!(#rt::Redis)),
            (.., true) => Some(quote!(#rt::LockFree)),
            _ => None,
        }
    }

    /// What the types of key and value are called beside the companion, where they can be named.
    pub(crate) fn names_of_types(&self) -> Option<(Ident, Ident)> {
        let Shape::Companion(companion) = &self.plan.shape else { return None };
        let name = |what: &str| ours(&format!("__{what}_of_{}", companion.unraw()));
        self.plan.typed.then(|| (name("key"), name("value")))
    }

    /// The types of key and value, where they can be named.
    pub(crate) fn types(&self) -> Option<(TokenStream, TokenStream)> {
        if !self.plan.typed {
            return None;
        }
        let key = self.plan.key.named(self.single(), &self.probes)?;
        Some((key, self.kept()))
    }

    /// The type of what is kept of a concrete return type; `()` where it can't be kept, which is an error elsewhere.
    fn kept(&self) -> TokenStream {
        let Probes { root, threads, .. } = &self.probes;
        let ret = key::everlasting(&self.single().returns);
        let on =
            |option: &Option<Opt<Toggle>>| option.as_ref().is_some_and(|option| !matches!(option.value, Toggle::Off));
        let (none, err) = (on(&self.plan.options.cache_none), on(&self.plan.options.cache_err));
        quote!(#root::__value_type!(#ret, #none, #err, #threads))
    }

    /// How a return value is kept.
    fn outcome(&self) -> TokenStream {
        let Probes { rt, threads, .. } = &self.probes;
        let options = &self.plan.options;
        let ret = &self.single().returns;
        let span = key::span_of(ret).resolved_at(Span::mixed_site());
        let mut outcome = quote_spanned!(span=> (&&&&&&&&#rt::OutcomeOf::<#ret, #threads>::new()).__pick());
        if let Some(Opt { value: Ttl::Of(closure), .. }) = &options.ttl {
            outcome = quote!(#rt::ttl_of(#outcome, #closure));
        }
        if let Some(Opt { value: closure, .. }) = &options.cache_if {
            outcome = quote!(#rt::cache_if(#outcome, #closure));
        }
        for (option, traits) in [
            (&options.cache_none, ["ChangeNone", "NoChangeNone"].as_slice()),
            (&options.cache_err, &["ChangeErr", "NoChangeErr", "NoKeptErr"]),
        ] {
            let Some(Opt { name, value }) = option else { continue };
            let keep = match value {
                Toggle::On => quote!(#rt::AS_LONG_AS_A_VALUE),
                Toggle::For(duration) => time(duration),
                Toggle::Off => continue,
            };
            let traits = traits.iter().map(|name| ours(name));
            let method = resolved(name);
            let outcome_before = outcome;
            outcome = quote!({
                use #rt::{#(#traits as _),*};
                #rt::Change(#outcome_before, #threads).#method(#keep)
            });
        }
        outcome
    }

    /// The type of an entry, for signatures. Opaque types so that it can be named in generic functions; concrete
    /// around them, so that `Send` shows through.
    pub(crate) fn at_type(&self, lifetime: &TokenStream, capture: Option<TokenStream>) -> TokenStream {
        let rt = &self.rt;
        let ret = &self.single().returns;
        let span = key::span_of(ret).resolved_at(Span::mixed_site());
        let capture = capture.map(|names| quote!(+ use<#names>));
        // Where the types have names, nothing is to be found out about them at each use.
        if let Some((key, value)) = self.names_of_types() {
            let view = quote!(impl #rt::View<Owned = #key>);
            let outcome = quote_spanned!(span=> impl #rt::Outcome<Ret = #ret, Value = #value> #capture);
            return match self.store() {
                _ if self.plan.local => quote!(#rt::LocalAt<#view, #outcome>),
                Some(store) => quote!(#rt::At<#lifetime, #view, #outcome, #store>),
                None => quote!(#rt::At<#lifetime, #view, #outcome>),
            };
        }
        if self.plan.local {
            quote!(#rt::LocalAt<impl #rt::View, impl #rt::Outcome<Ret = #ret> #capture>)
        } else if self.plan.remote {
            let outcome = quote_spanned!(span=> impl #rt::Outcome<Ret = #ret, Value: #rt::RemoteValue>);
            quote!(#rt::At<#lifetime, impl #rt::View<Owned: #rt::RemoteKey>, #outcome #capture, #rt::Redis>)
        } else {
            let outcome = quote_spanned!(span=> impl #rt::Outcome<Ret = #ret, Value: #rt::CacheValue>);
            let store = self.store().map(|store| quote!(, #store));
            quote!(#rt::At<#lifetime, impl #rt::View<Owned: #rt::CacheKey>, #outcome #capture #store>)
        }
    }
}
