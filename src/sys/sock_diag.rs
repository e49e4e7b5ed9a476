//! Listening sockets straight from the Linux kernel: `sock_diag(7)`.
//!
//! The tables in `/proc/net` hold every connection of the machine and can take longer than all else that `list` does.

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, netlink};
use std::collections::BTreeSet;

const HEADER: usize = 16;
const REQUEST: usize = HEADER + 56;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const REQUEST_AND_DUMP: u16 = 0x301;
const DONE: u16 = 3;
const IPPROTO_TCP: u8 = 6;
const IN_STATE_LISTEN: u32 = 1 << 10;
const FAMILIES: [u8; 2] = [2, 10]; // IPv4, IPv6

/// Every TCP port that a process listens on; `None` when the kernel does not say.
pub fn listening() -> Option<BTreeSet<u16>> {
    let socket =
        rustix::net::socket(AddressFamily::NETLINK, SocketType::RAW, Some(netlink::SOCK_DIAG))
            .ok()?;
    let mut ports = BTreeSet::new();
    for family in FAMILIES {
        rustix::net::send(&socket, &request(family), SendFlags::empty()).ok()?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let (len, _) = rustix::net::recv(&socket, &mut buffer[..], RecvFlags::empty()).ok()?;
            if read(&buffer[..len], &mut ports)? {
                break;
            }
        }
    }
    Some(ports)
}

/// A `nlmsghdr` and an `inet_diag_req_v2`: all sockets of a family that listen.
fn request(family: u8) -> [u8; REQUEST] {
    let mut request = [0; REQUEST];
    request[0..4].copy_from_slice(&(REQUEST as u32).to_ne_bytes());
    request[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    request[6..8].copy_from_slice(&REQUEST_AND_DUMP.to_ne_bytes());
    request[HEADER] = family;
    request[HEADER + 1] = IPPROTO_TCP;
    request[HEADER + 4..HEADER + 8].copy_from_slice(&IN_STATE_LISTEN.to_ne_bytes());
    request
}

/// The ports in a piece of the answer, and whether it was the last; `None` when the kernel refuses.
fn read(mut piece: &[u8], ports: &mut BTreeSet<u16>) -> Option<bool> {
    while !piece.is_empty() {
        let len = u32::from_ne_bytes(piece.get(0..4)?.try_into().ok()?) as usize;
        match u16::from_ne_bytes(piece.get(4..6)?.try_into().ok()?) {
            DONE => return Some(true),
            // After family, state, timer and retransmissions comes the local port.
            SOCK_DIAG_BY_FAMILY => {
                let port = piece.get(HEADER + 4..HEADER + 6)?.try_into().ok()?;
                ports.insert(u16::from_be_bytes(port));
            }
            _ => return None,
        }
        piece = piece.get(len.max(HEADER).next_multiple_of(4)..).unwrap_or_default();
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods)] // the test itself listens
    fn the_kernel_knows_who_listens_and_not_who_talks() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = std::net::TcpListener::bind(address) else {
                continue;
            };
            let there = listener.local_addr().unwrap();
            let client = std::net::TcpStream::connect(there).unwrap();
            let ports = listening().unwrap();
            assert!(ports.contains(&there.port()), "{address}");
            assert!(!ports.contains(&client.local_addr().unwrap().port()), "{address}");
        }
    }

    #[test]
    fn a_refusal_is_no_answer() {
        let mut error = [0; HEADER + 20];
        error[0] = error.len() as u8;
        error[4] = 2; // NLMSG_ERROR
        assert_eq!(read(&error, &mut BTreeSet::new()), None);
    }
}
