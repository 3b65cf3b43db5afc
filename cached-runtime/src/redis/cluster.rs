//! A cluster as one connection: commands go to the nodes that have their keys. Must never hold up the healthy nodes' keys
//! for those of a node that is down.

use crate::error::Error;
use crate::redis::connect::{self, Ties};
use crate::redis::driver::{Driver, driver};
use crate::redis::failure::{Failure, failure, not_connected};
use crate::redis::servers::Tls;
use crate::redis::slots::only_slot;
use crate::redis::wire::{Answers, Transport, Wire, answers};
use redis::aio::ConnectionLike;
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr};
use redis::{ConnectionInfo, Pipeline, RedisError, cmd};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// How often a redirection or a broken connection to a node is tried again, within the caller's deadline.
const RETRIES: u32 = 2;
/// Milliseconds between two tries.
const RETRY_WAIT: (u64, u64) = (5, 50);

/// Connections to all nodes.
#[derive(Clone)]
pub(crate) struct Nodes {
    connection: ClusterConnection,
    driver: Driver,
}

pub(crate) async fn connect(nodes: &[ConnectionInfo], tls: &Tls, ties: &Ties) -> Result<Wire, Error> {
    let settings = &ties.settings;
    let cannot = |error| not_connected(&settings.address, &error);
    let builder = ClusterClientBuilder::new(nodes.iter().cloned())
        .retries(RETRIES)
        .min_retry_wait(RETRY_WAIT.0)
        .max_retry_wait(RETRY_WAIT.1)
        // One node that is down must leave time for the others.
        .connection_timeout(settings.connect_deadline / 2)
        .response_timeout(settings.read_deadline.max(settings.write_deadline))
        // The overall deadline is the caller's. One of the client's own would want the caller's runtime to be tokio's.
        .overall_response_timeout(None);
    let builder = match nodes.first() {
        Some(node) => builder.tcp_settings(node.tcp_settings().clone()),
        None => builder,
    };
    let client = with_tls(builder, tls).build().map_err(cannot)?;
    let mut connection = match client.get_async_connection().await {
        Ok(connection) => connection,
        Err(error) => return Err(why(nodes).await.map_or_else(|| cannot(error), cannot)),
    };
    let asked = ties.clock.asked();
    let one_of_them = RoutingInfo::SingleNode(SingleNodeRoutingInfo::Random);
    if let Ok(time) = connection.route_command(cmd("TIME"), one_of_them).await {
        ties.clock.answered(asked, &time);
    }
    let nodes = Nodes { connection, driver: driver()? };
    // Which node pushes would have to come from changes with the slots: waiters poll.
    Ok(Wire::new(Transport::Cluster(nodes), Arc::new(AtomicBool::new(false)), false, None))
}

/// What one of the nodes says to who connects: of the cluster's client no more is to be had than that something failed, and a
/// wrong password or certificate is not to pass for a server that is down.
async fn why(nodes: &[ConnectionInfo]) -> Option<RedisError> {
    connect::open(nodes.first()?, connect::NO_PUSHES).await.err()
}

#[cfg(feature = "redis-tls")]
fn with_tls(builder: ClusterClientBuilder, tls: &Tls) -> ClusterClientBuilder {
    if tls.is_set() { builder.certs(tls.certificates()) } else { builder }
}

#[cfg(not(feature = "redis-tls"))]
fn with_tls(builder: ClusterClientBuilder, _: &Tls) -> ClusterClientBuilder {
    builder
}

impl Nodes {
    /// Commands with keys of one slot stay together and in order; the groups go out at one time. A command whose keys
    /// lie in several slots (MGET, UNLINK) is split by the client below.
    pub(crate) async fn send(self, work: &Pipeline, address: &str) -> Result<Answers, Failure> {
        let mut groups = groups(work);
        if groups.len() == 1 {
            let slot = groups.remove(0).0;
            return self.group(slot, work.clone(), address).await;
        }
        let mut sent = Vec::with_capacity(groups.len());
        for (slot, places) in groups {
            let mut together = Pipeline::with_capacity(places.len());
            for command in places.iter().filter_map(|place| work.cmd_iter().nth(*place)) {
                together.add_command(command.clone());
            }
            let (nodes, address) = (self.clone(), Arc::<str>::from(address));
            let task = self.driver.spawn(async move { nodes.group(slot, together, &address).await });
            sent.push((places, task));
        }
        let mut found = Vec::with_capacity(work.len());
        for (places, task) in sent {
            let answers = task.await.map_err(|_| Failure::Lost("the driver ended".to_owned()))??;
            found.extend(places.into_iter().zip(answers));
        }
        found.sort_unstable_by_key(|(place, _)| *place);
        Ok(found.into_iter().map(|(_, answer)| answer).collect())
    }

    /// All of `work` to the master that has this slot, whatever keys it names.
    pub(crate) async fn send_to(mut self, slot: u16, work: &Pipeline, address: &str) -> Result<Answers, Failure> {
        let master = SingleNodeRoutingInfo::SpecificNode(Route::new(slot, SlotAddr::Master));
        match self.connection.route_pipeline(work.clone(), 0, work.len(), master).await {
            Ok(values) => Ok(answers(work, values, address)),
            Err(error) => Err(failure(address, error)),
        }
    }

    /// `work` lies in one slot, or is a single command.
    async fn group(mut self, slot: Option<u16>, work: Pipeline, address: &str) -> Result<Answers, Failure> {
        let commands = work.len();
        let alone = if work.is_transaction() || work.len() > 1 { None } else { work.cmd_iter().next() };
        let sent = match (alone, slot) {
            (Some(command), _) => self.connection.req_packed_command(command).await.map(|value| vec![value]),
            (None, Some(slot)) => {
                let (skip, count) = if work.is_transaction() { (work.len() + 1, 1) } else { (0, work.len()) };
                let master = SingleNodeRoutingInfo::SpecificNode(Route::new(slot, SlotAddr::Master));
                self.connection.route_pipeline(work.clone(), skip, count, master).await
            }
            (None, None) => self.connection.req_packed_commands(&work, 0, work.len()).await,
        };
        match sent.map_err(|error| failure(address, error)) {
            Ok(values) => Ok(answers(&work, values, address)),
            Err(Failure::Refused(error)) => Ok(vec![Err(error); commands]),
            Err(other) => Err(other),
        }
    }
}

/// The places of the commands by their slot; those without one slot are each for themselves.
fn groups(work: &Pipeline) -> Vec<(Option<u16>, Vec<usize>)> {
    let mut groups: Vec<(Option<u16>, Vec<usize>)> = Vec::new();
    for (place, slot) in work.cmd_iter().map(only_slot).enumerate() {
        match groups.iter_mut().find(|(of, _)| slot.is_some() && *of == slot) {
            Some((_, places)) => places.push(place),
            None => groups.push((slot, vec![place])),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_grouped_by_slot_and_keep_their_places() {
        let mut work = Pipeline::new();
        work.cmd("GET")
            .arg("{a}1")
            .cmd("GET")
            .arg("{b}1")
            .cmd("SET")
            .arg("{a}2")
            .arg("x")
            .cmd("MGET")
            .arg("a")
            .arg("b");
        work.cmd("PING").cmd("EVALSHA").arg("sha").arg(1).arg("{b}2");
        let places: Vec<_> = groups(&work).into_iter().map(|(slot, places)| (slot.is_some(), places)).collect();
        assert_eq!(places, [(true, vec![0, 2]), (true, vec![1, 5]), (false, vec![3]), (false, vec![4])]);
    }
}
