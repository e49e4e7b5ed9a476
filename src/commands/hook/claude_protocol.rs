//! Claude Code's settings and hook events.

use anyhow::{Result, anyhow};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// An event that we handle.
struct Handled {
    event: &'static str,
    command: &'static str,
    /// The tool that it is about.
    matcher: Option<&'static str>,
    /// Time limit in seconds.
    timeout: u32,
}

/// The one that replaces Claude Code's own `git worktree add`: the limit covers the checkout and the project's hooks.
const CREATE: Handled = handled("WorktreeCreate", "git agentenv hook claude-create", 600);

/// Those that are always handled.
const ALWAYS: [Handled; 4] = [
    handled("WorktreeRemove", "git agentenv hook claude-remove", 600),
    handled("SessionStart", "git agentenv hook claude-session", 10),
    handled("CwdChanged", "git agentenv hook claude-session", 10),
    Handled {
        matcher: Some("Bash"),
        ..handled("PreToolUse", "git agentenv hook claude-check", 10)
    },
];

const fn handled(event: &'static str, command: &'static str, timeout: u32) -> Handled {
    Handled { event, command, matcher: None, timeout }
}

/// Those that are handled when this program creates Claude Code's worktrees, or git's hook adopts them.
fn events(creates: bool) -> impl Iterator<Item = &'static Handled> {
    creates.then_some(&CREATE).into_iter().chain(&ALWAYS)
}

/// The fields that we use of the event that Claude Code writes to a hook's stdin.
#[derive(Debug, Deserialize)]
pub struct Event {
    /// The event's name.
    pub hook_event_name: Option<String>,
    /// The session.
    pub session_id: Option<String>,
    /// The session's directory.
    pub cwd: Option<PathBuf>,
    /// The directory that the session left.
    pub old_cwd: Option<PathBuf>,
    /// The directory that it entered.
    new_cwd: Option<PathBuf>,
    /// What a tool is about to do.
    tool_input: Option<Value>,
    /// The name of the new worktree.
    name: Option<String>,
    /// The same; some versions use this key.
    worktree_name: Option<String>,
    /// The worktree to remove.
    pub worktree_path: Option<PathBuf>,
}

impl Event {
    /// The name of the new worktree.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref().or(self.worktree_name.as_deref()).filter(|name| !name.is_empty())
    }

    /// The directory that the session is in now.
    pub fn dir(&self) -> Result<PathBuf> {
        let dir = self.new_cwd.as_ref().or(self.cwd.as_ref()).filter(|dir| dir.is_absolute());
        dir.cloned().ok_or_else(|| anyhow!("the event names no directory"))
    }

    /// The command that a shell is about to run.
    pub fn command(&self) -> Option<&str> {
        self.tool_input.as_ref()?["command"].as_str()
    }
}

/// The settings that turn Claude Code's worktrees into environments.
pub fn snippet(creates: bool) -> Value {
    let mut settings = json!({});
    for handled in events(creates) {
        settings["hooks"][handled.event] = json!([entry(handled)]);
    }
    settings
}

/// Whether the settings contain all of our hooks.
pub fn is_in(settings: &Value) -> bool {
    ALWAYS.iter().all(|handled| {
        let entries = settings["hooks"][handled.event].as_array();
        let mut entries = entries.into_iter().flatten();
        entries.any(|entry| commands(entry).any(|found| found == handled.command))
    })
}

/// The commit that Claude Code's settings name for new worktrees: `fresh` or `head`.
pub fn base_ref(settings: &Value) -> Option<&str> {
    settings["worktree"]["baseRef"].as_str()
}

/// Adds our hooks to the settings; fails when `hooks` is not an object of lists.
pub fn insert(settings: &mut Value, creates: bool) -> Result<()> {
    remove(settings)?;
    let hooks = object(settings, "the settings")?.entry("hooks").or_insert_with(|| json!({}));
    let hooks = object(hooks, "`hooks`")?;
    for handled in events(creates) {
        let entries = hooks.entry(handled.event).or_insert_with(|| json!([]));
        array(entries, handled.event)?.push(entry(handled));
    }
    Ok(())
}

/// Removes our hooks from the settings, and the lists that are empty then.
pub fn remove(settings: &mut Value) -> Result<()> {
    let settings = object(settings, "the settings")?;
    let Some(hooks) = settings.get_mut("hooks") else {
        return Ok(());
    };
    let hooks = object(hooks, "`hooks`")?;
    for Handled { event, command, .. } in events(true) {
        let Some(entries) = hooks.get_mut(*event) else { continue };
        let entries = array(entries, event)?;
        let before = entries.len();
        entries.iter_mut().for_each(|entry| take_out(entry, command));
        entries.retain(|entry| !is_empty(&entry["hooks"]));
        if entries.is_empty() && before > 0 {
            hooks.shift_remove(*event);
        }
    }
    if hooks.is_empty() {
        settings.shift_remove("hooks");
    }
    Ok(())
}

fn entry(handled: &Handled) -> Value {
    let Handled { command, timeout, matcher, .. } = handled;
    let mut entry =
        json!({ "hooks": [{ "type": "command", "command": command, "timeout": timeout }] });
    if let Some(matcher) = matcher {
        entry["matcher"] = json!(matcher);
    }
    entry
}

fn commands(entry: &Value) -> impl Iterator<Item = &str> {
    entry["hooks"].as_array().into_iter().flatten().filter_map(|hook| hook["command"].as_str())
}

fn take_out(entry: &mut Value, command: &str) {
    if let Some(hooks) = entry.get_mut("hooks").and_then(Value::as_array_mut) {
        hooks.retain(|hook| hook["command"] != command);
    }
}

fn is_empty(hooks: &Value) -> bool {
    hooks.as_array().is_some_and(Vec::is_empty)
}

fn object<'a>(value: &'a mut Value, what: &str) -> Result<&'a mut Map<String, Value>> {
    value.as_object_mut().ok_or_else(|| anyhow!("{what} is not an object"))
}

fn array<'a>(value: &'a mut Value, what: &str) -> Result<&'a mut Vec<Value>> {
    value.as_array_mut().ok_or_else(|| anyhow!("`hooks.{what}` is not a list"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn other() -> Value {
        json!({
            "permissions": { "allow": ["Bash(ls:*)"] },
            "hooks": {
                "Stop": [{ "hooks": [{ "type": "command", "command": "say done" }] }],
                "WorktreeRemove": [{ "hooks": [{ "type": "command", "command": "echo bye" }] }],
            },
            "model": "x",
        })
    }

    #[test]
    fn hooks_come_and_go_beside_others() {
        let mut settings = other();
        insert(&mut settings, true).unwrap();
        assert!(is_in(&settings));
        let once = settings.clone();
        insert(&mut settings, true).unwrap();
        assert_eq!(settings, once);
        assert_eq!(settings["hooks"]["WorktreeRemove"].as_array().unwrap().len(), 2);
        remove(&mut settings).unwrap();
        assert!(!is_in(&settings));
        assert_eq!(settings.to_string(), other().to_string(), "in the same order");
    }

    #[test]
    fn nothing_is_left_of_nothing() {
        let mut settings = json!({});
        insert(&mut settings, true).unwrap();
        assert_eq!(settings, snippet(true));
        insert(&mut settings, false).unwrap();
        assert_eq!(settings, snippet(false));
        assert_eq!(settings["hooks"].get("WorktreeCreate"), None, "git's own hook does it");
        assert_eq!(settings["hooks"]["PreToolUse"][0]["matcher"], "Bash");
        remove(&mut settings).unwrap();
        assert_eq!(settings, json!({}));
    }

    #[test]
    fn a_command_beside_ours_stays() {
        let mut settings = snippet(true);
        let hooks = settings["hooks"]["WorktreeCreate"][0]["hooks"].as_array_mut().unwrap();
        hooks.push(json!({ "type": "command", "command": "echo" }));
        remove(&mut settings).unwrap();
        assert_eq!(
            settings,
            json!({ "hooks": { "WorktreeCreate": [{ "hooks": [{ "type": "command", "command": "echo" }] }] } })
        );
    }

    #[test]
    fn settings_of_another_kind_are_refused() {
        for mut odd in
            [json!([]), json!({ "hooks": [] }), json!({ "hooks": { "WorktreeCreate": {} } })]
        {
            assert!(insert(&mut odd, true).is_err(), "{odd}");
        }
    }

    #[test]
    fn an_event_has_its_name_under_either_word() {
        for key in ["name", "worktree_name"] {
            let event: Event = serde_json::from_value(json!({ key: "x", "other": 1 })).unwrap();
            assert_eq!(event.name(), Some("x"));
        }
    }
}
