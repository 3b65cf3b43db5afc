//! A cluster: its keys live on all nodes, and a node that is gone takes no other one's keys along.

use crate::subject::{BUDGET, Subject, note};
use cached_tests::redis::Cluster;

#[test]
fn a_cluster_stores_on_all_its_masters() {
    let mut cluster = Cluster::start();
    let hosts: Vec<_> = cluster.nodes().iter().map(|node| node.address().to_string()).collect();
    let subject = Subject::at("cluster", &format!("redis+cluster://{}", hosts.join(",")));
    subject.recovered();
    let values: Vec<_> = (0..60).map(|key| subject.warm(key)).collect();
    for node in cluster.nodes() {
        assert!(node.client().keys().iter().filter(|key| key.ends_with('}')).count() > 5, "each has a share");
    }
    subject.invalidate(0).expect("its node lives");
    assert_ne!(subject.call(0).value, values[0]);
    // One node away: its share runs the function, in time; the others' is served.
    cluster.nodes_mut()[1].freeze();
    let before = subject.loads();
    let longest = subject.bounded("calls with a node stopped", 1..60, BUDGET);
    let away = subject.loads() - before;
    assert!((5..55).contains(&away), "{away} of 59 keys are on a third of the nodes");
    cluster.nodes_mut()[1].thaw();
    let recovered = subject.recovered();
    note("a cluster's node is stopped", longest, Some(recovered));
}
