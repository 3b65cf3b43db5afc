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

use crate::each::Bulk;
use crate::expand::{Expansion, quote};
use crate::function::{Argument, Flow, ungroup};
use crate::plan::Shape;
use crate::scope::{Scope, ours};
use crate::signature::{resolved, turbofish};

impl Expansion<'_> {
    /// A look for each id, then one load.
    pub(crate) fn call_each(&self, bulk: &Bulk) -> TokenStream {
        self.each_through(bulk, "each")
    }

    /// A load of all of them (`refresh`).
    pub(crate) fn refresh_each(&self, bulk: &Bulk) -> TokenStream {
        self.each_through(bulk, "each_anew")
    }

    fn each_through(&self, bulk: &Bulk, through: &str) -> TokenStream {
        let rt = &self.rt;
        let waits = self.of().flow != Flow::Sync;
        let through = if waits { ours(&format!("{through}_async")) } else { ours(through) };
        let items = self.items(bulk);
        let body = self.body_of_many(bulk);
        let run = if waits { quote!(each.run_async(#body).await) } else { quote!(each.run(#body)) };
        quote!(let each = #rt::#through(#items); #run)
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
                return quote!(move |#missing| { #cloned #call });
            }
            let load = self.limited(quote!(async move { #call.await }));
            return quote!(move |#missing| { #cloned #load });
        }
        let (name, ty) = (&ids.name, &ids.ty);
        let lets = self.patterns();
        let lets = quote!(let #name: #ty = #given; #lets);
        let body = function.body.stream();
        match function.flow {
            Flow::Sync => {
                let output = match &function.signature.output {
                    ReturnType::Default => quote!(-> ()),
                    output @ ReturnType::Type(..) => output.to_token_stream(),
                };
                let body = self.body(&quote!(#cloned #lets));
                quote!(move |#missing| #output #body)
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
                quote!(move |#missing| { #cloned #load })
            }
            Flow::Boxed => {
                let output = &function.signature.output;
                let body = &function.body;
                let load = self.limited(quote!(async move { #lets (move || #output #body)().await }));
                quote!(move |#missing| { #cloned #load })
            }
        }
    }
}

/// Whether a run of the body takes it away.
fn is_owned(argument: &Argument) -> bool {
    !argument.ignored && !matches!(ungroup(&argument.ty), Type::Reference(_))
}
