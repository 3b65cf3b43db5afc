//! Three masters that share the slots. No replicas, no fail-over: what a client must get right about several nodes, and nothing more.

use super::Server;
use crate::eventually;

const SLOTS: u16 = 16_384;

/// A cluster that answers; dropping it ends its servers.
#[derive(Debug)]
pub struct Cluster(Vec<Server>);

impl Cluster {
    /// Starts three masters and waits until each knows all slots.
    ///
    /// # Panics
    /// When they don't find to each other.
    #[must_use]
    pub fn start() -> Self {
        let node = || Server::with().set("cluster-enabled", "yes").set("cluster-node-timeout", "2000").start();
        let cluster = Self((0..3).map(|_| node()).collect());
        let share = SLOTS.div_ceil(3);
        for (number, node) in (0..).zip(&cluster.0) {
            let mut client = node.client();
            let own = number * share..SLOTS.min((number + 1) * share);
            let give: Vec<_> =
                ["CLUSTER".to_owned(), "ADDSLOTS".into()].into_iter().chain(own.map(|slot| slot.to_string())).collect();
            client.call(&give);
            // Epochs of their own, so that they needn't negotiate them.
            client.call(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]);
            client.call(&["CLUSTER", "MEET", "127.0.0.1", &cluster.0[0].port().to_string()]);
        }
        eventually("the cluster's nodes to agree", || cluster.0.iter().all(is_ready));
        cluster
    }

    /// Its nodes.
    #[must_use]
    pub fn nodes(&self) -> &[Server] {
        &self.0
    }

    /// Its nodes, to be stopped and killed.
    pub fn nodes_mut(&mut self) -> &mut [Server] {
        &mut self.0
    }

    /// The URLs of all nodes.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.0.iter().map(Server::url).collect()
    }
}

fn is_ready(node: &Server) -> bool {
    let info = node.client().call(&["CLUSTER", "INFO"]).text();
    let says = |line: &str| info.lines().any(|l| l == line);
    says("cluster_state:ok") && says("cluster_slots_ok:16384") && says("cluster_known_nodes:3")
}
