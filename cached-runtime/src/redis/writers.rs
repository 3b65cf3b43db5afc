//! Functions that write, over entries in Redis: what they hold from before their body until after it. Must never commit a
//! value whose ticket was not acknowledged before the body began.
//!
//! Two writers of a key may commit to their database in one order and come here in the other. So a writer takes a ticket
//! before its body, and commits only if nobody else had one meanwhile; otherwise the entry goes, and the next call loads.
//! Tickets are those of writers that are under way: they are prolonged while one is, and end with it, or a minute after its
//! process. Once writers that crossed have ended, the next one stores again.
//!
//! The ticket counts from the server's acknowledgement: one that arrives while the body runs may be later than another
//! writer's commit, and would let the older value win. Without an acknowledgement (the server is away, or nobody waited for
//! it) a commit is an invalidation; one that fails is queued and repeated, as all invalidations are.

use super::core::{Core, RemoteKey, RemoteValue};
use super::keys::Name;
use super::remote::WriteTicket;
use crate::acting::Acting;
use crate::at::At;
use crate::error::{Error, ErrorKind};
use crate::key::{Val, View};
use crate::outcome::{KeptBy, Outcome};
use crate::store::Redis;
use crate::writers::{Forget, Write};
use std::fmt;
use std::sync::Arc;
use tokio::sync::oneshot;

/// An entry that is to be forgotten once a body has succeeded.
pub struct Forgetting<V: 'static> {
    core: Arc<Core<V>>,
    name: Result<Name, Error>,
}

impl<V> fmt::Debug for Forgetting<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Forgetting")
    }
}

impl<V: RemoteValue> Forget for Forgetting<V> {
    fn forget(self) -> Acting {
        match self.name {
            Ok(name) => self.core.invalidate(name),
            Err(error) => Acting::failed(error),
        }
    }
}

/// How far a ticket has come.
enum Ticket {
    /// It is on its way.
    Asked(oneshot::Receiver<Result<WriteTicket, Error>>),
    /// The body began after its acknowledgement; what is held with it has it prolonged.
    Held(WriteTicket, oneshot::Sender<()>),
    /// There is none.
    None,
}

/// An entry that is to become what a body returns. Dropped, it forgets the entry: nobody knows what the body did.
pub struct Writing<O: Outcome<Value: RemoteValue>> {
    core: Arc<Core<O::Value>>,
    name: Option<Result<Name, Error>>,
    outcome: O,
    ticket: Ticket,
}

impl<O: Outcome<Value: RemoteValue>> fmt::Debug for Writing<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writing")
    }
}

impl<O: Outcome<Value: RemoteValue>> Writing<O> {
    /// The name, for the one who ends it.
    fn end(&mut self) -> Result<Name, Error> {
        let ended = || Err(Error::new(ErrorKind::Config, "a write ends once"));
        self.name.take().unwrap_or_else(ended)
    }

    fn told(&mut self, told: Result<Result<WriteTicket, Error>, oneshot::error::RecvError>) {
        // Why there is none was counted; the commit will invalidate.
        self.ticket = match (told, &self.name) {
            (Ok(Ok(ticket)), Some(Ok(name))) => {
                let (hold, dropped) = oneshot::channel();
                self.core.remote.keep_ticket(name, &ticket, dropped);
                Ticket::Held(ticket, hold)
            }
            _ => Ticket::None,
        };
    }

    fn forget(&mut self) -> Acting {
        match self.end() {
            Ok(name) => self.core.invalidate(name),
            Err(error) => Acting::failed(error),
        }
    }
}

impl<O: Outcome<Value: RemoteValue> + Send> Write<O::Ret> for Writing<O> {
    fn begin(&mut self) {
        if let Ticket::Asked(told) = &mut self.ticket {
            let told = super::block_on(told);
            self.told(told);
        }
    }

    async fn begin_async(&mut self) {
        if let Ticket::Asked(told) = &mut self.ticket {
            let told = told.await;
            self.told(told);
        }
    }

    fn commit<T: KeptBy<O::Ret>>(mut self, value: &T) -> Acting {
        // The user's code first: should it panic, the drop of `self` forgets the entry.
        let ret = value.to_ret();
        let Ticket::Held(ticket, _hold) = std::mem::replace(&mut self.ticket, Ticket::None) else {
            return self.forget();
        };
        match &self.name {
            Some(Ok(name)) => {
                let acting = self.core.set(name.clone(), self.outcome, &ret, Some(ticket));
                self.name = None;
                acting
            }
            _ => self.forget(),
        }
    }

    fn abandon(mut self) -> Acting {
        self.forget()
    }

    fn release(mut self) -> Acting {
        if let (Ok(name), Ticket::Held(ticket, _)) = (self.end(), std::mem::replace(&mut self.ticket, Ticket::None)) {
            let remote = Arc::clone(&self.core.remote);
            self.core.remote.client.spawn(async move {
                // One that stays makes others' commits invalidations, until its time is over.
                drop(remote.return_ticket(&name, ticket, &remote.client.budget()).await);
            });
        }
        Acting::done()
    }
}

impl<O: Outcome<Value: RemoteValue>> Drop for Writing<O> {
    fn drop(&mut self) {
        if self.name.is_some() {
            // It has begun, and is queued if it fails.
            drop(self.forget());
        }
    }
}

impl<K, O> At<'_, Val<K>, O, Redis>
where
    K: RemoteKey,
    O: Outcome<Value: RemoteValue>,
    Val<K>: View<Owned = K>,
{
    /// What a function needs that will make this entry invalid.
    pub fn forgetting(self) -> Forgetting<O::Value> {
        Forgetting { core: Arc::clone(self.core()), name: self.bare_name() }
    }

    /// What a function needs whose value will become this entry. Its ticket is on its way when this returns; wait for it
    /// with [`Write::begin`] or [`Write::begin_async`] before the body.
    pub fn writing(self) -> Writing<O> {
        let (core, name) = (Arc::clone(self.core()), self.name());
        let ticket = match &name {
            Err(_) => Ticket::None,
            Ok(name) => {
                let (tell, told) = oneshot::channel();
                let (remote, name) = (Arc::clone(&core.remote), name.clone());
                core.remote.client.spawn(async move {
                    let taken = remote.take_ticket(&name, &remote.client.budget()).await;
                    if let Err(Ok(ticket)) = tell.send(taken) {
                        // Its writer has gone. Should this fail, it is left to its time.
                        drop(remote.return_ticket(&name, ticket, &remote.client.budget()).await);
                    }
                });
                Ticket::Asked(told)
            }
        };
        Writing { core, name: Some(name), outcome: self.outcome, ticket }
    }
}
