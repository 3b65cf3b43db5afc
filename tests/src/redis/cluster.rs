//! Three masters that share the slots, with replicas if a test wants them. It must never be asked for more than that: what a
//! client knows of the slots is its own business.

use super::{Client, Reply, Server};
use crate::eventually;

const SLOTS: u16 = 16_384;

/// A cluster that answers; dropping it ends its servers.
#[derive(Debug)]
pub struct Cluster {
    masters: Vec<Server>,
    replicas: Vec<Server>,
}

impl Cluster {
    /// Starts three masters and waits until each knows all slots.
    ///
    /// # Panics
    /// When they don't find to each other.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(false)
    }

    /// The same, with a replica of each master that takes over when it is gone.
    ///
    /// # Panics
    /// When they don't find to each other.
    #[must_use]
    pub fn with_replicas() -> Self {
        Self::start_with(true)
    }

    fn start_with(replicas: bool) -> Self {
        let node = || {
            // Else all of it would stop with one master.
            let options = Server::with().set("cluster-enabled", "yes").set("cluster-require-full-coverage", "no");
            options.set("cluster-node-timeout", "2000").start()
        };
        let masters: Vec<_> = (0..3).map(|_| node()).collect();
        let share = SLOTS.div_ceil(3);
        let meet = |client: &mut Client| client.call(&["CLUSTER", "MEET", "127.0.0.1", &masters[0].port().to_string()]);
        for (number, node) in (0..).zip(&masters) {
            let mut client = node.client();
            let own = number * share..SLOTS.min((number + 1) * share);
            let give: Vec<_> =
                ["CLUSTER".to_owned(), "ADDSLOTS".into()].into_iter().chain(own.map(|slot| slot.to_string())).collect();
            client.call(&give);
            // Epochs of their own, so that they needn't negotiate them.
            client.call(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]);
            meet(&mut client);
        }
        eventually("the cluster's nodes to agree", || masters.iter().all(|node| is_ready(node, 3)));
        let replicas: Vec<_> = if replicas { (0..3).map(|_| node()).collect() } else { Vec::new() };
        for (replica, master) in replicas.iter().zip(&masters) {
            let mut client = replica.client();
            meet(&mut client);
            let id = master.client().call(&["CLUSTER", "MYID"]).text();
            eventually("the replica to know its master", || client.call(&["CLUSTER", "NODES"]).text().contains(&id));
            client.call(&["CLUSTER", "REPLICATE", &id]);
        }
        let up = |node: &Server| node.client().info("replication", "master_link_status").is_ok_and(|is| is == "up");
        let known = masters.len() + replicas.len();
        eventually("the replicas to follow", || {
            replicas.iter().all(up) && masters.iter().chain(&replicas).all(|node| is_ready(node, known))
        });
        Self { masters, replicas }
    }

    /// The masters' replicas, in their order.
    #[must_use]
    pub fn replicas(&self) -> &[Server] {
        &self.replicas
    }

    /// The URL of all nodes.
    #[must_use]
    pub fn url(&self) -> String {
        let hosts: Vec<_> = self.masters.iter().map(|node| node.address().to_string()).collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    /// Which of its masters has a key that is stored: one whose name ends so.
    ///
    /// # Panics
    /// When none has it.
    #[must_use]
    pub fn holder(&self, end: &str) -> usize {
        let has = |node: &Server| node.client().keys().iter().any(|key| key.ends_with(end));
        self.masters.iter().position(has).expect("it is stored")
    }

    /// Which of its masters has a slot.
    ///
    /// # Panics
    /// When none has it.
    #[must_use]
    pub fn holder_of_slot(&self, slot: &str) -> usize {
        let slot: i64 = slot.parse().expect("a number");
        let has = |node: &Server| {
            let mut client = node.client();
            let ranges = client.call(&["CLUSTER", "SLOTS"]).list();
            ranges.into_iter().map(Reply::list).any(|range| match range.as_slice() {
                [Reply::Int(first), Reply::Int(last), Reply::List(master), ..] => {
                    (*first..=*last).contains(&slot) && master.get(1) == Some(&Reply::Int(node.port().into()))
                }
                _ => false,
            })
        };
        self.masters.iter().position(has).expect("somebody has it")
    }

    /// Its masters.
    #[must_use]
    pub fn nodes(&self) -> &[Server] {
        &self.masters
    }

    /// Its masters, to be stopped and killed.
    pub fn nodes_mut(&mut self) -> &mut [Server] {
        &mut self.masters
    }

    /// The URLs of all nodes.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.masters.iter().map(Server::url).collect()
    }
}

fn is_ready(node: &Server, known: usize) -> bool {
    let info = node.client().call(&["CLUSTER", "INFO"]).text();
    let says = |line: &str| info.lines().any(|l| l == line);
    says("cluster_state:ok") && says("cluster_slots_ok:16384") && says(&format!("cluster_known_nodes:{known}"))
}
