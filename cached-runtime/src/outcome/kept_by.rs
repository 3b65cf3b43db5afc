//! What `set` takes: the value, or what the function returns. Must never take anything else.

/// What `set` takes for a function that returns `R`: the value, or what the function returns.
#[diagnostic::on_unimplemented(
    message = "`set` takes the value or what the function returns, not `{Self}`",
    label = "the function returns `{R}`"
)]
pub trait KeptBy<R>: Clone {
    /// What the function would have returned.
    fn to_ret(&self) -> R;
}

impl<T: Clone> KeptBy<T> for T {
    fn to_ret(&self) -> T {
        self.clone()
    }
}

impl<T: Clone> KeptBy<Option<T>> for T {
    fn to_ret(&self) -> Option<T> {
        Some(self.clone())
    }
}

impl<T: Clone, E> KeptBy<Result<T, E>> for T {
    fn to_ret(&self) -> Result<T, E> {
        Ok(self.clone())
    }
}

impl<T: Clone, E> KeptBy<Result<Option<T>, E>> for T {
    fn to_ret(&self) -> Result<Option<T>, E> {
        Ok(Some(self.clone()))
    }
}
