//! The rules about freshness: stale windows, refreshing ahead, timeouts. Must never stop at the first mistake.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{Type, TypePath};

use crate::errors::Errors;
use crate::function::{Flow, Function, ungroup};
use crate::options::{Backend, Companion, Opt, Options, Time, Toggle, Ttl};
use crate::owning::{self, Passing};
use crate::plan::Plan;
use crate::rules::named;

/// Whether the function has a window, so that a call may find a stale value and a load that goes on without it.
pub(crate) fn has_windows(options: &Options) -> bool {
    options.stale_while_revalidate.is_some()
        || options.stale_if_error.is_some()
        || options.refresh_ahead.is_some()
        || options.soft_timeout.is_some()
}

/// What the documentation says of renewals: who does them, and why. Nothing without a window.
pub(crate) fn who_renews(plan: &Plan) -> Option<String> {
    if !has_windows(&plan.options) {
        return None;
    }
    let inline = |why: &str| {
        format!(
            "A value that is due is renewed by one of the calls that find it: that one waits for the load and has the new \
             value, the others have the old one meanwhile. It is not done in the background, since {why}."
        )
    };
    if plan.single.is_some() && plan.remote {
        return Some(inline("of many ids in Redis it is the call that renews"));
    }
    Some(match (&plan.background, plan.function.flow) {
        (Some(passing), _) if passing.contains(&Passing::Borrowed) => "A value that is due is renewed in the background of \
            the tokio runtime that finds it so, and all calls have the old one meanwhile: what is borrowed is cloned for \
            that. Where an argument can't be cloned and sent to another thread (`Clone + Send + Sync + 'static`), where the \
            load itself can't be sent, outside of such a runtime, or without the feature `tokio`, one call waits for the load \
            and has the new value."
            .to_owned(),
        (Some(_), _) => "A value that is due is renewed in the background of the tokio runtime that finds it so, and all \
            calls have the old one meanwhile. Where an argument or the load itself can't be sent to another thread, \
            outside of such a runtime, or without the feature `tokio`, one call waits for the load and has the new value."
            .to_owned(),
        (None, Flow::Sync) => inline("the function is not async"),
        (None, Flow::Boxed) => inline("the function returns a boxed future"),
        (None, Flow::Async) if plan.local => inline("an entry of one thread can't be filled from another"),
        (None, Flow::Async) => match owning::ownable(&plan.function) {
            Err(why) => inline(&why),
            Ok(_) => inline("the function has no companion"),
        },
    })
}

/// All of them.
pub(crate) fn check_windows(options: &Options, function: &Function, errors: &mut Errors) {
    check_ttl(options, errors);
    check_lengths(options, errors);
    if let (Some(option), Some(Opt { name: kept, value: Toggle::On | Toggle::For(_) })) =
        (&options.stale_if_error, &options.cache_err)
    {
        errors.at(
            &option.name,
            format_args!("with `{kept}` an `Err` takes the old value's place: there is nothing stale to serve"),
            "remove `stale_if_error`, or `cache_err`",
        );
    }
    check_soft_timeout(options, function, errors);
    check_timeout(options, function, errors);
}

/// A window begins where the ttl ends.
fn check_ttl(options: &Options, errors: &mut Errors) {
    let ends = matches!(&options.ttl, Some(Opt { value: Ttl::Time(_) | Ttl::Of(_), .. })) || options.is_broken("ttl");
    if ends || options.cache.is_some() {
        return;
    }
    let of_a_ttl = [
        (named(options.stale_while_revalidate.as_ref()), "begins where the `ttl` ends"),
        (named(options.stale_if_error.as_ref()), "begins where the `ttl` ends"),
        (named(options.refresh_ahead.as_ref()), "counts from the `ttl`"),
    ];
    for (option, begins) in of_a_ttl {
        let Some(option) = option else { continue };
        let never = if options.ttl.is_some() { "here it never ends" } else { "there is none" };
        errors.at(
            option,
            format_args!("`{option}` {begins}, and {never}"),
            format_args!("write a duration, `ttl = \"60s\"`, or remove `{option}`"),
        );
    }
}

fn check_lengths(options: &Options, errors: &mut Errors) {
    for option in [&options.stale_while_revalidate, &options.stale_if_error, &options.soft_timeout, &options.timeout] {
        if let Some(Opt { name, value: Time::Literal(duration) }) = option
            && duration.is_zero()
        {
            let what = if name.to_string().ends_with("timeout") { "leaves no time for a load" } else { "does nothing" };
            errors.at(
                name,
                format_args!("`{name}` of zero {what}"),
                format_args!("write a longer one, or remove `{name}`"),
            );
        }
    }
    if let (Some(Opt { name, value: Time::Literal(soft) }), Some(Opt { value: Time::Literal(hard), .. })) =
        (&options.soft_timeout, &options.timeout)
        && soft >= hard
    {
        errors.at(
            name,
            "the `soft_timeout` is no shorter than the `timeout`, which ends the load",
            "write a shorter one, or remove it",
        );
    }
}

fn check_soft_timeout(options: &Options, function: &Function, errors: &mut Errors) {
    let Some(Opt { name, .. }) = &options.soft_timeout else { return };
    if options.stale_if_error.is_none() && !options.is_broken("stale_if_error") && options.cache.is_none() {
        errors.at(
            name,
            "`soft_timeout` gives a stale value when a load takes longer, and there is no window to take one from",
            "add `stale_if_error = \"1h\"`; for an error after some time, write `timeout`",
        );
    }
    if function.flow != Flow::Async {
        not_sync(name, "a load goes on when the call is answered: that takes an async function", function, errors);
    } else if let Some(Opt { name: companion, value: Companion::Off }) = &options.companion {
        errors.at(
            companion,
            "after a `soft_timeout` the load goes on without the caller, and it needs a companion for that",
            "remove `companion = false`, or `soft_timeout`",
        );
    } else if let Some(Opt { name: backend, value: Backend::Local }) = &options.backend {
        errors.at(
            backend,
            "after a `soft_timeout` the load goes on without the caller, and an entry of one thread can't be filled from another",
            "remove `backend = local`, or `soft_timeout`",
        );
    } else if owning::calls_itself(function) {
        errors.at(
            name,
            "after a `soft_timeout` the load goes on without the caller, and whether that of a function that calls itself can be \
             sent to another thread hangs on itself",
            "remove `soft_timeout`, or put what calls itself into a function of its own",
        );
    } else if let Err(why) = owning::ownable(function) {
        errors.at(
            name,
            format_args!("after a `soft_timeout` the load goes on without the caller, and {why}"),
            "take owned or plainly borrowed arguments (`&T` where `T: Clone`), or remove `soft_timeout`",
        );
    }
}

fn check_timeout(options: &Options, function: &Function, errors: &mut Errors) {
    let Some(Opt { name, .. }) = &options.timeout else { return };
    if function.flow == Flow::Sync {
        not_sync(name, "a load of a sync function can't be stopped", function, errors);
    } else if is_no_result(&function.returns) {
        let returns = function.returns.to_token_stream();
        errors.at(
            name,
            format_args!("a load that takes too long ends in an error, and `{returns}` has no place for one"),
            format_args!("return `Result<{returns}, E>` with `E: From<cached_runtime::TimedOut>`, or remove `{name}`"),
        );
    }
}

fn not_sync(option: &Ident, why: &str, function: &Function, errors: &mut Errors) {
    let function = &function.signature.ident;
    errors.at(option, why, format_args!("write `async fn {function}`, or remove `{option}`"));
}

/// What certainly is no `Result`, however it is written: an alias may have any name.
fn is_no_result(ty: &Type) -> bool {
    const OTHERS: [&str; 25] = [
        "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64", "bool",
        "char", "String", "Option", "Vec", "Arc", "Box", "HashMap", "BTreeMap", "HashSet", "Rc",
    ];
    match ungroup(ty) {
        Type::Tuple(_) | Type::Array(_) | Type::Reference(_) => true,
        Type::Path(TypePath { path, qself: None, .. }) => {
            path.segments.last().is_some_and(|last| OTHERS.iter().any(|other| last.ident == other))
        }
        _ => false,
    }
}
