//! Who waits for which key to change: pushes of the server's client-side tracking, handed on. Must never block or wait: it
//! runs on the driver.

use parking_lot::Mutex;
use redis::{PushInfo, PushKind, Value};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::watch::{Receiver, Sender, channel};

/// All that waits on one connection's pushes.
#[derive(Debug, Default)]
pub(crate) struct Watches(Mutex<HashMap<Vec<u8>, Sender<()>>>);

/// Tells of changes of one key.
#[derive(Debug)]
pub(crate) struct Watch {
    key: Vec<u8>,
    news: Receiver<()>,
    of: Arc<Watches>,
}

impl Watches {
    pub(crate) fn watch(self: &Arc<Self>, key: &[u8]) -> Watch {
        let mut all = self.0.lock();
        let news = if let Some(sender) = all.get(key) {
            sender.subscribe()
        } else {
            let (sender, receiver) = channel(());
            all.insert(key.to_owned(), sender);
            receiver
        };
        Watch { key: key.to_owned(), news, of: Arc::clone(self) }
    }

    /// The connection's push messages end here.
    pub(crate) fn pushed(&self, push: &PushInfo) {
        if push.kind != PushKind::Invalidate {
            return;
        }
        let all = self.0.lock();
        match push.data.first() {
            Some(Value::Array(keys)) => {
                let named = keys.iter().filter_map(|key| match key {
                    Value::BulkString(key) => all.get(key.as_slice()),
                    _ => None,
                });
                named.for_each(tell);
            }
            // Everything was flushed.
            _ => all.values().for_each(tell),
        }
    }

    /// Pushes may have been missed.
    pub(crate) fn all_changed(&self) {
        self.0.lock().values().for_each(tell);
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.lock().len()
    }
}

fn tell(sender: &Sender<()>) {
    sender.send_replace(());
}

impl Watch {
    /// Waits until the key has changed, or may have, since the last time (or since this was made).
    pub(crate) async fn changed(&mut self) {
        if self.news.changed().await.is_err() {
            // Nobody would ever tell.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut all = self.of.0.lock();
        // This one is still subscribed.
        if all.get(&self.key).is_some_and(|sender| sender.receiver_count() <= 1) {
            all.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::driver::block_on;
    use std::task::{Context, Waker};

    fn invalidate(keys: &[&str]) -> PushInfo {
        let keys = keys.iter().map(|key| Value::BulkString(key.as_bytes().to_vec())).collect();
        PushInfo { kind: PushKind::Invalidate, data: vec![Value::Array(keys)] }
    }

    fn waits(watch: &mut Watch) -> bool {
        std::pin::pin!(watch.changed()).poll(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    #[test]
    fn a_push_before_the_wait_is_not_lost() {
        let watches = Arc::new(Watches::default());
        let (mut one, mut two) = (watches.watch(b"one"), watches.watch(b"two"));
        watches.pushed(&invalidate(&["one", "foreign"]));
        block_on(one.changed());
        assert!(waits(&mut one) && waits(&mut two));
        watches.pushed(&PushInfo { kind: PushKind::Invalidate, data: vec![Value::Nil] });
        block_on(one.changed());
        block_on(two.changed());
        watches.all_changed();
        block_on(two.changed());
    }

    #[test]
    fn nothing_is_left_of_a_watch() {
        let watches = Arc::new(Watches::default());
        let (one, again, other) = (watches.watch(b"k"), watches.watch(b"k"), watches.watch(b"l"));
        assert_eq!(watches.len(), 2);
        drop(one);
        assert_eq!(watches.len(), 2, "another one waits for it");
        drop((again, other));
        assert_eq!(watches.len(), 0);
    }
}
