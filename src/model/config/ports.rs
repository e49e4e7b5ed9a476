//! The section `ports`.

use super::Port;
use super::reader::At;
use crate::model::config::diagnostic::{Checked, Diagnostic};
use crate::model::suggest::suggestion;
use indexmap::IndexMap;

/// Reads the section.
pub(super) fn read(at: &At) -> Checked<IndexMap<String, Port>> {
    let entries = at.entries()?.into_iter();
    entries.map(|(name, entry)| Ok((name.to_owned(), port(&entry)?))).collect()
}

/// Checks the ports against each other.
pub(super) fn check(ports: &IndexMap<String, Port>) -> Checked<()> {
    for (name, port) in ports {
        let Some(leader) = &port.follows else {
            continue;
        };
        let path = ["ports", name, "follows"];
        follows(ports, name, leader).map_err(|(message, hint)| {
            let wrong = Diagnostic::at(&path, message);
            hint.into_iter().fold(wrong, Diagnostic::hint)
        })?;
    }
    alike(ports)
}

impl Port {
    /// This variable's port when the one that it follows is `leader`, with the main port `leader_main`.
    pub fn following(&self, leader: u16, leader_main: u16) -> Option<u16> {
        let port = i32::from(self.main) + i32::from(leader) - i32::from(leader_main);
        u16::try_from(port).ok().filter(|port| *port > 0)
    }
}

fn port(at: &At) -> Checked<Port> {
    let fields = at.fields(&["main", "range", "follows"])?;
    let mut port = Port { main: fields.need("main")?.port()?, range: None, follows: None };
    fields.set("range", &mut port.range, |at| at.range(1).map(Some))?;
    fields.set("follows", &mut port.follows, |at| at.text().map(Some))?;
    match (&port.range, &port.follows) {
        (Some(_), Some(_)) => Err(at.error("`range` and `follows` exclude each other")),
        (None, None) => Err(at
            .error("`range` or `follows` is missing")
            .hint("add `range: 8012-8030`, or `follows:` with another port's variable")),
        _ => Ok(port),
    }
}

fn follows(
    ports: &IndexMap<String, Port>,
    name: &str,
    leader_name: &str,
) -> Result<(), (String, Option<String>)> {
    let leaders = ports.iter().filter(|(_, port)| port.range.is_some());
    let leaders: Vec<&str> = leaders.map(|(name, _)| name.as_str()).collect();
    let hint = match leaders.as_slice() {
        [] => "no port has a range: add a `range` to this one".to_owned(),
        some => suggestion(leader_name, some.iter().copied()),
    };
    if name == leader_name {
        return Err((format!("`{name}` follows itself"), Some(hint)));
    }
    let Some(leader) = ports.get(leader_name) else {
        return Err((format!("there is no port `{leader_name}`"), Some(hint)));
    };
    let Some((first, last)) = leader.range else {
        let message = format!("`{leader_name}` follows another port");
        return Err((message, Some("follow the port that has the range".to_owned())));
    };
    let port = &ports[name];
    for end in [first, last] {
        if port.following(end, leader.main).is_none() {
            let message = format!("leaves 1 to 65535 where `{leader_name}` is {end}");
            return Err((message, None));
        }
    }
    Ok(())
}

/// Two variables at the same distance from one leader would be the same port in every environment.
fn alike(ports: &IndexMap<String, Port>) -> Checked<()> {
    let bond = |name: &str, port: &Port| {
        let leader = port.follows.clone().unwrap_or_else(|| name.to_owned());
        (leader, port.main)
    };
    for (at, (name, port)) in ports.iter().enumerate() {
        let mut earlier = ports.iter().take(at);
        let same = |(other, its): &(&String, &Port)| bond(other, its) == bond(name, port);
        if let Some((other, _)) = earlier.find(same) {
            let message = format!("is always the same port as `{other}`");
            return Err(Diagnostic::at(&["ports", name, "main"], message));
        }
    }
    Ok(())
}
