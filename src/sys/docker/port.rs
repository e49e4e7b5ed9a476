//! Where a container's port is reached on this machine.

use super::{Projects, context, inspect};
use crate::model::config::Place;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Where programs on this machine reach a port of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// At this address.
    At(SocketAddr),
    /// At the same port: it shares the host's network.
    AsOnHost,
    /// Nowhere: it publishes no such port.
    Nowhere,
    /// Its engine is on another machine, or it is no container.
    Unknown,
}

/// Where on this machine the TCP port of the container at a place is reached; `None` when it is not published
/// here, or the place is no container.
pub fn published(place: &Place, port: u16) -> Result<Option<SocketAddr>> {
    Ok(match reached(place, port)? {
        Reached::At(address) => Some(address),
        Reached::AsOnHost | Reached::Nowhere | Reached::Unknown => None,
    })
}

/// The same from a list of containers; `None` also when it does not tell for sure.
pub fn published_in(containers: &Projects, place: &Place, port: u16) -> Option<SocketAddr> {
    if engine_is_elsewhere() {
        return None;
    }
    let container = containers.at(place)?;
    container.bindings(port).find_map(|(ip, port)| Binding { ip, port }.here())
}

/// Where programs on this machine reach a TCP port of the container at a place.
pub fn reached(place: &Place, port: u16) -> Result<Reached> {
    if engine_is_elsewhere() {
        return Ok(Reached::Unknown);
    }
    inspect(place, FORMAT)?.map_or(Ok(Reached::Unknown), |text| bound(&text, port))
}

const FORMAT: &str = "{{.HostConfig.NetworkMode}} {{json .NetworkSettings.Ports}}";

fn bound(text: &str, port: u16) -> Result<Reached> {
    let (network, text) = text.split_once(' ').unwrap_or(("", text));
    if network == "host" {
        return Ok(Reached::AsOnHost);
    }
    let ports: Option<BTreeMap<String, Option<Vec<Binding>>>> =
        serde_json::from_str(text).context("cannot read what `docker inspect` printed")?;
    let bound = ports.unwrap_or_default().remove(&format!("{port}/tcp")).flatten();
    let here = bound.unwrap_or_default().iter().find_map(Binding::here);
    Ok(here.map_or(Reached::Nowhere, Reached::At))
}

/// With an engine on another machine, localhost is not where its ports are: it may even be another server.
fn engine_is_elsewhere() -> bool {
    context::engine().is_some_and(|host| !host.starts_with("unix:"))
}

#[derive(Deserialize)]
struct Binding {
    #[serde(rename = "HostIp")]
    ip: String,
    #[serde(rename = "HostPort")]
    port: String,
}

impl Binding {
    /// The address to connect to. The family matters: another server may own the port on the other one.
    fn here(&self) -> Option<SocketAddr> {
        let ip = match self.ip.parse::<IpAddr>() {
            Err(_) => Ipv4Addr::LOCALHOST.into(),
            Ok(IpAddr::V4(ip)) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            Ok(IpAddr::V6(ip)) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            Ok(ip) => ip,
        };
        Some(SocketAddr::new(ip, self.port.parse().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_keeps_its_family() {
        let bound = |text: &str| match bound(&format!("bridge {text}"), 6379).unwrap() {
            Reached::At(address) => Some(address.to_string()),
            _ => None,
        };
        let on =
            |ip: &str| bound(&format!(r#"{{"6379/tcp":[{{"HostIp":"{ip}","HostPort":"7000"}}]}}"#));
        assert_eq!(on("0.0.0.0").as_deref(), Some("127.0.0.1:7000"));
        assert_eq!(on("::").as_deref(), Some("[::1]:7000"));
        assert_eq!(on("127.0.0.1").as_deref(), Some("127.0.0.1:7000"));
        assert_eq!(bound(r#"{"6379/tcp":null}"#), None);
        assert_eq!(bound("{}"), None);
        assert_eq!(bound("null"), None);
        assert_eq!(super::bound("host {}", 6379).unwrap(), Reached::AsOnHost);
        assert_eq!(super::bound("bridge {}", 6379).unwrap(), Reached::Nowhere);
    }
}
