//! Plan to what a call of a bulk function does: an entry for each id, and one body for those that are missing. Must never
//! give the body an id that another call loads.
//!
//! ```text
//! // Input
//! #[cached(each = id in ids, skip(db))]
//! async fn products(db: &Db, ids: &[u64], lang: String) -> Result<HashMap<u64, Product>, Error> { .. }
//!
//! // Output
//! let each = {
//!     let lang = &lang;
//!     each_async(ids.iter().map(|id| (id.clone(), products::__entry(id, lang))).collect())
//! };
//! each.run_async(move |ids| {
//!     let lang = lang.clone();                      // it may run twice
//!     async move { products::uncached(db, &ids, lang).await }
//! }).await
//! ```

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{ReturnType, Type};

use crate::call::{lent, own};
use crate::each::Bulk;
use crate::expand::{Expansion, quote};
use crate::function::{Argument, Flow, ungroup};
use crate::options::Options;
use crate::owning::Passing;
use crate::plan::Shape;
use crate::scope::{Scope, ours};
use crate::signature::{resolved, turbofish};

impl Expansion<'_> {
    /// A look for each id, then one load.
    pub(crate) fn call_each(&self, bulk: &Bulk) -> TokenStream {
        let rt = &self.rt;
        let Options { bypass_if, refresh_if, .. } = &self.plan.options;
        let waits = self.of().flow != Flow::Sync;
        let named = |name: &str| if waits { ours(&format!("{name}_async")) } else { ours(name) };
        let (each, anew) = (named("each"), named("each_anew"));
        let items = self.items(bulk);
        let look = if refresh_if.is_some() {
            quote!(if anew { #rt::#anew(items) } else { #rt::#each(items) })
        } else {
            quote!(#rt::#each(items))
        };
        let anew = refresh_if.as_ref().map(|condition| {
            let condition = self.condition(&condition.value);
            quote!(let anew = #condition;)
        });
        let Some(condition) = bypass_if else {
            let run = self.run_each(bulk);
            return quote!(#anew let items = #items; let each = #look; #run);
        };
        let condition = self.condition(&condition.value);
        let ids = &self.of().arguments[bulk.at].name;
        let past = if waits { quote!(body(all).await) } else { quote!(body(all)) };
        let body = self.body_of_many(bulk);
        let body = quote!(let mut body = #body;);
        // The function's body is there once: what may go on without the call runs it through the companion.
        let (both, only_past, run) = match (self.goes_on(), waits) {
            (true, _) => (None, Some(body), self.run_each(bulk)),
            (false, true) => (Some(body), None, quote!(each.run_async(body).await)),
            (false, false) => (Some(body), None, quote!(each.run(body))),
        };
        quote! {
            let past = #condition;
            #anew
            let items = #items;
            let each = if past {
                #rt::each_past(items);
                ::core::option::Option::None
            } else {
                ::core::option::Option::Some(#look)
            };
            let all = if past { ::std::borrow::ToOwned::to_owned(&#ids[..]) } else { ::std::vec::Vec::new() };
            #both
            match each {
                ::core::option::Option::None => { #only_past #past }
                ::core::option::Option::Some(each) => { #run }
            }
        }
    }

    /// A load of all of them (`refresh`).
    pub(crate) fn refresh_each(&self, bulk: &Bulk) -> TokenStream {
        let rt = &self.rt;
        let waits = self.of().flow != Flow::Sync;
        let through = if waits { ours("each_anew_async") } else { ours("each_anew") };
        let (items, run) = (self.items(bulk), self.run_each(bulk));
        quote!(let each = #rt::#through(#items); #run)
    }

    /// What `each` does.
    fn run_each(&self, bulk: &Bulk) -> TokenStream {
        if let Some(passing) = self.plan.background.as_deref().filter(|_| self.goes_on()) {
            return self.in_background_each(bulk, passing);
        }
        let body = self.body_of_many(bulk);
        if self.of().flow == Flow::Sync { quote!(each.run(#body)) } else { quote!(each.run_async(#body).await) }
    }

    /// Whether renewals may go on without their call.
    fn goes_on(&self) -> bool {
        self.plan.background.is_some() && !self.plan.remote
    }

    /// A call whose renewals may go on without it.
    fn in_background_each(&self, bulk: &Bulk, passing: &[Passing]) -> TokenStream {
        let function = self.of();
        let Shape::Companion(name) = &self.plan.shape else { return TokenStream::new() };
        let (name, turbofish) = (resolved(name), turbofish(&function.signature.generics, 0));
        let missing = ours("missing");
        let others = || passing.iter().enumerate().filter(|(at, _)| *at != bulk.at);
        let again: TokenStream = others()
            .map(|(at, _)| {
                let own = own(at);
                quote!(let #own = ::core::clone::Clone::clone(&#own);)
            })
            .collect();
        let passed = passing.iter().enumerate().map(|(at, passing)| match (at == bulk.at, bulk.borrowed) {
            (true, true) => quote!(&#missing),
            (true, false) => missing.to_token_stream(),
            (false, _) => lent(at, *passing),
        });
        let load = self.limited(quote!(async move { #name::uncached #turbofish (#(#passed),*).await }));
        let way = self.way(passing, Some(bulk.at));
        quote!({
            #way
            way.run_each(each, move |#missing: ::std::vec::Vec<_>| { #again #load }).await
        })
    }

    /// Each id and its entry.
    fn items(&self, bulk: &Bulk) -> TokenStream {
        let stored = self.stored_arguments();
        let id = &bulk.single.arguments[bulk.at];
        let others = stored.iter().filter(|argument| argument.name != id.name);
        let borrowed = others.map(|argument| {
            let name = &argument.name;
            quote!(let #name = &#name;)
        });
        let (before, entry) = match &self.plan.shape {
            Shape::Companion(name) => {
                let (name, turbofish) = (resolved(name), self.entry_turbofish());
                let entered = self.entry_arguments();
                let entered = entered.iter().map(|argument| &argument.name);
                (TokenStream::new(), quote!(#name::__entry #turbofish (#(#entered),*)))
            }
            Shape::Entry(_) | Shape::Alone => self.at(Scope::Borrowed),
        };
        let tags = self.tags_boxed();
        let ids = &self.of().arguments[bulk.at].name;
        let (id, element) = (&id.name, &id.ty);
        quote!({
            #(#borrowed)*
            #before
            ::core::iter::Iterator::collect::<::std::vec::Vec<_>>(::core::iter::Iterator::map(
                <[#element]>::iter(&#ids),
                |#id| (::core::clone::Clone::clone(#id), #entry #tags),
            ))
        })
    }

    /// Runs the body for some of the ids.
    fn body_of_many(&self, bulk: &Bulk) -> TokenStream {
        let function = self.of();
        let missing = ours("missing");
        let ids = &function.arguments[bulk.at];
        // What is borrowed is there for every run.
        let cloned =
            function.arguments.iter().enumerate().filter(|(at, argument)| *at != bulk.at && is_owned(argument));
        let cloned: TokenStream = cloned
            .map(|(_, argument)| {
                let name = &argument.name;
                quote!(let #name = ::core::clone::Clone::clone(&#name);)
            })
            .collect();
        let given = if bulk.borrowed { quote!(&#missing) } else { quote!(#missing) };
        if let Shape::Companion(name) = &self.plan.shape {
            let (name, turbofish) = (resolved(name), turbofish(&function.signature.generics, 0));
            let passed = function
                .arguments
                .iter()
                .enumerate()
                .map(|(at, argument)| if at == bulk.at { given.clone() } else { argument.name.to_token_stream() });
            let call = quote!(#name::uncached #turbofish (#(#passed),*));
            if function.flow == Flow::Sync {
                return quote!(move |#missing: ::std::vec::Vec<_>| { #cloned #call });
            }
            let load = self.limited(quote!(async move { #call.await }));
            return quote!(move |#missing: ::std::vec::Vec<_>| { #cloned #load });
        }
        let (name, ty) = (&ids.name, &ids.ty);
        let lets = self.patterns();
        let used = self.flags_are_used();
        let lets = quote!(let #name: #ty = #given; #used #lets);
        let body = function.body.stream();
        match function.flow {
            Flow::Sync => {
                let output = match &function.signature.output {
                    ReturnType::Default => quote!(-> ()),
                    output @ ReturnType::Type(..) => output.to_token_stream(),
                };
                let body = self.body(&quote!(#cloned #lets));
                quote!(move |#missing: ::std::vec::Vec<_>| #output #body)
            }
            Flow::Async => {
                let (rt, returns) = (&self.rt, &function.returns);
                let load = self.limited(quote! {
                    async move {
                        if false {
                            return #rt::returns::<#returns>();
                        }
                        #lets
                        #body
                    }
                });
                quote!(move |#missing: ::std::vec::Vec<_>| { #cloned #load })
            }
            Flow::Boxed => {
                let output = &function.signature.output;
                let body = &function.body;
                let load = self.limited(quote!(async move { #lets (move || #output #body)().await }));
                quote!(move |#missing: ::std::vec::Vec<_>| { #cloned #load })
            }
        }
    }
}

/// Whether a run of the body takes it away.
fn is_owned(argument: &Argument) -> bool {
    !argument.ignored && !matches!(ungroup(&argument.ty), Type::Reference(_))
}
