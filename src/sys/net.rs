//! Ports of this machine, and connections.

#![expect(clippy::disallowed_methods, reason = "this file asks for ports and connects")]

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// No process listens on this port, on any address that `localhost` or a published container could mean.
///
/// Two servers can both "own" `localhost:PORT`, one on 127.0.0.1 and one on ::1, so all four are tried.
pub fn is_free(port: u16) -> bool {
    let addresses: [IpAddr; 4] = [
        Ipv4Addr::LOCALHOST.into(),
        Ipv6Addr::LOCALHOST.into(),
        Ipv4Addr::UNSPECIFIED.into(),
        Ipv6Addr::UNSPECIFIED.into(),
    ];
    addresses.iter().all(|&address| can_bind(SocketAddr::new(address, port)))
}

/// A process answers on this port at localhost.
pub fn is_listening(port: u16) -> bool {
    let addresses: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let patience = Duration::from_millis(200);
    addresses.iter().any(|&address| to(SocketAddr::new(address, port), patience).is_ok())
}

/// A program answers behind a published port: Docker's proxy takes each connection, and closes it at once while no
/// process in the container listens.
pub fn is_served(port: u16) -> bool {
    let patience = Duration::from_millis(200);
    let addresses: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    addresses.iter().any(|&address| {
        let address = SocketAddr::new(address, port);
        let Ok(mut server) = to(address, patience) else { return false };
        match server.read(&mut [0]) {
            Ok(read) => read > 0,
            // It waits to be spoken to.
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    })
}

/// A connection. A read with a time limit that a signal interrupts is not repeated by the kernel (signal(7)), and the end of a
/// child process is such a signal.
pub struct Connection<S = TcpStream>(S);

/// Connects to a host, on the first of its addresses that answers, with this limit for each step.
///
/// # Errors
/// That of the last address.
pub fn connect(host: &str, port: u16, limit: Duration) -> io::Result<Connection> {
    let mut failed = ErrorKind::AddrNotAvailable.into();
    for address in (host, port).to_socket_addrs()? {
        match to(address, limit) {
            Ok(server) => return Ok(server),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn to(address: SocketAddr, limit: Duration) -> io::Result<Connection> {
    let stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    Ok(Connection(stream))
}

impl<S: Read> Read for Connection<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }
}

impl<S: Write> Write for Connection<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn can_bind(address: SocketAddr) -> bool {
    match TcpListener::bind(address) {
        Ok(_) => true,
        // Only these mean that the port is in use; a machine without IPv6 fails otherwise.
        Err(error) => !matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::PermissionDenied),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_read_is_repeated() {
        struct Interrupted(bool);
        impl Read for Interrupted {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                self.0 = !self.0;
                if self.0 { Err(ErrorKind::Interrupted.into()) } else { Ok(1) }
            }
        }
        assert_eq!(Connection(Interrupted(false)).read(&mut [0]).unwrap(), 1);
    }

    #[test]
    fn a_listener_that_closes_what_it_takes_serves_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(is_served(port));
        std::thread::spawn(move || listener.incoming().for_each(drop));
        assert!(is_listening(port));
        assert!(!is_served(port));
    }

    #[test]
    fn a_listener_on_either_loopback_takes_the_port() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else {
                continue;
            };
            let port = listener.local_addr().unwrap().port();
            assert!(!is_free(port), "{address}");
            assert!(is_listening(port), "{address}");
        }
    }
}
