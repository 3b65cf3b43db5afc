//! Encryption before a server: not every server that tests find is built with it. Keys and certificates are made anew in each
//! process, so none that anybody could trust by mistake lies about.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, LazyLock,
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

/// What it shows to who connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// A certificate for `localhost` and `127.0.0.1`.
    Good,
    /// One whose time is over.
    Expired,
    /// One for `example.org`.
    ForAnotherHost,
    /// A good one; and it wants one of the same authority from who connects.
    GoodAndAsks,
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "an authority of the tests");
        let key = key();
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Certificate and key for these names, as PEM.
    fn certifies(&self, names: &[&str], expired: bool) -> (String, String) {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        if expired {
            (params.not_before, params.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
        }
        let key = key();
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

static OURS: LazyLock<Authority> = LazyLock::new(Authority::new);

impl Tls {
    /// The certificate of the authority that vouches for it (PEM).
    #[must_use]
    pub fn root() -> &'static str {
        &OURS.pem
    }

    /// The certificate of an authority that vouches for nobody.
    #[must_use]
    pub fn root_of_others() -> String {
        Authority::new().pem
    }

    /// Certificate and key for who connects to one that [asks](Shows::GoodAndAsks).
    #[must_use]
    pub fn client() -> (String, String) {
        OURS.certifies(&["client"], false)
    }

    /// Encryption before the server at `target`.
    ///
    /// # Panics
    /// When there is no port for it.
    #[must_use]
    pub fn before(target: SocketAddr) -> Self {
        Self::showing(Shows::Good, target)
    }

    /// The same with a certificate that may be wrong.
    ///
    /// # Panics
    /// When there is no port for it.
    #[must_use]
    pub fn showing(shows: Shows, target: SocketAddr) -> Self {
        let names: &[_] = if shows == Shows::ForAnotherHost { &["example.org"] } else { &["localhost", "127.0.0.1"] };
        let (chain, key) = OURS.certifies(names, shows == Shows::Expired);
        let chain = vec![CertificateDer::from_pem_slice(chain.as_bytes()).expect("a certificate")];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider's own");
        let config = match shows {
            Shows::GoodAndAsks => {
                let mut roots = RootCertStore::empty();
                let ours = CertificateDer::from_pem_slice(OURS.pem.as_bytes()).expect("a certificate");
                roots.add(ours).expect("an authority");
                let provider = Arc::new(ring::default_provider());
                let asks = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                config.with_client_cert_verifier(asks.expect("an authority is all it needs"))
            }
            _ => config.with_no_client_auth(),
        };
        Self::listen(config.with_single_cert(chain, key).expect("they belong together"), target)
    }

    fn listen(config: ServerConfig, target: SocketAddr) -> Self {
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
