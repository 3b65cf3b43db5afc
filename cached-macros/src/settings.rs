//! Options to calls on the runtime's builder. Must never know the function.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote_spanned};

use crate::expand::{Expansion, quote};
use crate::names::is_supported;
use crate::options::{Ahead, Backend, Capacity, Codec, Envelope, Eviction, Jitter, Opt, Time, Ttl, Weight};
use crate::scope::ours;
use crate::signature::resolved;

impl Expansion<'_> {
    /// `options`, with all that is said of the cache.
    pub(crate) fn options(&self) -> TokenStream {
        let settings = self.settings();
        let options = quote!(options #settings);
        let Some(Opt { name, value }) = &self.plan.options.soft_timeout else { return options };
        let (root, bound) = (&self.probes.root, time(value));
        let span = name.span().resolved_at(Span::mixed_site());
        quote_spanned!(span=> #root::__soft_timeout!(#options, #bound))
    }

    /// The calls on the builder.
    fn settings(&self) -> TokenStream {
        let rt = &self.rt;
        let options = &self.plan.options;
        let mut settings = TokenStream::new();
        let mut set = |name: &Ident, value: TokenStream| {
            // The method stands where the option's name does, so that a wrong value is shown beside it.
            let method = Ident::new(&name.to_string(), name.span().resolved_at(Span::mixed_site()));
            settings.extend(quote!(.#method(#value)));
        };
        if let Some(Opt { name, value }) = &options.name {
            set(name, value.to_token_stream());
        }
        if let Some(Opt { name, value }) = &options.version {
            set(name, value.to_token_stream());
        }
        match &options.capacity {
            Some(Opt { name, value: Capacity::Expr(expr) }) => set(name, expr.to_token_stream()),
            Some(Opt { name, value: Capacity::Unbounded }) => {
                set(&Ident::new("unbounded", name.span()), TokenStream::new());
            }
            None => {}
        }
        if let Some(Opt { name, value }) = &options.eviction {
            let kind = match value {
                Eviction::Lru => ours("Lru"),
                Eviction::Sieve => ours("Sieve"),
            };
            set(name, quote!(#rt::Eviction::#kind));
        }
        if let Some(Opt { name, value: Ttl::Time(value) }) = &options.ttl {
            set(name, time(value));
        }
        if let Some(Opt { name, value }) = &options.tti {
            set(name, time(value));
        }
        match &options.jitter {
            Some(Opt { name, value: Jitter::Time(duration) }) => set(name, literal(*duration)),
            Some(Opt { name, value: Jitter::Expr(expr) }) => set(name, expr.to_token_stream()),
            None => {}
        }
        for Opt { name, value } in [&options.stale_while_revalidate, &options.stale_if_error].into_iter().flatten() {
            set(name, time(value));
        }
        match &options.refresh_ahead {
            Some(Opt { name, value: Ahead::Share(share) }) => set(name, share.to_token_stream()),
            Some(Opt { name, value: Ahead::Xfetch }) => set(name, quote!(#rt::RefreshAhead::xfetch())),
            None => {}
        }
        match &options.max_weight {
            Some(Opt { name, value: Weight::Literal(bytes) }) => set(name, quote!(#bytes)),
            Some(Opt { name, value: Weight::Expr(expr) }) => set(name, expr.to_token_stream()),
            None => {}
        }
        if let Some(Opt { name, value }) = &options.weigh {
            set(name, value.to_token_stream());
        }
        settings.extend(self.remote_settings());
        settings.extend(self.text());
        settings
    }

    /// How a key that is a template reads as text, for `invalidate_matching`. In Redis the server has the text.
    fn text(&self) -> Option<TokenStream> {
        let pieces =
            self.plan.key.pieces.as_ref().filter(|_| !self.plan.remote && is_supported("invalidate_matching"))?;
        let rt = &self.rt;
        let parts = self.plan.key.parts.len();
        let steps = pieces.iter().enumerate().map(|(at, piece)| {
            let piece = (!piece.is_empty()).then(|| quote!(out.write_str(#piece).ok()?;));
            let part = (at < parts).then(|| {
                let place = if parts == 1 {
                    quote!(key)
                } else {
                    let at = syn::Index::from(at);
                    quote!(&key.#at)
                };
                quote!(#rt::Text(#place).__text(out)?;)
            });
            quote!(#piece #part)
        });
        // The fall-back is not used where every part has a text.
        Some(quote!(.text(|key, out| {
            #[allow(unused_imports)]
            use #rt::NoText as _;
            let _ = key;
            #(#steps)*
            ::core::option::Option::Some(())
        })))
    }

    /// Those that only a cache in Redis has.
    fn remote_settings(&self) -> TokenStream {
        let options = &self.plan.options;
        let Some(Opt { value: Backend::Redis(word, connection), .. }) = &options.backend else {
            return TokenStream::new();
        };
        let root = &self.probes.root;
        let mut settings = TokenStream::new();
        if let Some(connection) = connection {
            let method = resolved(word);
            settings.extend(quote!(.#method(#connection)));
        }
        if let Some(pieces) = &self.plan.key.pieces {
            settings.extend(quote!(.template(&[#(#pieces),*])));
        }
        if let Some(Opt { name, value: Envelope::Off }) = &options.envelope {
            let method = Ident::new("plain", name.span().resolved_at(Span::mixed_site()));
            settings.extend(quote!(.#method()));
        }
        if let Some(Opt { name, value }) = &options.codec {
            let codec = match value {
                Codec::Json => ours("json"),
                Codec::Msgpack => ours("msgpack"),
                Codec::Postcard => ours("postcard"),
            };
            let span = name.span().resolved_at(Span::mixed_site());
            settings.extend(quote_spanned!(span=> .codec(#root::__codec!(#codec))));
        }
        if let Some(Opt { name, value }) = &options.compress_above {
            let bytes = match value {
                Weight::Literal(bytes) => {
                    Literal::usize_unsuffixed(usize::try_from(*bytes).unwrap_or(usize::MAX)).to_token_stream()
                }
                Weight::Expr(expr) => expr.to_token_stream(),
            };
            let span = name.span().resolved_at(Span::mixed_site());
            settings.extend(quote_spanned!(span=> .compress_above(#root::__compressed!(#bytes))));
        }
        settings
    }
}

/// A duration.
pub(crate) fn time(time: &Time) -> TokenStream {
    match time {
        Time::Literal(duration) => literal(*duration),
        Time::Expr(expr) => expr.to_token_stream(),
    }
}

fn literal(duration: std::time::Duration) -> TokenStream {
    let (secs, nanos) = (duration.as_secs(), duration.subsec_nanos());
    quote!(::core::time::Duration::new(#secs, #nanos))
}
