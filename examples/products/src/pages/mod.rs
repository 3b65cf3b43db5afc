//! The pages for people, a file for each kind. Must never talk to the database except through `catalogue`, `users` and the like.

pub(crate) mod benchmark;
pub(crate) mod compare;
pub(crate) mod home;
pub(crate) mod http;
pub(crate) mod products;
pub(crate) mod users;
pub(crate) mod views;
pub(crate) mod weather;
