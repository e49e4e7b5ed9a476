//! What the file of a task runner gives all of its recipes, whatever the environment says.

/// Settings of just that leave recipes the environment's variables and the shell.
const SETTINGS: [&str; 10] = [
    "allow-duplicate-recipes",
    "allow-duplicate-variables",
    "dotenv-filename",
    "dotenv-load",
    "dotenv-path",
    "dotenv-required",
    "ignore-comments",
    "positional-arguments",
    "quiet",
    "windows-shell",
];

/// Attributes of just's recipes that do so.
const ATTRIBUTES: [&str; 8] =
    ["doc", "group", "linux", "macos", "no-cd", "private", "unix", "windows"];

/// What a file sets for all of its recipes, which not even `make -e` changes. What is not known of it may be anything.
pub(super) fn always(call: &str, text: &str) -> String {
    let unknown = |is_known: bool| (!is_known).then(|| "$(unknown)\n".to_owned());
    let of_line = |line: &str| match (call, line.split_whitespace().collect::<Vec<_>>().as_slice())
    {
        ("make", words) => {
            let is_stronger = |word: &&str| ["define", "override", "unexport"].contains(word);
            unknown(!words.iter().take(2).any(is_stronger))
        }
        ("just", ["set", "shell", ":=", words @ ..]) => {
            unknown(words.iter().all(|word| is_shell(word)))
        }
        ("just", ["set", setting, ..]) => {
            unknown(SETTINGS.contains(&setting.split(':').next().unwrap_or_default()))
        }
        ("just", ["export", ..]) => Some(format!("# {}\n", line.split_once(":=")?.1)),
        ("just", _) => unknown(line.strip_prefix('[')?.split(',').all(is_attribute)),
        _ => None,
    };
    let recipes: &[char] = if call == "make" { &['\t'] } else { &['\t', ' '] };
    text.lines().filter(|line| !line.starts_with(recipes)).filter_map(of_line).collect()
}

/// A word of `["bash", "-euo", "pipefail", "-c"]`.
fn is_shell(word: &str) -> bool {
    let word = word.trim_matches(|c: char| "[]\"',".contains(c));
    ["bash", "pipefail", "sh", "zsh"].contains(&word) || word.starts_with('-')
}

fn is_attribute(text: &str) -> bool {
    let name = text.trim().split(['(', ':', ']']).next().unwrap_or_default();
    ATTRIBUTES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_recipes_get_whatever_the_environment_says_is_unknown() {
        for (call, text, is_unknown) in [
            ("make", "export A := 1\nSHELL = bash\n\tunexport A\n", false),
            ("make", "  export override A := 1\n", true),
            ("make", "define A\n1\nendef\n", true),
            (
                "just",
                "set shell := [\"bash\", \"-euo\", 'pipefail', \"-c\"]\na:\n    set -e\n",
                false,
            ),
            ("just", "set dotenv-load := true\n[private, group('a')]\n", false),
            ("just", "set shell := ['docker', 'run']\n", true),
            ("just", "set dotenv-override:=true\n", true),
            ("just", "set export\n", true),
            ("just", "[private, env('A', 'b')]\n", true),
            ("just", "[working-directory: '../main']\n", true),
            ("task", "a: set\n", false),
        ] {
            assert_eq!(always(call, text).contains("unknown"), is_unknown, "{call}: {text}");
        }
    }
}
