//! Ports of this machine.

#![expect(clippy::disallowed_methods, reason = "this file asks for ports")]

use std::io::{ErrorKind, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
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
    addresses.iter().any(|&address| {
        TcpStream::connect_timeout(&SocketAddr::new(address, port), patience).is_ok()
    })
}

/// A program answers behind a published port: Docker's proxy takes each connection, and closes it at once while no
/// process in the container listens.
pub fn is_served(port: u16) -> bool {
    let patience = Duration::from_millis(200);
    let addresses: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    addresses.iter().any(|&address| {
        let address = SocketAddr::new(address, port);
        let Ok(mut stream) = TcpStream::connect_timeout(&address, patience) else { return false };
        let asked = stream.set_read_timeout(Some(patience)).and_then(|()| stream.read(&mut [0]));
        match asked {
            Ok(read) => read > 0,
            // It waits to be spoken to.
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    })
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
