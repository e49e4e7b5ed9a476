//! Claude Code's settings and hook events.

use super::edit::{self, Format, Part};
use anyhow::{Result, anyhow};
use serde::Deserialize;
use serde_json::Value;
use std::path::PathBuf;

/// The one that replaces Claude Code's own `git worktree add`: the limit covers the checkout and the project's hooks.
const CREATE: Part = hook("WorktreeCreate", "git agentenv hook claude-create", 600, None);

/// Those that are always handled; the limits are in seconds.
const ALWAYS: [Part; 4] = [
    hook("WorktreeRemove", "git agentenv hook claude-remove", 600, None),
    hook("SessionStart", "git agentenv hook claude-session", 10, None),
    hook("CwdChanged", "git agentenv hook claude-session", 10, None),
    hook("PreToolUse", "git agentenv hook claude-check", 10, Some("Bash")),
];

const fn hook(
    event: &'static str,
    command: &'static str,
    timeout: u32,
    matcher: Option<&'static str>,
) -> Part {
    Part::Hook { event, command, timeout, matcher }
}

/// Those that are handled when this program creates Claude Code's worktrees, or git's hook adopts them.
fn parts(creates: bool) -> Vec<Part> {
    creates.then_some(CREATE).into_iter().chain(ALWAYS).collect()
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
pub fn snippet(creates: bool) -> Result<Value> {
    Ok(edit::json::value(&insert("", creates)?).unwrap_or_default())
}

/// Whether the settings contain all of our hooks.
pub fn is_in(settings: &str) -> bool {
    edit::is_in(Format::Json, settings, &ALWAYS)
}

/// The commit that Claude Code's settings name for new worktrees: `fresh` or `head`.
pub fn base_ref(settings: &Value) -> Option<&str> {
    settings["worktree"]["baseRef"].as_str()
}

/// The settings with our hooks; all else stays as it is written. Fails when `hooks` is not an object of lists.
pub fn insert(settings: &str, creates: bool) -> Result<String> {
    let without = if creates { &[] } else { &[CREATE][..] };
    let settings = edit::uninstall(Format::Json, settings, without)?;
    edit::install(Format::Json, &settings, &parts(creates))
}

/// The settings without our hooks, and without the lists that are empty then.
pub fn remove(settings: &str) -> Result<String> {
    edit::uninstall(Format::Json, settings, &parts(true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_settings_of_the_user_stay_byte_for_byte() {
        for theirs in [
            "{\n\t\"a\": 1.0e3,\n\t\"b\": \"\\u00e9\\/\",\n\t\"a\": 2\n}\n",
            "{\n    // mine\n    \"model\": \"x\", /* why */\n    \"big\": 12345678901234567890123,\n}",
            "{\n  \"hooks\": {\n    \"Stop\": [{ \"hooks\": [] }],\n    \"WorktreeRemove\": [\n      { \"hooks\": [{ \"type\": \"command\", \"command\": \"echo bye\" }] }\n    ]\n  },\n  \"model\": \"x\"\n}\n",
            "{\r\n  \"model\": \"x\"\r\n}\r\n",
            "{ // mine\n}",
        ] {
            for creates in [true, false] {
                let with = insert(theirs, creates).unwrap();
                assert!(is_in(&with), "{with}");
                assert_eq!(insert(&with, creates).unwrap(), with, "twice is once");
                assert_eq!(remove(&with).unwrap(), theirs, "{with}");
            }
            assert!(!is_in(theirs) && remove(theirs).unwrap() == theirs);
        }
    }

    #[test]
    fn an_object_on_one_line_keeps_what_is_in_it() {
        let theirs = "{ \"hooks\": { \"Stop\": [] }, \"a\": 1.0e3 }";
        let rest = remove(&insert(theirs, true).unwrap()).unwrap();
        let squeezed = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(squeezed(&rest), squeezed(theirs));
    }

    #[test]
    fn nothing_is_left_of_nothing() {
        let with = insert("", true).unwrap();
        assert!(snippet(true).unwrap()["hooks"]["WorktreeCreate"].is_array());
        let with = insert(&with, false).unwrap();
        let settings = edit::json::value(&with).unwrap();
        assert_eq!(settings, snippet(false).unwrap());
        assert_eq!(settings["hooks"].get("WorktreeCreate"), None, "git's own hook does it");
        assert_eq!(settings["hooks"]["PreToolUse"][0]["matcher"], "Bash");
        assert_eq!(edit::json::value(&remove(&with).unwrap()), Some(json!({})));
    }

    #[test]
    fn what_another_version_wrote_is_brought_up_to_date() {
        let now = insert("", false).unwrap();
        for (ours, other) in [
            ("\"timeout\": 10", "\"timeout\": 99"),
            ("\"matcher\": \"Bash\"", "\"matcher\": \"Edit\""),
        ] {
            let old = now.replace(ours, other);
            assert!(old != now && is_in(&old));
            assert_eq!(insert(&old, false).unwrap(), now, "{other}");
        }
        // All sessions, in other words.
        let start = "\"SessionStart\": [\n      {\n";
        let all = now.replace(start, &format!("{start}        \"matcher\": \"*\",\n"));
        assert!(all != now);
        assert_eq!(insert(&all, false).unwrap(), all);
    }

    #[test]
    fn a_command_beside_ours_stays() {
        let mut settings = snippet(true).unwrap();
        let hooks = settings["hooks"]["WorktreeCreate"][0]["hooks"].as_array_mut().unwrap();
        hooks.push(json!({ "type": "command", "command": "echo" }));
        let rest = remove(&settings.to_string()).unwrap();
        assert_eq!(
            edit::json::value(&rest).unwrap(),
            json!({ "hooks": { "WorktreeCreate": [{ "hooks": [{ "type": "command", "command": "echo" }] }] } })
        );
    }

    #[test]
    fn settings_of_another_kind_are_refused() {
        for odd in
            ["[]", "{ \"hooks\": [] }", "{ \"hooks\": { \"WorktreeCreate\": {} } }", "{ mine"]
        {
            assert!(insert(odd, true).is_err(), "{odd}");
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
