//! A client of a few lines, so that tests can look at a server, and disturb it, without the code under test.

use crate::PATIENCE;
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
};

/// What a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// There is nothing.
    Nil,
    /// A number.
    Int(i64),
    /// A status or a value.
    Bytes(Vec<u8>),
    /// A list of replies.
    List(Vec<Reply>),
    /// A refusal: `WRONGTYPE ...`.
    Error(String),
}

impl Reply {
    /// A status, value or number as text; empty for nothing.
    ///
    /// # Panics
    /// With a refusal or a list.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Nil => String::new(),
            Self::Int(n) => n.to_string(),
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Self::List(_) | Self::Error(_) => panic!("the server answered {self:?}"),
        }
    }

    /// The bytes of a value, if there is one.
    ///
    /// # Panics
    /// With anything else.
    #[must_use]
    pub fn bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Nil => None,
            Self::Bytes(bytes) => Some(bytes),
            other => panic!("the server answered {other:?}"),
        }
    }

    /// The parts of a list.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn list(self) -> Vec<Reply> {
        match self {
            Self::List(parts) => parts,
            other => panic!("the server answered {other:?}"),
        }
    }
}

/// A connection.
#[derive(Debug)]
pub struct Client(BufReader<TcpStream>);

impl Client {
    /// Connects; authenticates if `login` is a user and a password.
    ///
    /// # Errors
    /// When nobody listens there, or the login is wrong.
    pub fn connect(address: SocketAddr, login: Option<(&str, &str)>) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let mut client = Self(BufReader::new(stream));
        if let Some((user, password)) = login {
            match client.ask(&["AUTH", user, password])? {
                Reply::Error(refused) => return Err(io::Error::new(io::ErrorKind::PermissionDenied, refused)),
                _ => return Ok(client),
            }
        }
        Ok(client)
    }

    /// The answer to a command; a refusal is an answer.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn ask<A: AsRef<[u8]>>(&mut self, command: &[A]) -> io::Result<Reply> {
        self.send(command)?;
        self.receive()
    }

    /// Sends a command and doesn't wait for its answer.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn send<A: AsRef<[u8]>>(&mut self, command: &[A]) -> io::Result<()> {
        let mut request = format!("*{}\r\n", command.len()).into_bytes();
        for part in command.iter().map(AsRef::as_ref) {
            request.extend(format!("${}\r\n", part.len()).into_bytes());
            request.extend(part);
            request.extend(b"\r\n");
        }
        self.0.get_mut().write_all(&request)
    }

    /// The next answer.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn receive(&mut self) -> io::Result<Reply> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let strange = || io::Error::new(io::ErrorKind::InvalidData, format!("an answer that begins {line:?}"));
        let rest = line.get(1..).ok_or_else(strange)?.trim_end();
        let number = || rest.parse::<i64>().map_err(|_| strange());
        Ok(match line.as_bytes()[0] {
            b'+' => Reply::Bytes(rest.as_bytes().to_vec()),
            b'-' => Reply::Error(rest.to_owned()),
            b':' => Reply::Int(number()?),
            b'$' => match usize::try_from(number()?) {
                Err(_) => Reply::Nil,
                Ok(length) => {
                    let mut bytes = vec![0; length + 2];
                    self.0.read_exact(&mut bytes)?;
                    bytes.truncate(length);
                    Reply::Bytes(bytes)
                }
            },
            b'*' => match usize::try_from(number()?) {
                Err(_) => Reply::Nil,
                Ok(length) => Reply::List((0..length).map(|_| self.receive()).collect::<io::Result<_>>()?),
            },
            _ => return Err(strange()),
        })
    }

    /// The answer to a command that has to succeed.
    ///
    /// # Panics
    /// When it is refused, or the connection breaks.
    pub fn call<A: AsRef<[u8]>>(&mut self, command: &[A]) -> Reply {
        let named = || String::from_utf8_lossy(command[0].as_ref()).into_owned();
        match self.ask(command) {
            Ok(Reply::Error(refused)) => panic!("{}: {refused}", named()),
            Ok(reply) => reply,
            Err(broken) => panic!("{}: {broken}", named()),
        }
    }

    /// All keys there are, in order.
    ///
    /// # Panics
    /// When the server doesn't say.
    pub fn keys(&mut self) -> Vec<String> {
        let mut keys: Vec<_> = self.call(&["KEYS", "*"]).list().iter().map(Reply::text).collect();
        keys.sort();
        keys
    }

    /// A field of `INFO`; empty if there is none.
    ///
    /// # Errors
    /// When the connection breaks, or the server refuses.
    pub fn info(&mut self, section: &str, field: &str) -> io::Result<String> {
        match self.ask(&["INFO", section])? {
            Reply::Error(refused) => Err(io::Error::other(refused)),
            reply => Ok(reply
                .text()
                .lines()
                .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))
                .unwrap_or_default()
                .to_owned()),
        }
    }
}
