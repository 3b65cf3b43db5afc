//! What forms send, and what is wrong with it. Must never keep a value that was not checked.

use crate::db::Patch;
use crate::model::{Cents, Product};
use serde::Deserialize;

/// The form of a product, as it was typed. A field that is missing is empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ProductForm {
    pub(crate) name: String,
    pub(crate) price: String,
    pub(crate) description: String,
}

/// What is wrong, by field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Errors {
    pub(crate) name: Option<&'static str>,
    pub(crate) price: Option<&'static str>,
    pub(crate) description: Option<&'static str>,
}

impl Errors {
    pub(crate) fn any(&self) -> bool {
        *self != Self::default()
    }
}

impl From<&Product> for ProductForm {
    fn from(product: &Product) -> Self {
        let (name, description) = (product.name.clone(), product.description.clone());
        Self { name, price: product.price.to_string(), description }
    }
}

impl ProductForm {
    /// What to write, or what is wrong.
    pub(crate) fn check(&self) -> Result<Patch, Errors> {
        let price = Cents::parse(self.price.trim());
        let name = line(&self.name, 100).ok_or("A name has 1 to 100 characters on one line.");
        let description = text(&self.description, 2000).ok_or("A description has at most 2000 characters.");
        match (name, price, description) {
            (Ok(name), Some(price), Ok(description)) => Ok(Patch { name, description, price }),
            (name, price, description) => Err(Errors {
                name: name.err(),
                price: price.is_none().then_some("A price is a number like 12.50, from 0 to 1000000."),
                description: description.err(),
            }),
        }
    }
}

/// The form of a user's e-mail address or name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct UserForm {
    pub(crate) email: String,
    pub(crate) name: String,
}

impl UserForm {
    pub(crate) fn email(&self) -> Result<String, &'static str> {
        let email = line(&self.email, 200).filter(|email| {
            let parts = email.split_once('@');
            !email.contains(char::is_whitespace)
                && parts.is_some_and(|(user, host)| !user.is_empty() && host.contains('.') && !host.contains('@'))
        });
        email.ok_or("This is no e-mail address.")
    }

    pub(crate) fn name(&self) -> Result<String, &'static str> {
        line(&self.name, 100).ok_or("A name has 1 to 100 characters on one line.")
    }
}

/// One line that says something.
fn line(input: &str, most: usize) -> Option<String> {
    let line = input.trim();
    let fits = !line.is_empty() && line.chars().count() <= most && !line.contains(char::is_control);
    fits.then(|| line.to_owned())
}

/// Any number of lines, as browsers send them (`\r\n`), with nothing but line ends and tabs for control characters.
fn text(input: &str, most: usize) -> Option<String> {
    let text = input.trim().replace("\r\n", "\n");
    let plain = !text.contains(|c: char| c.is_control() && c != '\n' && c != '\t');
    (plain && text.chars().count() <= most).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(name: &str, price: &str, description: &str) -> ProductForm {
        ProductForm { name: name.into(), price: price.into(), description: description.into() }
    }

    #[test]
    fn each_field_has_its_own_error() {
        let patch = form(" Lamp ", " 12.5", "a\r\nb").check().unwrap();
        assert_eq!((patch.name.as_str(), patch.price, patch.description.as_str()), ("Lamp", Cents(1250), "a\nb"));
        let errors = form("", "cheap", &"x".repeat(2001)).check().unwrap_err();
        assert!(errors.name.is_some() && errors.price.is_some() && errors.description.is_some());
        let errors = form(&"é".repeat(100), "-1", "").check().unwrap_err();
        assert!(errors.name.is_none() && errors.price.is_some() && errors.description.is_none());
        for wrong in ["a\nb", "a\0", "\u{7f}", "   ", &"x".repeat(101)] {
            assert!(form(wrong, "1", "").check().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn addresses_look_like_addresses() {
        let check = |email: &str| UserForm { email: email.into(), ..UserForm::default() }.email().is_ok();
        assert!(check("a@b.c") && check(" a.b+c@d.example "));
        for wrong in ["", "a", "@b.c", "a@", "a@b", "a b@c.d", "a@b.c\r\nBcc: x@y.z", "a@b@c.d"] {
            assert!(!check(wrong), "{wrong:?}");
        }
    }
}
