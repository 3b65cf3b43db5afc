//! Plan to what a call does: look up, then the value, or the load. Must never hold a borrow of the arguments across an await
//! of ours.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{Expr, Ident, ReturnType};

use crate::expand::{Expansion, located, quote};
use crate::function::Flow;
use crate::key::{self, KeyPlan};
use crate::options::Opt;
use crate::owning::Passing;
use crate::plan::Shape;
use crate::scope::{self, Scope, ours};
use crate::settings::time;
use crate::signature::{resolved, turbofish};

/// The name of an argument of a load that may go on without its call.
pub(crate) fn own(at: usize) -> Ident {
    ours(&format!("own{at}"))
}

/// That argument as the body takes it.
pub(crate) fn lent(at: usize, passing: Passing) -> TokenStream {
    let own = own(at);
    match passing {
        Passing::Moved => quote!(#own.0),
        Passing::Borrowed => quote!(#own.__lend()),
    }
}

impl Expansion<'_> {
    /// Look-up, then the value or the load.
    pub(crate) fn call(&self) -> TokenStream {
        let rt = &self.rt;
        let options = &self.plan.options;
        let waits = self.of().flow != Flow::Sync;
        // With Redis, what is awaited is made of the entry first, and borrows nothing of the caller's.
        let asks = waits && self.plan.remote;
        let found = self.found(asks);
        let plain = options.bypass_if.is_none() && options.refresh_if.is_none();
        let looked = asks.then(|| {
            let look = if options.refresh_if.is_some() {
                quote! {
                    match found {
                        ::core::result::Result::Ok(asked) => asked.lookup().await,
                        ::core::result::Result::Err(miss) => #rt::Lookup::Miss(miss),
                    }
                }
            } else {
                quote!(found.lookup().await)
            };
            if options.bypass_if.is_some() {
                quote! {
                    let found = match found {
                        ::core::option::Option::Some(found) => ::core::option::Option::Some(#look),
                        ::core::option::Option::None => ::core::option::Option::None,
                    };
                }
            } else {
                quote!(let found = #look;)
            }
        });
        let load = self.load();
        // The body is there once.
        let (before, load) = match (plain, &self.plan.background) {
            (true, _) | (_, Some(_)) => (None, load),
            (false, None) => (Some(quote!(let load = #load;)), quote!(load)),
        };
        let run = match &self.plan.background {
            Some(passing) => self.in_background(passing),
            None if waits => {
                let load = self.limited(load.clone());
                quote!(miss.run_async(#load).await)
            }
            None => quote!(miss.run(#load)),
        };
        let miss = if self.runs_in_place() { quote!(ref mut miss) } else { quote!(miss) };
        if options.bypass_if.is_none() {
            return quote! {
                #found
                #looked
                #before
                match found {
                    #rt::Lookup::Hit(ret) => ret,
                    #rt::Lookup::Miss(#miss) => #run,
                }
            };
        }
        // Called by one of ours: a closure that changes what it holds, or gives it away, is called all the same.
        let past = if waits { quote!(#load.await) } else { quote!(#rt::call(#load)) };
        quote! {
            #found
            #looked
            #before
            match found {
                ::core::option::Option::Some(#rt::Lookup::Hit(ret)) => ret,
                ::core::option::Option::Some(#rt::Lookup::Miss(#miss)) => #run,
                ::core::option::Option::None => #past,
            }
        }
    }

    /// Whether a miss is run where the look-up has put it: moving it takes as long as a hit.
    pub(crate) fn runs_in_place(&self) -> bool {
        self.of().flow == Flow::Sync && !self.plan.remote
    }

    /// `let found = ..;`: what was looked up, or what is to be awaited for that.
    fn found(&self, asks: bool) -> TokenStream {
        let rt = &self.rt;
        let options = &self.plan.options;
        let (before, entry) = self.entry();
        // What the entry borrows from may be a temporary: it lives until the look-up is done.
        let found = |looked_up: TokenStream| {
            let found = if self.runs_in_place() { quote!(mut found) } else { quote!(found) };
            if before.is_empty() {
                quote!(let #found = #looked_up;)
            } else {
                quote!(let #found = { #before #looked_up };)
            }
        };
        // A thread's cache is looked up inside of the thread-local, which wants a type of this call's own.
        let local = self.plan.local && options.cache.is_none();
        let (lookup, miss) = match self.of().flow {
            Flow::Sync if local => (quote!(lookup_of(|| {})), ours("miss")),
            Flow::Sync => (quote!(lookup()), ours("miss")),
            _ if asks => (quote!(ask()), ours("miss_async")),
            _ if local => (quote!(lookup_async_of(|| {})), ours("miss_async")),
            _ => (quote!(lookup_async()), ours("miss_async")),
        };
        let look = match &options.refresh_if {
            None => quote!(at.#lookup),
            Some(condition) => {
                let condition = self.condition(&condition.value);
                if asks {
                    quote! {
                        if #condition {
                            ::core::result::Result::Err(at.#miss())
                        } else {
                            ::core::result::Result::Ok(at.#lookup)
                        }
                    }
                } else {
                    quote!(if #condition { #rt::Lookup::Miss(at.#miss()) } else { at.#lookup })
                }
            }
        };
        match &options.bypass_if {
            None if options.refresh_if.is_none() => found(quote!(#entry.#lookup)),
            None => found(quote!(match #entry { at => #look })),
            Some(condition) => {
                let condition = self.condition(&condition.value);
                found(quote! {
                    match #entry {
                        at => if #condition {
                            at.bypass();
                            ::core::option::Option::None
                        } else {
                            ::core::option::Option::Some(#look)
                        }
                    }
                })
            }
        }
    }

    /// A load that may go on without this call: what it borrows is cloned, where that can be done; else it is as any load.
    fn in_background(&self, passing: &[Passing]) -> TokenStream {
        let function = self.of();
        let Shape::Companion(companion) = &self.plan.shape else { return TokenStream::new() };
        let companion = resolved(companion);
        let turbofish = turbofish(&function.signature.generics, 0);
        let arguments = || function.arguments.iter().enumerate().zip(passing);
        let passed = arguments().map(|((at, _), passing)| lent(at, *passing));
        let load = self.limited(quote!(async move { #companion::uncached #turbofish (#(#passed),*).await }));
        let run = if self.plan.remote { ours("run_afar") } else { ours("run") };
        let way = self.way(passing, None);
        quote!({
            #way
            way.#run(miss, #load).await
        })
    }

    /// `let way = ..;`: whether a load may go on without this call, found by type; and what it borrows, cloned, if it may.
    /// With `each`, the ids that it loads are not the call's own.
    pub(crate) fn way(&self, passing: &[Passing], ids: Option<usize>) -> TokenStream {
        let rt = &self.rt;
        let function = self.of();
        let Shape::Companion(companion) = &self.plan.shape else { return TokenStream::new() };
        let companion = resolved(companion);
        let turbofish = turbofish(&function.signature.generics, 0);
        let arguments = || function.arguments.iter().enumerate().zip(passing);
        let owned = arguments().map(|((at, argument), passing)| {
            let (own, name) = (own(at), &argument.name);
            match passing {
                _ if ids == Some(at) => quote!(let #own = #rt::IdOf::of(&#name);),
                Passing::Moved => quote!(let #own = #rt::Moved(#name);),
                Passing::Borrowed => quote!(let #own = #rt::Given(#name).__own();),
            }
        });
        let all = (0..passing.len()).rev().map(own).fold(quote!(()), |rest, own| quote!((&#own, #rest)));
        let afar = self.plan.remote;
        // Never called: only its type counts.
        let anything = function.arguments.iter().map(|_| quote!(#rt::returns()));
        let body = quote!(|| #companion::uncached #turbofish (#(#anything),*));
        let must = self.plan.options.soft_timeout.as_ref().map(|option| {
            // What would have no effect is a mistake: of the argument that can't go, or else of the body.
            let must = arguments().map(|((_, argument), passing)| {
                let span = key::span_of(&argument.ty);
                let name = located(argument.name.to_token_stream(), span);
                let check = match passing {
                    Passing::Moved => quote!(#rt::Given(&#name).__must_go();),
                    Passing::Borrowed => quote!(#rt::Given(#name).__must_be_cloned();),
                };
                located(check, span)
            });
            (
                quote!(#(#must)*),
                located(
                    quote!(#rt::All(#all).__after_a_soft_timeout_the_load_goes_on_in_another_task(#body);),
                    option.name.span(),
                ),
            )
        });
        let (before, after) = must.unzip();
        quote! {
            use #rt::{GivenAway as _, NoWay as _};
            #before
            #(#owned)*
            #after
            let future = #rt::FutureOf::<_, #afar>::of(#body);
            let way = #rt::All((&future, #all)).__way();
        }
    }

    /// A load that ends after `timeout`, in an error that the return type must have a place for: found out in a statement
    /// of its own, so that it is one mistake if it has none.
    pub(crate) fn limited(&self, load: TokenStream) -> TokenStream {
        let Some(Opt { name, value }) = &self.plan.options.timeout else { return load };
        let (root, bound) = (&self.probes.root, time(value));
        let (rt, returns) = (&self.rt, &self.of().returns);
        let probe = quote_spanned!(key::span_of(returns).resolved_at(Span::mixed_site())=> #rt::TimesOut::<#returns>::new().__error());
        let span = name.span().resolved_at(Span::mixed_site());
        quote_spanned!(span=> {
            let error = {
                use #rt::NoTimeOut as _;
                #probe
            };
            #root::__limited!(#bound, #load, error)
        })
    }

    /// A `bool` over the arguments, where they are in scope.
    pub(crate) fn condition(&self, expr: &Expr) -> TokenStream {
        let mut expr = expr.clone();
        let reads = scope::rewrite(&mut expr, self.of(), Scope::Inside);
        let lets = KeyPlan::destructure(&reads, true, self.of(), Scope::Inside);
        if lets.is_empty() { expr.to_token_stream() } else { quote!({ #lets #expr }) }
    }

    /// The entry of this call, and what stands before it.
    fn entry(&self) -> (TokenStream, TokenStream) {
        let arguments = self.entry_arguments();
        let tags = self.tags();
        let names = arguments.iter().map(|argument| &argument.name);
        let turbofish = self.entry_turbofish();
        match &self.plan.shape {
            Shape::Companion(name) => {
                let name = resolved(name);
                (TokenStream::new(), quote!(#name::__entry #turbofish (#(&#names),*) #tags))
            }
            Shape::Entry(_) | Shape::Alone => {
                let (before, entry) = self.at(Scope::Inside);
                (before, quote!(#entry #tags))
            }
        }
    }

    /// What runs on a miss.
    fn load(&self) -> TokenStream {
        let rt = &self.rt;
        let function = self.of();
        if let Shape::Companion(name) = &self.plan.shape {
            let name = resolved(name);
            let turbofish = turbofish(&function.signature.generics, 0);
            let names = function.arguments.iter().map(|argument| &argument.name);
            let call = quote!(#name::uncached #turbofish (#(#names),*));
            return match function.flow {
                Flow::Sync => quote!(move || #call),
                Flow::Async => call,
                // What such a function does before its first await waits for the look-up, as in an `async fn`.
                Flow::Boxed => quote!(async move { #call.await }),
            };
        }
        let lets = self.patterns();
        let body = self.body(&lets);
        let output = match &function.signature.output {
            ReturnType::Default => quote!(-> ()),
            output @ ReturnType::Type(..) => output.to_token_stream(),
        };
        match function.flow {
            Flow::Sync => quote!(move || #output #body),
            Flow::Boxed => quote!(async move { (move || #output #body)().await }),
            Flow::Async => {
                let returns = &function.returns;
                // Without braces of its own, to which rustc would object.
                let body = function.body.stream();
                // What never runs tells what `return` and `?` give, so that mistakes in the body read as in any function.
                quote! {
                    async move {
                        if false {
                            return #rt::returns::<#returns>();
                        }
                        #lets
                        #body
                    }
                }
            }
        }
    }
}
