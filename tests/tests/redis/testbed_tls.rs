//! The testbed's encryption passes on what is said through it. Nothing here is about the cache.

use cached_tests::redis::{Server, Tls};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
};

fn through(tls: &Tls, name: &'static str) -> std::io::Result<[u8; 7]> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(Tls::root().as_bytes()).expect("a certificate")).expect("an authority");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider's own")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connection =
        ClientConnection::new(Arc::new(config), ServerName::try_from(name).expect("a name")).expect("a client");
    let mut stream = StreamOwned::new(connection, TcpStream::connect(tls.address())?);
    stream.write_all(b"PING\r\n")?;
    let mut answer = [0; 7];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

#[test]
fn a_server_is_reached_through_it_under_its_names() {
    let server = Server::start();
    let tls = Tls::before(server.address());
    for name in ["localhost", "127.0.0.1"] {
        assert_eq!(&through(&tls, name).expect("an answer"), b"+PONG\r\n");
    }
    assert!(through(&tls, "example.org").is_err());
    drop(server);
    assert!(through(&tls, "localhost").is_err());
}
