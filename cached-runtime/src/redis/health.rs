//! What the process can ask about its connections, and how it lets go of them. Must never look a configuration up: that is
//! the first use's.

use crate::error::Error;
use crate::redis::breaker::Shown;
use crate::redis::client::{Client, DEFAULT, Kind};
use crate::redis::driver;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

/// How one connection is now, as far as this process knows; asks nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// The connection's name.
    pub name: &'static str,
    /// The server, without user and password.
    pub address: String,
    /// What calls meet there.
    pub state: State,
    /// Why it is not well.
    pub error: Option<Error>,
    /// How often a connection was made.
    pub connections: u64,
    /// Operations that were not answered in time.
    pub timeouts: u64,
    /// How often the circuit breaker opened.
    pub opened: u64,
}

/// What calls meet at a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Configured, and not connected: the next use connects.
    Idle,
    /// Connected, and the last operations went through.
    Well,
    /// The server failed. Functions run without it, and a probe looks for it now and then.
    Failing,
    /// The configuration can't be used.
    Unusable,
}

/// The health of all connections that were installed or used so far.
pub fn health() -> Vec<Health> {
    Client::all().into_iter().filter_map(health_of).collect()
}

pub(crate) fn health_of(client: Client) -> Option<Health> {
    let link = match client.peek()? {
        Ok(link) => link,
        Err(error) => {
            return Some(Health {
                name: client.name(),
                address: String::new(),
                state: State::Unusable,
                error: Some(error),
                connections: 0,
                timeouts: 0,
                opened: 0,
            });
        }
    };
    let (breaker, error) = link.shown();
    let state = match breaker {
        Shown::Closed if link.is_connected() => State::Well,
        Shown::Closed => State::Idle,
        Shown::Open | Shown::HalfOpen => State::Failing,
    };
    let [connections, timeouts, opened] = link.counted();
    Some(Health {
        name: client.name(),
        address: link.settings.address.to_string(),
        state,
        error,
        connections,
        timeouts,
        opened,
    })
}

/// Asks the server of the connection `default` for a sign of life, connecting if need be: `.await` it, or
/// [`wait`](Check::wait) for it in sync code.
///
/// A good place for it is the start of the program: it shows a wrong URL, password or certificate at once.
pub fn check() -> Check {
    check_named(DEFAULT)
}

/// The same for the connection `name`.
pub fn check_named(name: &'static str) -> Check {
    Check(Client::named(name))
}

/// A question to a server, under way once it is awaited or waited for.
#[must_use = "await it, or call `.wait()`"]
#[derive(Debug)]
pub struct Check(Client);

impl Check {
    /// Blocks until the server answered, within a second.
    ///
    /// # Errors
    ///
    /// Why there is no answer, and what to do.
    pub fn wait(self) -> Result<(), Error> {
        driver::block_on(self.into_future())
    }
}

impl IntoFuture for Check {
    type Output = Result<(), Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let mut question = redis::pipe();
            question.cmd("PING");
            self.0.call(question, Kind::Read, &self.0.budget()).await.map(|_| ())
        })
    }
}

/// Closes all connections of the process. The next use makes new ones.
pub fn disconnect() {
    Client::all().into_iter().for_each(Client::restart);
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Idle => "not connected",
            State::Well => "well",
            State::Failing => "failing",
            State::Unusable => "unusable",
        };
        write!(f, "{} ({}): {state}", self.name, self.address)?;
        match &self.error {
            Some(error) => write!(f, ": {error}"),
            None => Ok(()),
        }
    }
}
