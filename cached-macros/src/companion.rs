//! Plan to the companion: the type beside a function, or the method beside a method. Must never read the body but to
//! put it into `uncached`.
//!
//! ```text
//! #[doc(hidden)]
//! pub enum page {}
//! impl page {
//!     fn __slot() -> &'static AnySlot { static SLOT: AnySlot = AnySlot::new(); &SLOT }
//!     fn __entry<'k, T: Render>(name: &'k String, n: &'k u32) -> At<'static, impl View, impl Outcome + use<T>> {
//!         Self::__slot().at(|options| options.capacity(100), (Own((*name).trim()).part(), Leaf(&*n).part()), outcome)
//!     }
//!     pub fn uncached<T: Render>(name: String, n: u32) -> Answer<T> { .. }
//!     pub fn get<T: Render>(name: String, n: u32) -> Option<Answer<T>> { Self::__entry::<T>(&name, &n).get() }
//!     ...
//! }
//! ```

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{GenericParam, Ident, Lifetime, LifetimeParam, Receiver, ReceiverKind, Safety};

use crate::expand::{Expansion, quote};
use crate::function::{Flow, Function, quiet};
use crate::hidden::of_writers;
use crate::many::many;
use crate::names::is_supported;
use crate::scope::{Scope, ours};
use crate::signature::{name_arguments, name_opaque, parameters, resolved, turbofish};
use crate::windows::who_renews;

/// The uninhabited type of the function's name, and its functions.
pub(crate) fn companion_type(expansion: &Expansion<'_>, name: &Ident) -> TokenStream {
    let name = resolved(name);
    let visibility = &expansion.of().quiet_visibility;
    let items = &expansion.attributes.items;
    let slot = slot(expansion);
    let entry = entry(expansion);
    let uncached = uncached(expansion);
    let of_an_entry = of_an_entry(expansion);
    let refresh = refresh(expansion);
    let many = many(expansion);
    let whole = of_the_whole(expansion);
    let types = types(expansion);
    let root = &expansion.probes.root;
    quote! {
        #root::an_associated_function_says__companion_false! {
            [#items] [#visibility] #name { #slot #entry #uncached #of_an_entry #refresh #many #whole } #types
        }
    }
}

/// The names of key and value, for all that mentions them: the compiler finds each type once.
fn types(expansion: &Expansion<'_>) -> Option<TokenStream> {
    let (key, value) = expansion.types()?;
    let (key_name, value_name) = expansion.names_of_types()?;
    let items = &expansion.attributes.items;
    Some(quote! {
        #items
        #[doc(hidden)]
        type #key_name = #key;
        #items
        #[doc(hidden)]
        type #value_name = #value;
    })
}

/// Where the entries are: the slot of all instantiations, or the cache itself where its types have names.
fn slot(expansion: &Expansion<'_>) -> Option<TokenStream> {
    if expansion.plan.options.cache.is_some() {
        return None;
    }
    let (ty, declared) = expansion.slot();
    let slot = quote!(fn __slot() -> &'static #ty { #declared });
    let Some(cache) = cache_type(expansion) else { return Some(slot) };
    let options = expansion.options();
    Some(if expansion.plan.local {
        // A hit looks into the slot, and takes no handle.
        quote!(#slot fn __cache() -> #cache { Self::__slot().cache(|options| #options) })
    } else {
        quote!(fn __cache() -> #cache { { #declared }.cache(|options| #options) })
    })
}

/// The cache of a function whose key and value have names.
pub(crate) fn cache_type(expansion: &Expansion<'_>) -> Option<TokenStream> {
    let rt = &expansion.rt;
    let (key, value) = expansion.names_of_types()?;
    let store = expansion.store().map(|store| quote!(, #store));
    let lent = (!expansion.plan.local).then(|| quote!(&'static));
    Some(quote!(#lent #rt::Cache<#key, #value #store>))
}

/// Every expression of the user's, once: the type of the closure in it tells instantiations apart.
fn entry(expansion: &Expansion<'_>) -> TokenStream {
    let rt = &expansion.rt;
    let function = expansion.of();
    let mut generics = function.quiet.generics.clone();
    let mut parameters_of_entry = Vec::new();
    for argument in expansion.entry_arguments() {
        let name = &argument.name;
        let mut ty = argument.ty.clone();
        generics.params.extend(name_opaque(&mut ty, name));
        parameters_of_entry.push(quote!(#name: #rt::Borrowed<'__cached_k, #ty>));
    }
    let captured = parameters(&generics);
    let captured = quote!(#(#captured),*);
    let lifetime = if expansion.plan.options.cache.is_some() { quote!('__cached_k) } else { quote!('static) };
    let at = expansion.at_type(&lifetime, Some(captured));
    generics
        .params
        .insert(0, GenericParam::Lifetime(LifetimeParam::new(Lifetime::new("'__cached_k", Span::mixed_site()))));
    let (generics, _, bounds) = generics.split_for_impl();
    let (before, entry) = expansion.at(Scope::Borrowed);
    let lints = &expansion.attributes.companions;
    quote!(#lints fn __entry #generics (#(#parameters_of_entry),*) -> #at #bounds { #before #entry })
}

/// The body, once.
fn uncached(expansion: &Expansion<'_>) -> TokenStream {
    let function = expansion.of();
    // As the user wrote it, so that lints judge the body as they would without the macro.
    let (visibility, attributes) = (&function.visibility, &expansion.attributes.body);
    let mut signature = function.signature.clone();
    signature.ident = ours("uncached");
    signature.abi = None;
    signature.safety = Safety::Default;
    let used = expansion.flags_are_used();
    let body = expansion.body(&used);
    quote! {
        #[doc = "Runs the body, past the cache."]
        #attributes #visibility #signature #body
    }
}

impl Expansion<'_> {
    /// What only decides about caching need not be read by the body.
    pub(crate) fn flags_are_used(&self) -> TokenStream {
        let (function, options) = (self.of(), &self.plan.options);
        let mut flags = [&options.bypass_if, &options.refresh_if, &options.cache]
            .into_iter()
            .flatten()
            .flat_map(|option| crate::scope::reads(&option.value, function))
            .collect::<std::collections::BTreeSet<_>>();
        if self.plan.key.chosen {
            flags.extend(&self.plan.key.reads);
        }
        let names = flags
            .iter()
            .map(|at| &function.arguments[*at])
            .filter(|argument| argument.binds.is_empty() && !argument.underscored())
            .map(|argument| &argument.name);
        names.map(|name| quote!(let _ = &#name;)).collect()
    }
}

/// `get`, `contains`, `set`, `invalidate`.
fn of_an_entry(expansion: &Expansion<'_>) -> TokenStream {
    let rt = &expansion.rt;
    let ret = &expansion.single().returns;
    let got = expansion.got();
    let get = one(
        expansion,
        "get",
        Some(quote!(::core::option::Option<#got>)),
        None,
        "What the cache holds for these arguments; never loads.",
    );
    let contains =
        one(expansion, "contains", Some(quote!(bool)), None, "Whether the cache holds something for these arguments.");
    let set = one(
        expansion,
        "set",
        None,
        Some(quote!(value: &impl #rt::KeptBy<#ret>)),
        "Stores a value, or what the function would have returned, for these arguments.",
    );
    let invalidate = one(
        expansion,
        "invalidate",
        None,
        None,
        "Forgets what the cache holds for these arguments; a load that runs now is not kept.",
    );
    quote!(#get #contains #set #invalidate)
}

fn one(
    expansion: &Expansion<'_>,
    name: &str,
    ret: Option<TokenStream>,
    value: Option<TokenStream>,
    doc: &str,
) -> TokenStream {
    let function = expansion.of();
    let (visibility, lints) = (&function.quiet_visibility, &expansion.attributes.companions);
    let (generics, _, bounds) = function.quiet.generics.split_for_impl();
    let names = expansion.entry_arguments();
    let names = names.iter().map(|argument| &argument.name);
    let (arguments, tags) = match name {
        "set" => (expansion.stored_arguments(), expansion.tags()),
        "get" | "contains" => {
            (expansion.looked_up_arguments(), expansion.plan.remote.then(|| expansion.tags()).flatten())
        }
        _ => (expansion.entry_arguments(), None),
    };
    let parameters = arguments.iter().map(|argument| {
        let (name, ty) = (&argument.name, &argument.ty);
        quote!(#name: #ty)
    });
    // `set` has one argument more than the function: seven are clippy's bound.
    let many = (arguments.len() == 7 && value.is_some()).then(|| quote!(#[allow(clippy::too_many_arguments)]));
    let passed = value.as_ref().map(|_| quote!(value));
    let parameters = parameters.chain(value);
    let turbofish = expansion.entry_turbofish();
    let name = ours(name);
    let must_use = (function.flow == Flow::Sync && ["get", "contains"].iter().any(|read| name == read))
        .then(|| quote!(#[must_use]));
    let errors = fails(expansion, ret.is_none());
    let entry = quote!(Self::__entry #turbofish (#(&#names),*) #tags);
    let Given { waits, ret, done } = given(expansion, ret, &entry, &name, passed.as_ref());
    quote! {
        #[doc = #doc]
        #errors
        #[inline]
        #lints
        #many
        #must_use
        #visibility #waits fn #name #generics (#(#parameters),*) #ret #bounds { #done }
    }
}

/// How a companion gives what it has.
struct Given {
    /// `async`.
    waits: Option<TokenStream>,
    /// The arrow and the type.
    ret: TokenStream,
    done: TokenStream,
}

/// What a companion returns that calls `method` of `on`. Those of async functions give something to await, though nothing
/// waits in memory. What changes an entry in Redis begins at once, and goes on when nobody waits for it.
fn given(
    expansion: &Expansion<'_>,
    ret: Option<TokenStream>,
    on: &TokenStream,
    method: &Ident,
    value: Option<&TokenStream>,
) -> Given {
    let rt = &expansion.rt;
    let flat = (*method == "get").then(|| expansion.flat()).flatten();
    let call = quote!(#on.#method(#value) #flat);
    let (waits, ret, done) = match (expansion.of().flow, ret, expansion.plan.remote) {
        (Flow::Sync, None, false) => (None, TokenStream::new(), quote!(#call;)),
        (Flow::Sync, Some(ret), _) => (None, quote!(-> #ret), call),
        (Flow::Sync, None, true) => (None, quote!(-> ::core::result::Result<(), #rt::Error>), call),
        (Flow::Async | Flow::Boxed, ret, false) => {
            let ret = ret.unwrap_or_else(|| quote!(()));
            (None, quote!(-> ::core::future::Ready<#ret>), quote!(::core::future::ready(#call)))
        }
        (Flow::Async | Flow::Boxed, ret, true) => {
            let acts = ours(&format!("{method}_async"));
            match ret {
                Some(ret) => {
                    (Some(quote!(async)), quote!(-> #ret), quote!(let asked = #on.ask(); asked.#method().await #flat))
                }
                None => (None, quote!(-> #rt::Acting), quote!(#on.#acts(#value))),
            }
        }
    };
    Given { waits, ret, done }
}

/// What the documentation says of a companion that returns a `Result`.
fn fails(expansion: &Expansion<'_>, changes: bool) -> Option<TokenStream> {
    let text = "\n\n# Errors\n\nWhat kept the server from it. It is tried again for as long as the process lives.";
    (changes && expansion.plan.remote).then(|| quote!(#[doc = #text]))
}

/// Loads anew and stores.
fn refresh(expansion: &Expansion<'_>) -> TokenStream {
    let function = expansion.of();
    let (visibility, lints) = (&function.quiet_visibility, &expansion.attributes.companions);
    let mut signature = function.quiet.clone();
    signature.ident = ours("refresh");
    quiet(&mut signature);
    signature.abi = None;
    name_arguments(&mut signature, function);
    if let Some(bulk) = &expansion.plan.single {
        let call = expansion.refresh_each(bulk);
        let call =
            if function.flow == Flow::Boxed { quote!(::std::boxed::Box::pin(async move { #call })) } else { call };
        return quote! {
            #[doc = "Runs the body for all of them, and stores what it returns in place of what the cache holds."]
            #[inline]
            #lints
            #visibility #signature { #call }
        };
    }
    let entered = expansion.entry_arguments();
    let entered = entered.iter().map(|argument| &argument.name);
    let all = function.arguments.iter().map(|argument| &argument.name);
    let (entry_turbofish, turbofish) = (expansion.entry_turbofish(), turbofish(&function.quiet.generics, 0));
    let load = expansion.limited(quote!(Self::uncached #turbofish (#(#all),*)));
    let tags = expansion.tags();
    let miss = if function.flow == Flow::Sync { ours("miss") } else { ours("miss_async") };
    let run = match function.flow {
        Flow::Sync => quote!(miss.run(move || #load)),
        Flow::Async => quote!(miss.run_async(#load).await),
        Flow::Boxed => quote!(::std::boxed::Box::pin(async move { miss.run_async(#load).await })),
    };
    let binding = if expansion.runs_in_place() { quote!(mut miss) } else { quote!(miss) };
    let renewals = who_renews(expansion.plan).map(|text| {
        let text = format!("\n\n{text}");
        quote!(#[doc = #text])
    });
    quote! {
        #[doc = "Runs the body and stores what it returns in place of what the cache holds."]
        #renewals
        #[inline]
        #lints
        #visibility #signature {
            let #binding = Self::__entry #entry_turbofish (#(&#entered),*) #tags.#miss();
            #run
        }
    }
}

/// `clear`, `stats`, `reset_stats`, `cache`.
fn of_the_whole(expansion: &Expansion<'_>) -> TokenStream {
    let rt = &expansion.rt;
    let visibility = &expansion.of().quiet_visibility;
    let handle = match &expansion.plan.options.cache {
        // The handle's own: it hangs on the arguments, and the user has it.
        Some(_) if !expansion.plan.handle_reads.is_empty() => return of_writers(expansion, None),
        Some(option) => {
            let handle = &option.value;
            let span = handle.span().resolved_at(Span::mixed_site());
            quote_spanned!(span=> (#handle).__handle())
        }
        None if expansion.plan.typed => quote!(Self::__cache()),
        None => quote!(Self::__slot()),
    };
    let cache = cache_type(expansion).zip(expansion.names_of_types()).map(|(ty, (key, value))| {
        // Users know but one kind of cache that threads share.
        let (ty, memory) = if expansion.plan.lock_free() {
            (quote!(&'static #rt::Cache<#key, #value>), Some(quote!(.__memory())))
        } else {
            (ty, None)
        };
        quote! {
            #[doc = "The cache itself. Its key is what the function's key reads: one part as it is, several as a tuple."]
            #[inline]
            #visibility fn cache() -> #ty { Self::__cache() #memory }
        }
    });
    let (ret, clear) = clear(expansion, &handle);
    let of_writers = of_writers(expansion, Some(&handle));
    let invalidate_where = invalidate_where(expansion);
    let errors = fails(expansion, true);
    quote! {
        #[doc = "Forgets everything; loads that run now are not kept."]
        #errors
        #[inline]
        #visibility fn clear() #ret { #clear }

        #[doc = "Hits, misses, loads and the rest, since the start or `reset_stats`."]
        #[inline]
        #visibility fn stats() -> #rt::Stats { #handle.stats() }

        #[doc = "Counts from zero again."]
        #[inline]
        #visibility fn reset_stats() { #handle.reset_stats() }

        #cache
        #invalidate_where
        #of_writers
    }
}

/// Where key and value have names, and are in this process.
fn invalidate_where(expansion: &Expansion<'_>) -> Option<TokenStream> {
    let (key, value) =
        expansion.names_of_types().filter(|_| !expansion.plan.remote && is_supported("invalidate_matching"))?;
    let visibility = &expansion.of().quiet_visibility;
    let call = quote!(Self::__cache().invalidate_where(predicate));
    let (ret, done) = if expansion.of().flow == Flow::Sync {
        (TokenStream::new(), quote!(#call;))
    } else {
        (quote!(-> ::core::future::Ready<()>), quote!(::core::future::ready(#call)))
    };
    Some(quote! {
        #[doc = "Forgets what satisfies the predicate, of what is there now; looks at every entry."]
        #[inline]
        #visibility fn invalidate_where(predicate: impl ::core::ops::Fn(&#key, &#value) -> bool) #ret { #done }
    })
}

impl Expansion<'_> {
    /// Whether its entries are in one cache of known types, and not in one for each instantiation.
    pub(crate) fn is_one_cache(&self) -> bool {
        self.plan.typed || self.plan.options.cache.is_some()
    }
}

/// What `clear` returns, and does.
fn clear(expansion: &Expansion<'_>, handle: &TokenStream) -> (TokenStream, TokenStream) {
    let rt = &expansion.rt;
    let result = quote!(::core::result::Result<(), #rt::Error>);
    match (expansion.plan.remote, expansion.is_one_cache(), expansion.of().flow) {
        (true, true, Flow::Sync) => (quote!(-> #result), quote!(#rt::clear(#handle).wait())),
        (true, true, Flow::Async | Flow::Boxed) => (quote!(-> #rt::Acting), quote!(#rt::clear(#handle))),
        // Of many instantiations, as one.
        (true, false, Flow::Async | Flow::Boxed) => (
            quote!(-> impl ::core::future::Future<Output = #result> + ::core::marker::Send),
            quote!(#handle.clear_async()),
        ),
        _ => {
            let Given { ret, done, .. } = given(expansion, None, handle, &ours("clear"), None);
            (ret, done)
        }
    }
}

// ---------- methods ----------

/// The hidden function that holds the slot of a method and of its companion.
pub(crate) fn slot_of(function: &Function) -> Ident {
    ours(&format!("__slot_of_{}", function.signature.ident.unraw()))
}

/// `item_entry(&self, x) -> At`, for a method.
pub(crate) fn entry_method(expansion: &Expansion<'_>, name: &Ident) -> TokenStream {
    let function = expansion.of();
    let (visibility, lints) = (&function.quiet_visibility, &expansion.attributes.companions);
    let items = &expansion.attributes.items;
    let receiver = function.receiver().map(borrowed);
    let comma = receiver.as_ref().map(|_| quote!(,));
    let arguments = expansion.stored_arguments();
    let tags = expansion.tags_rendered();
    let parameters = arguments.iter().map(|argument| {
        let (name, ty) = (&argument.name, &argument.ty);
        quote!(#name: #ty)
    });
    let at = expansion.at_type(&quote!('static), None);
    let (before, entry) = expansion.at(Scope::Inside);
    let (generics, _, bounds) = function.quiet.generics.split_for_impl();
    let doc =
        format!("The entry of `{}` for these arguments: {}.", function.signature.ident.unraw(), of_a_method(expansion));
    let slot_of = slot_of(function);
    let (slot, declared) = expansion.slot();
    // The name as the user wrote it: where there can be no such method, as in the impl of a trait, the error is there.
    quote! {
        #items
        #[doc = #doc]
        #lints
        #visibility fn #name #generics (#receiver #comma #(#parameters),*) -> #at #bounds {
            #before
            #entry #tags.owned()
        }

        #items
        #[doc(hidden)]
        fn #slot_of #generics () -> (&'static #slot, impl ::core::marker::Copy) #bounds { ({ #declared }, || ()) }
    }
}

/// What the entry of a method has, by name.
pub(crate) fn of_a_method(expansion: &Expansion<'_>) -> &'static str {
    if expansion.plan.remote && expansion.of().flow != Flow::Sync {
        "`get_async`, `contains_async`, `set_async`, `invalidate_async`"
    } else {
        "`get`, `contains`, `set`, `invalidate`"
    }
}

/// Whatever the method does with `self`, its entry only looks at it.
fn borrowed(receiver: &Receiver) -> TokenStream {
    let lifetime = match &receiver.kind {
        ReceiverKind::Reference(_, lifetime, _) => lifetime.as_ref(),
        _ => None,
    };
    let this = &receiver.self_token;
    quote!(&#lifetime #this)
}
