//! Plan to the cached function. Must never fail: whatever is wrong was found before.
//!
//! ```text
//! // Input
//! #[cached(capacity = 100, key = (name.trim(), n))]
//! pub fn page<T: Render>(name: String, n: u32) -> Answer<T> { .. }
//!
//! // Output
//! pub fn page<T: Render>(name: String, n: u32) -> Answer<T> {
//!     let mut found = page::__entry::<T>(&name, &n).lookup();
//!     match found {
//!         Lookup::Hit(ret) => ret,
//!         Lookup::Miss(ref mut miss) => miss.run(move || page::uncached::<T>(name, n)),
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
//!     let mut found = { static SLOT: AnySlot = AnySlot::new(); SLOT.at(|options| options, view, outcome).lookup() };
//!     match found {
//!         Lookup::Hit(ret) => ret,
//!         Lookup::Miss(ref mut miss) => miss.run(move || -> Option<Item> { .. }),
//!     }
//! }
//! ```

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};

use crate::attributes::{self, Attributes};
use crate::function::{Argument, Flow, Function};
use crate::key::Probes;
use crate::options::{Backend, Opt};
use crate::plan::{Plan, Shape};
use crate::signature::name_arguments;
use crate::{companion, list};

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
    let locate = |token: TokenTree| match token {
        TokenTree::Group(group) => {
            let mut located = Group::new(group.delimiter(), self::located(group.stream(), span));
            located.set_span(group.span().located_at(span));
            TokenTree::Group(located)
        }
        mut token => {
            token.set_span(token.span().located_at(span));
            token
        }
    };
    tokens.into_iter().map(locate).collect()
}

/// Expands a plan without mistakes. `item` is what the user wrote, for builds that lack a feature.
pub(crate) fn expand(plan: &Plan, item: &TokenStream) -> TokenStream {
    let root =
        if let Some(path) = &plan.options.krate { path.value.to_token_stream() } else { quote!(::cached_runtime) };
    let rt = quote!(#root::private);
    // What a handle asks of its types is the handle's affair.
    let threads = if plan.local || plan.options.cache.is_some() {
        quote!(#rt::OneThread)
    } else if plan.remote {
        quote!(#rt::AllProcesses)
    } else {
        quote!(#rt::AllThreads)
    };
    let probes = Probes { root, rt: rt.clone(), threads };
    let expansion = Expansion { plan, rt, probes, attributes: attributes::sort(&plan.function) };
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
    /// The function.
    pub(crate) fn of(&self) -> &Function {
        &self.plan.function
    }

    /// The function as one entry sees it: with `each`, it has one id where the function has many.
    pub(crate) fn single(&self) -> &Function {
        self.plan.single.as_ref().map_or(&self.plan.function, |bulk| &bulk.single)
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
        let docs = list::list(self);
        let visibility = &function.visibility;
        let mut signature = if matches!(self.plan.shape, Shape::Companion(_)) {
            function.quiet.clone()
        } else {
            function.signature.clone()
        };
        name_arguments(&mut signature, function);
        let call = match &self.plan.single {
            Some(bulk) => self.call_each(bulk),
            None => self.call(),
        };
        let call =
            if function.flow == Flow::Boxed { quote!(::std::boxed::Box::pin(async move { #call })) } else { call };
        // The user's braces: with ours, rustc would not say that a function is never used.
        let mut block = Group::new(Delimiter::Brace, call);
        block.set_span(function.body.span());
        quote!(#attributes #docs #visibility #signature #block)
    }

    /// The patterns of the arguments, as the body begins.
    pub(crate) fn patterns(&self) -> TokenStream {
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
