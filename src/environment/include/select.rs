//! What of the matching files is copied.

use std::collections::BTreeSet;

/// The files to copy, and what is left out on purpose.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Selection {
    /// Paths relative to the checkout.
    pub(super) files: Vec<String>,
    /// Python virtual environments: their scripts and editable installs name the main checkout.
    pub(super) venvs: Vec<String>,
}

/// Every virtual environment has this file at its top (docs.python.org/3/library/venv.html).
const VENV: &str = "/pyvenv.cfg";

impl Selection {
    /// Leaves out virtual environments, nested repositories (their entry ends in `/`) and our own files.
    pub(super) fn of(files: Vec<String>, own: &[String]) -> Selection {
        let venvs: BTreeSet<String> =
            files.iter().filter_map(|file| file.strip_suffix(VENV)).map(str::to_owned).collect();
        let in_venv = |file: &str| {
            let ends = file.match_indices('/').map(|(at, _)| at);
            ends.into_iter().any(|end| venvs.contains(&file[..end]))
        };
        let kept = |file: &String| !file.ends_with('/') && !own.contains(file) && !in_venv(file);
        let files = files.into_iter().filter(kept).collect();
        Selection { files, venvs: venvs.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtual_environments_nested_repositories_and_our_files_stay_behind() {
        let files =
            [".env", ".env.worktree", "a/venv/bin/pip", "a/venv/pyvenv.cfg", "a/venv2", "sub/"];
        let files = files.map(str::to_owned).to_vec();
        let selection = Selection::of(files, &[".env.worktree".to_owned()]);
        assert_eq!(selection.files, [".env", "a/venv2"]);
        assert_eq!(selection.venvs, ["a/venv"]);
    }
}
