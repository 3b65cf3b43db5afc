//! What can be said on the command line or in the environment. Must never open or connect anything.

use clap::Parser;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

/// A small shop whose every page shows one way of caching. It needs no server: the database is made and filled with
/// 1,000 products at the first start.
#[derive(Clone, Debug, Parser)]
#[command(name = "products", version, max_term_width = 100, args_override_self = true)]
pub(crate) struct Config {
    /// The address to listen on. The application has no login: think before you open it to a network.
    #[arg(long, env = "PRODUCTS_HOST", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(crate) host: IpAddr,

    /// The port to listen on; 0 takes a free one, which is printed.
    #[arg(long, short, env = "PRODUCTS_PORT", default_value_t = 3000)]
    pub(crate) port: u16,

    /// The database file; made if it is not there. [default: `cached-products.sqlite` in your data directory]
    #[arg(long, env = "PRODUCTS_DATABASE")]
    pub(crate) database: Option<PathBuf>,

    /// The Redis to use, such as `redis://127.0.0.1:6379/0`. Without it: `CACHED_REDIS_URL`, `REDIS_URL`, or one that runs on this
    /// machine; where there is none, the application does without.
    #[arg(long, value_name = "URL")]
    pub(crate) redis: Option<String>,

    /// How long a query pretends to take, in milliseconds: the database alone would be too fast to show anything.
    #[arg(long, value_name = "MS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(..=10_000))]
    pub(crate) slow: u64,

    /// How often the write-behind queue is written to the database, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(10..=3_600_000))]
    pub(crate) flush: u64,
}

impl Config {
    /// How long a slow query takes.
    pub(crate) fn slowness(&self) -> Duration {
        Duration::from_millis(self.slow)
    }

    /// The file that was asked for, or the one in the user's data directory.
    pub(crate) fn database_path(&self) -> PathBuf {
        self.database.clone().unwrap_or_else(|| {
            let directory = dirs::data_local_dir().unwrap_or_else(std::env::temp_dir);
            directory.join("cached-products.sqlite")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Config::command().debug_assert();
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wrong in ["--port=99999", "--slow=-1", "--slow=999999", "--flush=0", "--host=nowhere", "--what"] {
            assert!(Config::try_parse_from(["products", wrong]).is_err(), "{wrong}");
        }
        assert_eq!(Config::try_parse_from(["products", "--slow", "0"]).unwrap().slowness(), Duration::ZERO);
    }
}
