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

use proc_macro2::{Delimiter, Group, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use std::collections::BTreeSet;
use syn::spanned::Spanned;
use syn::{Expr, Ident, ReturnType};

use crate::attributes::{self, Attributes};
use crate::companion;
use crate::function::{Argument, Flow, Function};
use crate::key::{self, KeyPlan, Probes};
use crate::options::{Backend, Capacity, Codec, Eviction, Jitter, Opt, Time, Toggle, Ttl, Weight};
use crate::plan::{Plan, Shape};
use crate::scope::{self, Scope, ours};
use crate::signature::{name_arguments, name_opaque, resolved, turbofish};

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
fn located(tokens: TokenStream, span: Span) -> TokenStream {
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

    // ---------- the entry ----------

    /// The arguments that the entry needs: those that the key reads, and those of `cache = ..`.
    pub(crate) fn entry_arguments(&self) -> Vec<&Argument> {
        let reads: BTreeSet<usize> = self.plan.key.reads.union(&self.plan.handle_reads).copied().collect();
        reads.into_iter().map(|at| &self.of().arguments[at]).collect()
    }

    pub(crate) fn entry_turbofish(&self) -> TokenStream {
        let mut named = 0;
        for argument in self.entry_arguments() {
            named += name_opaque(&mut argument.ty.clone(), &argument.name).len();
        }
        turbofish(&self.of().signature.generics, named)
    }

    /// Slot or handle, key, outcome and every option that decides about the entry, once; and what stands before it.
    pub(crate) fn at(&self, scope: Scope) -> (TokenStream, TokenStream) {
        let rt = &self.rt;
        let Plan { key, options, .. } = self.plan;
        let function = self.of();
        let imports = key::imports(&self.probes, self.plan.local || options.cache.is_some());
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
            let at = if self.plan.local { quote!(#rt::LocalAt::new) } else { quote!(#rt::at) };
            return (quote!(#imports #lets), quote!(#at(Self::__cache(), #view, #outcome)#coalesce));
        }
        let settings = self.settings();
        let settings = quote!(|options| options #settings);
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
        let types = self.types();
        let (name, cell) = match (types.is_some(), self.plan.local) {
            (true, false) if self.plan.remote => (quote!(#rt::RedisSlot), None),
            (false, false) if self.plan.remote => (quote!(#rt::AnyRedisSlot), None),
            (true, false) => (quote!(#rt::Slot), None),
            (false, false) => (quote!(#rt::AnySlot), None),
            (true, true) => (quote!(#rt::LocalSlot), Some(quote!(#rt::LocalCell))),
            (false, true) => (quote!(#rt::AnyLocalSlot), Some(quote!(#rt::AnyLocalCell))),
        };
        let parameters = types.map(|(key, value)| quote!(<#key, #value>));
        let slot = quote!(#name #parameters);
        let declared = match cell {
            None => quote!(static SLOT: #slot = #name::new(); &SLOT),
            Some(cell) => quote! {
                ::std::thread_local! {
                    static CELL: #cell #parameters = const { #cell::new() };
                }
                static SLOT: #slot = #name::new(&CELL);
                &SLOT
            },
        };
        (slot, declared)
    }

    /// The types of key and value, where they can be named.
    pub(crate) fn types(&self) -> Option<(TokenStream, TokenStream)> {
        if !self.plan.typed {
            return None;
        }
        let key = self.plan.key.named(self.of(), &self.probes)?;
        Some((key, self.kept()))
    }

    /// The type of what is kept of a concrete return type; `()` where it can't be kept, which is an error elsewhere.
    fn kept(&self) -> TokenStream {
        let Probes { root, threads, .. } = &self.probes;
        let ret = key::everlasting(&self.of().returns);
        let on =
            |option: &Option<Opt<Toggle>>| option.as_ref().is_some_and(|option| !matches!(option.value, Toggle::Off));
        let value = if on(&self.plan.options.cache_none) { ours("Option") } else { ours("Value") };
        let kept = quote!(#root::__value_type!(#ret, #value, #threads));
        if on(&self.plan.options.cache_err) { quote!(#root::__or!(#ret, #kept, #threads)) } else { kept }
    }

    /// How a return value is kept.
    fn outcome(&self) -> TokenStream {
        let Probes { rt, threads, .. } = &self.probes;
        let options = &self.plan.options;
        let ret = &self.of().returns;
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
                #rt::Change(#outcome_before).#method(#keep)
            });
        }
        outcome
    }

    /// The calls on the builder.
    pub(crate) fn settings(&self) -> TokenStream {
        let rt = &self.rt;
        let options = &self.plan.options;
        let mut settings = TokenStream::new();
        let mut set = |name: &Ident, value: TokenStream| {
            // The method stands where the option's name does, so that a wrong value is shown beside it.
            let method = Ident::new(&name.to_string(), name.span().resolved_at(Span::mixed_site()));
            settings.extend(quote!(.#method(#value)));
        };
        if let Some(Opt { name, value }) = &options.name {
            set(name, value.to_token_stream());
        }
        if let Some(Opt { name, value }) = &options.version {
            set(name, value.to_token_stream());
        }
        match &options.capacity {
            Some(Opt { name, value: Capacity::Expr(expr) }) => set(name, expr.to_token_stream()),
            Some(Opt { name, value: Capacity::Unbounded }) => {
                set(&Ident::new("unbounded", name.span()), TokenStream::new());
            }
            None => {}
        }
        if let Some(Opt { name, value }) = &options.eviction {
            let kind = match value {
                Eviction::Lru => ours("Lru"),
                Eviction::Sieve => ours("Sieve"),
            };
            set(name, quote!(#rt::Eviction::#kind));
        }
        if let Some(Opt { name, value: Ttl::Time(value) }) = &options.ttl {
            set(name, time(value));
        }
        if let Some(Opt { name, value }) = &options.tti {
            set(name, time(value));
        }
        match &options.jitter {
            Some(Opt { name, value: Jitter::Time(duration) }) => set(name, literal(*duration)),
            Some(Opt { name, value: Jitter::Expr(expr) }) => set(name, expr.to_token_stream()),
            None => {}
        }
        match &options.max_weight {
            Some(Opt { name, value: Weight::Literal(bytes) }) => set(name, quote!(#bytes)),
            Some(Opt { name, value: Weight::Expr(expr) }) => set(name, expr.to_token_stream()),
            None => {}
        }
        if let Some(Opt { name, value }) = &options.weigh {
            set(name, value.to_token_stream());
        }
        settings.extend(self.remote_settings());
        settings
    }

    /// Those that only a cache in Redis has.
    fn remote_settings(&self) -> TokenStream {
        let options = &self.plan.options;
        let Some(Opt { value: Backend::Redis(word, connection), .. }) = &options.backend else {
            return TokenStream::new();
        };
        let root = &self.probes.root;
        let mut settings = TokenStream::new();
        if let Some(connection) = connection {
            let method = resolved(word);
            settings.extend(quote!(.#method(#connection)));
        }
        if let Some(pieces) = &self.plan.key.pieces {
            settings.extend(quote!(.template(&[#(#pieces),*])));
        }
        if let Some(Opt { name, value }) = &options.codec {
            let codec = match value {
                Codec::Json => ours("json"),
                Codec::Msgpack => ours("msgpack"),
                Codec::Postcard => ours("postcard"),
            };
            let span = name.span().resolved_at(Span::mixed_site());
            settings.extend(quote_spanned!(span=> .codec(#root::__codec!(#codec))));
        }
        if let Some(Opt { name, value }) = &options.compress_above {
            let bytes = match value {
                Weight::Literal(bytes) => {
                    Literal::usize_unsuffixed(usize::try_from(*bytes).unwrap_or(usize::MAX)).to_token_stream()
                }
                Weight::Expr(expr) => expr.to_token_stream(),
            };
            let span = name.span().resolved_at(Span::mixed_site());
            settings.extend(quote_spanned!(span=> .compress_above(#root::__compressed!(#bytes))));
        }
        settings
    }

    /// The type of an entry, for signatures. Opaque types so that it can be named in generic functions; concrete
    /// around them, so that `Send` shows through.
    pub(crate) fn at_type(&self, lifetime: &TokenStream, capture: Option<TokenStream>) -> TokenStream {
        let rt = &self.rt;
        let ret = &self.of().returns;
        let span = key::span_of(ret).resolved_at(Span::mixed_site());
        let capture = capture.map(|names| quote!(+ use<#names>));
        if self.plan.local {
            quote!(#rt::LocalAt<impl #rt::View, impl #rt::Outcome<Ret = #ret> #capture>)
        } else if self.plan.remote {
            let outcome = quote_spanned!(span=> impl #rt::Outcome<Ret = #ret, Value: #rt::RemoteValue>);
            quote!(#rt::At<#lifetime, impl #rt::View<Owned: #rt::RemoteKey>, #outcome #capture, #rt::Redis>)
        } else {
            let outcome = quote_spanned!(span=> impl #rt::Outcome<Ret = #ret, Value: #rt::CacheValue>);
            quote!(#rt::At<#lifetime, impl #rt::View<Owned: #rt::CacheKey>, #outcome #capture>)
        }
    }
}

/// A duration.
fn time(time: &Time) -> TokenStream {
    match time {
        Time::Literal(duration) => literal(*duration),
        Time::Expr(expr) => expr.to_token_stream(),
    }
}

fn literal(duration: std::time::Duration) -> TokenStream {
    let (secs, nanos) = (duration.as_secs(), duration.subsec_nanos());
    quote!(::core::time::Duration::new(#secs, #nanos))
}
