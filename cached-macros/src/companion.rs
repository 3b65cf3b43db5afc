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
use syn::visit_mut::{self, VisitMut};
use syn::{
    GenericParam, Ident, Lifetime, LifetimeParam, ParenthesizedGenericArguments, Receiver, ReceiverKind, Safety, Type,
    TypeFnPtr, TypeReference, Visibility,
};

use crate::expand::{Expansion, quote};
use crate::function::{Flow, Function, quiet};
use crate::plan::Shape;
use crate::scope::{Scope, ours};
use crate::signature::{name_arguments, name_opaque, parameters, resolved, turbofish};

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
    let root = &expansion.probes.root;
    quote! {
        #root::an_associated_function_says__companion_false! {
            [#items] [#visibility] #name { #slot #entry #uncached #of_an_entry #refresh #many #whole }
        }
    }
}

/// Where the entries are: the slot of all instantiations, or the cache itself where its types have names.
fn slot(expansion: &Expansion<'_>) -> Option<TokenStream> {
    if expansion.plan.options.cache.is_some() {
        return None;
    }
    let (ty, declared) = expansion.slot();
    Some(if let Some(cache) = cache_type(expansion) {
        let settings = expansion.settings();
        quote!(fn __cache() -> #cache { { #declared }.cache(|options| options #settings) })
    } else {
        quote!(fn __slot() -> &'static #ty { #declared })
    })
}

/// What `cache()` gives.
fn cache_type(expansion: &Expansion<'_>) -> Option<TokenStream> {
    let rt = &expansion.rt;
    let (key, value) = expansion.types()?;
    Some(if expansion.plan.local {
        quote!(#rt::Cache<#key, #value, #rt::Local>)
    } else if expansion.plan.remote {
        quote!(&'static #rt::Cache<#key, #value, #rt::Redis>)
    } else {
        quote!(&'static #rt::Cache<#key, #value>)
    })
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
        parameters_of_entry.push(quote!(#name: #rt::Borrowed<'k, #ty>));
    }
    let captured = parameters(&generics);
    let captured = quote!(#(#captured),*);
    let lifetime = if expansion.plan.options.cache.is_some() { quote!('k) } else { quote!('static) };
    let at = expansion.at_type(&lifetime, Some(captured));
    generics.params.insert(0, GenericParam::Lifetime(LifetimeParam::new(Lifetime::new("'k", Span::mixed_site()))));
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
    // What only decides about caching need not be read by the body.
    let options = &expansion.plan.options;
    let mut flags = [&options.bypass_if, &options.refresh_if, &options.cache]
        .into_iter()
        .flatten()
        .flat_map(|option| crate::scope::reads(&option.value, function))
        .collect::<std::collections::BTreeSet<_>>();
    if expansion.plan.key.chosen {
        flags.extend(&expansion.plan.key.reads);
    }
    let names = flags
        .iter()
        .map(|at| &function.arguments[*at])
        .filter(|argument| argument.binds.is_empty() && !argument.underscored())
        .map(|argument| &argument.name);
    let used: TokenStream = names.map(|name| quote!(let _ = &#name;)).collect();
    let body = expansion.body(&used);
    quote! {
        #[doc = "Runs the body, past the cache."]
        #attributes #visibility #signature #body
    }
}

/// `get`, `contains`, `set`, `invalidate`.
fn of_an_entry(expansion: &Expansion<'_>) -> TokenStream {
    let rt = &expansion.rt;
    let ret = &expansion.of().returns;
    let get = one(
        expansion,
        "get",
        Some(quote!(::core::option::Option<#ret>)),
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
    let arguments = expansion.entry_arguments();
    let names = arguments.iter().map(|argument| &argument.name);
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
    let entry = quote!(Self::__entry #turbofish (#(&#names),*));
    let Given { waits, ret, done } = given(expansion, ret, &entry, &name, passed.as_ref());
    quote! {
        #[doc = #doc]
        #errors
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
    let call = quote!(#on.#method(#value));
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
                    (Some(quote!(async)), quote!(-> #ret), quote!(let asked = #on.ask(); asked.#method().await))
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
    let entered = expansion.entry_arguments();
    let entered = entered.iter().map(|argument| &argument.name);
    let all = function.arguments.iter().map(|argument| &argument.name);
    let (entry_turbofish, turbofish) = (expansion.entry_turbofish(), turbofish(&function.quiet.generics, 0));
    let load = quote!(Self::uncached #turbofish (#(#all),*));
    let miss = if function.flow == Flow::Sync { ours("miss") } else { ours("miss_async") };
    let run = match function.flow {
        Flow::Sync => quote!(miss.run(move || #load)),
        Flow::Async => quote!(miss.run_async(#load).await),
        Flow::Boxed => quote!(::std::boxed::Box::pin(async move { miss.run_async(#load).await })),
    };
    quote! {
        #[doc = "Runs the body and stores what it returns in place of what the cache holds."]
        #lints
        #visibility #signature {
            let miss = Self::__entry #entry_turbofish (#(&#entered),*).#miss();
            #run
        }
    }
}

/// Without arguments there is one entry. And what is awaited can't say in its type that a parameter outlives the items.
fn has_many(expansion: &Expansion<'_>) -> bool {
    let generic = !parameters(&expansion.of().quiet.generics).is_empty();
    let awaits = expansion.plan.remote && expansion.of().flow != Flow::Sync;
    let loops = !expansion.entry_arguments().is_empty();
    loops && !(generic && awaits)
}

/// What the cache holds for many keys.
fn many(expansion: &Expansion<'_>) -> Option<TokenStream> {
    let function = expansion.of();
    let arguments = expansion.entry_arguments();
    if !has_many(expansion) {
        return None;
    }
    let (visibility, lints) = (&function.quiet_visibility, &expansion.attributes.companions);
    let mut generics = function.quiet.generics.clone();
    generics.params.insert(0, GenericParam::Lifetime(LifetimeParam::new(Lifetime::new("'item", Span::mixed_site()))));
    let (generics, _, bounds) = generics.split_for_impl();
    let names: Vec<&Ident> = arguments.iter().map(|argument| &argument.name).collect();
    let types = arguments.iter().map(|argument| with_lifetime(&argument.ty));
    let (item, pattern) = match &names[..] {
        [name] => (quote!(#(#types)*), quote!(#name)),
        names => (quote!((#(#types),*)), quote!((#(#names),*))),
    };
    let (rt, turbofish) = (&expansion.rt, expansion.entry_turbofish());
    let ret = &function.returns;
    let ret = quote!(::std::vec::Vec<::core::option::Option<#ret>>);
    if expansion.plan.remote && function.flow != Flow::Sync {
        return Some(quote! {
            #[doc = "What the cache holds for each of these arguments, in their order; never loads. One round trip for all."]
            #lints
            #visibility fn many #generics (keys: impl ::core::iter::IntoIterator<Item = #item>)
                -> impl ::core::future::Future<Output = #ret> #bounds
            {
                let all: ::std::vec::Vec<_> = ::core::iter::Iterator::collect(::core::iter::Iterator::map(
                    ::core::iter::IntoIterator::into_iter(keys),
                    |#pattern| Self::__entry #turbofish (#(&#names),*).ask(),
                ));
                #rt::many_async(all)
            }
        });
    }
    let found = if expansion.plan.remote {
        quote! {
            #rt::many(::core::iter::Iterator::collect(::core::iter::Iterator::map(
                ::core::iter::IntoIterator::into_iter(keys),
                |#pattern| Self::__entry #turbofish (#(&#names),*).ask(),
            )))
        }
    } else {
        quote! {
            ::core::iter::Iterator::collect(::core::iter::Iterator::map(
                ::core::iter::IntoIterator::into_iter(keys),
                |#pattern| Self::__entry #turbofish (#(&#names),*).get(),
            ))
        }
    };
    let (ret, done) = if function.flow == Flow::Sync {
        (ret, found)
    } else {
        (quote!(::core::future::Ready<#ret>), quote!(::core::future::ready(#found)))
    };
    let one_by_one = expansion.plan.remote.then(|| quote!(#[doc = " One round trip for all."]));
    Some(quote! {
        #[doc = "What the cache holds for each of these arguments, in their order; never loads."]
        #one_by_one
        #lints
        #visibility fn many #generics (keys: impl ::core::iter::IntoIterator<Item = #item>) -> #ret #bounds { #done }
    })
}

/// The type with a name for the lifetimes that have none: they can't be left out in `impl Trait`.
fn with_lifetime(ty: &Type) -> Type {
    struct Named;
    impl VisitMut for Named {
        fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
            reference.lifetime.get_or_insert_with(|| Lifetime::new("'item", Span::mixed_site()));
            visit_mut::visit_type_reference_mut(self, reference);
        }
        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            if lifetime.ident == "_" {
                *lifetime = Lifetime::new("'item", Span::mixed_site());
            }
        }
        fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut ParenthesizedGenericArguments) {}
        fn visit_type_fn_ptr_mut(&mut self, _: &mut TypeFnPtr) {}
    }
    let mut ty = ty.clone();
    Named.visit_type_mut(&mut ty);
    ty
}

/// `clear`, `stats`, `reset_stats`, `cache`.
fn of_the_whole(expansion: &Expansion<'_>) -> TokenStream {
    let rt = &expansion.rt;
    let visibility = &expansion.of().quiet_visibility;
    let handle = match &expansion.plan.options.cache {
        // The handle's own: it hangs on the arguments, and the user has it.
        Some(_) if !expansion.plan.handle_reads.is_empty() => return TokenStream::new(),
        Some(option) => {
            let handle = &option.value;
            let span = handle.span().resolved_at(Span::mixed_site());
            quote_spanned!(span=> (#handle).__handle())
        }
        None if expansion.plan.typed => quote!(Self::__cache()),
        None => quote!(Self::__slot()),
    };
    let cache = cache_type(expansion).map(|ty| {
        quote! {
            #[doc = "The cache itself. Its key is what the function's key reads: one part as it is, several as a tuple."]
            #visibility fn cache() -> #ty { Self::__cache() }
        }
    });
    let (ret, clear) = clear(expansion, &handle);
    let errors = fails(expansion, true);
    quote! {
        #[doc = "Forgets everything; loads that run now are not kept."]
        #errors
        #visibility fn clear() #ret { #clear }

        #[doc = "Hits, misses, loads and the rest, since the start or `reset_stats`."]
        #visibility fn stats() -> #rt::Stats { #handle.stats() }

        #[doc = "Counts from zero again."]
        #visibility fn reset_stats() { #handle.reset_stats() }

        #cache
    }
}

/// What `clear` returns, and does.
fn clear(expansion: &Expansion<'_>, handle: &TokenStream) -> (TokenStream, TokenStream) {
    let rt = &expansion.rt;
    let result = quote!(::core::result::Result<(), #rt::Error>);
    match (expansion.plan.remote, expansion.plan.typed, expansion.of().flow) {
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
    let arguments = expansion.entry_arguments();
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
            #entry.owned()
        }

        #items
        #[doc(hidden)]
        fn #slot_of #generics () -> (&'static #slot, impl ::core::marker::Copy) #bounds { ({ #declared }, || ()) }
    }
}

/// What the entry of a method has, by name.
fn of_a_method(expansion: &Expansion<'_>) -> &'static str {
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

// ---------- documentation ----------

/// A short list of the companions, for the function's own documentation.
pub(crate) fn list(expansion: &Expansion<'_>) -> Option<TokenStream> {
    let function = expansion.of();
    let arguments: Vec<String> =
        expansion.entry_arguments().iter().map(|argument| argument.name.unraw().to_string()).collect();
    let key = arguments.join(", ");
    // Nobody's missing documentation is hidden by ours.
    let documented = function.attributes.iter().any(|attribute| attribute.path().is_ident("doc"));
    if !documented && !matches!(function.visibility, Visibility::Inherited) {
        return None;
    }
    let text = match &expansion.plan.shape {
        Shape::Alone => return None,
        Shape::Entry(name) => {
            let through = if function.receiver().is_some() { "self." } else { "Self::" };
            format!("\n\n# Cached\n\n`{through}{name}({key})` is the entry of a call: {}.", of_a_method(expansion))
        }
        Shape::Companion(name) => {
            let wait = if function.flow == Flow::Sync { "" } else { ".await" };
            let all: Vec<String> =
                function.arguments.iter().map(|argument| argument.name.unraw().to_string()).collect();
            let all = all.join(", ");
            let value = if key.is_empty() { "&value".to_owned() } else { format!("{key}, &value") };
            let of_an_entry = ["get", "contains", "invalidate"]
                .map(|companion| format!("`{name}::{companion}({key}){wait}`"))
                .join(", ");
            let set = format!("`{name}::set({value}){wait}`");
            let loads =
                ["refresh", "uncached"].map(|companion| format!("`{name}::{companion}({all}){wait}`")).join(", ");
            let many = if has_many(expansion) { format!(", `{name}::many(..){wait}`") } else { String::new() };
            let whole = if expansion.plan.handle_reads.is_empty() {
                let cache = if expansion.types().is_some() { format!(", `{name}::cache()`") } else { String::new() };
                format!("; `{name}::clear(){wait}`, `{name}::stats()`, `{name}::reset_stats()`{cache}")
            } else {
                String::new()
            };
            format!("\n\n# Cached\n\n{of_an_entry}, {set}{many}; {loads}{whole}.")
        }
    };
    Some(quote!(#[doc = #text]))
}
