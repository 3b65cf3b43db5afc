//! Whether a load may go on without the call that began it: all its arguments can be owned, as far as the signature tells.
//! Whether their types can be cloned and sent is found by type, by the runtime's probe. Must never look at the options.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use syn::visit_mut::{self, VisitMut};
use syn::{
    BoundLifetimes, GenericParam, Generics, Lifetime, ParenthesizedGenericArguments, Path, Type, TypeFnPtr,
    TypeImplTrait, TypeParamBound, TypeReference, WherePredicate,
};

use crate::function::{Function, ungroup};

/// An argument of a load that goes on without its call.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Passing {
    /// As it is.
    Moved,
    /// `&T`: cloned, where the probe finds that it can be.
    Borrowed,
}

/// How each argument is handed to such a load; or why there can be none.
pub(crate) fn ownable(function: &Function) -> Result<Vec<Passing>, String> {
    if function.is_method() {
        return Err("a method's `self` belongs to its caller".to_owned());
    }
    if calls_itself(function) {
        return Err(
            "the function calls itself: whether its future can be sent to another thread hangs on itself".to_owned()
        );
    }
    let loose = loose_parameters(&function.signature.generics);
    if let Some(name) = loose.first() {
        return Err(format!("what `{name}` borrows belongs to its caller (it has no bound `'static`)"));
    }
    function
        .arguments
        .iter()
        .map(|argument| {
            let (inner, passing) = match ungroup(&argument.ty) {
                Type::Reference(reference) if is_static(reference) => (&argument.ty, Passing::Moved),
                Type::Reference(reference) if reference.mutability.is_none() => (&*reference.elem, Passing::Borrowed),
                Type::Reference(_) => {
                    return Err(format!("`{}` is borrowed mutably from its caller", argument.name));
                }
                other => (other, Passing::Moved),
            };
            if borrows(inner) {
                return Err(format!("`{}` borrows from its caller", argument.name));
            }
            Ok(passing)
        })
        .collect()
}

/// Whether the body calls the function by its bare name, or through `refresh` or `uncached`.
pub(crate) fn calls_itself(function: &Function) -> bool {
    fn calls(tokens: TokenStream, name: &Ident) -> bool {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let is = |at: usize, wanted: char| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == wanted);
        let called = |at: usize| match tokens.get(at) {
            Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Parenthesis,
            Some(TokenTree::Punct(_)) if is(at, ':') && is(at + 1, ':') => match tokens.get(at + 2) {
                Some(TokenTree::Ident(companion)) => companion == "refresh" || companion == "uncached",
                _ => is(at + 2, '<'),
            },
            _ => false,
        };
        tokens.iter().enumerate().any(|(at, token)| match token {
            TokenTree::Group(group) => calls(group.stream(), name),
            // Not the method `.name(..)`, and not what some other module calls so.
            TokenTree::Ident(ident) => {
                let starts = at == 0 || !(is(at - 1, '.') || is(at - 1, ':'));
                ident == name && starts && called(at + 1)
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        })
    }
    calls(function.body.stream(), &function.signature.ident)
}

fn is_static(reference: &TypeReference) -> bool {
    reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static") && reference.mutability.is_none()
}

/// The type parameters that may stand for something borrowed.
fn loose_parameters(generics: &Generics) -> Vec<&Ident> {
    let params = generics.params.iter().filter_map(|param| match param {
        GenericParam::Type(param) => Some(param),
        GenericParam::Lifetime(_) | GenericParam::Const(_) => None,
    });
    let in_where = |name: &Ident| {
        generics.where_clause.iter().flat_map(|clause| &clause.predicates).any(|predicate| match predicate {
            WherePredicate::Type(bound) => {
                matches!(&bound.bounded_ty, Type::Path(path) if path.path.is_ident(name))
                    && bound.bounds.iter().any(lasts)
            }
            _ => false,
        })
    };
    params
        .filter(|param| !param.bounds.iter().any(lasts) && !in_where(&param.ident))
        .map(|param| &param.ident)
        .collect()
}

/// `'static`, or a trait of ours that has it for a bound.
fn lasts(bound: &TypeParamBound) -> bool {
    let ours =
        |path: &Path| path.segments.last().is_some_and(|last| last.ident == "CacheValue" || last.ident == "CacheKey");
    match bound {
        TypeParamBound::Lifetime(lifetime) => lifetime.ident == "static",
        TypeParamBound::Trait(bound) => ours(&bound.path),
        _ => false,
    }
}

/// Whether a type has a lifetime other than `'static` in it, or hides what it has.
fn borrows(ty: &Type) -> bool {
    struct Seen(bool);
    impl VisitMut for Seen {
        fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
            self.0 |= reference.lifetime.is_none();
            visit_mut::visit_type_reference_mut(self, reference);
        }
        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            self.0 |= lifetime.ident != "static";
        }
        fn visit_type_impl_trait_mut(&mut self, _: &mut TypeImplTrait) {
            self.0 = true;
        }
        // `for<'a> Fn(&'a str)` and `fn(&str)` borrow nothing.
        fn visit_bound_lifetimes_mut(&mut self, _: &mut BoundLifetimes) {}
        fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut ParenthesizedGenericArguments) {}
        fn visit_type_fn_ptr_mut(&mut self, _: &mut TypeFnPtr) {}
    }
    let mut seen = Seen(false);
    seen.visit_type_mut(&mut ty.clone());
    seen.0
}
