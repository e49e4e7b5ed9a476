//! Ports of this machine.

#![expect(clippy::disallowed_methods, reason = "this file asks for ports")]

use std::io::ErrorKind;
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
