//! Item tokens to the parts of the function. Parses the signature only; must never look into the body but for single words.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::visit_mut::{self, VisitMut};
use syn::{
    AttrStyle, Attribute, FnArg, GenericArgument, Ident, Lifetime, Pat, PathArguments, Receiver, Result, ReturnType,
    Safety, Signature, Token, Type, TypeParamBound, Visibility,
};

use crate::errors::{Errors, error};

/// A function as it was written.
#[derive(Clone)]
pub(crate) struct Function {
    /// The attributes below ours.
    pub(crate) attributes: Vec<Attribute>,
    /// Its visibility.
    pub(crate) visibility: Visibility,
    /// Its visibility, for the companions.
    pub(crate) quiet_visibility: Visibility,
    /// Its signature, untouched: where the body stands.
    pub(crate) signature: Signature,
    /// Its signature with lifetimes of ours: where the body doesn't stand, a lifetime may be used only once.
    pub(crate) quiet: Signature,
    /// Its body in braces, unparsed.
    pub(crate) body: Group,
    /// Its arguments but for `self`.
    pub(crate) arguments: Vec<Argument>,
    /// What a call gives: for async functions, once it is awaited.
    pub(crate) returns: Type,
    /// Whether and how it is async.
    pub(crate) flow: Flow,
}

/// How a function gives its result.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Flow {
    /// At once.
    Sync,
    /// `async fn`.
    Async,
    /// A plain function that returns `Pin<Box<dyn Future<Output = R> + ..>>`, as `#[async_trait]` leaves it.
    Boxed,
}

/// An argument.
#[derive(Clone)]
pub(crate) struct Argument {
    /// Its name; one of ours where the user has a pattern.
    pub(crate) name: Ident,
    /// Its pattern.
    pub(crate) pattern: Pat,
    /// Its type.
    pub(crate) ty: Type,
    /// `_`: the body can't read it, so it tells no calls apart.
    pub(crate) ignored: bool,
    /// The names that its pattern binds, when it isn't a single name.
    pub(crate) binds: Vec<Ident>,
}

impl Argument {
    /// Whether the pattern is one name without `mut`, and the same as ours.
    pub(crate) fn plain(&self) -> bool {
        let plain = matches!(&self.pattern, Pat::Ident(pat) if pat.by_ref.is_none() && pat.mutability.is_none() && pat.subpat.is_none());
        plain && !self.underscored()
    }

    /// `_db`: clippy objects to its use, so that it is used by a name of ours.
    pub(crate) fn underscored(&self) -> bool {
        self.binds.is_empty() && self.name.to_string().starts_with('_')
    }
}

impl Function {
    /// Reads the item below the attribute of this name.
    pub(crate) fn parse(item: TokenStream, attribute: &str) -> Result<Self> {
        let read = |input: ParseStream<'_>| parts(input, attribute);
        let (attributes, visibility, signature, body) = read.parse2(item)?;
        let mut quiet = signature.clone();
        Quiet.visit_signature_mut(&mut quiet);
        let arguments = arguments(&quiet);
        let declared = match &signature.output {
            ReturnType::Default => Type::Tuple(syn::TypeTuple {
                attrs: Vec::new(),
                paren_token: syn::token::Paren::default(),
                elems: syn::punctuated::Punctuated::new(),
            }),
            ReturnType::Type(_, ty) => (**ty).clone(),
        };
        let (flow, returns) = match future_output(&declared) {
            _ if signature.asyncness.is_some() => (Flow::Async, declared),
            Some(output) => (Flow::Boxed, output),
            None => (Flow::Sync, declared),
        };
        let mut quiet_visibility = visibility.clone();
        match &mut quiet_visibility {
            Visibility::Public(token) => token.span = token.span.resolved_at(Span::mixed_site()),
            Visibility::Restricted(restricted) => {
                restricted.pub_token.span = restricted.pub_token.span.resolved_at(Span::mixed_site());
            }
            Visibility::Inherited => {}
        }
        Ok(Self { attributes, visibility, quiet_visibility, signature, quiet, body, arguments, returns, flow })
    }

    /// The `self` argument.
    pub(crate) fn receiver(&self) -> Option<&Receiver> {
        self.signature.receiver()
    }

    /// Whether it must stand in an impl or a trait, as far as its tokens tell.
    pub(crate) fn is_method(&self) -> bool {
        self.receiver().is_some()
            || mentions_self(self.signature.to_token_stream())
            || mentions_self(self.body.stream())
    }

    /// The argument of this name.
    pub(crate) fn argument(&self, name: &Ident) -> Option<usize> {
        self.arguments
            .iter()
            .position(|argument| argument.name == *name && argument.binds.is_empty() && !argument.ignored)
    }

    /// The name as the arguments have it: of one of them, or bound by a pattern.
    pub(crate) fn binding(&self, name: &Ident) -> Option<&Ident> {
        self.arguments.iter().find_map(|argument| {
            if argument.binds.is_empty() {
                (argument.name == *name && !argument.ignored).then_some(&argument.name)
            } else {
                argument.binds.iter().find(|bind| *bind == name)
            }
        })
    }

    /// The names of all arguments, for errors.
    pub(crate) fn names(&self) -> Vec<String> {
        self.arguments
            .iter()
            .filter(|argument| argument.binds.is_empty() && !argument.ignored)
            .map(|argument| argument.name.unraw().to_string())
            .collect()
    }

    /// What no function may be that is to be cached.
    pub(crate) fn check(&self, errors: &mut Errors) {
        let signature = &self.signature;
        if let Some(token) = &signature.constness {
            errors.at(token, "a `const fn` can't be cached", "a cache lives at run time: remove `const`");
        }
        if let Safety::Unsafe(token) = &signature.safety {
            errors.at(
                token,
                "an `unsafe fn` can't be cached",
                "whoever calls it must uphold something that a cached call wouldn't check: cache a safe function that calls it",
            );
        }
        if let Some(variadic) = &signature.variadic {
            errors.at(variadic, "a variadic function can't be cached", "write out its arguments");
        }
        if signature.ident == "main" && signature.inputs.is_empty() && self.receiver().is_none() {
            errors.at(
                &signature.ident,
                "`main` runs once: there is nothing to cache",
                "put `#[cached]` on a function that it calls",
            );
        }
        for argument in &signature.inputs {
            let attributes = match argument {
                FnArg::Receiver(receiver) => &receiver.attrs,
                FnArg::Typed(typed) => &typed.attrs,
            };
            for attribute in attributes {
                if attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr") {
                    errors.at(
                        attribute,
                        "`#[cfg]` on an argument of a cached function is not supported",
                        "put `#[cfg]` on two versions of the function",
                    );
                }
            }
        }
        check_return(&self.returns, errors);
        for attribute in &self.attributes {
            if attribute.path().segments.last().is_some_and(|segment| segment.ident == "cached") {
                errors.at(attribute, "`#[cached]` is said twice", "put all options into one `#[cached(...)]`");
            }
        }
    }
}

/// The head of a function as if the macro had written it: lints about functions as such leave it alone.
pub(crate) fn quiet(signature: &mut Signature) {
    let quiet = |span: Span| span.resolved_at(Span::mixed_site());
    signature.fn_token.span = quiet(signature.fn_token.span);
    if let Some(token) = &mut signature.asyncness {
        token.span = quiet(token.span);
    }
}

/// Lifetimes as if the macro had written them.
struct Quiet;

impl VisitMut for Quiet {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        let span = lifetime.span().resolved_at(Span::mixed_site());
        lifetime.set_span(span);
    }
}

fn parts(input: ParseStream<'_>, attribute: &str) -> Result<(Vec<Attribute>, Visibility, Signature, Group)> {
    let mut attributes = input.call(Attribute::parse_outer)?;
    let visibility: Visibility = input.parse()?;
    if let Some(keyword) = other_item(input) {
        return Err(error(
            &keyword,
            format_args!("`#[{attribute}]` goes on a function, not on {} `{keyword}`", article(&keyword)),
            if attribute == "cached" {
                "put it above the `fn` whose results are to be kept; in an `impl`, above each method"
            } else {
                "put it above the `fn` that writes; in an `impl`, above each method"
            },
        ));
    }
    let signature: Signature = input.parse()?;
    if input.peek(Token![;]) {
        let semicolon: Token![;] = input.parse()?;
        return Err(error(
            &semicolon,
            if attribute == "cached" {
                format!("`{}` has no body: there is nothing to cache", signature.ident)
            } else {
                format!("`{}` has no body: nothing is written here", signature.ident)
            },
            format_args!("put `#[{attribute}]` on the implementation, or give the trait's method a default body"),
        ));
    }
    let body: TokenTree = input.parse()?;
    let Some(body) = braces(&body) else {
        return Err(error(&body, "expected the body of the function", "write `{ .. }`"));
    };
    let body = without_inner(body, &mut attributes)?;
    Ok((attributes, visibility, signature, body))
}

/// `#![allow(..)]` as the first thing in a body is said of the function: it is as if it stood above, since statements of ours
/// may come before those of the body.
fn without_inner(body: Group, attributes: &mut Vec<Attribute>) -> Result<Group> {
    let read = |input: ParseStream<'_>| Ok((input.call(Attribute::parse_inner)?, input.parse::<TokenStream>()?));
    let (inner, rest) = read.parse2(body.stream())?;
    if inner.is_empty() {
        return Ok(body);
    }
    attributes.extend(inner.into_iter().map(|attribute| Attribute { style: AttrStyle::Outer, ..attribute }));
    let mut without = Group::new(Delimiter::Brace, rest);
    without.set_span(body.span());
    Ok(without)
}

/// The braces, without the invisible groups that `macro_rules` leave around a `$body:block`.
fn braces(token: &TokenTree) -> Option<Group> {
    let TokenTree::Group(group) = token else { return None };
    match group.delimiter() {
        Delimiter::Brace => Some(group.clone()),
        Delimiter::None => {
            let mut inside = group.stream().into_iter();
            let only = inside.next().filter(|_| inside.next().is_none())?;
            braces(&only)
        }
        Delimiter::Parenthesis | Delimiter::Bracket => None,
    }
}

fn article(keyword: &Ident) -> &'static str {
    if matches!(keyword.to_string().as_str(), "enum" | "impl" | "union") { "an" } else { "a" }
}

fn other_item(input: ParseStream<'_>) -> Option<Ident> {
    let keyword = input.fork().call(Ident::parse_any).ok()?;
    let is_item = match keyword.to_string().as_str() {
        "struct" | "enum" | "trait" | "impl" | "mod" | "static" | "use" | "let" | "macro_rules" => true,
        "type" | "union" => !input.peek2(Token![fn]),
        "const" => {
            let ahead = input.fork();
            let _ = ahead.call(Ident::parse_any);
            !(ahead.peek(Token![fn])
                || ahead.peek(Token![async])
                || ahead.peek(Token![unsafe])
                || ahead.peek(Token![extern]))
        }
        "unsafe" => input.peek2(Token![impl]) || input.peek2(Token![trait]),
        _ => false,
    };
    is_item.then_some(keyword)
}

fn arguments(signature: &Signature) -> Vec<Argument> {
    let typed = signature.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    });
    let each = typed.enumerate().map(|(at, typed)| {
        let name = match &*typed.pat {
            Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => Some(pat.ident.clone()),
            _ => None,
        };
        let name = name.map(|name: Ident| {
            if name.to_string().starts_with('_') {
                Ident::new(&name.to_string(), name.span().resolved_at(Span::mixed_site()))
            } else {
                name
            }
        });
        let binds = if name.is_some() { Vec::new() } else { bound_names(&typed.pat) };
        Argument {
            name: name.unwrap_or_else(|| format_ident!("arg{}", at, span = Span::mixed_site())),
            ignored: matches!(&*typed.pat, Pat::Wild(_)),
            pattern: (*typed.pat).clone(),
            ty: with_elided(ungroup(&typed.ty)),
            binds,
        }
    });
    each.collect()
}

/// `Cow<str>` as `Cow<'_, str>`: where its type is written anew, a lifetime that isn't there could not be given a name.
fn with_elided(ty: &Type) -> Type {
    struct Elided;
    impl VisitMut for Elided {
        fn visit_path_segment_mut(&mut self, segment: &mut syn::PathSegment) {
            visit_mut::visit_path_segment_mut(self, segment);
            if segment.ident == "Cow"
                && let PathArguments::AngleBracketed(arguments) = &mut segment.arguments
                && !arguments.args.iter().any(|argument| matches!(argument, GenericArgument::Lifetime(_)))
            {
                arguments.args.insert(0, GenericArgument::Lifetime(Lifetime::new("'_", Span::mixed_site())));
            }
        }
    }
    let mut ty = ty.clone();
    Elided.visit_type_mut(&mut ty);
    ty
}

/// The names that a pattern binds. Single lower-case identifiers count; a constant in a pattern can't be one.
fn bound_names(pattern: &Pat) -> Vec<Ident> {
    struct Names(Vec<Ident>);
    impl VisitMut for Names {
        fn visit_pat_ident_mut(&mut self, pat: &mut syn::PatIdent) {
            self.0.push(pat.ident.clone());
            visit_mut::visit_pat_ident_mut(self, pat);
        }
    }
    let mut names = Names(Vec::new());
    names.visit_pat_mut(&mut pattern.clone());
    names.0
}

/// A type without the invisible groups that `macro_rules` leaves around it.
pub(crate) fn ungroup(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => ungroup(&group.elem),
        Type::Paren(paren) => ungroup(&paren.elem),
        other => other,
    }
}

/// `R` in `Pin<Box<dyn Future<Output = R> + ..>>`.
fn future_output(ty: &Type) -> Option<Type> {
    let boxed = argument_of(argument_of(ty, "Pin")?, "Box")?;
    let Type::TraitObject(object) = ungroup(boxed) else { return None };
    object.bounds.iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else { return None };
        let future = bound.path.segments.last().filter(|segment| segment.ident == "Future")?;
        let PathArguments::AngleBracketed(arguments) = &future.arguments else { return None };
        arguments.args.iter().find_map(|argument| match argument {
            GenericArgument::AssocType(output) if output.ident == "Output" => Some(output.ty.clone()),
            _ => None,
        })
    })
}

/// `T` in `Name<T>`.
fn argument_of<'t>(ty: &'t Type, name: &str) -> Option<&'t Type> {
    let Type::Path(path) = ungroup(ty) else { return None };
    let last = path.path.segments.last().filter(|segment| segment.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

fn check_return(ty: &Type, errors: &mut Errors) {
    struct Borrowed<'e>(&'e mut Errors);
    impl VisitMut for Borrowed<'_> {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            match ty {
                Type::Reference(reference)
                    if reference.lifetime.as_ref().is_none_or(|lifetime| lifetime.ident != "static") =>
                {
                    let instead = match ungroup(&reference.elem) {
                        Type::Path(path) if path.path.is_ident("str") => "`String` or `Arc<str>`".to_owned(),
                        Type::Slice(slice) => {
                            let elem = slice.elem.to_token_stream();
                            format!("`Vec<{elem}>` or `Arc<[{elem}]>`")
                        }
                        elem => {
                            let elem = elem.to_token_stream();
                            format!("`{elem}` or `Arc<{elem}>`")
                        }
                    };
                    self.0.at(
                        &*reference,
                        "a cached function can't return a reference: the cache outlives what it borrows from",
                        format_args!("return an owned value, {instead}"),
                    );
                }
                Type::ImplTrait(opaque) => self.0.at(
                    &*opaque,
                    "a cached function can't return `impl Trait`: what is kept must be a type with a name",
                    if opaque.to_token_stream().to_string().contains("Future") {
                        "write `async fn`"
                    } else {
                        "return a concrete type, such as a `Vec` of what an iterator gives"
                    },
                ),
                Type::Never(never) => {
                    self.0.at(&*never, "a function that never returns has nothing to cache", "remove `#[cached]`");
                }
                other => visit_mut::visit_type_mut(self, other),
            }
        }

        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            if lifetime.ident != "static" {
                self.0.at(
                    &*lifetime,
                    "a cached function can't return something borrowed: the cache outlives what it borrows from",
                    "return an owned value, or `Arc` of it",
                );
            }
        }

        // `for<'a> Fn(&'a str) -> &'a str` borrows nothing.
        fn visit_trait_bound_mut(&mut self, bound: &mut syn::TraitBound) {
            if bound.lifetimes.is_none() {
                visit_mut::visit_trait_bound_mut(self, bound);
            }
        }

        fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut syn::ParenthesizedGenericArguments) {}

        fn visit_type_fn_ptr_mut(&mut self, _: &mut syn::TypeFnPtr) {}
    }
    Borrowed(errors).visit_type_mut(&mut ty.clone());
}

/// Whether the token is the value `self`, and not the beginning of a path such as `self::Type`.
pub(crate) fn is_self(tokens: &[TokenTree], at: usize) -> bool {
    let colon = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    matches!(&tokens[at], TokenTree::Ident(word) if word == "self") && !(colon(at + 1) && colon(at + 2))
}

/// Whether `self` or `Self` occurs outside nested items that have their own.
fn mentions_self(tokens: TokenStream) -> bool {
    let mut inside_item = false;
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut inside_use = false;
    for (at, token) in tokens.iter().enumerate() {
        if inside_use {
            // `use std::fmt::{self, Write};`
            inside_use = !matches!(token, TokenTree::Punct(punct) if punct.as_char() == ';');
            continue;
        }
        match token {
            // Not `impl Trait + use<T>`.
            TokenTree::Ident(word) if word == "use" => {
                inside_use = !matches!(tokens.get(at + 1), Some(TokenTree::Punct(punct)) if punct.as_char() == '<');
            }
            TokenTree::Ident(word) if word == "Self" || is_self(&tokens, at) => {
                if !inside_item {
                    return true;
                }
            }
            TokenTree::Ident(word) => {
                inside_item |=
                    ["impl", "trait", "struct", "enum", "union", "macro_rules"].iter().any(|keyword| word == keyword);
            }
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && inside_item => inside_item = false,
            TokenTree::Group(group) => {
                if !inside_item && mentions_self(group.stream()) {
                    return true;
                }
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => inside_item = false,
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
    false
}
