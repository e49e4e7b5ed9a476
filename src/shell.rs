//! The shells that scripts are printed for.

/// The shells that we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Shell {
    /// GNU bash, with git's own completion
    Bash,
    /// zsh, as a file `_git-agentenv` in `fpath`
    Zsh,
    /// fish, as a file in `conf.d`
    Fish,
}

impl Shell {
    /// What the command line calls it.
    pub fn name(self) -> &'static str {
        match self {
            Shell::Bash => "bash",
            Shell::Zsh => "zsh",
            Shell::Fish => "fish",
        }
    }
}
