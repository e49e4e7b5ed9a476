//! Every dependency's licence is one that `deny.toml` allows.

use std::path::Path;
use std::process::Command;

#[test]
fn every_dependency_has_a_licence_that_we_allow() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let allowed = allow_list(&std::fs::read_to_string(project.join("deny.toml")).unwrap());
    assert!(allowed.contains(&"MIT".to_owned()));

    let faults: Vec<_> = packages(project)
        .iter()
        .filter(|package| {
            !package["license"].as_str().is_some_and(|licence| Terms::new(licence).met_by(&allowed))
        })
        .map(|package| {
            format!("{} {}: {}", package["name"], package["version"], package["license"])
        })
        .collect();
    assert!(faults.is_empty(), "not allowed by deny.toml: {faults:#?}");
}

#[test]
fn licence_expressions_are_read_as_spdx_means_them() {
    let allowed = ["MIT", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned);
    let met = |expression| Terms::new(expression).met_by(&allowed);
    assert!(met("MIT") && met("GPL-3.0 OR MIT") && met("MIT/Apache-2.0"));
    assert!(met("(MIT OR Apache-2.0) AND Unicode-3.0"));
    assert!(met("Apache-2.0 WITH LLVM-exception OR GPL-2.0"));
    assert!(!met("Apache-2.0") && !met("MIT AND GPL-3.0") && !met(""));
    assert!(!met("GPL-3.0 AND MIT OR GPL-2.0"));
}

/// The packages of this platform's dependency graph; others may not have been downloaded.
fn packages(project: &Path) -> Vec<serde_json::Value> {
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let about = String::from_utf8(rustc.stdout).unwrap();
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--offline",
            "--locked",
            "--format-version=1",
            "--filter-platform",
            host,
        ])
        .current_dir(project)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    serde_json::from_value(metadata["packages"].take()).unwrap()
}

/// The strings of `allow = [ … ]`.
fn allow_list(deny: &str) -> Vec<String> {
    let (_, list) = deny.split_once("\nallow = [").expect("an allow list");
    let (list, _) = list.split_once(']').expect("its end");
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// An SPDX expression, read from the left: OR of ANDs of a licence or an expression in parentheses.
struct Terms(Vec<String>);

impl Terms {
    fn new(expression: &str) -> Self {
        let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
        let mut words: Vec<_> = spaced
            .replace(" WITH ", "~")
            .split_whitespace()
            .map(|w| w.replace('~', " WITH "))
            .collect();
        words.reverse();
        Self(words)
    }

    fn met_by(mut self, allowed: &[String]) -> bool {
        self.any(allowed) && self.0.is_empty()
    }

    fn any(&mut self, allowed: &[String]) -> bool {
        let mut met = self.all(allowed);
        while self.0.pop_if(|word| word == "OR").is_some() {
            met |= self.all(allowed);
        }
        met
    }

    fn all(&mut self, allowed: &[String]) -> bool {
        let mut met = self.one(allowed);
        while self.0.pop_if(|word| word == "AND").is_some() {
            met &= self.one(allowed);
        }
        met
    }

    fn one(&mut self, allowed: &[String]) -> bool {
        match self.0.pop() {
            Some(word) if word == "(" => {
                let met = self.any(allowed);
                met && self.0.pop().is_some_and(|word| word == ")")
            }
            Some(word) => allowed.contains(&word),
            None => false,
        }
    }
}
