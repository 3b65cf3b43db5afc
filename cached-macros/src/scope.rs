//! The arguments in the user's expressions: which are read, and how they are named where they are borrowed. Must never
//! touch a name that the expression binds itself.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::visit_mut::{self, VisitMut};
use syn::{Arm, Block, Expr, ExprClosure, ExprIf, FieldValue, Macro, Pat, PatIdent, Stmt, parse_quote};

use crate::function::{Function, is_self};

/// Where an expression will stand.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Scope {
    /// In the function itself: arguments are what they are.
    Inside,
    /// In the companion's `__entry`: arguments are references to themselves, and become `(*argument)`.
    Borrowed,
}

/// Rewrites `expr` for `scope`; gives the arguments that it reads.
pub(crate) fn rewrite(expr: &mut Expr, function: &Function, scope: Scope) -> BTreeSet<usize> {
    let mut arguments = Arguments { function, scope, read: BTreeSet::new(), shadowed: Vec::new() };
    arguments.visit_expr_mut(expr);
    arguments.read
}

/// The arguments that `expr` reads.
pub(crate) fn reads(expr: &Expr, function: &Function) -> BTreeSet<usize> {
    rewrite(&mut expr.clone(), function, Scope::Inside)
}

/// Whether `expr` has `self` in it.
pub(crate) fn reads_self(expr: &Expr) -> bool {
    fn any(tokens: TokenStream) -> bool {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        tokens.iter().enumerate().any(|(at, token)| match token {
            TokenTree::Ident(_) => is_self(&tokens, at),
            TokenTree::Group(group) => any(group.stream()),
            TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        })
    }
    any(expr.to_token_stream())
}

/// Whether `expr` calls a function or a method.
pub(crate) fn calls(expr: &Expr) -> bool {
    fn any(tokens: TokenStream) -> bool {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        tokens.iter().enumerate().any(|(at, token)| {
            let TokenTree::Group(group) = token else { return false };
            let before = at.checked_sub(1).map(|before| &tokens[before]);
            let callee = match before {
                Some(TokenTree::Ident(_)) => true,
                Some(TokenTree::Punct(punct)) => punct.as_char() == '>',
                _ => false,
            };
            (callee && group.delimiter() == Delimiter::Parenthesis) || any(group.stream())
        })
    }
    any(expr.to_token_stream())
}

/// Whether a text in `expr` has the name of an argument in braces.
pub(crate) fn looks_like_a_template(expr: &Expr, function: &Function) -> bool {
    let names = function.names();
    let text = expr.to_token_stream().to_string();
    names.iter().any(|name| text.contains(&format!("{{{name}}}")) || text.contains(&format!("{{{name}:")))
}

struct Arguments<'f> {
    function: &'f Function,
    scope: Scope,
    read: BTreeSet<usize>,
    shadowed: Vec<Ident>,
}

impl Arguments<'_> {
    /// What to write for `name`, if it is an argument that must be written otherwise.
    fn find(&mut self, name: &Ident) -> Option<TokenStream> {
        if self.shadowed.contains(name) {
            return None;
        }
        let (at, argument) = self.function.arguments.iter().enumerate().find(|(_, argument)| {
            if argument.binds.is_empty() {
                !argument.ignored && argument.name == *name
            } else {
                argument.binds.contains(name)
            }
        })?;
        self.read.insert(at);
        let ours = &argument.name;
        if !argument.binds.is_empty() {
            // What a pattern binds is looked at by reference everywhere.
            Some(quote_spanned!(name.span()=> (*#name)))
        } else if self.scope == Scope::Borrowed {
            let name = if argument.underscored() { ours } else { name };
            Some(quote_spanned!(name.span()=> (*#name)))
        } else {
            argument.underscored().then(|| ours.to_token_stream())
        }
    }

    fn within(&mut self, names: Vec<Ident>, visit: impl FnOnce(&mut Self)) {
        let before = self.shadowed.len();
        self.shadowed.extend(names);
        visit(self);
        self.shadowed.truncate(before);
    }

    /// `format!("{} {name}", id)`: tokens that only the macro knows how to read.
    fn tokens(&mut self, tokens: TokenStream) -> TokenStream {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let punct = |at: Option<usize>, wanted: &[char]| matches!(at.and_then(|at| tokens.get(at)), Some(TokenTree::Punct(punct)) if wanted.contains(&punct.as_char()));
        let mut rewritten = TokenStream::new();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => {
                    let mut inner = Group::new(group.delimiter(), self.tokens(group.stream()));
                    inner.set_span(group.span());
                    rewritten.extend([TokenTree::Group(inner)]);
                }
                TokenTree::Ident(name) => {
                    let part_of_a_path =
                        punct(at.checked_sub(1), &['.', ':']) && !punct(at.checked_sub(2), &[')', '"']);
                    // Not the `!` of `a != b`.
                    let names_something = punct(Some(at + 1), &[':'])
                        || (punct(Some(at + 1), &['!']) && !punct(Some(at + 2), &['=']))
                        || (punct(Some(at + 1), &['=']) && !punct(Some(at + 2), &['=']));
                    match if part_of_a_path || names_something { None } else { self.find(name) } {
                        Some(written) => rewritten.extend(written),
                        None => rewritten.extend([token.clone()]),
                    }
                }
                TokenTree::Literal(literal) => {
                    self.captures(&literal.to_string());
                    rewritten.extend([token.clone()]);
                }
                TokenTree::Punct(_) => rewritten.extend([token.clone()]),
            }
        }
        rewritten
    }

    /// `"{name}"` in a format string reads `name`.
    fn captures(&mut self, literal: &str) {
        if !literal.contains('"') {
            return;
        }
        for (at, _) in literal.match_indices('{') {
            let rest = &literal[at + 1..];
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let closes = rest[end..].starts_with(['}', ':']) && !literal[..at].ends_with('{');
            if closes && let Ok(name) = syn::parse_str::<Ident>(&rest[..end]) {
                self.find(&name);
            }
        }
    }
}

fn names(patterns: &mut dyn Iterator<Item = &mut Pat>) -> Vec<Ident> {
    struct Names(Vec<Ident>);
    impl VisitMut for Names {
        fn visit_pat_ident_mut(&mut self, pat: &mut PatIdent) {
            self.0.push(pat.ident.clone());
            visit_mut::visit_pat_ident_mut(self, pat);
        }
        fn visit_expr_mut(&mut self, _: &mut Expr) {}
    }
    let mut names = Names(Vec::new());
    for pattern in patterns {
        names.visit_pat_mut(pattern);
    }
    names.0
}

/// The names that `if let` binds.
struct Lets(Vec<Ident>);

impl VisitMut for Lets {
    fn visit_expr_let_mut(&mut self, expr: &mut syn::ExprLet) {
        self.0.extend(names(&mut std::iter::once(&mut *expr.pat)));
        visit_mut::visit_expr_let_mut(self, expr);
    }
}

impl VisitMut for Arguments<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if let Expr::Path(path) = expr
            && path.qself.is_none()
            && let Some(name) = path.path.get_ident()
        {
            if let Some(written) = self.find(name) {
                *expr = parse_quote!(#written);
            }
            return;
        }
        visit_mut::visit_expr_mut(self, expr);
    }

    fn visit_expr_closure_mut(&mut self, closure: &mut ExprClosure) {
        let bound = names(&mut closure.inputs.iter_mut());
        self.within(bound, |this| visit_mut::visit_expr_closure_mut(this, closure));
    }

    fn visit_arm_mut(&mut self, arm: &mut Arm) {
        let bound = names(&mut std::iter::once(&mut arm.pat));
        self.within(bound, |this| visit_mut::visit_arm_mut(this, arm));
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        let before = self.shadowed.len();
        for statement in &mut block.stmts {
            visit_mut::visit_stmt_mut(self, statement);
            // From the next statement on.
            if let Stmt::Local(local) = statement {
                self.shadowed.extend(names(&mut std::iter::once(&mut local.pat)));
            }
        }
        self.shadowed.truncate(before);
    }

    fn visit_expr_if_mut(&mut self, expr: &mut ExprIf) {
        self.visit_expr_mut(&mut expr.cond);
        let mut lets = Lets(Vec::new());
        lets.visit_expr_mut(&mut expr.cond);
        self.within(lets.0, |this| this.visit_block_mut(&mut expr.then_branch));
        if let Some((_, otherwise)) = &mut expr.else_branch {
            self.visit_expr_mut(otherwise);
        }
    }

    fn visit_field_value_mut(&mut self, field: &mut FieldValue) {
        visit_mut::visit_field_value_mut(self, field);
        // `Point { x }` must say `Point { x: (*x) }` once `x` is no plain name any more.
        if field.colon_token.is_none() && !matches!(field.expr, Expr::Path(_)) {
            field.colon_token = Some(parse_quote!(:));
        }
    }

    fn visit_macro_mut(&mut self, call: &mut Macro) {
        // Made of what is written there, and nothing else.
        let constant = ["concat", "stringify", "env", "option_env", "include_str", "include_bytes", "module_path"];
        if call.path.segments.last().is_some_and(|last| constant.iter().any(|name| last.ident == name)) {
            return;
        }
        call.tokens = self.tokens(std::mem::take(&mut call.tokens));
    }
}

/// A name of ours: it can't meet one of the user's.
pub(crate) fn ours(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}
