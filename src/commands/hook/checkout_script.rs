//! The lines of our `post-checkout` hook.

use crate::model::managed_block::Marks;

/// The lines around our part of the hook.
pub const MARKS: Marks = Marks { begin: "# >>> git-agentenv >>>", end: "# <<< git-agentenv <<<" };

/// The start of a hook file that we created; it holds nothing else but our block.
const OWN: &str = "#!/bin/sh\n# Written by `git agentenv hook install`.\n";

/// Git passes the previous HEAD, the new HEAD and 1 for a branch checkout; in a new worktree
/// the previous HEAD is all zeros (githooks(5)).
const LINES: &str = r#"# Turns each new worktree into an environment. Remove with `git agentenv hook uninstall`.
case "${1:-x}" in
*[!0]*) ;;
*)
    if [ -z "${AGENTENV_WORKING:-}" ] && command -v git-agentenv >/dev/null 2>&1; then
        git-agentenv --quiet hook checkout </dev/null || :
    fi
    ;;
esac"#;

/// Shells that can run our lines.
const SHELLS: [&str; 6] = ["sh", "bash", "dash", "ash", "ksh", "zsh"];

/// A change to the hook's file.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
    /// Keep the file.
    Nothing,
    /// Write this content.
    Write(String),
    /// Delete the file: only our block was in it.
    Remove,
}

/// Adds our block below the hook's first line: before any `exit` or `exec`, so that the hook keeps
/// its own exit code. `None`: not a shell script.
pub fn install(existing: Option<&str>) -> Option<Change> {
    let block = MARKS.block(LINES);
    let Some(existing) = existing else {
        return Some(Change::Write(format!("{OWN}{block}")));
    };
    if let Some(replaced) = MARKS.replaced(existing, &block) {
        return Some(if replaced == existing { Change::Nothing } else { Change::Write(replaced) });
    }
    let first = existing.split_inclusive('\n').next().filter(|line| is_shell(line))?;
    let rest = &existing[first.len()..];
    Some(Change::Write(format!("{}\n{block}{rest}", first.trim_end_matches('\n'))))
}

/// Removes our block from a hook.
pub fn uninstall(existing: &str) -> Change {
    match MARKS.without(existing) {
        None => Change::Nothing,
        Some(rest) if rest == OWN => Change::Remove,
        Some(rest) => Change::Write(rest),
    }
}

/// Whether a hook contains our block.
pub fn is_in(existing: &str) -> bool {
    MARKS.find(existing).is_some()
}

fn is_shell(first: &str) -> bool {
    let Some(line) = first.strip_prefix("#!") else {
        return false;
    };
    let mut words = line.split_whitespace();
    let name = |word: &str| word.rsplit('/').next().unwrap_or(word).to_owned();
    let program = words.next().map(name).unwrap_or_default();
    let shell = if program == "env" {
        words.find(|word| !word.starts_with('-')).map(name).unwrap_or_default()
    } else {
        program
    };
    SHELLS.contains(&shell.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(change: Option<Change>) -> String {
        match change {
            Some(Change::Write(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn our_own_hook_comes_and_goes() {
        let own = written(install(None));
        assert!(own.starts_with("#!/bin/sh\n") && is_in(&own));
        assert_eq!(install(Some(&own)), Some(Change::Nothing));
        assert_eq!(uninstall(&own), Change::Remove);
    }

    #[test]
    fn a_shell_hook_gets_our_block_below_its_first_line_and_back_its_bytes() {
        for first in ["#!/bin/sh", "#! /usr/bin/env -S bash -e", "#!/usr/local/bin/zsh"] {
            let hook = format!("{first}\nexec git lfs post-checkout \"$@\"\n");
            let text = written(install(Some(&hook)));
            assert!(text.starts_with(&format!("{first}\n{}\n", MARKS.begin)), "{text}");
            assert_eq!(uninstall(&text), Change::Write(hook));
        }
    }

    #[test]
    fn an_old_block_is_renewed() {
        let old = format!("#!/bin/sh\n{}\nexit 0\n", MARKS.block("old").trim_end());
        let text = written(install(Some(&old)));
        assert!(
            text.contains("hook checkout")
                && text.ends_with("\nexit 0\n")
                && !text.contains("old\n")
        );
    }

    #[test]
    fn what_is_no_shell_script_is_left() {
        for hook in
            ["", "\u{7f}ELF", "#!/usr/bin/env python3\n", "#!/usr/bin/fish\n", "echo\n", "#!\n"]
        {
            assert_eq!(install(Some(hook)), None, "{hook}");
            assert_eq!(uninstall(hook), Change::Nothing);
        }
    }
}
