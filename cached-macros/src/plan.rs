//! Options and function to a plan: every rule about what may stand together, all mistakes collected. Must never quote code.

use std::collections::BTreeSet;

use proc_macro2::{Spacing, TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{Ident, Path, Type, TypePath};

use crate::each::{self, Bulk};
use crate::errors::Errors;
use crate::function::{Flow, Function};
use crate::key::{self, KeyPlan};
use crate::once::check_evaluated_once;
use crate::options::{Backend, Capacity, Companion, Eviction, Opt, Options};
use crate::owning::{self, Passing};
use crate::rules::{check_refresh, check_remote, check_self, check_skip, check_times, check_together};
use crate::scope;
use crate::template::{self, Tag};
use crate::windows::{check_windows, has_windows};

/// All that the expansion needs to know.
pub(crate) struct Plan {
    pub(crate) function: Function,
    pub(crate) key: KeyPlan,
    pub(crate) shape: Shape,
    /// Whether the slot is one of a thread.
    pub(crate) local: bool,
    /// Whether entries are in Redis.
    pub(crate) remote: bool,
    /// Whether key and value have names here, so that the slot can be typed.
    pub(crate) typed: bool,
    /// Of a bulk function: how it is taken apart.
    pub(crate) single: Option<Bulk>,
    /// Its groups.
    pub(crate) tags: Vec<Tag>,
    /// The arguments that the tags read.
    pub(crate) tag_reads: BTreeSet<usize>,
    /// How a load that goes on without its call gets its arguments; `None` if no load does.
    pub(crate) background: Option<Vec<Passing>>,
    /// The arguments that `cache = ..` reads, beside those of the key.
    pub(crate) handle_reads: BTreeSet<usize>,
    /// The options that the expansion quotes as they are.
    pub(crate) options: Options,
}

/// What is emitted.
pub(crate) enum Shape {
    /// The function and a companion type of this name.
    Companion(Ident),
    /// The method and a method of this name that gives an entry.
    Entry(Ident),
    /// The function alone.
    Alone,
}

/// The names of all companions: `f::name(..)` in the body of `f` means one of them.
const COMPANIONS: [&str; 12] = [
    "get",
    "contains",
    "invalidate",
    "invalidate_where",
    "set",
    "refresh",
    "uncached",
    "many",
    "clear",
    "stats",
    "reset_stats",
    "cache",
];

/// Applies the rules. The plan is only of use when `errors` stayed empty.
pub(crate) fn plan(options: Options, function: Function, errors: &mut Errors) -> Plan {
    function.check(errors);
    let method = function.is_method();
    let single = each::plan(&options, &function, errors);
    let entry = single.as_ref().map_or(&function, |bulk| &bulk.single);
    check_skip(&options, entry, errors);
    check_self(&options, &function, errors);
    check_times(&options, errors);
    check_together(&options, errors);
    check_windows(&options, &function, errors);
    check_evaluated_once(&options, &function, errors);
    let shape = shape(&options, &function, method, errors);
    let key = key::plan(&options, entry, errors);
    each::check_key(&options, &key, single.as_ref(), errors);
    check_refresh(&options, &key, entry, errors);
    check_opaque(&shape, &options, &key, entry, errors);
    let generic =
        function.signature.generics.params.iter().any(|param| !matches!(param, syn::GenericParam::Lifetime(_)))
            || entry.arguments.iter().any(|argument| mentions_impl(&argument.ty));
    check_remote(&options, &function, method || generic, errors);
    let nameable = key.parts.iter().all(|part| part.is_plain(entry));
    let texts = options.tags.as_ref().map_or(&[][..], |tags| &tags.value);
    let (tags, tag_reads) = template::tags(texts, entry, errors);
    let local = matches!(options.backend, Some(Opt { value: Backend::Local, .. }));
    // An entry of one thread can't be filled by a task that may run on another.
    let background =
        (function.flow == Flow::Async && matches!(shape, Shape::Companion(_)) && has_windows(&options) && !local)
            .then(|| owning::ownable(&function).ok())
            .flatten();
    Plan {
        background,
        tags,
        tag_reads,
        typed: matches!(shape, Shape::Companion(_)) && !generic && nameable && options.cache.is_none(),
        local,
        remote: matches!(options.backend, Some(Opt { value: Backend::Redis(..), .. })),
        handle_reads: options.cache.as_ref().map(|cache| scope::reads(&cache.value, entry)).unwrap_or_default(),
        single,
        function,
        key,
        shape,
        options,
    }
}

impl Plan {
    /// Whether it has a cache of its own whose hits take no lock: what a builder decides when it runs is known here.
    pub(crate) fn lock_free(&self) -> bool {
        let options = &self.options;
        let shared = !self.local && !self.remote && options.cache.is_none();
        let sieve = matches!(options.eviction, Some(Opt { value: Eviction::Sieve, .. }));
        let unbounded = matches!(options.capacity, Some(Opt { value: Capacity::Unbounded, .. }));
        shared && (sieve || unbounded)
    }
}

fn shape(options: &Options, function: &Function, method: bool, errors: &mut Errors) -> Shape {
    let name = match &options.companion {
        Some(Opt { value: Companion::Off, .. }) => return Shape::Alone,
        Some(Opt { value: Companion::Named(name), .. }) => Some(name),
        None => None,
    };
    if method {
        if let Some(name) = name {
            if options.cache.is_some() {
                errors.at(
                    name,
                    "a method with `cache = ...` needs no companion",
                    "remove `companion`: the handle has `get`, `set`, `invalidate` and the rest",
                );
            }
            if *name == function.signature.ident {
                errors.at(
                    name,
                    "the companion of a method is a method: it needs a name of its own",
                    format_args!("write `companion = {name}_entry`"),
                );
            }
        }
        return name.map_or(Shape::Alone, |name| Shape::Entry(name.clone()));
    }
    let name = name.unwrap_or(&function.signature.ident).clone();
    check_clash(&name, function, errors);
    Shape::Companion(name)
}

/// `fn regex() -> regex::Regex`: the companion would stand before the crate.
fn check_clash(name: &Ident, function: &Function, errors: &mut Errors) {
    struct Clash<'e>(&'e Ident, &'e mut Errors);
    impl Clash<'_> {
        fn at(&mut self, path: &Path) {
            if path.leading_colon.is_none()
                && let Some(first) = path.segments.first()
                && first.ident == *self.0
            {
                clash(&first.ident, self.1);
            }
        }
    }
    impl VisitMut for Clash<'_> {
        fn visit_type_path_mut(&mut self, ty: &mut TypePath) {
            if ty.qself.is_none() {
                self.at(&ty.path);
            }
            visit_mut::visit_type_path_mut(self, ty);
        }
    }
    let mut seen = Clash(name, errors);
    for argument in &function.arguments {
        seen.visit_type_mut(&mut argument.ty.clone());
    }
    seen.visit_type_mut(&mut function.returns.clone());
    check_body(name, function.body.stream(), errors);
}

fn clash(path: &Ident, errors: &mut Errors) {
    errors.at(
        path,
        format_args!("the companion type `{path}` of this function hides what `{path}` means here"),
        format_args!("write `::{path}::..` for a crate or `self::{path}::..`, or rename the companion: `companion = {path}_cache`"),
    );
}

fn check_body(name: &Ident, body: TokenStream, errors: &mut Errors) {
    let tokens: Vec<TokenTree> = body.into_iter().collect();
    let is =
        |at: usize, wanted: char| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == wanted);
    // Not the two of `Item { price: ::std::cmp::max(..) }`.
    let path = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == ':' && punct.spacing() == Spacing::Joint);
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => check_body(name, group.stream(), errors),
            TokenTree::Ident(ident) if ident == name && path(at + 1) && is(at + 2, ':') => {
                let starts = at == 0 || !(is(at - 1, ':') || is(at - 1, '.'));
                let companion = matches!(tokens.get(at + 3), Some(TokenTree::Ident(next)) if COMPANIONS.iter().any(|known| next == known));
                if starts && !companion && !is(at + 3, '<') {
                    clash(ident, errors);
                }
            }
            _ => {}
        }
    }
}

/// Calls with different types have entries of their own, which a companion finds by the types of what it is given: those that
/// it isn't given it must be told.
fn check_opaque(shape: &Shape, options: &Options, key: &KeyPlan, function: &Function, errors: &mut Errors) {
    let help = "write `fn name<T: ..>(argument: T)` instead of `impl ..`";
    for (at, argument) in function.arguments.iter().enumerate().filter(|(_, argument)| mentions_impl(&argument.ty)) {
        let read = key.reads.contains(&at);
        let mistake = match shape {
            Shape::Entry(_) if read => "a method with a companion needs names for the types in its key",
            Shape::Entry(_) | Shape::Companion(_) if !read && options.cache.is_none() => {
                "calls with different types have different entries, and the companion can't tell them apart without a name for \
                 this type: the key doesn't read it"
            }
            _ => continue,
        };
        errors.at(&argument.ty, mistake, help);
    }
}

fn mentions_impl(ty: &Type) -> bool {
    fn any(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => ident == "impl",
            TokenTree::Group(group) => any(group.stream()),
            TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        })
    }
    any(ty.to_token_stream())
}
