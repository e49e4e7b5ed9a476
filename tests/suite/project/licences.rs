//! Every dependency's licence is one that `deny.toml` allows.

use spdx::{Expression, Licensee, ParseMode};
use std::path::Path;
use std::process::Command;

#[test]
fn every_dependency_has_a_licence_that_we_allow() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let allowed = allow_list(&std::fs::read_to_string(project.join("deny.toml")).unwrap());
    assert!(allowed.len() > 5);
    let is_met = |terms: &str| {
        let terms = Expression::parse_mode(terms, ParseMode::LAX);
        let is_allowed = |one: &spdx::LicenseReq| allowed.iter().any(|known| known.satisfies(one));
        terms.is_ok_and(|terms| terms.evaluate(is_allowed))
    };
    assert!(is_met("GPL-3.0 OR MIT") && !is_met("GPL-3.0-only AND MIT"));

    let faults: Vec<_> = packages(project)
        .iter()
        .filter(|package| !package["license"].as_str().is_some_and(is_met))
        .map(|package| {
            format!("{} {}: {}", package["name"], package["version"], package["license"])
        })
        .collect();
    assert!(faults.is_empty(), "not allowed by deny.toml: {faults:#?}");
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
fn allow_list(deny: &str) -> Vec<Licensee> {
    let (_, list) = deny.split_once("\nallow = [").expect("an allow list");
    let (list, _) = list.split_once(']').expect("its end");
    list.split('"').skip(1).step_by(2).map(|name| Licensee::parse(name).unwrap()).collect()
}
