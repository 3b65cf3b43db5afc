//! Which run of a server a connection leads to. Must never be guessed: where a server doesn't tell, nothing is compared, and
//! nothing read beside the driver's connection.
//!
//! A name may lead to several servers, or to another one since it was looked up last: a load balancer, a failover by DNS.
//! Were a hit read from one and an invalidation sent to the other, the old value would stay. So connections are only used
//! beside the driver's if both name the same run of a server, which each of them draws at random when it starts.

use redis::Cmd;
use std::sync::Arc;

/// What a server calls this run of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunId(Arc<[u8]>);

/// Asks for it.
pub(crate) fn who() -> Cmd {
    let mut question = redis::cmd("INFO");
    question.arg("server");
    question
}

impl RunId {
    /// What the answer says, if it does.
    pub(crate) fn in_info(info: &[u8]) -> Option<Self> {
        let mut lines = info.split(|byte| matches!(byte, b'\r' | b'\n'));
        let run = lines.find_map(|line| line.strip_prefix(b"run_id:"))?;
        (!run.is_empty()).then(|| Self(run.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_found_or_there_is_none() {
        let found = RunId::in_info(b"# Server\r\nredis_version:7.0.15\r\nrun_id:0f2a\r\ntcp_port:6379\r\n");
        assert_eq!(found, RunId::in_info(b"run_id:0f2a"));
        assert!(found.is_some() && found != RunId::in_info(b"run_id:0f2b"));
        for nothing in [&b""[..], b"# Server\r\nredis_version:7\r\n", b"run_id:\r\n", b"xrun_id:1\r\n"] {
            assert_eq!(RunId::in_info(nothing), None);
        }
    }
}
