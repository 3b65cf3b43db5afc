//! What the servers say about themselves. Must never hold a page up beyond the budget of a call.

/// A Redis connection and its server's numbers.
#[derive(Debug, Default)]
pub(super) struct Server {
    pub(super) name: String,
    pub(super) address: String,
    /// What calls meet there, in a word.
    pub(super) state: &'static str,
    pub(super) good: bool,
    pub(super) error: Option<String>,
    /// `None` where the server did not answer.
    pub(super) info: Option<Info>,
}

/// Of a cluster, the sums of its nodes.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Info {
    pub(super) used: u64,
    pub(super) peak: u64,
    pub(super) resident: u64,
    pub(super) keys: u64,
    pub(super) expiring: u64,
    pub(super) hits: u64,
    pub(super) misses: u64,
    pub(super) operations: u64,
}

impl Info {
    /// Memory taken from the system over memory used.
    #[expect(clippy::cast_precision_loss, reason = "a ratio for people to read")]
    pub(super) fn fragmentation(&self) -> Option<f64> {
        (self.used > 0).then(|| self.resident as f64 / self.used as f64)
    }

    #[expect(clippy::cast_precision_loss, reason = "a ratio for people to read")]
    pub(super) fn hit_rate(&self) -> Option<f64> {
        let all = self.hits.saturating_add(self.misses);
        (all > 0).then(|| self.hits as f64 / all as f64)
    }
}

#[cfg(not(feature = "redis"))]
#[expect(clippy::unused_async, reason = "as the one that asks servers")]
pub(super) async fn ask() -> Vec<Server> {
    Vec::new()
}

#[cfg(feature = "redis")]
pub(super) use asking::ask;

#[cfg(feature = "redis")]
mod asking {
    use super::{Info, Server};
    use crate::redis::{Client, Health, Kind, State, health_of};
    use redis::Value;

    /// All connections that were installed or used so far, asked at the same time.
    pub(in crate::dashboard) async fn ask() -> Vec<Server> {
        let known: Vec<_> = Client::all().into_iter().filter_map(|client| Some((client, health_of(client)?))).collect();
        let answers = known.into_iter().map(|(client, health)| {
            let mut question = redis::pipe();
            question.cmd("INFO");
            // Begun by the first poll, on the driver.
            (client.call(question, Kind::Read, &client.budget()), health)
        });
        let mut servers = Vec::new();
        for (answer, health) in answers {
            // One after the other: they are few, and the budget of each is some hundred milliseconds. A failing one
            // answers at once, since its breaker is open.
            let asked = if health.state == State::Unusable { None } else { answer.await.ok() };
            servers.push(server(&health, &asked.unwrap_or_default()));
        }
        servers
    }

    fn server(health: &Health, asked: &[Value]) -> Server {
        let (state, good) = match health.state {
            State::Idle => ("not connected", true),
            State::Well => ("well", true),
            State::Failing => ("failing", false),
            State::Unusable => ("unusable", false),
        };
        let mut text = Vec::new();
        for value in asked {
            texts(value, &mut text);
        }
        Server {
            name: health.name.to_owned(),
            address: health.address.clone(),
            state,
            good,
            error: health.error.as_ref().map(ToString::to_string),
            info: (!text.is_empty()).then(|| read(&text)),
        }
    }

    /// The texts of an answer: one, or one for each node of a cluster.
    fn texts(value: &Value, into: &mut Vec<String>) {
        match value {
            Value::BulkString(bytes) => into.push(String::from_utf8_lossy(bytes).into_owned()),
            Value::VerbatimString { text, .. } => into.push(text.clone()),
            Value::Array(values) => values.iter().for_each(|value| texts(value, into)),
            Value::Map(pairs) => pairs.iter().for_each(|(_, value)| texts(value, into)),
            _ => {}
        }
    }

    fn read(texts: &[String]) -> Info {
        let mut info = Info::default();
        for (field, value) in texts.iter().flat_map(|text| text.lines()).filter_map(|line| line.split_once(':')) {
            let number = || value.trim().parse::<u64>().unwrap_or(0);
            match field {
                "used_memory" => info.used += number(),
                "used_memory_peak" => info.peak += number(),
                "used_memory_rss" => info.resident += number(),
                "keyspace_hits" => info.hits += number(),
                "keyspace_misses" => info.misses += number(),
                "instantaneous_ops_per_sec" => info.operations += number(),
                _ if field.starts_with("db") => {
                    for (name, count) in value.split(',').filter_map(|pair| pair.split_once('=')) {
                        let count = count.trim().parse::<u64>().unwrap_or(0);
                        match name {
                            "keys" => info.keys += count,
                            "expires" => info.expiring += count,
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        info
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_servers_text_is_read() {
            let text = "# Memory\r\nused_memory:1000\r\nused_memory_rss:1500\r\nused_memory_peak:2000\r\n\
                        keyspace_hits:3\r\nkeyspace_misses:1\r\ninstantaneous_ops_per_sec:7\r\n\
                        db0:keys=5,expires=2,avg_ttl=0\r\ndb1:keys=1,expires=1\r\nstrange\r\nused_memory_human:1K\r\n";
            let info = read(&[text.to_owned()]);
            assert_eq!((info.keys, info.expiring, info.operations, info.peak), (6, 3, 7, 2000));
            assert_eq!((info.fragmentation(), info.hit_rate()), (Some(1.5), Some(0.75)));
            assert_eq!(read(&["nonsense".to_owned()]), Info::default());
            assert_eq!(Info::default().fragmentation(), None);
        }
    }
}
