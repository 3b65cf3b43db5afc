//! The tokens of `#[invalidates(..)]` and `#[updates(..)]` to what is to be forgotten or stored. Must never see the body.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, ExprCall, ExprMethodCall, Ident, LitStr, Pat, Path, Token};

use crate::errors::{Errors, did_you_mean, error};
use crate::options::{Opt, once};
use crate::values::{Value, bare};

/// Which of the two attributes.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Writer {
    /// `#[invalidates(..)]`.
    Invalidates,
    /// `#[updates(..)]`.
    Updates,
}

impl Writer {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Invalidates => "invalidates",
            Self::Updates => "updates",
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::Invalidates => "write what is outdated then: `#[invalidates(product(id), tags = [\"products\"])]`",
            Self::Updates => "write whose entry the returned value is: `#[updates(product(id))]`",
        }
    }
}

/// All that one attribute says.
#[derive(Default)]
pub(crate) struct Targets {
    /// In the order in which they were written.
    pub(crate) all: Vec<Target>,
    pub(crate) tags: Option<Opt<Vec<LitStr>>>,
    pub(crate) krate: Option<Opt<Path>>,
}

/// One thing to forget, or to store.
pub(crate) struct Target {
    /// The closure's argument in `|result| f(result.id)`.
    pub(crate) result: Option<Pat>,
    pub(crate) what: What,
}

/// What it is.
pub(crate) enum What {
    /// `f`: everything of a function.
    All(Path),
    /// `f(args)`: an entry of a function.
    Entry(Path, ExprCall),
    /// `self.item_entry(args)`, `Self::item_entry(args)`: an expression that gives an entry.
    Given(Given),
}

/// An expression that gives an entry.
pub(crate) enum Given {
    /// `self.item_entry(args)`.
    Method(ExprMethodCall),
    /// `Self::item_entry(args)`.
    Function(ExprCall),
}

/// Reads the tokens of the attribute. What can't be read is an error and is left out.
pub(crate) fn parse(attribute: TokenStream, writer: Writer, errors: &mut Errors) -> Targets {
    let mut targets = Targets::default();
    if attribute.is_empty() {
        let name = syn::Error::new(
            proc_macro2::Span::call_site(),
            format_args!("`#[{}]` names nothing\n\nhelp: {}", writer.name(), writer.example()),
        );
        errors.push(name);
        return targets;
    }
    let all = |input: ParseStream<'_>| {
        while !input.is_empty() {
            if let Err(error) = one(&mut targets, input, writer) {
                errors.push(error);
                while !input.is_empty() && !input.peek(Token![,]) {
                    input.parse::<TokenTree>()?;
                }
            } else if !input.is_empty() && !input.peek(Token![,]) {
                let next: TokenTree = input.fork().parse()?;
                errors.at(&next, "expected `,`", writer.example());
                while !input.is_empty() && !input.peek(Token![,]) {
                    input.parse::<TokenTree>()?;
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    };
    if let Err(error) = all.parse2(attribute) {
        errors.push(error);
    }
    targets
}

fn one(targets: &mut Targets, input: ParseStream<'_>, writer: Writer) -> syn::Result<()> {
    if input.peek(Ident::peek_any) && input.peek2(Token![=]) && !input.peek2(Token![==]) {
        return option(targets, input, writer);
    }
    let mut target = input.parse::<Expr>()?;
    while let Expr::Group(group) = target {
        target = *group.expr;
    }
    let target = match target {
        Expr::Closure(mut closure) => {
            if closure.inputs.len() != 1 {
                return Err(error(
                    &closure.inputs,
                    "the closure takes what the function returned",
                    "write `|result| product(result.id)`: in a `Result`, it sees what is inside of `Ok`",
                ));
            }
            if writer == Writer::Updates {
                return Err(error(
                    &closure.inputs,
                    "which entry is updated must be known before the body runs, so that of two writers the later one wins",
                    "name it by the arguments, `#[updates(product(id))]`, or write `#[invalidates(|result| product(result.id))]`",
                ));
            }
            let result = closure.inputs.pop();
            Target { result, what: what(*closure.body, writer)? }
        }
        other => Target { result: None, what: what(other, writer)? },
    };
    if let (Writer::Updates, What::All(path)) = (writer, &target.what) {
        return Err(error(
            path,
            "`#[updates]` stores one entry: which?",
            format_args!("write its arguments, `#[updates({}(id))]`", path.to_token_stream()),
        ));
    }
    targets.all.push(target);
    Ok(())
}

fn option(targets: &mut Targets, input: ParseStream<'_>, writer: Writer) -> syn::Result<()> {
    let name = input.call(Ident::parse_any)?;
    let equals: Token![=] = input.parse()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(error(&equals, format_args!("`{name}` has no value"), writer.example()));
    }
    let value: Expr = input.parse()?;
    match (name.to_string().as_str(), writer) {
        ("tags", Writer::Invalidates) => {
            let value = Value::read(&name, bare(&value).clone())?;
            once(&mut targets.tags, name, value)
        }
        ("tags", Writer::Updates) => Err(error(
            &name,
            "`#[updates]` stores an entry and forgets nothing else",
            "write `#[invalidates(tags = [..])]` beside it",
        )),
        ("crate", _) => {
            let value = Value::read(&name, bare(&value).clone())?;
            once(&mut targets.krate, name, value)
        }
        (other, _) => {
            let help = match did_you_mean(other, ["tags", "crate"]) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => writer.example().to_owned(),
            };
            Err(error(&name, format_args!("unknown option `{name}`"), help))
        }
    }
}

fn what(expr: Expr, writer: Writer) -> syn::Result<What> {
    match expr {
        Expr::Group(group) => what(*group.expr, writer),
        Expr::Paren(paren) => what(*paren.expr, writer),
        Expr::Path(path) if path.qself.is_none() => {
            if path.path.is_ident("self") {
                return Err(not_a_call(&path, writer));
            }
            Ok(What::All(path.path))
        }
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) if path.qself.is_none() => {
                // In an impl there are no companions: this is the method that gives the entry.
                if path.path.segments.first().is_some_and(|first| first.ident == "Self") {
                    return Ok(What::Given(Given::Function(call)));
                }
                Ok(What::Entry(path.path.clone(), call))
            }
            other => Err(not_a_call(other, writer)),
        },
        Expr::MethodCall(call) => Ok(What::Given(Given::Method(call))),
        Expr::Await(wait) => {
            Err(error(&wait.await_token, "nothing is awaited here: the attribute knows how", "remove `.await`"))
        }
        other => Err(not_a_call(&other, writer)),
    }
}

fn not_a_call(tokens: &impl ToTokens, writer: Writer) -> syn::Error {
    let help = match writer {
        Writer::Invalidates => {
            "write `product(id)` for one entry of a cached function, `product` for all of them, `self.item_entry(id)` for the \
             entry of a method, or `tags = [\"products\"]`"
        }
        Writer::Updates => {
            "write `product(id)` for the entry of a cached function, or `self.item_entry(id)` for that of a method"
        }
    };
    error(tokens, "this is no cached function and no call of one", help)
}
