//! `tests/run`: where it may not install what is missing, it says exactly what that is.

use crate::common::{Outcome, Sandbox, write_program};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

#[test]
fn fedora_is_told_its_packages() {
    let said = run_with(&["dnf"]);
    assert!(said.stderr.contains("\n    sudo dnf install ShellCheck "), "{}", said.show());
    assert!(said.stderr.contains(" glibc-devel "), "{}", said.show());
}

#[test]
fn macos_is_told_its_packages_and_what_has_none() {
    let said = run_with(&["brew"]);
    assert!(said.stderr.contains("\n    brew install "), "{}", said.show());
    assert!(said.stderr.contains(" mandoc mariadb node postgresql@16 "), "{}", said.show());
    assert!(said.stderr.contains(" strace\n    no package for this system"), "{}", said.show());
}

#[test]
fn debian_without_root_is_told_the_command() {
    let said = run_with(&["apt-get"]);
    let install = "\n    sudo apt-get update && sudo apt-get install --no-install-recommends ";
    assert!(said.stderr.contains(install), "{}", said.show());
}

#[test]
fn a_system_that_it_does_not_know_is_told_the_programs() {
    let said = run_with(&[]);
    assert!(said.stderr.contains("find these in your package manager: "), "{}", said.show());
    for program in ["mandoc", "missing: cargo", "missing: docker", "tests/run --fast"] {
        assert!(said.stderr.contains(program), "{program}: {}", said.show());
    }
}

/// Runs it as a user who is not root, on a machine that has what every system has, and these package managers.
fn run_with(package_managers: &[&str]) -> Outcome {
    let sandbox = Sandbox::new();
    let bin = sandbox.root.join("bin");
    fs::create_dir(&bin).unwrap();
    for program in ["awk", "bash", "dirname", "env", "sort", "tr"] {
        symlink(which::which(program).unwrap(), bin.join(program)).unwrap();
    }
    stand_in(&bin.join("id"), "echo 1000");
    for name in package_managers {
        stand_in(&bin.join(name), "echo it was called; exit 1");
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/run");
    let mut command = sandbox.command(script);
    sandbox.outcome(command.arg("--tools").env("PATH", &bin)).fails(1)
}

fn stand_in(path: &Path, script: &str) {
    write_program(path, &format!("#!/usr/bin/env bash\n{script}\n"));
}
