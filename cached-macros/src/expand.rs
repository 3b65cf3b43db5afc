//! Plan to the cached function. Must never fail: whatever is wrong was found before.
//!
//! ```text
//! // Input
//! #[cached(capacity = 100, key = (name.trim(), n))]
//! pub fn page<T: Render>(name: String, n: u32) -> Answer<T> { .. }
//!
//! // Output
//! pub fn page<T: Render>(name: String, n: u32) -> Answer<T> {
//!     let found = page::__entry::<T>(&name, &n).lookup();
//!     match found {
//!         Lookup::Hit(ret) => ret,
//!         Lookup::Miss(miss) => miss.run(move || page::uncached::<T>(name, n)),
//!     }
//! }
//! // and the companion: see `companion.rs`
//!
//! // Input, a method
//! #[cached(key = (self.id, x))]
//! fn item(&self, x: u32) -> Option<Item> { .. }
//!
//! // Output: the same, with the entry and the body in place
//! fn item(&self, x: u32) -> Option<Item> {
//!     let found = { static SLOT: AnySlot = AnySlot::new(); SLOT.at(|options| options, view, outcome).lookup() };
//!     match found {
//!         Lookup::Hit(ret) => ret,
//!         Lookup::Miss(miss) => miss.run(move || -> Option<Item> { .. }),
//!     }
//! }
//! ```

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::{Expr, ReturnType};

use crate::attributes::{self, Attributes};
use crate::companion;
use crate::function::{Argument, Flow, Function};
use crate::key::{KeyPlan, Probes};
use crate::options::{Backend, Opt};
use crate::plan::{Plan, Shape};
use crate::scope::{self, Scope, ours};
use crate::signature::{name_arguments, resolved, turbofish};

/// All generated tokens resolve where the macro is defined: no name of the user's can be met by accident, and rustc's
/// lints leave them alone.
macro_rules! quote {
    ($($tokens:tt)*) => { ::quote::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*) };
}
pub(crate) use quote;

/// The plan with what all parts of the expansion need.
pub(crate) struct Expansion<'p> {
    pub(crate) plan: &'p Plan,
    /// Where the runtime is.
    pub(crate) rt: TokenStream,
    pub(crate) probes: Probes,
    pub(crate) attributes: Attributes,
}

/// Tokens that mean what they mean where they are, and are shown at `span` in messages.
pub(crate) fn located(tokens: TokenStream, span: Span) -> TokenStream {
    let locate = |mut token: TokenTree| {
        token.set_span(token.span().located_at(span));
        token
    };
    tokens.into_iter().map(locate).collect()
}

/// Expands a plan without mistakes. `item` is what the user wrote, for builds that lack a feature.
pub(crate) fn expand(plan: &Plan, item: &TokenStream) -> TokenStream {
    let root =
        if let Some(path) = &plan.options.krate { path.value.to_token_stream() } else { quote!(::cached_runtime) };
    let rt = quote!(#root::private);
    // What a handle asks of its types is the handle's affair.
    let threads =
        if plan.local || plan.options.cache.is_some() { quote!(#rt::OneThread) } else { quote!(#rt::AllThreads) };
    let probes = Probes { root, rt: rt.clone(), threads };
    let expansion = Expansion { plan, rt, probes, attributes: attributes::sort(&plan.function.attributes) };
    let expanded = match &plan.shape {
        Shape::Companion(name) => {
            let function = expansion.function();
            let companion = companion::companion_type(&expansion, name);
            quote!(#function #companion)
        }
        Shape::Entry(name) => {
            let function = expansion.function();
            let entry = companion::entry_method(&expansion, name);
            quote!(#function #entry)
        }
        Shape::Alone => expansion.function(),
    };
    match &plan.options.backend {
        Some(Opt { value: Backend::Redis(word, _), .. }) => {
            let root = &expansion.probes.root;
            quote_spanned!(word.span().resolved_at(Span::mixed_site())=> #root::__with_redis! { [#item] #expanded })
        }
        _ => expanded,
    }
}

impl Expansion<'_> {
    pub(crate) fn of(&self) -> &Function {
        &self.plan.function
    }

    /// The function that is called.
    fn function(&self) -> TokenStream {
        let function = self.of();
        let Attributes { function: above, items, .. } = &self.attributes;
        let attributes = if matches!(self.plan.shape, Shape::Companion(_)) {
            quote!(#items #above)
        } else {
            // One function only: all stays with it.
            let all = &function.attributes;
            quote!(#(#all)*)
        };
        let docs = companion::list(self);
        let visibility = &function.visibility;
        let mut signature = if matches!(self.plan.shape, Shape::Companion(_)) {
            function.quiet.clone()
        } else {
            function.signature.clone()
        };
        name_arguments(&mut signature, function);
        let call = self.call();
        let call =
            if function.flow == Flow::Boxed { quote!(::std::boxed::Box::pin(async move { #call })) } else { call };
        // The user's braces: with ours, rustc would not say that a function is never used.
        let mut block = Group::new(Delimiter::Brace, call);
        block.set_span(function.body.span());
        quote!(#attributes #docs #visibility #signature #block)
    }

    /// Look-up, then the value or the load.
    fn call(&self) -> TokenStream {
        let rt = &self.rt;
        let options = &self.plan.options;
        let (before, entry) = self.entry();
        let load = self.load();
        // What the entry borrows from may be a temporary: it lives until the look-up is done.
        let found = |looked_up: TokenStream| {
            if before.is_empty() {
                quote!(let found = #looked_up;)
            } else {
                quote!(let found = { #before #looked_up };)
            }
        };
        let waits = self.of().flow != Flow::Sync;
        let (lookup, miss) =
            if waits { (ours("lookup_async"), ours("miss_async")) } else { (ours("lookup"), ours("miss")) };
        let run = if waits { quote!(miss.run_async(load).await) } else { quote!(miss.run(load)) };
        // In memory nothing waits for a look-up.
        let lookup = if waits && self.plan.remote { quote!(#lookup().await) } else { quote!(#lookup()) };
        if options.bypass_if.is_none() && options.refresh_if.is_none() {
            let run = if waits { quote!(miss.run_async(#load).await) } else { quote!(miss.run(#load)) };
            let found = if waits && self.plan.remote {
                // What is awaited borrows nothing.
                let asked = found(quote!(#entry.ask()));
                quote!(#asked let found = found.lookup().await;)
            } else {
                found(quote!(#entry.#lookup))
            };
            return quote! {
                #found
                match found {
                    #rt::Lookup::Hit(ret) => ret,
                    #rt::Lookup::Miss(miss) => #run,
                }
            };
        }
        let lookup = if let Some(condition) = &options.refresh_if {
            let condition = self.condition(&condition.value);
            quote!(if #condition { #rt::Lookup::Miss(at.#miss()) } else { at.#lookup })
        } else {
            quote!(at.#lookup)
        };
        let Some(condition) = &options.bypass_if else {
            let found = found(quote!(match #entry { at => #lookup }));
            return quote! {
                #found
                let load = #load;
                match found {
                    #rt::Lookup::Hit(ret) => ret,
                    #rt::Lookup::Miss(miss) => #run,
                }
            };
        };
        let condition = self.condition(&condition.value);
        let plain = if waits { quote!(load.await) } else { quote!(load()) };
        let found = found(quote! {
            match #entry {
                at => if #condition {
                    at.bypass();
                    ::core::option::Option::None
                } else {
                    ::core::option::Option::Some(#lookup)
                }
            }
        });
        quote! {
            #found
            let load = #load;
            match found {
                ::core::option::Option::Some(#rt::Lookup::Hit(ret)) => ret,
                ::core::option::Option::Some(#rt::Lookup::Miss(miss)) => #run,
                ::core::option::Option::None => #plain,
            }
        }
    }

    /// A `bool` over the arguments, where they are in scope.
    fn condition(&self, expr: &Expr) -> TokenStream {
        let mut expr = expr.clone();
        let reads = scope::rewrite(&mut expr, self.of(), Scope::Inside);
        let lets = KeyPlan::destructure(&reads, true, self.of(), Scope::Inside);
        if lets.is_empty() { expr.to_token_stream() } else { quote!({ #lets #expr }) }
    }

    /// The entry of this call, and what stands before it.
    fn entry(&self) -> (TokenStream, TokenStream) {
        let _function = self.of();
        let arguments = self.entry_arguments();
        let names = arguments.iter().map(|argument| &argument.name);
        let turbofish = self.entry_turbofish();
        match &self.plan.shape {
            Shape::Companion(name) => {
                let name = resolved(name);
                (TokenStream::new(), quote!(#name::__entry #turbofish (#(&#names),*)))
            }
            Shape::Entry(_) | Shape::Alone => self.at(Scope::Inside),
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

    /// The patterns of the arguments, as the body begins.
    fn patterns(&self) -> TokenStream {
        let patterns = self.of().arguments.iter().filter(|argument| !argument.plain() && !argument.ignored);
        patterns
            .map(|argument| {
                let Argument { name, pattern, .. } = argument;
                // Clippy has no objection to `_name` inside of a tuple.
                if argument.underscored() { quote!(let (#pattern,) = (#name,);) } else { quote!(let #pattern = #name;) }
            })
            .collect()
    }

    /// The body with something before it.
    pub(crate) fn body(&self, before: &TokenStream) -> TokenStream {
        let body = &self.of().body;
        if before.is_empty() {
            return body.to_token_stream();
        }
        let stream = body.stream();
        let mut whole = Group::new(Delimiter::Brace, quote!(#before #stream));
        whole.set_span(body.span());
        whole.to_token_stream()
    }
}
