//! The mistakes and the item as it was, so that editors keep working. Must never change the item.

use proc_macro2::TokenStream;

use crate::errors::Errors;

/// `compile_error!` for each mistake, then the item.
pub(crate) fn expand(errors: Errors, item: TokenStream) -> TokenStream {
    let mut tokens = errors.into_tokens();
    tokens.extend(item);
    tokens
}
