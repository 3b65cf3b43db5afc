//! Encryption before a server: not every server that tests find is built with it. It must never be used outside of tests:
//! its key lies beside it, made for `localhost` and `127.0.0.1` by an authority whose key was thrown away.

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// Listens for encrypted connections and passes on what they say; dropping it ends them.
#[derive(Debug)]
pub struct Tls {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
}

impl Tls {
    /// The certificate of the authority that vouches for it (PEM).
    pub const ROOT: &str = include_str!("ca.pem");

    /// Encryption before the server at `target`.
    ///
    /// # Panics
    /// When there is no port for it.
    #[must_use]
    pub fn before(target: SocketAddr) -> Self {
        let chain = vec![CertificateDer::from_pem_slice(include_bytes!("server.pem")).expect("a certificate")];
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("server.key")).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider's own")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("they belong together");
        let (config, ended) = (Arc::new(config), Arc::new(AtomicBool::new(false)));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("a port");
        thread::spawn({
            let ended = Arc::clone(&ended);
            move || {
                for client in listener.incoming().map_while(Result::ok).take_while(|_| !ended.load(Ordering::SeqCst)) {
                    let (config, ended) = (Arc::clone(&config), Arc::clone(&ended));
                    thread::spawn(move || carry(client, target, config, &ended));
                }
            }
        });
        Self { address, ended }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // The listening thread has to wake up to notice.
        let _ = TcpStream::connect(self.address);
    }
}

/// Carries both directions on one thread, as the two share the state of the encryption.
fn carry(client: TcpStream, target: SocketAddr, config: Arc<ServerConfig>, ended: &AtomicBool) -> io::Result<()> {
    let mut server = TcpStream::connect(target)?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_millis(1)))?;
    }
    let mut client = StreamOwned::new(ServerConnection::new(config).map_err(io::Error::other)?, client);
    let mut piece = vec![0; 1 << 16];
    while !ended.load(Ordering::SeqCst)
        && pass(&mut client, &mut server, &mut piece)?
        && pass(&mut server, &mut client, &mut piece)?
    {}
    Ok(())
}

/// Passes on what has come, if anything has; false at the end.
fn pass(from: &mut impl Read, to: &mut impl Write, piece: &mut [u8]) -> io::Result<bool> {
    match from.read(piece) {
        Ok(0) => Ok(false),
        Ok(length) => to.write_all(&piece[..length]).and_then(|()| to.flush()).map(|()| true),
        Err(nothing) if matches!(nothing.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(true),
        Err(broken) => Err(broken),
    }
}
