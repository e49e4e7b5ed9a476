//! `install.sh`: from a release, from a checkout, in a pipe, and cut off.

use crate::common::{Outcome, Sandbox, write_program};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const BINARY: &str = env!("CARGO_BIN_EXE_git-agentenv");

#[test]
fn a_pipe_installs_the_release_and_uninstalls_it() {
    let machine = Machine::new();
    machine.publish();
    let said = machine.pipe(&script(), &["--prefix", "prefix"]).ok();
    assert!(said.stdout.contains("installed git-agentenv 9.9.9"), "{}", said.show());
    let pages = fs::read_dir(project().join("man")).unwrap().count();
    assert_eq!(machine.installed().len(), pages + 4, "{:?}", machine.installed());
    machine.pipe(&script(), &["--prefix", "prefix", "--uninstall"]).ok();
    assert_eq!(machine.installed(), [""; 0]);
}

#[test]
fn a_release_with_another_checksum_is_refused() {
    let machine = Machine::new();
    machine.publish();
    let sums = machine.file("release/SHA256SUMS");
    let named = fs::read_to_string(&sums).unwrap();
    fs::write(&sums, format!("{}{}", "0".repeat(64), &named[64..])).unwrap();
    let said = machine.pipe(&script(), &["--prefix", "prefix"]).fails(1);
    assert!(said.stderr.contains("the checksum of"), "{}", said.show());
    fs::write(&sums, "").unwrap();
    let said = machine.pipe(&script(), &["--prefix", "prefix"]).fails(1);
    assert!(said.stderr.contains("does not name"), "{}", said.show());
    assert_eq!(machine.installed(), [""; 0]);
}

#[test]
fn a_script_that_was_cut_off_does_nothing() {
    let machine = Machine::new();
    machine.publish();
    let whole = script();
    for end in (0..whole.len() - "main \"$@\"\n".len()).step_by(701) {
        machine.pipe(&whole[..end], &["--prefix", "prefix"]);
        assert!(!machine.file("prefix").exists(), "cut off after {end} bytes");
    }
}

#[test]
fn a_machine_without_a_release_builds() {
    let machine = Machine::new();
    drop(machine.checkout());
    fs::create_dir(machine.file("release")).unwrap();
    let said = machine.run("checkout/install.sh", &["--prefix", "prefix"]).ok();
    assert!(said.stdout.contains("no release for "), "{}", said.show());
    assert!(machine.log().starts_with("cargo build --release --locked "), "{}", machine.log());
    assert!(machine.file("prefix/bin/git-agentenv").exists());
}

#[test]
fn a_checkout_takes_only_the_release_of_its_own_commit() {
    let machine = Machine::new();
    let git = machine.checkout();
    let version = env!("CARGO_PKG_VERSION");
    machine.stand_in("curl", "exit 22");
    let tried = || {
        let mut command = machine.command("checkout/install.sh");
        command.env_remove("AGENTENV_DOWNLOAD").args(["--prefix", "prefix"]);
        machine.sandbox.outcome(&mut command).ok();
        let log = machine.log();
        fs::remove_file(machine.file("log")).unwrap();
        log
    };
    assert!(tried().starts_with("cargo build"), "no release is of this commit");
    git(&["tag", &format!("v{version}")]);
    let log = tried();
    assert!(log.starts_with("curl "), "{log}");
    assert!(
        log.contains(&format!("/releases/download/v{version}/SHA256SUMS\ncargo build")),
        "{log}"
    );
    fs::write(machine.file("checkout/Cargo.toml"), "name = \"git-agentenv\"\n").unwrap();
    assert!(tried().starts_with("cargo build"), "the checkout has changes");
}

/// A machine with stand-ins for cargo and the released program, and a directory in the place of GitHub.
struct Machine {
    sandbox: Sandbox,
}

impl Machine {
    fn new() -> Self {
        let machine = Machine { sandbox: Sandbox::new() };
        fs::create_dir(machine.file("bin")).unwrap();
        let build = format!(
            "while [ \"$1\" != --target-dir ]; do shift; done\nmkdir -p \"$2/release\"\ncp '{BINARY}' \"$2/release/\""
        );
        machine.stand_in("cargo", &build);
        machine.stand_in("released", "echo git-agentenv 9.9.9");
        machine
    }

    /// A program that notes how it was called.
    fn stand_in(&self, name: &str, body: &str) {
        let log = self.file("log");
        let script = format!("#!/bin/sh\necho \"{name} $*\" >>'{}'\n{body}\n", log.display());
        let file = self.file("bin").join(name);
        write_program(&file, &script);
    }

    fn publish(&self) {
        self.sandbox.publish(&self.file("bin/released"));
    }

    /// A repository with what `install.sh` needs; returns a way to call git in it.
    fn checkout(&self) -> impl Fn(&[&str]) {
        let repo = self.sandbox.repo("checkout");
        for name in ["install.sh", "Cargo.toml", "man", "completions"] {
            let mut copy = self.sandbox.command("cp");
            self.sandbox.outcome(copy.arg("-r").arg(project().join(name)).arg(&repo.path)).ok();
        }
        repo.git(&["add", "."]);
        repo.git(&["commit", "--quiet", "--message", "a clone"]);
        |args| drop(self.sandbox.repo_at("checkout").git(args))
    }

    fn command(&self, program: &str) -> Command {
        let program = match program.contains('/') {
            true => self.file(program),
            false => program.into(),
        };
        let mut command = self.sandbox.command(program);
        let path = std::env::var_os("PATH").unwrap();
        let dirs = std::iter::once(self.file("bin")).chain(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(dirs).unwrap());
        command.env("AGENTENV_DOWNLOAD", format!("file://{}", self.file("release").display()));
        command.current_dir(&self.sandbox.root);
        command
    }

    #[track_caller]
    fn run(&self, program: &str, args: &[&str]) -> Outcome {
        self.sandbox.outcome(self.command(program).args(args))
    }

    /// Runs a script as `curl … | sh -s -- <args>` does.
    #[track_caller]
    fn pipe(&self, script: &str, args: &[&str]) -> Outcome {
        fs::write(self.file("script"), script).unwrap();
        let mut sh = self.command("sh");
        sh.args(["-s", "--"]).args(args).stdin(fs::File::open(self.file("script")).unwrap());
        self.sandbox.outcome(&mut sh)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.file("log")).unwrap_or_default()
    }

    /// The files below the prefix.
    fn installed(&self) -> Vec<String> {
        let mut find = self.sandbox.command("find");
        find.arg(self.file("prefix")).args(["-type", "f"]);
        self.sandbox.outcome(&mut find).stdout.lines().map(str::to_owned).collect()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.sandbox.root.join(name)
    }
}

fn script() -> String {
    fs::read_to_string(project().join("install.sh")).unwrap()
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
