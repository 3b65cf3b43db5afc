//! A plain connection, made and greeted by a thread that may block. Must never be used for what is to be encrypted.

use super::{RunId, who};
use redis::{ConnectionAddr, ConnectionInfo};
use std::io::{self, BufRead, BufReader, Read, Write};
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

/// Connects, says who we are, and makes sure of who answers. Each step may take `limit`.
pub(super) fn connect(info: &ConnectionInfo, run: &RunId, limit: Duration) -> io::Result<Socket> {
    let greeted = |socket: Socket| {
        socket.set_limits(limit)?;
        greet(socket, info, run)
    };
    match info.addr() {
        ConnectionAddr::Tcp(host, port) => {
            let mut last = io::ErrorKind::NotFound.into();
            for address in (host.as_str(), *port).to_socket_addrs()? {
                let connected = TcpStream::connect_timeout(&address, limit);
                let ready = connected.and_then(|stream| stream.set_nodelay(true).map(|()| stream));
                match ready.and_then(|stream| greeted(Socket::Tcp(stream))) {
                    Ok(socket) => return Ok(socket),
                    Err(error) => last = error,
                }
            }
            Err(last)
        }
        #[cfg(unix)]
        ConnectionAddr::Unix(path) => greeted(Socket::Unix(UnixStream::connect(path)?)),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// What a server tells about itself is shorter.
const LONGEST_ANSWER: u16 = u16::MAX;

fn greet(mut socket: Socket, info: &ConnectionInfo, run: &RunId) -> io::Result<Socket> {
    let settings = info.redis_settings();
    let mut words = Vec::new();
    let mut oks = 0;
    if let Some(password) = settings.password() {
        let mut auth = redis::cmd("AUTH");
        if let Some(name) = settings.username() {
            auth.arg(name);
        }
        auth.arg(password).write_packed_command(&mut words);
        oks += 1;
    }
    if settings.db() != 0 {
        redis::cmd("SELECT").arg(settings.db()).write_packed_command(&mut words);
        oks += 1;
    }
    who().write_packed_command(&mut words);
    socket.write_all(&words)?;
    let refused = || io::Error::from(io::ErrorKind::PermissionDenied);
    let mut answer = BufReader::new(socket.take(u64::from(LONGEST_ANSWER)));
    for _ in 0..oks {
        if line(&mut answer)? != b"+OK" {
            return Err(refused());
        }
    }
    let head = line(&mut answer)?;
    let length = head.strip_prefix(b"$").and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u16>().ok());
    let mut about = vec![0; usize::from(length.ok_or_else(refused)?) + 2];
    answer.read_exact(&mut about)?;
    // Another server than the driver's; and nothing was asked that could be answered by more.
    if RunId::in_info(&about).as_ref() != Some(run) || !answer.buffer().is_empty() {
        return Err(refused());
    }
    Ok(answer.into_inner().into_inner())
}

fn line(answer: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    answer.read_until(b'\n', &mut line)?;
    line.strip_suffix(b"\r\n").map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
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
