//! A plain connection, made and greeted by a thread that may block. Must never be used for what is to be encrypted.

use redis::{ConnectionAddr, ConnectionInfo};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// TCP, or a Unix socket.
pub(super) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// Whether there can be one.
pub(super) fn is_plain(info: &ConnectionInfo) -> bool {
    match info.addr() {
        ConnectionAddr::Tcp(..) => true,
        #[cfg(unix)]
        ConnectionAddr::Unix(_) => true,
        _ => false,
    }
}

/// Connects and says who we are. Each step may take `limit`.
pub(super) fn connect(info: &ConnectionInfo, limit: Duration) -> io::Result<Socket> {
    let mut socket = match info.addr() {
        ConnectionAddr::Tcp(host, port) => {
            let mut last = io::Error::from(io::ErrorKind::NotFound);
            let mut connected = None;
            for address in (host.as_str(), *port).to_socket_addrs()? {
                match TcpStream::connect_timeout(&address, limit) {
                    Ok(stream) => {
                        connected = Some(stream);
                        break;
                    }
                    Err(error) => last = error,
                }
            }
            let stream = connected.ok_or(last)?;
            stream.set_nodelay(true)?;
            Socket::Tcp(stream)
        }
        #[cfg(unix)]
        ConnectionAddr::Unix(path) => Socket::Unix(UnixStream::connect(path)?),
        _ => return Err(io::ErrorKind::Unsupported.into()),
    };
    socket.set_limits(limit)?;
    greet(&mut socket, info)?;
    Ok(socket)
}

fn greet(socket: &mut Socket, info: &ConnectionInfo) -> io::Result<()> {
    let settings = info.redis_settings();
    let mut words = Vec::new();
    let mut count = 0;
    if let Some(password) = settings.password() {
        let mut auth = redis::cmd("AUTH");
        if let Some(name) = settings.username() {
            auth.arg(name);
        }
        auth.arg(password).write_packed_command(&mut words);
        count += 1;
    }
    if settings.db() != 0 {
        redis::cmd("SELECT").arg(settings.db()).write_packed_command(&mut words);
        count += 1;
    }
    if count == 0 {
        return Ok(());
    }
    socket.write_all(&words)?;
    let mut answer = vec![0; b"+OK\r\n".len() * count];
    socket.read_exact(&mut answer)?;
    if answer.chunks(5).all(|one| one == b"+OK\r\n") { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

impl Socket {
    /// How long one read and one write may take.
    pub(super) fn set_limits(&self, limit: Duration) -> io::Result<()> {
        // Zero would be an error.
        let limit = Some(limit.max(Duration::from_millis(1)));
        match self {
            Self::Tcp(stream) => stream.set_read_timeout(limit).and_then(|()| stream.set_write_timeout(limit)),
            #[cfg(unix)]
            Self::Unix(stream) => stream.set_read_timeout(limit).and_then(|()| stream.set_write_timeout(limit)),
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            #[cfg(unix)]
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            #[cfg(unix)]
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
