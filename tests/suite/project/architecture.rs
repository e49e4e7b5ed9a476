//! The shape of the code: who may import whom, who may touch what, and that no test is forgotten.

use std::fs;
use std::path::{Path, PathBuf};

/// Imports run downwards only. A module that is not named here may be imported by all but `model`.
const LAYERS: [&str; 6] = ["model", "sys", "ui", "service", "environment", "commands"];

/// Where nothing has an effect: `model`, and what serves one command and reads text only.
const PURE: [&str; 5] = [
    "model/",
    "commands/hook/checkout_script.rs",
    "commands/hook/claude_protocol.rs",
    "commands/hook/edit/",
    "commands/hook/hosts.rs",
];

/// What `model` may name besides itself: no effect can come in through these.
const MODEL_MAY_USE: [&str; 13] = [
    "std",
    "core",
    "crate",
    "super",
    "self",
    "serde",
    "serde_yaml",
    "indexmap",
    "anyhow",
    "sha2",
    "serde_json",
    "jsonc_parser",
    "toml_edit",
];

/// Words that only the named files of `src` may hold.
const KEPT_TO: [(&[&str], &[&str]); 6] = [
    (
        &["clap::", "use clap"],
        &["commands/", "cli.rs", "help.rs", "main.rs", "usage.rs", "shell.rs", "ui/color.rs"],
    ),
    (
        &["duct::", "use duct", "process::Command", "process::{Command"],
        &["sys/exec/", "sys/interrupt.rs"],
    ),
    (&["gix::", "use gix"], &["sys/repo.rs"]),
    (&["rmcp::", "tokio::"], &["commands/mcp/"]),
    // In a project's paths and commands it is a word like others.
    (&["\"docker\"", "\"docker-compose\""], &["sys/docker/", "sys/compose/", "model/detect/"]),
    // The carrier prints what a program in a container printed.
    (
        &["println!(", "print!(", "io::stdout()", "io::stderr()", "Term::std", "Term::buf"],
        &["ui/", "sys/docker/carrier.rs"],
    ),
];

const MODEL_MUST_NOT: [&str; 8] = [
    "std::fs",
    "std::env",
    "std::process",
    "std::net",
    "std::io",
    "std::thread",
    "SystemTime",
    "Instant",
];

const LONGEST: usize = 300;

#[test]
fn every_test_file_is_in_the_module_of_its_folder() {
    for folder in ["stories", "promises", "services", "project"] {
        let dir = project().join("tests/suite").join(folder);
        let module = fs::read_to_string(dir.join("mod.rs")).unwrap();
        let listed: Vec<_> = module.lines().filter_map(module_name).collect();
        assert!(listed.is_sorted(), "the modules of {folder} are in alphabetical order");
        let mut files: Vec<_> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .filter(|name| name != "mod")
            .collect();
        files.sort();
        assert_eq!(listed, files);
    }
}

fn module_name(line: &str) -> Option<&str> {
    line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod ")?.strip_suffix(';')
}

#[test]
fn tests_wait_for_what_they_need_and_never_for_a_time() {
    let word = concat!("thread::sl", "eep");
    for (name, code) in sources("tests/suite") {
        assert!(
            name.starts_with("common/") || !code.contains(word),
            "{name}: use common::wait_until"
        );
    }
}

#[test]
fn imports_run_downwards() {
    let rank = |module: &str| LAYERS.iter().position(|layer| *layer == module);
    let mut faults = Vec::new();
    for (name, code) in sources("src") {
        let own = name.split(['/', '.']).next().unwrap();
        for module in imported(&code) {
            let upwards = match (rank(own), rank(&module)) {
                (Some(from), Some(to)) => to > from,
                (None, Some(_)) => module == "commands" && !["main", "lib", "cli"].contains(&own),
                (Some(_), None) => own == "model" && module != "error",
                (None, None) => false,
            };
            if upwards {
                faults.push(format!("{name} imports {module}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_model_is_pure() {
    let mut faults = Vec::new();
    let is_model =
        |name: &str| PURE.iter().any(|pure| name.starts_with(pure)) && !name.contains("tests");
    for (name, code) in sources("src").into_iter().filter(|(name, _)| is_model(name)) {
        for line in code.lines() {
            let import = line
                .trim_start()
                .strip_prefix("use ")
                .or_else(|| line.trim_start().strip_prefix("pub use "));
            let from = import.and_then(|path| path.split([':', ';', ' ']).next());
            let own_module = |from: &str| {
                project().join("src/model").join(from).exists()
                    || code.contains(&format!("mod {from};"))
            };
            if from.is_some_and(|from| !MODEL_MAY_USE.contains(&from) && !own_module(from)) {
                faults.push(format!("{name}: {}", line.trim()));
            }
        }
        faults.extend(
            MODEL_MUST_NOT
                .iter()
                .filter(|word| code.contains(**word))
                .map(|word| format!("{name}: {word}")),
        );
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn each_effect_has_one_home() {
    let mut faults = Vec::new();
    for (name, code) in sources("src") {
        for (words, homes) in KEPT_TO {
            if homes.iter().any(|home| name.starts_with(home)) {
                continue;
            }
            let found = words.iter().filter(|word| code.contains(**word));
            faults
                .extend(found.map(|word| format!("{name} has {word}, which belongs to {homes:?}")));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn no_file_is_too_long_to_read() {
    for (name, code) in sources("src") {
        let lines = code.lines().count();
        assert!(lines <= LONGEST, "{name} has {lines} lines of code: {LONGEST} at most");
    }
}

/// The first path segment of every `crate::…`, in braces too.
fn imported(code: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let mut modules = Vec::new();
    let paths = code.match_indices("crate::").map(|(at, found)| &code[at + found.len()..]);
    for path in
        paths.chain(code.match_indices("agentenv::").map(|(at, found)| &code[at + found.len()..]))
    {
        let Some(group) = path.strip_prefix('{') else {
            modules.push(word(path));
            continue;
        };
        let mut depth = 1;
        let mut start = true;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => start = true,
                _ if start && depth == 1 && !c.is_whitespace() => {
                    modules.push(word(&group[at..]));
                    start = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    modules
}

/// The Rust files below a directory, by their path in it: their code without comments, blank lines and
/// the unit tests at the end.
fn sources(dir: &str) -> Vec<(String, String)> {
    let root = project().join(dir);
    let mut found = Vec::new();
    let mut dirs = vec![root.clone()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                found.push((name, code_of(&path)));
            }
        }
    }
    found
}

fn code_of(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    // `mod tests;` names a file of its own, and more code can come after it.
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code.lines().filter(is_code).collect::<Vec<_>>().join("\n")
}

fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
