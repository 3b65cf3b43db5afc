//! Templates: `"product:{id}:{price:.2}"` to the parts of a key, or to a tag. Must never build text where a key's part has
//! no format.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::{Expr, LitStr};

use crate::errors::Errors;
use crate::function::Function;
use crate::key::{Part, meant, part_of};
use crate::scope::{self, Scope};

/// A template, read.
#[derive(Default)]
pub(crate) struct Template {
    /// What stands before, between and after the places.
    pub(crate) pieces: Vec<String>,
    /// What stands in braces: an argument or a field of one, and the format behind the colon.
    pub(crate) places: Vec<(Expr, String)>,
}

/// The parts of a key's template, and the pieces of text before, between and after them.
pub(crate) fn parts(text: &LitStr, function: &Function, errors: &mut Errors) -> (Vec<Part>, Vec<String>) {
    let value = text.value();
    let Template { pieces, places } = read(text, function, errors);
    if places.is_empty() && !function.arguments.is_empty() && errors.is_empty() {
        let help = match function.names().first() {
            Some(name) => format!(
                "name the arguments that tell calls apart, `\"{value}:{{{name}}}\"`; for one entry on purpose, `key = ()`"
            ),
            None => "for one entry on purpose, write `key = ()`".to_owned(),
        };
        errors.at(text, "this key reads no argument: all calls would share one entry", help);
    }
    let parts = places.into_iter().map(|(expr, spec)| {
        if spec.is_empty() { part_of(&expr, function) } else { Part::Text(expr, format!("{{:{spec}}}"), text.span()) }
    });
    (parts.collect(), pieces)
}

/// A tag over the arguments.
pub(crate) struct Tag {
    /// As it was written.
    pub(crate) text: LitStr,
    /// As it was read.
    pub(crate) template: Template,
}

impl Tag {
    /// What `format!` and `format_args!` take.
    pub(crate) fn arguments(&self, function: &Function, scope: Scope) -> TokenStream {
        let Template { pieces, places } = &self.template;
        let mut format = String::new();
        for (at, piece) in pieces.iter().enumerate() {
            format.push_str(&piece.replace('{', "{{").replace('}', "}}"));
            if let Some((_, spec)) = places.get(at) {
                format.push('{');
                if !spec.is_empty() {
                    format.push(':');
                    format.push_str(spec);
                }
                format.push('}');
            }
        }
        let span = self.text.span().resolved_at(Span::mixed_site());
        let format = LitStr::new(&format, span);
        let places = places.iter().map(|(expr, _)| {
            let mut expr = expr.clone();
            scope::rewrite(&mut expr, function, scope);
            expr
        });
        quote_spanned!(span=> #format #(, #places)*)
    }
}

/// The arguments that these tags read.
pub(crate) fn reads(tags: &[Tag], function: &Function) -> BTreeSet<usize> {
    let places = tags.iter().flat_map(|tag| &tag.template.places);
    places.flat_map(|(expr, _)| scope::reads(expr, function)).collect()
}

/// The tags, and the arguments that they read.
pub(crate) fn tags(texts: &[LitStr], function: &Function, errors: &mut Errors) -> (Vec<Tag>, BTreeSet<usize>) {
    let tags = texts.iter().map(|text| Tag { text: text.clone(), template: read(text, function, errors) });
    let tags: Vec<Tag> = tags.collect();
    let reads = reads(&tags, function);
    (tags, reads)
}

/// Reads a template; its mistakes are noted.
fn read(text: &LitStr, function: &Function, errors: &mut Errors) -> Template {
    let value = text.value();
    let (mut read, mut piece) = (Template::default(), String::new());
    let mut rest = value.as_str();
    while let Some(at) = rest.find(['{', '}']) {
        let (brace, after) = (&rest[at..=at], &rest[at + 1..]);
        piece.push_str(&rest[..at]);
        if after.starts_with(brace) {
            piece.push_str(brace);
            rest = &after[1..];
        } else if brace == "}" {
            errors.at(text, "a `}` without a `{`", "write `}}` for a brace that is text");
            return read;
        } else if let Some(end) = after.find('}') {
            read.places.extend(placeholder(&after[..end], text, function, errors));
            read.pieces.push(std::mem::take(&mut piece));
            rest = &after[end + 1..];
        } else {
            errors.at(text, "a `{` without a `}`", "write `{{` for a brace that is text");
            return read;
        }
    }
    piece.push_str(rest);
    read.pieces.push(piece);
    read
}

fn placeholder(content: &str, text: &LitStr, function: &Function, errors: &mut Errors) -> Option<(Expr, String)> {
    let (place, spec) = content.split_once(':').unwrap_or((content, ""));
    let place = place.trim();
    let names = function.names();
    let some = names.first().map_or("id", String::as_str);
    if place.is_empty() || place.chars().all(|c| c.is_ascii_digit()) {
        errors.at(
            text,
            format_args!("`{{{content}}}` names no argument"),
            format_args!("write the argument's name, `{{{some}}}`"),
        );
        return None;
    }
    let parsed = LitStr::new(place, text.span()).parse::<Expr>().ok().filter(is_template_place);
    let Some(mut expr) = parsed else {
        errors.at(
            text,
            format_args!("`{{{content}}}` is no argument or field"),
            format_args!("a template takes `{{{some}}}` or `{{{some}.field}}`; for anything else write an expression, `key = ({place}, ..)`"),
        );
        return None;
    };
    if spec.contains('$') {
        errors.at(
            text,
            format_args!("`{{{content}}}` takes its width from another argument"),
            "write the number into the template",
        );
        return None;
    }
    let base = base_of(&expr)?;
    if base != "self" && scope::reads(&expr, function).is_empty() {
        let name = base.to_string();
        // By its spelling a constant, unless an argument has the name in small letters.
        let constant =
            !name.chars().any(char::is_lowercase) && !names.iter().any(|own| own.eq_ignore_ascii_case(&name));
        let help = if constant {
            format!(
                "a template takes arguments: write what `{name}` is into it; a key may be an expression, `key = ({place}, ..)`"
            )
        } else {
            meant(&name, &names)
        };
        errors.at(text, format_args!("no argument is called `{name}`"), help);
        return None;
    }
    if base == "self" && function.receiver().is_none() {
        errors.at(text, "the function has no `self`", format_args!("write the argument's name, `{{{some}}}`"));
        return None;
    }
    if let (Some(argument), Some(base)) = (function.binding(&base), base_mut(&mut expr)) {
        // The text may come from elsewhere than the function, where a macro puts the two together.
        base.set_span(argument.span().located_at(base.span()));
    }
    Some((expr, spec.to_owned()))
}

fn base_mut(expr: &mut Expr) -> Option<&mut Ident> {
    match expr {
        Expr::Path(path) => path.path.segments.first_mut().map(|first| &mut first.ident),
        Expr::Field(field) => base_mut(&mut field.base),
        _ => None,
    }
}

fn is_template_place(expr: &Expr) -> bool {
    match expr {
        Expr::Path(path) => path.qself.is_none() && path.path.get_ident().is_some(),
        Expr::Field(field) => is_template_place(&field.base),
        _ => false,
    }
}

fn base_of(expr: &Expr) -> Option<Ident> {
    match expr {
        Expr::Path(path) => path.path.get_ident().cloned(),
        Expr::Field(field) => base_of(&field.base),
        _ => None,
    }
}
