//! Key expression, template or arguments to what is hashed and compared, and what the companions take. Must never turn a
//! key into text, save where a part has a format spec.

use std::collections::BTreeSet;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::visit_mut::VisitMut;
use syn::{Expr, GenericArgument, Ident, Lifetime, LitStr, Member, Pat, PathArguments, Type, UnOp, parse_quote};

use crate::errors::{Errors, did_you_mean};
use crate::function::{Function, ungroup};
use crate::options::{Key, Options};
use crate::plan::Plan;
use crate::scope::{self, Scope, ours};
use crate::template;

/// What tells the entries of a function apart.
#[derive(Default)]
pub(crate) struct KeyPlan {
    /// The parts, in order.
    pub(crate) parts: Vec<Part>,
    /// The arguments that they read, by position.
    pub(crate) reads: BTreeSet<usize>,
    /// Whether the user chose them.
    pub(crate) chosen: bool,
    /// Of a template: what stands before, between and after its parts.
    pub(crate) pieces: Option<Vec<String>>,
}

/// A part of a key.
pub(crate) enum Part {
    /// An argument as it is.
    Argument(usize),
    /// A place: `user.id`.
    Place(Expr),
    /// A computed value: `name.trim()`.
    Value(Expr),
    /// A part of a template with a format spec: `{price:.2}`.
    Text(Expr, String, Span),
    /// A tuple of parts.
    Tuple(Vec<Part>),
}

/// Reads the key; all its mistakes are noted.
pub(crate) fn plan(options: &Options, function: &Function, errors: &mut Errors) -> KeyPlan {
    let skipped: &[Ident] = options.skip.as_ref().map_or(&[], |skip| &skip.value);
    let mut key = KeyPlan::default();
    if let Some(option) = &options.key {
        key.chosen = true;
        match &option.value {
            Key::Expr(expr) => key.parts = parts_of(expr, function),
            Key::Template(text) => {
                let (parts, pieces) = template::parts(text, function, errors);
                key.parts = parts;
                key.pieces = Some(pieces);
            }
        }
    } else {
        let kept = function
            .arguments
            .iter()
            .enumerate()
            .filter(|(_, argument)| !argument.ignored && !skipped.contains(&argument.name));
        key.parts = kept.map(|(at, _)| Part::Argument(at)).collect();
    }
    for part in &key.parts {
        part.reads(function, &mut key.reads);
    }
    check(&key, options, function, errors);
    key
}

fn check(key: &KeyPlan, options: &Options, function: &Function, errors: &mut Errors) {
    if let Some(Key::Expr(expr)) = options.key.as_ref().map(|option| &option.value) {
        check_names(expr, function, errors);
        check_constant(expr, key, function, errors);
    }
    if key.parts.len() > 12 {
        let tokens = match &options.key {
            Some(option) => option.name.to_token_stream(),
            None => function.signature.ident.to_token_stream(),
        };
        errors.at(
            &tokens,
            format_args!("a key of {} parts: 12 are the most", key.parts.len()),
            "group some of them, `key = ((a, b), (c, d), ..)`, leave some out with `skip(..)`, or take a struct that is `Hash + Eq + Clone`",
        );
    }
    let skipped = options.skip.as_ref().map_or(&[][..], |skip| &skip.value);
    for name in skipped {
        if let Some(at) = function.argument(name)
            && key.chosen
            && key.reads.contains(&at)
        {
            errors.at(
                name,
                format_args!("`{name}` is skipped, but the key reads it"),
                "remove it from `skip(..)`: with `key = ...`, only what the key reads counts",
            );
        }
    }
    for at in &key.reads {
        let argument = &function.arguments[*at];
        if let Type::Reference(reference) = &argument.ty
            && let Some(token) = &reference.mutability
            && !key.chosen
        {
            errors.at(
                token,
                format_args!("`{}` is `&mut`: on a hit the body doesn't run, and nothing would be changed", argument.name),
                format_args!("write `skip({})` if it is only a means, such as a connection; or take `&` or a value and return what changes", argument.name),
            );
        }
        if !key.chosen && borrows_inside(&argument.ty) {
            errors.at(
                &argument.ty,
                format_args!(
                    "`{}` borrows inside of another type: that can't be a key, which outlives the call",
                    argument.name
                ),
                format_args!(
                    "say what tells calls apart in an owned form, `key = ...`, or leave it out, `skip({})`",
                    argument.name
                ),
            );
        }
        if key.chosen && !argument.binds.is_empty() && !can_be_borrowed(&argument.pattern) {
            errors.at(
                &argument.pattern,
                "the key reads a name out of this pattern",
                "give the argument a name, and take it apart in the body",
            );
        }
    }
}

/// `key = KEY`, `key = concat!("product:{id}")`: the same for every call. What calls something may differ all the same.
fn check_constant(expr: &Expr, key: &KeyPlan, function: &Function, errors: &mut Errors) {
    let alone = function.arguments.is_empty() && function.receiver().is_none();
    let chosen = matches!(expr, Expr::Tuple(tuple) if tuple.elems.is_empty());
    let reads = !key.reads.is_empty() || scope::reads_self(expr);
    if alone || chosen || reads || (scope::calls(expr) && !scope::looks_like_a_template(expr, function)) {
        return;
    }
    if errors.is_empty() {
        let help = match function.names().first() {
            Some(name) => format!(
                "name the arguments that tell calls apart, `key = {name}` or `key = \"..:{{{name}}}\"`; for one entry on purpose, `key = ()`"
            ),
            None => "for one entry on purpose, write `key = ()`".to_owned(),
        };
        errors.at(expr, "this key reads no argument: all calls would share one entry", help);
    }
}

/// A name at the bottom of a part that nobody knows: found here, so that nothing follows from it.
fn check_names(expr: &Expr, function: &Function, errors: &mut Errors) {
    match expr {
        Expr::Tuple(tuple) => tuple.elems.iter().for_each(|elem| check_names(elem, function, errors)),
        Expr::Paren(paren) => check_names(&paren.expr, function, errors),
        Expr::Group(group) => check_names(&group.expr, function, errors),
        Expr::Field(field) => check_names(&field.base, function, errors),
        Expr::MethodCall(call) => check_names(&call.receiver, function, errors),
        Expr::Reference(reference) => check_names(&reference.expr, function, errors),
        Expr::Unary(unary) => check_names(&unary.expr, function, errors),
        Expr::Cast(cast) => check_names(&cast.expr, function, errors),
        Expr::Path(path) => {
            let Some(name) = path.path.get_ident().filter(|_| path.qself.is_none()) else { return };
            let text = name.to_string();
            if text == "self" && function.receiver().is_none() {
                errors.at(name, "the function has no `self`", "the key is an expression over its arguments");
            } else if text.chars().all(|c| !c.is_uppercase())
                && text != "self"
                && scope::reads(expr, function).is_empty()
            {
                let names = function.names();
                errors.at(name, format_args!("no argument is called `{name}`"), meant(&text, &names));
            }
        }
        _ => {}
    }
}

/// Which of the arguments was meant.
pub(crate) fn meant(name: &str, names: &[String]) -> String {
    match did_you_mean(name, names.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if names.is_empty() => "the function has no arguments".to_owned(),
        None => format!("the arguments are `{}`", names.join("`, `")),
    }
}

/// Whether there are references inside of a type that no view can look through: `&[&str]`, `Name<'_>`.
fn borrows_inside(ty: &Type) -> bool {
    match ungroup(ty) {
        Type::Reference(reference) => borrows_inside(&reference.elem),
        Type::Tuple(tuple) => tuple.elems.iter().any(borrows_inside),
        Type::Path(path) => {
            let Some(last) = path.path.segments.last() else { return false };
            let PathArguments::AngleBracketed(arguments) = &last.arguments else { return false };
            arguments.args.iter().any(|argument| match argument {
                GenericArgument::Lifetime(lifetime) => last.ident != "Cow" && lifetime.ident != "static",
                GenericArgument::Type(ty) => match ungroup(ty) {
                    Type::Reference(reference) if last.ident == "Option" => mentions_references(&reference.elem),
                    other => mentions_references(other),
                },
                _ => false,
            })
        }
        Type::Slice(slice) => mentions_references(&slice.elem),
        Type::Array(array) => mentions_references(&array.elem),
        _ => false,
    }
}

fn mentions_references(ty: &Type) -> bool {
    struct Seen(bool);
    impl VisitMut for Seen {
        fn visit_type_reference_mut(&mut self, reference: &mut syn::TypeReference) {
            self.0 |= reference.lifetime.as_ref().is_none_or(|lifetime| lifetime.ident != "static");
            syn::visit_mut::visit_type_reference_mut(self, reference);
        }
        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            self.0 |= lifetime.ident != "static";
        }
        fn visit_type_fn_ptr_mut(&mut self, _: &mut syn::TypeFnPtr) {}
        fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut syn::ParenthesizedGenericArguments) {}
    }
    let mut seen = Seen(false);
    seen.visit_type_mut(&mut ty.clone());
    seen.0
}

/// The pattern as it looks at a reference: `(a, mut b)` binds both by reference then, and nothing is changed there.
fn looking(pattern: &Pat) -> Pat {
    struct Looking;
    impl VisitMut for Looking {
        fn visit_pat_ident_mut(&mut self, pat: &mut syn::PatIdent) {
            (pat.by_ref, pat.mutability) = (None, None);
            syn::visit_mut::visit_pat_ident_mut(self, pat);
        }
    }
    let mut pattern = pattern.clone();
    Looking.visit_pat_mut(&mut pattern);
    pattern
}

/// Whether a pattern still matches when it looks at a reference.
fn can_be_borrowed(pattern: &Pat) -> bool {
    struct Plain(bool);
    impl VisitMut for Plain {
        fn visit_pat_reference_mut(&mut self, _: &mut syn::PatReference) {
            self.0 = false;
        }
    }
    let mut plain = Plain(true);
    plain.visit_pat_mut(&mut pattern.clone());
    plain.0
}

fn parts_of(expr: &Expr, function: &Function) -> Vec<Part> {
    match expr {
        Expr::Tuple(tuple) => tuple.elems.iter().map(|elem| part_of(elem, function)).collect(),
        Expr::Group(group) => parts_of(&group.expr, function),
        Expr::Paren(paren) => parts_of(&paren.expr, function),
        other => vec![part_of(other, function)],
    }
}

/// A part, by how it is written.
pub(crate) fn part_of(expr: &Expr, function: &Function) -> Part {
    match expr {
        Expr::Tuple(tuple) if (1..=12).contains(&tuple.elems.len()) => {
            Part::Tuple(tuple.elems.iter().map(|elem| part_of(elem, function)).collect())
        }
        Expr::Group(group) => part_of(&group.expr, function),
        Expr::Paren(paren) => part_of(&paren.expr, function),
        Expr::Path(path) => match path.path.get_ident().and_then(|name| function.argument(name)) {
            Some(at) => Part::Argument(at),
            None => Part::Place(expr.clone()),
        },
        other if is_place(other) => Part::Place(other.clone()),
        other => Part::Value(other.clone()),
    }
}

fn is_place(expr: &Expr) -> bool {
    match expr {
        Expr::Path(_) => true,
        Expr::Field(field) => is_place(&field.base),
        Expr::Index(index) => is_place(&index.expr),
        Expr::Paren(paren) => is_place(&paren.expr),
        Expr::Group(group) => is_place(&group.expr),
        Expr::Unary(unary) => matches!(unary.op, UnOp::Deref(_)) && is_place(&unary.expr),
        _ => false,
    }
}

// ---------- tokens ----------

impl Part {
    fn reads(&self, function: &Function, read: &mut BTreeSet<usize>) {
        match self {
            Self::Argument(at) => {
                read.insert(*at);
            }
            Self::Place(expr) | Self::Value(expr) | Self::Text(expr, ..) => read.extend(scope::reads(expr, function)),
            Self::Tuple(parts) => parts.iter().for_each(|part| part.reads(function, read)),
        }
    }

    fn view(&self, function: &Function, scope: Scope, probes: &Probes) -> TokenStream {
        let Probes { rt, threads, .. } = probes;
        let at = |span: Span| span.resolved_at(Span::mixed_site());
        match self {
            Self::Argument(at) => {
                let argument = &function.arguments[*at];
                let name = &argument.name;
                let place = match scope {
                    Scope::Inside => quote_spanned!(Span::mixed_site()=> #name),
                    Scope::Borrowed => quote_spanned!(Span::mixed_site()=> *#name),
                };
                argument_view(&place, &argument.ty, probes)
            }
            Self::Place(expr) => {
                let span = at(span_of_expr(expr));
                let mut expr = expr.clone();
                scope::rewrite(&mut expr, function, scope);
                quote_spanned!(span=> #rt::Leaf(&#expr, #threads).__part())
            }
            Self::Value(expr) => {
                let span = at(span_of_expr(expr));
                let mut expr = expr.clone();
                scope::rewrite(&mut expr, function, scope);
                quote_spanned!(span=> #rt::Own(#expr, #threads).__part())
            }
            Self::Text(expr, format, span) => {
                let span = at(*span);
                let mut expr = expr.clone();
                scope::rewrite(&mut expr, function, scope);
                let format = LitStr::new(format, span);
                quote_spanned!(span=> #rt::Own(::std::format!(#format, #expr), #threads).__part())
            }
            Self::Tuple(parts) => {
                let views = parts.iter().map(|part| part.view(function, scope, probes));
                quote_spanned!(Span::mixed_site()=> (#(#views,)*))
            }
        }
    }

    /// The type of its owned form, where that has a name.
    fn named(&self, function: &Function, probes: &Probes) -> Option<TokenStream> {
        match self {
            Self::Argument(at) => named(&function.arguments[*at].ty, probes),
            Self::Tuple(parts) => {
                let parts = parts.iter().map(|part| part.named(function, probes)).collect::<Option<Vec<_>>>()?;
                Some(quote_spanned!(Span::mixed_site()=> (#(#parts,)*)))
            }
            Self::Place(_) | Self::Value(_) | Self::Text(..) => None,
        }
    }
}

/// References are peeled and tuples taken apart by how the type is written; all else is found by type.
fn argument_view(place: &TokenStream, ty: &Type, probes: &Probes) -> TokenStream {
    let Probes { rt, threads, .. } = probes;
    match ungroup(ty) {
        Type::Reference(reference) => {
            argument_view(&quote_spanned!(Span::mixed_site()=> *#place), &reference.elem, probes)
        }
        Type::Tuple(tuple) if (1..=12).contains(&tuple.elems.len()) => {
            let parts = tuple.elems.iter().enumerate().map(|(at, ty)| {
                let member = Member::from(at);
                argument_view(&quote_spanned!(Span::mixed_site()=> (#place).#member), ty, probes)
            });
            quote_spanned!(Span::mixed_site()=> (#(#parts,)*))
        }
        other => {
            let span = span_of(other).resolved_at(Span::mixed_site());
            quote_spanned!(span=> #rt::Leaf(&#place, #threads).__part())
        }
    }
}

/// Whether the type of its owned form has a name, as far as the tokens tell.
fn has_name(ty: &Type) -> bool {
    match ungroup(ty) {
        Type::Reference(reference) => has_name(&reference.elem),
        Type::Tuple(tuple) => tuple.elems.iter().all(has_name),
        other => !matches!(other, Type::ImplTrait(_) | Type::Infer(_) | Type::Macro(_) | Type::Verbatim(_)),
    }
}

fn named(ty: &Type, probes: &Probes) -> Option<TokenStream> {
    let Probes { root, threads, .. } = probes;
    match ungroup(ty) {
        Type::Reference(reference) => named(&reference.elem, probes),
        Type::Tuple(tuple) if (1..=12).contains(&tuple.elems.len()) => {
            let parts = tuple.elems.iter().map(|ty| named(ty, probes)).collect::<Option<Vec<_>>>()?;
            Some(quote_spanned!(Span::mixed_site()=> (#(#parts,)*)))
        }
        other if !has_name(other) => None,
        other => {
            let ty = everlasting(other);
            let span = span_of(other).resolved_at(Span::mixed_site());
            Some(quote_spanned!(span=> #root::__key_type!(#ty, #threads)))
        }
    }
}

/// Where an error about a type is shown: rustc has one token only, and that shall be the telling one.
pub(crate) fn span_of(ty: &Type) -> Span {
    match ungroup(ty) {
        Type::Path(path) => path.path.segments.last().map_or_else(|| ty.span(), |last| last.ident.span()),
        Type::Reference(reference) => span_of(&reference.elem),
        other => other.span(),
    }
}

/// As [`span_of`], for an expression.
fn span_of_expr(expr: &Expr) -> Span {
    match expr {
        Expr::Field(field) => field.member.span(),
        Expr::MethodCall(call) => call.method.span(),
        Expr::Reference(reference) => span_of_expr(&reference.expr),
        other => other.span(),
    }
}

/// The type with all its lifetimes `'static`: owned forms have none.
pub(crate) fn everlasting(ty: &Type) -> Type {
    struct Static;
    impl VisitMut for Static {
        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            lifetime.ident = Ident::new("static", lifetime.ident.span());
        }
        fn visit_type_reference_mut(&mut self, reference: &mut syn::TypeReference) {
            reference.lifetime.get_or_insert_with(|| parse_quote!('static));
            syn::visit_mut::visit_type_reference_mut(self, reference);
        }
        // The lifetimes of `Fn(&str)`, `fn(&str)` and `for<'a> ..` are of each call, and no part of what is owned.
        fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut syn::ParenthesizedGenericArguments) {}
        fn visit_type_fn_ptr_mut(&mut self, _: &mut syn::TypeFnPtr) {}
        fn visit_trait_bound_mut(&mut self, bound: &mut syn::TraitBound) {
            if bound.lifetimes.is_none() {
                syn::visit_mut::visit_trait_bound_mut(self, bound);
            }
        }
    }
    let mut ty = ty.clone();
    Static.visit_type_mut(&mut ty);
    ty
}

impl KeyPlan {
    /// The view of the key.
    pub(crate) fn view(&self, function: &Function, scope: Scope, probes: &Probes) -> TokenStream {
        let mut views = self.parts.iter().map(|part| part.view(function, scope, probes));
        if self.parts.len() == 1 {
            return views.next().unwrap_or_default();
        }
        quote_spanned!(Span::mixed_site()=> (#(#views),*))
    }

    /// The names that patterns bind, by reference, for expressions that read them.
    pub(crate) fn destructure(reads: &BTreeSet<usize>, chosen: bool, function: &Function, scope: Scope) -> TokenStream {
        let patterns =
            reads.iter().map(|at| &function.arguments[*at]).filter(|argument| chosen && !argument.binds.is_empty());
        let lets = patterns.map(|argument| {
            let pattern = looking(&argument.pattern);
            let binds = argument.binds.iter().filter(|bind| !bind.to_string().starts_with('_'));
            let name = &argument.name;
            let value = match scope {
                Scope::Inside => quote_spanned!(Span::mixed_site()=> &#name),
                Scope::Borrowed => quote_spanned!(Span::mixed_site()=> #name),
            };
            quote_spanned!(Span::mixed_site()=> let #pattern = #value; let _ = (#(&#binds,)*);)
        });
        lets.collect()
    }

    /// The type of the whole key, where that has a name.
    pub(crate) fn named(&self, function: &Function, probes: &Probes) -> Option<TokenStream> {
        let parts = self.parts.iter().map(|part| part.named(function, probes)).collect::<Option<Vec<_>>>()?;
        Some(match &parts[..] {
            [only] => only.clone(),
            many => quote_spanned!(Span::mixed_site()=> (#(#many),*)),
        })
    }
}

/// What the probes of the runtime are told.
pub(crate) struct Probes {
    /// Where the runtime's crate is.
    pub(crate) root: TokenStream,
    /// Where what expansions name is.
    pub(crate) rt: TokenStream,
    /// Whether keys and values must cross threads.
    pub(crate) threads: TokenStream,
}

/// The traits that the probes need in scope.
pub(crate) fn imports(probes: &Probes, plan: &Plan) -> TokenStream {
    let rt = &probes.rt;
    let all = ["AnyLeaf", "AnyOwn", "NoPlace", "Pick"];
    let some = if plan.local || plan.options.cache.is_some() {
        ["NoLocalLeaf", "NoLocalOwn", "NoLocalPick"]
    } else if plan.remote {
        ["NoRemoteLeaf", "NoRemoteOwn", "NoRemotePick"]
    } else {
        ["NoLeaf", "NoOwn", "NoPick"]
    };
    let names = all.into_iter().chain(some).map(ours);
    quote_spanned!(Span::mixed_site()=> use #rt::{#(#names as _),*};)
}

impl Part {
    /// Whether it is an argument, or a tuple of arguments, whose owned type has a name.
    pub(crate) fn is_plain(&self, function: &Function) -> bool {
        match self {
            Self::Argument(at) => has_name(&function.arguments[*at].ty),
            Self::Tuple(parts) => parts.iter().all(|part| part.is_plain(function)),
            Self::Place(_) | Self::Value(_) | Self::Text(..) => false,
        }
    }
}
