//! The programs beside Claude Code that create worktrees, and how each is told to make them environments.
//!
//! Each entry follows what the program's vendor documents: see `documented`.

use super::edit::{Format, Part};
use std::path::Path;

/// Turns the worktree into an environment.
const SETUP: &str = "git agentenv hook setup";
/// Stops what runs in the environment.
const CLEANUP: &str = "git agentenv hook cleanup";

/// A program that creates worktrees.
pub struct Host {
    /// The word on our command line.
    pub key: &'static str,
    /// Its name.
    pub title: &'static str,
    /// Its file, relative to the main checkout.
    pub file: &'static str,
    /// How they are written.
    pub format: Format,
    /// A new file, without our parts.
    pub base: fn(&Facts) -> String,
    /// What we put into it.
    pub parts: fn(&Facts) -> Vec<Part>,
    /// What a user has to know, after the installation.
    pub note: &'static str,
    /// Where the vendor documents the file.
    pub documented: &'static str,
    /// The same with the file of earlier versions, which the program reads only while the other one is missing.
    pub earlier: Option<&'static Host>,
}

impl Host {
    /// The same with the file that the program reads in this main checkout.
    pub fn read_in(&'static self, main: &Path) -> &'static Host {
        let is_there = |host: &Host| main.join(host.file).exists();
        self.earlier.filter(|earlier| is_there(earlier) && !is_there(self)).unwrap_or(self)
    }

    /// The same with the file that is called like this one.
    pub fn called(&'static self, file: &Path) -> &'static Host {
        self.earlier.filter(|earlier| file.ends_with(earlier.file)).unwrap_or(self)
    }
}

/// What the content depends on.
pub struct Facts {
    /// The repository's name.
    pub repo: String,
    /// Which ignored files new worktrees get: glob patterns.
    pub globs: Vec<String>,
}

const COMMIT: &str = "commit the file: new worktrees contain only what is committed";

/// All that we know.
pub const HOSTS: [Host; 7] = [
    Host {
        key: "codex",
        title: "Codex",
        file: ".codex/environments/environment.toml",
        format: Format::Toml,
        base: codex_base,
        parts: codex,
        note: COMMIT,
        documented: "https://developers.openai.com/codex/app/local-environments",
        earlier: None,
    },
    Host {
        key: "conductor",
        title: "Conductor",
        file: ".conductor/settings.toml",
        format: Format::Toml,
        base: |_| String::new(),
        parts: conductor,
        note: COMMIT,
        documented: "https://www.conductor.build/docs/reference/scripts",
        earlier: Some(&CONDUCTOR_JSON),
    },
    Host {
        key: "cursor",
        title: "Cursor",
        file: ".cursor/worktrees.json",
        format: Format::Json,
        base: empty_object,
        parts: cursor,
        note: COMMIT,
        documented: "https://cursor.com/docs/configuration/worktrees",
        earlier: None,
    },
    Host {
        key: "gemini",
        title: "Gemini CLI",
        file: ".gemini/settings.json",
        format: Format::Json,
        base: empty_object,
        parts: gemini,
        note: COMMIT,
        documented: "https://geminicli.com/docs/hooks/reference",
        earlier: None,
    },
    Host {
        key: "opencode",
        title: "opencode",
        file: ".opencode/plugins/git-agentenv.js",
        format: Format::Own(OPENCODE_MARK),
        base: opencode,
        parts: nothing,
        note: COMMIT,
        documented: "https://opencode.ai/v2/docs/build/plugins/",
        earlier: None,
    },
    Host {
        key: "vscode",
        title: "VS Code",
        file: ".vscode/settings.json",
        format: Format::Json,
        base: empty_object,
        parts: vscode,
        note: "VS Code copies these files; `git agentenv hook install` turns its worktrees into environments",
        documented: "https://code.visualstudio.com/docs/sourcecontrol/branches-worktrees",
        earlier: None,
    },
    Host {
        key: "worktrunk",
        title: "worktrunk",
        file: ".config/wt.toml",
        format: Format::Toml,
        base: |_| String::new(),
        parts: worktrunk,
        note: COMMIT,
        documented: "https://worktrunk.dev/hook/",
        earlier: None,
    },
];

/// Conductor's file before `.conductor/settings.toml`.
const CONDUCTOR_JSON: Host = Host {
    key: "conductor",
    title: "Conductor",
    file: "conductor.json",
    format: Format::Json,
    base: empty_object,
    parts: conductor,
    note: COMMIT,
    documented: "https://www.conductor.build/docs/reference/conductor-json",
    earlier: None,
};

/// The host of that name.
pub fn host(key: &str) -> &'static Host {
    HOSTS.iter().find(|host| host.key == key).unwrap_or(&HOSTS[0])
}

fn nothing(_: &Facts) -> Vec<Part> {
    Vec::new()
}

fn empty_object(_: &Facts) -> String {
    "{}\n".to_owned()
}

/// As the Codex app writes it; the script has to be there.
fn codex_base(facts: &Facts) -> String {
    format!("version = 1\nname = \"{}\"\n\n[setup]\nscript = \"\"\n", facts.repo)
}

fn codex(_: &Facts) -> Vec<Part> {
    vec![
        Part::Script { at: &["setup", "script"], command: SETUP, optional: false },
        Part::Script { at: &["cleanup", "script"], command: CLEANUP, optional: true },
    ]
}

fn conductor(_: &Facts) -> Vec<Part> {
    vec![
        Part::Script { at: &["scripts", "setup"], command: SETUP, optional: true },
        Part::Script { at: &["scripts", "archive"], command: CLEANUP, optional: true },
    ]
}

fn cursor(_: &Facts) -> Vec<Part> {
    let keys = &["setup-worktree-unix", "setup-worktree"];
    vec![Part::Elements { keys, values: vec![SETUP.to_owned()], first: true, noted: None }]
}

fn gemini(_: &Facts) -> Vec<Part> {
    let command = "git agentenv hook session-start";
    vec![Part::Hook { event: "SessionStart", command, timeout: 600_000, matcher: None }]
}

fn vscode(facts: &Facts) -> Vec<Part> {
    let keys = &["git.worktreeIncludeFiles"];
    // A user may have listed the same files.
    let noted = Some("git-agentenv.worktreeIncludeFiles");
    vec![Part::Elements { keys, values: facts.globs.clone(), first: false, noted }]
}

fn worktrunk(_: &Facts) -> Vec<Part> {
    vec![
        Part::Script { at: &["pre-start"], command: "git agentenv adopt", optional: true },
        Part::Script { at: &["post-remove"], command: "git agentenv prune", optional: true },
    ]
}

const OPENCODE_MARK: &str = "// Written by `git agentenv hook opencode --install`.";

fn opencode(_: &Facts) -> String {
    format!("{OPENCODE_MARK}\n{}", include_str!("opencode.js"))
}

/// The globs for VS Code of gitignore patterns. What is excluded with `!` has no counterpart.
pub fn globs(patterns: &[String]) -> Vec<String> {
    let patterns = patterns.iter().map(|pattern| pattern.trim());
    let plain = patterns.filter(|pattern| !pattern.is_empty() && !pattern.starts_with(['#', '!']));
    plain
        .map(|pattern| {
            let (path, directory) = match pattern.strip_suffix('/') {
                Some(path) => (path, "/**"),
                None => (pattern, ""),
            };
            let anywhere = if path.contains('/') { "" } else { "**/" };
            format!("{anywhere}{}{directory}", path.trim_start_matches('/'))
        })
        .collect()
}

#[cfg(test)]
mod tests;
