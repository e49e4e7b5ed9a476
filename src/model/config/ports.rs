//! The section `ports`.

use super::Port;
use super::reader::At;
use crate::model::config::diagnostic::{Checked, Wrong};
use crate::model::suggest::suggestion;
use indexmap::IndexMap;

/// Reads the section.
pub(super) fn read(at: &At) -> Checked<IndexMap<String, Port>> {
    let entries = at.entries()?.into_iter();
    entries.map(|(name, entry)| Ok((name.to_owned(), port(&entry)?))).collect()
}

/// Looks at what the ports say of each other.
pub(super) fn check(ports: &IndexMap<String, Port>) -> Checked<()> {
    for (name, port) in ports {
        let Some(leader) = &port.follows else {
            continue;
        };
        let path = ["ports", name, "follows"];
        follows(ports, name, leader).map_err(|(message, hint)| {
            let wrong = Wrong::at(&path, message);
            hint.into_iter().fold(wrong, Wrong::hint)
        })?;
    }
    alike(ports)
}

impl Port {
    /// The port of this variable where the one that it follows is at `leader`, whose main port is `leader_main`.
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
        (Some(_), Some(_)) => Err(at.wrong("has `range` and `follows`, which exclude each other")),
        (None, None) => Err(at
            .wrong("has neither `range` nor `follows`")
            .hint("add a range such as `range: 8012-8030`, or `follows:` another port")),
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
        [] => "no port has a range: give this one a `range` instead".to_owned(),
        some => suggestion(leader_name, some.iter().copied()),
    };
    if name == leader_name {
        return Err((format!("`{name}` follows itself"), Some(hint)));
    }
    let Some(leader) = ports.get(leader_name) else {
        return Err((format!("there is no port `{leader_name}`"), Some(hint)));
    };
    let Some((first, last)) = leader.range else {
        let message = format!("`{leader_name}` follows another port itself");
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

/// Two variables at the same distance from one leader are the same port in every environment.
fn alike(ports: &IndexMap<String, Port>) -> Checked<()> {
    let bond = |name: &str, port: &Port| {
        let leader = port.follows.clone().unwrap_or_else(|| name.to_owned());
        (leader, port.main)
    };
    for (at, (name, port)) in ports.iter().enumerate() {
        let mut earlier = ports.iter().take(at);
        let same = |(other, its): &(&String, &Port)| bond(other, its) == bond(name, port);
        if let Some((other, _)) = earlier.find(same) {
            let message = format!("would always be the same port as `{other}`");
            return Err(Wrong::at(&["ports", name, "main"], message));
        }
    }
    Ok(())
}
