//! `#[invalidates(..)]` and `#[updates(..)]`: the function as it was, with what is done after its body. Must never read
//! the body, and must never change what the function returns.
//!
//! ```text
//! // Input
//! #[invalidates(product(id), tags = ["products"])]
//! async fn update(db: &Db, id: u64, patch: Patch) -> Result<bool, Error> { .. }
//!
//! // Output
//! async fn update(db: &Db, id: u64, patch: Patch) -> Result<bool, Error> {
//!     let id_ = again(&id);                                     // the body may move it
//!     let own = product::__to_forget(id_);
//!     let first = After::new(product::__forgetting(&own));     // dropped, it forgets too
//!     let second = After::new(OfTags(vec![format!("products")]));
//!     let ret = async move { .. }.await;
//!     let done = match Wrote(&ret).__value() {
//!         Some(_) => Some([first.done(), second.done()]),
//!         None => { first.leave(); second.leave(); None }
//!     };
//!     settle(done).await;
//!     ret
//! }
//!
//! // #[updates(product(id))]: a ticket before the body, the value after it
//!     let mut first = product::__writing(&own);
//!     Write::begin_async(&mut first).await;
//!     ..
//!     Some(value) => commit(first, value)
//! ```

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::{Expr, Ident, Pat, Path, PathArguments, ReturnType, Token, Type, parse_quote};

use crate::errors::Errors;
use crate::expand::{located, quote};
use crate::function::{Flow, Function};
use crate::scope::ours;
use crate::targets::{self, Given, Target, Targets, What, Writer};
use crate::template::{self, Tag};
use crate::{fallback, hidden};

/// Tokens -> targets and function -> tokens; on any mistake, all of them and the item as it was.
pub(crate) fn writer_tokens(writer: Writer, attribute: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let targets = targets::parse(attribute, writer, &mut errors);
    match Function::parse(item.clone(), writer.name()) {
        Ok(function) => {
            check(&function, writer, &mut errors);
            let texts = targets.tags.as_ref().map_or(&[][..], |tags| &tags.value);
            let (tags, _) = template::tags(texts, &function, &mut errors);
            if errors.is_empty() {
                return expand(&Writing { writer, function: &function, targets: &targets, tags: &tags });
            }
        }
        Err(error) => errors.push(error),
    }
    fallback::expand(errors, item)
}

fn check(function: &Function, writer: Writer, errors: &mut Errors) {
    let signature = &function.signature;
    let name = writer.name();
    if let Some(token) = &signature.constness {
        errors.at(
            token,
            format_args!("a `const fn` can't carry `#[{name}]`"),
            "caches live at run time: remove `const`",
        );
    }
    if let (Flow::Sync, ReturnType::Type(_, ty)) = (function.flow, &signature.output)
        && let Type::ImplTrait(opaque) = &**ty
        && opaque.to_token_stream().to_string().contains("Future")
    {
        errors.at(
            ty,
            format_args!(
                "`#[{name}]` acts when the function returns, and this one returns before it has done its work"
            ),
            "write `async fn`",
        );
    }
    if let ReturnType::Type(_, ty) = &signature.output
        && let Type::Never(never) = &**ty
    {
        errors.at(
            never,
            format_args!("a function that never returns never succeeds: `#[{name}]` would do nothing"),
            "remove it",
        );
    }
}

struct Writing<'w> {
    writer: Writer,
    function: &'w Function,
    targets: &'w Targets,
    tags: &'w [Tag],
}

/// The pieces of the expansion that belong to one target.
struct Steps {
    /// Before the body.
    before: TokenStream,
    /// After it has succeeded: an expression of type `Invalidation`.
    done: TokenStream,
    /// After it has failed.
    left: TokenStream,
}

fn expand(writing: &Writing<'_>) -> TokenStream {
    let Writing { function, targets, .. } = writing;
    let root = if let Some(path) = &targets.krate { path.value.to_token_stream() } else { quote!(::cached_runtime) };
    let rt = quote!(#root::private);
    let mut steps: Vec<Steps> =
        targets.all.iter().enumerate().map(|(at, target)| writing.target(at, target, &rt)).collect();
    if !writing.tags.is_empty() {
        steps.push(writing.tags(&rt));
    }
    let before = steps.iter().map(|step| &step.before);
    let done = steps.iter().map(|step| &step.done);
    let left = steps.iter().map(|step| &step.left);
    let run = run(function, &rt);
    let settle =
        if function.flow == Flow::Sync { quote!(#rt::settle_now(done);) } else { quote!(#rt::settle(done).await;) };
    // Under the type that says so, by its last name.
    let span = crate::key::span_of(&function.returns).resolved_at(Span::mixed_site());
    let ended = quote_spanned!(span=> #rt::Ended(&ret).__ended(););
    let body = quote! {
        #(#before)*
        let ret = #run;
        {
            use #rt::AnyEnded as _;
            #ended
        }
        let done = {
            use #rt::AnyWrote as _;
            match #rt::Wrote(&ret).__value() {
                ::core::option::Option::Some(value) => {
                    let _ = value;
                    ::core::option::Option::Some([#(#done),*])
                }
                ::core::option::Option::None => {
                    #(#left)*
                    ::core::option::Option::None
                }
            }
        };
        #settle
        ret
    };
    let body = if function.flow == Flow::Boxed { quote!(::std::boxed::Box::pin(async move { #body })) } else { body };
    let (attributes, visibility, signature) = (&function.attributes, &function.visibility, &function.signature);
    let mut block = Group::new(Delimiter::Brace, body);
    block.set_span(function.body.span());
    quote!(#(#attributes)* #visibility #signature #block)
}

/// What runs the body and gives what it returns.
fn run(function: &Function, rt: &TokenStream) -> TokenStream {
    let body = &function.body;
    let opaque = |ty: &Type| matches!(ty, Type::ImplTrait(_));
    let output = match &function.signature.output {
        ReturnType::Default => quote!(-> ()),
        ReturnType::Type(_, ty) if opaque(ty) => TokenStream::new(),
        output @ ReturnType::Type(..) => output.to_token_stream(),
    };
    match function.flow {
        // Called by one of ours: so a closure that gives away what it holds is a closure all the same.
        Flow::Sync => quote!(#rt::call(move || #output #body)),
        Flow::Boxed => quote!(#rt::call(move || #output #body).await),
        Flow::Async => {
            let returns = &function.returns;
            let body = body.stream();
            let edge = (!opaque(returns)).then(|| quote!(if false { return #rt::returns::<#returns>(); }));
            quote!(async move { #edge #body }.await)
        }
    }
}

impl Writing<'_> {
    fn target(&self, at: usize, target: &Target, rt: &TokenStream) -> Steps {
        let guard = ours(&format!("after{at}"));
        let mut late = Vec::new();
        if let Some(result) = &target.result {
            bound(result, &mut late);
        }
        let mut taken =
            Taken { at, late: &late, lets: TokenStream::new(), of_result: TokenStream::new(), rt, count: 0 };
        let entry = match &target.what {
            What::All(path) => {
                let clearing = companion(path, "__clearing", false);
                quote!(#clearing())
            }
            What::Entry(path, call) => {
                let (take, step) = hidden::steps(self.writer == Writer::Updates);
                let (take, step) = (companion(path, take, true), companion(path, step, true));
                let arguments = taken.all(&call.args);
                let mut group = Group::new(Delimiter::Parenthesis, quote!(#(#arguments),*));
                group.set_span(call.paren_token.span.join());
                let own = ours(&format!("own{at}"));
                let take = quote!(let #own = #take #group;);
                let lets = if late.is_empty() { &mut taken.lets } else { &mut taken.of_result };
                lets.extend(take);
                quote!(#step(&#own))
            }
            What::Given(given) => {
                let mut given = match given {
                    Given::Method(call) => {
                        let mut call = call.clone();
                        call.args = taken.all(&call.args).into_iter().collect();
                        Expr::MethodCall(call)
                    }
                    Given::Function(call) => {
                        let mut call = call.clone();
                        call.args = taken.all(&call.args).into_iter().collect();
                        Expr::Call(call)
                    }
                };
                given = parse_quote!(#given);
                let method = if self.writer == Writer::Updates { ours("writing") } else { ours("forgetting") };
                let span = span_of(&given).resolved_at(Span::mixed_site());
                let rest = located(quote!(.owned().#method()), span);
                quote!(#given #rest)
            }
        };
        let Taken { lets, of_result, .. } = taken;
        if self.writer == Writer::Updates {
            let begin = if self.function.flow == Flow::Sync {
                quote!(#rt::Write::begin(&mut #guard);)
            } else {
                quote!(#rt::Write::begin_async(&mut #guard).await;)
            };
            return Steps {
                before: quote!(#lets let mut #guard = #entry; #begin),
                done: quote!(#rt::commit(#guard, value)),
                left: quote!(#rt::release(#guard);),
            };
        }
        let Some(result) = &target.result else {
            return Steps {
                before: quote!(#lets let #guard = #rt::After::new(#entry);),
                done: quote!(#guard.done()),
                left: quote!(#guard.leave();),
            };
        };
        // Which entry it is, only the result tells. If there will be none, everything of the function may be outdated.
        let whole = match &target.what {
            What::Entry(path, _) => {
                let clearing = companion(path, "__clearing", false);
                quote!(let #guard = #rt::After::new(#clearing());)
            }
            What::All(_) | What::Given(_) => quote!(let #guard = #rt::After::new(#rt::Nothing);),
        };
        let bind = quote!(let #result = value;);
        Steps {
            before: quote!(#lets #whole),
            done: quote!({ #guard.leave(); #bind #of_result #rt::After::new(#entry).done() }),
            left: quote!(#guard.leave();),
        }
    }

    fn tags(&self, rt: &TokenStream) -> Steps {
        let guard = ours("after_tags");
        let texts = self.tags.iter().map(|tag| {
            let arguments = tag.arguments(self.function, crate::scope::Scope::Inside);
            quote!(::std::format!(#arguments))
        });
        let reads = template::reads(self.tags, self.function);
        let lets = crate::key::KeyPlan::destructure(&reads, true, self.function, crate::scope::Scope::Inside);
        Steps {
            before: quote!(let #guard = #rt::After::new({ #lets #rt::OfTags(::std::vec![#(#texts),*]) });),
            done: quote!(#guard.done()),
            left: quote!(#guard.leave();),
        }
    }
}

/// Takes the arguments of a call before the body may move them, but for those that need the result.
struct Taken<'t> {
    at: usize,
    /// The names that stand for the result.
    late: &'t [Ident],
    /// Before the body.
    lets: TokenStream,
    /// When there is a result.
    of_result: TokenStream,
    rt: &'t TokenStream,
    count: usize,
}

impl Taken<'_> {
    fn all(&mut self, arguments: &Punctuated<Expr, Token![,]>) -> Vec<Expr> {
        arguments.iter().map(|argument| self.one(argument)).collect()
    }

    fn one(&mut self, argument: &Expr) -> Expr {
        let of_result = mentions(argument.to_token_stream(), self.late);
        let rt = self.rt;
        let (taken, shown) = match argument {
            Expr::Reference(reference) if reference.mutability.is_none() && is_place(&reference.expr) => {
                let (taken, name) = self.name(&reference.expr);
                // What can't be cloned stays borrowed, and is looked through.
                let place = &reference.expr;
                (quote!(let #taken = { use #rt::NotAgain as _; #rt::Again(&#place).__again() };), quote!(&#name))
            }
            Expr::Reference(reference) if reference.mutability.is_none() && is_made(&reference.expr) => {
                let (taken, name) = self.name(&reference.expr);
                let made = &reference.expr;
                (quote!(let #taken = #made;), quote!(&#name))
            }
            place if is_place(place) => {
                let (taken, name) = self.name(place);
                // In a statement of its own, so that it is the place's type that counts, and is coerced in the call.
                let span = span_of(place).resolved_at(Span::mixed_site());
                (quote_spanned!(span=> let #taken = #rt::again(&#place);), name.to_token_stream())
            }
            // Without a result to wait for, whatever is computed may stand where it is coerced.
            other if of_result || self.late.is_empty() => return other.clone(),
            other => {
                let (taken, name) = self.name(other);
                (quote!(let #taken = #other;), name.to_token_stream())
            }
        };
        let lets = if of_result { &mut self.of_result } else { &mut self.lets };
        lets.extend(taken);
        parse_quote!(#shown)
    }

    /// A name for what is taken: as it is bound, and as it is passed. Errors about it are shown where the user wrote it.
    fn name(&mut self, taken: &Expr) -> (Ident, Ident) {
        let name = ours(&format!("taken{}_{}", self.at, self.count));
        self.count += 1;
        let mut shown = name.clone();
        shown.set_span(shown.span().located_at(span_of(taken)));
        (name, shown)
    }
}

/// What is made anew, and so lives no longer than its statement.
fn is_made(expr: &Expr) -> bool {
    matches!(expr, Expr::Macro(_) | Expr::MethodCall(_) | Expr::Call(_) | Expr::Struct(_))
}

/// An argument, or a field of one.
fn is_place(expr: &Expr) -> bool {
    match expr {
        Expr::Path(path) => {
            path.qself.is_none()
                && path.path.get_ident().is_some_and(|name| name.to_string().chars().any(char::is_lowercase))
        }
        Expr::Field(field) => is_place(&field.base),
        Expr::Paren(paren) => is_place(&paren.expr),
        Expr::Group(group) => is_place(&group.expr),
        _ => false,
    }
}

fn span_of(expr: &Expr) -> Span {
    match expr {
        Expr::Field(field) => match &field.member {
            syn::Member::Named(name) => name.span(),
            syn::Member::Unnamed(index) => index.span,
        },
        Expr::MethodCall(call) => call.method.span(),
        Expr::Call(call) => span_of(&call.func),
        Expr::Path(path) => path.path.segments.last().map_or_else(Span::call_site, |last| last.ident.span()),
        other => syn::spanned::Spanned::span(other),
    }
}

/// `path::f::<T>` to `path::f::name::<T>`, shown where `f` is.
fn companion(path: &Path, name: &str, generics: bool) -> TokenStream {
    let mut path = path.clone();
    let mut arguments = PathArguments::None;
    let mut span = Span::call_site();
    if let Some(last) = path.segments.last_mut() {
        arguments = std::mem::replace(&mut last.arguments, PathArguments::None);
        span = last.ident.span();
    }
    let name = Ident::new(name, span.resolved_at(Span::mixed_site()));
    let arguments = generics.then_some(match arguments {
        PathArguments::AngleBracketed(mut arguments) => {
            arguments.colon2_token = Some(<Token![::]>::default());
            arguments.to_token_stream()
        }
        _ => TokenStream::new(),
    });
    quote!(#path::#name #arguments)
}

/// The names that a pattern binds.
fn bound(pattern: &Pat, names: &mut Vec<Ident>) {
    struct Names<'n>(&'n mut Vec<Ident>);
    impl syn::visit_mut::VisitMut for Names<'_> {
        fn visit_pat_ident_mut(&mut self, pat: &mut syn::PatIdent) {
            self.0.push(pat.ident.clone());
            syn::visit_mut::visit_pat_ident_mut(self, pat);
        }
    }
    syn::visit_mut::VisitMut::visit_pat_mut(&mut Names(names), &mut pattern.clone());
}

/// Whether one of these names occurs, in a format string too.
fn mentions(tokens: TokenStream, names: &[Ident]) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(word) => names.contains(&word),
        TokenTree::Group(group) => mentions(group.stream(), names),
        TokenTree::Literal(literal) => {
            let literal = literal.to_string();
            names.iter().any(|name| literal.contains(&format!("{{{}", name.unraw())))
        }
        TokenTree::Punct(_) => false,
    })
}
