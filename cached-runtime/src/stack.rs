//! Which loads this thread (or the task it polls) is inside of, and who waits for whom: finds recursion and wait
//! cycles. Must never be touched by a hit, and must never wait.
//!
//! A load is known by its ticket. Around a body (for async: around each poll of it) its ticket stands on a thread-local
//! stack, so a call knows what it is nested in. A call that is about to wait for a flight, and is itself inside of
//! loads, enters one global list: *these loads wait for that flight*. Before it enters, it follows the list from the
//! flight's leaders; if that leads back to a load of its own stack, the wait would never end, and it runs the body
//! instead. Check and entry happen under one mutex, so of several calls that would close a cycle together the last one
//! to enter sees all the others. Calls outside of any load can't be part of a cycle and never touch the list.

use crate::flight::Bell;
use crate::sync::{AtomicU64, Mutex, Ordering, process_wide, thread_local};
use std::cell::RefCell;
use std::sync::Arc;

thread_local! {
    static STACK: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// Takes its ticket off the stack when dropped, also by a panic.
pub(crate) struct Inside {
    pushed: bool,
}

impl Inside {
    /// This thread runs (or polls) the body of the load `ticket` until the guard is dropped.
    pub(crate) fn enter(ticket: u64) -> Self {
        Self { pushed: with(|stack| stack.push(ticket)).is_some() }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        if self.pushed {
            with(Vec::pop);
        }
    }
}

/// `None` while the thread ends and its thread-locals are gone: a call from another thread-local's drop then counts as
/// one outside of any load, and its waits end by their bound.
fn with<R>(f: impl FnOnce(&mut Vec<u64>) -> R) -> Option<R> {
    STACK.try_with(|stack| f(&mut stack.borrow_mut())).ok()
}

/// The tickets of the loads that the caller is inside of, outermost first.
pub(crate) fn current() -> Vec<u64> {
    with(|stack| stack.clone()).unwrap_or_default()
}

/// Whether the caller is inside of any load.
pub(crate) fn is_inside_any() -> bool {
    with(|stack| !stack.is_empty()).unwrap_or(false)
}

/// Whether the caller is inside of the load `ticket`.
pub(crate) fn is_inside(ticket: u64) -> bool {
    with(|stack| stack.contains(&ticket)).unwrap_or(false)
}

/// A call that waits inside of loads: an edge from each of them to the flight.
struct Edge {
    id: u64,
    stack: Vec<u64>,
    flight: Arc<Bell>,
}

process_wide! {
    /// One global list: it only ever holds calls that wait inside of other loads, which are few.
    /// Lock order: this, then a flight's bell. Never taken under a shard's lock.
    static EDGES: Mutex<Vec<Edge>> = Mutex::new(Vec::new());
}

process_wide! {
    static NEXT_ID: AtomicU64 = AtomicU64::new(0);
}

/// Leaves the list when dropped.
pub(crate) struct Waiting(Option<u64>);

/// Notes that the caller waits for `flight`; `None` if that would close a cycle.
pub(crate) fn wait_for(flight: &Arc<Bell>) -> Option<Waiting> {
    let stack = current();
    if stack.is_empty() {
        return Some(Waiting(None));
    }
    let mut edges = EDGES.lock();
    if reaches(&edges, flight, &stack) {
        return None;
    }
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    edges.push(Edge { id, stack, flight: Arc::clone(flight) });
    Some(Waiting(Some(id)))
}

/// Whether one of the leaders of `flight` waits, directly or through others, for a load in `stack`.
fn reaches(edges: &[Edge], flight: &Arc<Bell>, stack: &[u64]) -> bool {
    let mut open = flight.leaders();
    let mut seen = Vec::new();
    while let Some(ticket) = open.pop() {
        if stack.contains(&ticket) {
            return true;
        }
        if seen.contains(&ticket) {
            continue;
        }
        seen.push(ticket);
        for edge in edges.iter().filter(|edge| edge.stack.contains(&ticket)) {
            open.extend(edge.flight.leaders());
        }
    }
    false
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(id) = self.0 else { return };
        let mut edges = EDGES.lock();
        let at = edges.iter().position(|edge| edge.id == id);
        let edge = at.map(|at| edges.swap_remove(at));
        drop(edges);
        // It may be the last that holds the bell, and with it the wakers of others, whose drop is foreign code.
        drop(edge);
    }
}
