//! `tests/run`: where it may not install what is missing, it says exactly what that is; and what it makes of tests that
//! fail.

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

#[test]
fn what_fails_runs_once_more_alone_and_is_named() {
    let passed = "echo 'test result: ok. 1 passed; 0 failed'";
    let said = run_with_cargo(&["a::one"], passed).ok();
    assert!(said.stderr.contains("FLAKY, passed the second time: a::one\n"), "{}", said.show());
    assert!(said.stderr.contains("--test suite -- --exact a::one alone\n"), "{}", said.show());

    let said = run_with_cargo(&["a::one"], "exit 101").fails(1);
    assert!(!said.stderr.contains("FLAKY"), "{}", said.show());
    // A unit test: the suite has none of that name.
    run_with_cargo(&["a::one"], "echo 'test result: ok. 0 passed; 0 failed'").fails(1);
    for many in [&["a", "b", "c", "d"][..], &[]] {
        let said = run_with_cargo(many, passed).fails(1);
        assert!(!said.stderr.contains("once more"), "{}", said.show());
    }
}

/// Runs all tests with a stand-in for cargo, whose first run fails in these tests and whose second run is this script.
fn run_with_cargo(failing: &[&str], second: &str) -> Outcome {
    let sandbox = Sandbox::new();
    let bin = sandbox.root.join("bin");
    fs::create_dir(&bin).unwrap();
    let failed = |name: &&str| format!("echo 'test {name} ... FAILED'\n");
    let first: String = failing.iter().map(failed).collect();
    let again =
        r#"case "$*" in *--exact*) echo "$* $([ "$RUST_TEST_THREADS" = 1 ] && echo alone)""#;
    stand_in(&bin.join("cargo"), &format!("{again}; {second}; exit ;; esac\n{first}exit 101"));
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/run");
    // Into a file that something was written to before, as users keep what it says.
    let mut shell = sandbox.command("sh");
    shell.args([
        "-c",
        r#"exec >>"$0/log"; echo before; "$1"; code=$?; exec >&2; cat "$0/log"; exit $code"#,
    ]);
    let shell = shell.arg(&sandbox.root).arg(script).env("PATH", path);
    let said = sandbox.outcome(shell);
    assert!(said.stderr.contains("before\n"), "{}", said.show());
    said
}

fn stand_in(path: &Path, script: &str) {
    write_program(path, &format!("#!/usr/bin/env bash\n{script}\n"));
}
