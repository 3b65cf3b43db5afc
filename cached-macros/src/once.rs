//! What is evaluated once, at the first call, reads no arguments: the check. Must never look at what is evaluated at each call.

use syn::visit_mut::VisitMut;
use syn::{Expr, ExprPath, Ident};

use crate::errors::Errors;
use crate::function::Function;
use crate::options::{Ahead, Backend, Capacity, Jitter, Opt, Options, Time, Toggle, Ttl, Weight};
use crate::scope;

pub(crate) fn check_evaluated_once(options: &Options, function: &Function, errors: &mut Errors) {
    let mut once: Vec<(&Ident, &Expr)> = Vec::new();
    if let Some(Opt { name, value: Ttl::Time(Time::Expr(value)) | Ttl::Of(value) }) = &options.ttl {
        once.push((name, value));
    }
    if let Some(Opt { name, value: Time::Expr(value) }) = &options.tti {
        once.push((name, value));
    }
    for option in [&options.stale_while_revalidate, &options.stale_if_error, &options.soft_timeout, &options.timeout] {
        if let Some(Opt { name, value: Time::Expr(value) }) = option {
            once.push((name, value));
        }
    }
    if let Some(Opt { name, value: Ahead::Share(value) }) = &options.refresh_ahead {
        once.push((name, value));
    }
    for option in [&options.cache_err, &options.cache_none, &options.coalesce] {
        if let Some(Opt { name, value: Toggle::For(Time::Expr(value)) }) = option {
            once.push((name, value));
        }
    }
    if let Some(Opt { name, value: Jitter::Expr(value) }) = &options.jitter {
        once.push((name, value));
    }
    if let Some(Opt { name, value: Capacity::Expr(value) }) = &options.capacity {
        once.push((name, value));
    }
    for option in [&options.max_weight, &options.compress_above] {
        if let Some(Opt { name, value: Weight::Expr(value) }) = option {
            once.push((name, value));
        }
    }
    if let Some(Opt { name, value: Backend::Redis(_, Some(value)) }) = &options.backend {
        once.push((name, value));
    }
    for Opt { name, value } in
        [&options.weigh, &options.name, &options.version, &options.cache_if].into_iter().flatten()
    {
        once.push((name, value));
    }
    for (name, expr) in once {
        if let Some(argument) = first_read(expr, function) {
            let help = match name.to_string().as_str() {
                "cache_if" => {
                    "it sees the value only: `|value| ..`; to leave calls out by their arguments, say `bypass_if = ..`"
                        .to_owned()
                }
                "weigh" => "it sees the key and the value: `|key, value| ..`".to_owned(),
                other => format!("`{other}` holds for all calls and is evaluated once: write a constant or a call"),
            };
            errors.at(&argument, format_args!("`{name}` can't read the argument `{argument}`"), help);
        }
        if scope::reads_self(expr) {
            errors.at(
                expr,
                format_args!("`{name}` can't read `self`"),
                "it holds for all instances; `cache = self.products` gives each instance its own cache",
            );
        }
    }
}

/// The first word in `expr` that is an argument, as it stands there.
fn first_read(expr: &Expr, function: &Function) -> Option<Ident> {
    let read = scope::reads(expr, function);
    let argument = &function.arguments[*read.first()?];
    let name = argument.binds.first().unwrap_or(&argument.name);
    let mut find = Find(name, None);
    find.visit_expr_mut(&mut expr.clone());
    Some(find.1.unwrap_or_else(|| name.clone()))
}

/// Finds a name in an expression.
struct Find<'f>(&'f Ident, Option<Ident>);

impl VisitMut for Find<'_> {
    fn visit_expr_path_mut(&mut self, path: &mut ExprPath) {
        if let Some(name) = path.path.get_ident()
            && name == self.0
        {
            self.1.get_or_insert_with(|| name.clone());
        }
    }
}
