//! Real servers for the tests, and what breaks them: processes, clusters, a proxy, peers. Nothing here may imitate a server, or know how the cache works.

mod client;
mod cluster;
mod find;
mod peer;
mod process;
mod proxy;
mod sentinel;
mod server;
mod tls;

pub use client::{Client, Reply};
pub use cluster::Cluster;
pub use find::binary;
pub use peer::{Parent, Peer, Voice, alone};
pub use proxy::{Command, Held, Proxy};
pub use sentinel::Sentinel;
pub use server::{Options, Server};
pub use tls::{Shows, Tls};
