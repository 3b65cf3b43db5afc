//! `each = id in ids`: a function of many ids as its entries see it, a function of one; and its rules. Must never quote code.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{GenericArgument, Pat, PatIdent, PathArguments, ReceiverKind, Type, parse_quote_spanned};

use crate::errors::Errors;
use crate::function::{Argument, Flow, Function, ungroup};
use crate::key::{KeyPlan, meant, span_of};
use crate::options::{Each, Opt, Options};
use crate::rules::named;

/// How a bulk function is taken apart.
pub(crate) struct Bulk {
    /// The function with one id in the place of all, and an `Option` of one value.
    pub(crate) single: Function,
    /// The type of one value.
    pub(crate) value: Type,
    /// The position of the ids among the arguments.
    pub(crate) at: usize,
    /// Whether the function takes them as a slice, and not as a `Vec`.
    pub(crate) borrowed: bool,
}

/// Reads the signature for `each`; all its mistakes are noted.
pub(crate) fn plan(options: &Options, function: &Function, errors: &mut Errors) -> Option<Bulk> {
    let Opt { name, value: Each { id, ids } } = options.each.as_ref()?;
    check_together(options, errors);
    let Some(at) = function.argument(ids) else {
        errors.at(ids, format_args!("no argument is called `{ids}`"), meant(&ids.to_string(), &function.names()));
        return None;
    };
    if let Some(other) = function.argument(id) {
        let help = if other == at {
            format!("give one of them a name of its own: `each = one in {ids}`")
        } else {
            format!("choose another: `each = one in {ids}`")
        };
        errors.at(id, format_args!("`{id}` is an argument already"), help);
        return None;
    }
    for argument in &function.arguments {
        if let Type::Reference(reference) = &argument.ty
            && let Some(token) = &reference.mutability
        {
            errors.at(
                token,
                "the body of a function with `each` may run twice, and this can be given to one run only",
                "take `&`, or a handle that can be cloned",
            );
        }
    }
    check_receiver(function, errors);
    let ty = &function.arguments[at].ty;
    let Some((element, borrowed)) = element(ty) else {
        let ty = ty.to_token_stream();
        errors.at(
            ids,
            format_args!(
                "`{ids}` must be a slice or a `Vec`, to be called with those ids that are missing; it is `{ty}`"
            ),
            format_args!("write `{ids}: &[u64]` or `{ids}: Vec<u64>`"),
        );
        return None;
    };
    let Some(value) = value(&function.returns) else {
        let returns = function.returns.to_token_stream();
        errors.at(
            name,
            format_args!("`each` takes apart what the function returns, and `{returns}` is no collection that it knows"),
            "return `HashMap<Id, V>`, `BTreeMap<Id, V>`, `Vec<V>` or `Vec<Option<V>>` (in the order of the ids), plain or in \
             a `Result`",
        );
        return None;
    };
    let mut single = function.clone();
    single.arguments[at] = Argument {
        name: id.clone(),
        pattern: Pat::Ident(PatIdent {
            attrs: Vec::new(),
            by_ref: None,
            mutability: None,
            ident: id.clone(),
            subpat: None,
        }),
        ty: element.clone(),
        ignored: false,
        binds: Vec::new(),
    };
    // Shown where the value's type is.
    let span = span_of(&value).resolved_at(Span::mixed_site());
    single.returns = parse_quote_spanned!(span=> ::core::option::Option<#value>);
    Some(Bulk { single, value, at, borrowed })
}

/// What is awaited holds `self` for the whole run.
fn check_receiver(function: &Function, errors: &mut Errors) {
    let Some(receiver) = function.receiver().filter(|_| function.flow != Flow::Sync) else { return };
    if !matches!(receiver.kind, ReceiverKind::Reference(_, _, None)) {
        errors.at(
            receiver,
            "the body of a function with `each` may run twice, and this `self` can be given to one run only",
            "take `&self`",
        );
    }
}

fn check_together(options: &Options, errors: &mut Errors) {
    let refused = [
        (named(options.cache_err.as_ref()), "an `Err` is of no id alone: it is never kept"),
        (named(options.soft_timeout.as_ref()), "some of the ids may have an old value, and others have none to give"),
    ];
    for (option, why) in refused {
        if let Some(option) = option {
            errors.at(
                option,
                format_args!("`{option}` does not go with `each`: {why}"),
                format_args!("remove `{option}`"),
            );
        }
    }
}

/// Each id must be an entry of its own.
pub(crate) fn check_key(options: &Options, key: &KeyPlan, bulk: Option<&Bulk>, errors: &mut Errors) {
    let (Some(bulk), Some(Opt { value: Each { id, ids }, .. })) = (bulk, &options.each) else { return };
    if key.reads.contains(&bulk.at) || options.is_broken("key") {
        return;
    }
    let tokens: &Ident = match (&options.key, &options.skip) {
        (Some(option), _) => &option.name,
        (None, Some(skip)) => skip.value.iter().find(|name| *name == id).unwrap_or(&skip.name),
        (None, None) => id,
    };
    errors.at(
        tokens,
        format_args!("the key doesn't read `{id}`: all of `{ids}` would share one entry"),
        format_args!("let it be part of the key, `key = {id}`"),
    );
}

/// The type of one id, and whether all of them are borrowed.
fn element(ty: &Type) -> Option<(&Type, bool)> {
    match ungroup(ty) {
        Type::Reference(reference) if reference.mutability.is_none() => match ungroup(&reference.elem) {
            Type::Slice(slice) => Some((ungroup(&slice.elem), true)),
            other => argument_of(other, &["Vec"], 0).map(|elem| (elem, true)),
        },
        other => argument_of(other, &["Vec"], 0).map(|elem| (elem, false)),
    }
}

/// The type of one value.
fn value(ty: &Type) -> Option<Type> {
    let ty = ungroup(ty);
    if let Some(value) = argument_of(ty, &["HashMap", "BTreeMap"], 1) {
        return Some(value.clone());
    }
    if let Some(value) = argument_of(ty, &["Vec"], 0) {
        return Some(argument_of(value, &["Option"], 0).unwrap_or(value).clone());
    }
    // `Result`, and whatever it is called: `io::Result<Vec<V>>`.
    let Type::Path(path) = ty else { return None };
    let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else { return None };
    if ["Option", "Arc", "Rc", "Box"]
        .iter()
        .any(|other| path.path.segments.last().is_some_and(|last| last.ident == other))
    {
        return None;
    }
    match arguments.args.first()? {
        GenericArgument::Type(inner) if !mentions(inner.to_token_stream(), "dyn") => value(inner),
        _ => None,
    }
}

fn mentions(tokens: TokenStream, word: &str) -> bool {
    tokens.into_iter().any(|token| matches!(token, TokenTree::Ident(ident) if ident == word))
}

/// The type argument at this place of `Name<..>`.
fn argument_of<'t>(ty: &'t Type, names: &[&str], at: usize) -> Option<&'t Type> {
    let Type::Path(path) = ungroup(ty) else { return None };
    let last = path.path.segments.last().filter(|last| names.iter().any(|name| last.ident == name))?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ungroup(ty)),
        _ => None,
    });
    types.into_iter().nth(at)
}
