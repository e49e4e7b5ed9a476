//! What an interrupted way to or from the trash leaves on record harms no later environment, and is never stranded.

use crate::common::{Repo, Sandbox};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

#[test]
fn a_record_of_an_interrupted_removal_goes_with_its_environment() {
    let sandbox = Sandbox::new();
    let repo = with_x(&sandbox);
    for struck in [&["remove", "x", "--keep"][..], &["restore", "x"]] {
        let point = if struck[0] == "remove" { "trash-recorded" } else { "restored" };
        if struck[0] == "restore" {
            repo.agentenv(&["add", "x"]).ok();
            repo.agentenv(&["remove", "x", "--keep"]).ok();
        }
        repo.killed(struck, point);
        assert!(record(&sandbox).exists(), "{point}");
        repo.agentenv(&["remove", "x", "--no-keep"]).ok();
        assert!(!sandbox.root.join("state/trash").exists(), "{point}");
    }
    // The same for one whose directory the user deletes, and that `prune` settles.
    repo.agentenv(&["add", "x"]).ok();
    repo.killed(&["remove", "x", "--keep"], "trash-recorded");
    fs::remove_dir_all(sandbox.root.join("app-x")).unwrap();
    let pruned = repo.agentenv(&["prune"]).ok();
    assert!(pruned.stdout.contains("released x"), "{}", pruned.show());
    assert!(sandbox.leases().is_empty());
    assert!(!sandbox.root.join("state/trash").exists());
}

#[test]
fn a_stale_record_takes_no_later_environment_of_the_same_path() {
    let sandbox = Sandbox::new();
    let repo = with_x(&sandbox);
    repo.killed(&["remove", "x", "--keep"], "trash-recorded");
    let file = record(&sandbox);
    let text = fs::read_to_string(&file).unwrap();
    repo.agentenv(&["remove", "x", "--no-keep"]).ok();
    repo.agentenv(&["add", "x"]).ok();
    let before = repo.traces_of_files();
    for phase in ["keeping", "restoring"] {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text.replacen("phase: keeping", &format!("phase: {phase}"), 1)).unwrap();
        let pruned = repo.agentenv(&["prune"]).ok();
        assert_eq!(pruned.stdout, "nothing to prune\n", "{phase}");
        repo.leaves_no_file_but(&before, phase);
        assert_eq!(states(&repo), ["ready"], "{phase}");
    }
}

#[test]
fn an_environment_that_was_coming_back_when_its_lease_was_lost_is_in_the_trash_again() {
    let sandbox = Sandbox::new();
    let repo = with_x(&sandbox);
    fs::write(sandbox.root.join("app-x/README"), "changed\n").unwrap();
    repo.agentenv(&["remove", "x", "--keep", "--force"]).ok();
    repo.killed(&["restore", "x"], "restoring");
    sandbox.lose_leases();
    repo.agentenv(&["prune"]).ok();
    let listed = repo.agentenv(&["restore", "--list", "--json"]).ok().json();
    assert_eq!(listed["trash"][0]["phase"], "kept", "{listed}");
    repo.agentenv(&["restore", "x"]).ok();
    let text = fs::read_to_string(sandbox.root.join("app-x/README")).unwrap();
    assert_eq!(text, "changed\n");
}

#[test]
fn what_was_coming_back_is_whole_again_before_it_is_removed() {
    let sandbox = Sandbox::new();
    let repo = with_x(&sandbox);
    let tree = sandbox.root.join("app-x");
    for point in ["restore-recorded", "restoring", "worktree-back"] {
        fs::write(tree.join("README"), "changed\n").unwrap();
        repo.agentenv(&["remove", "x", "--keep", "--force"]).ok();
        repo.killed(&["restore", "x"], point);
        // It is looked at as any other one.
        let said = repo.agentenv(&["remove", "x", "--no-keep"]).fails(7);
        assert!(said.stderr.contains("README"), "{point}: {}", said.show());
        assert_eq!(fs::read_to_string(tree.join("README")).unwrap(), "changed\n", "{point}");
        assert!(!sandbox.root.join("state/trash").exists(), "{point}");
    }
    repo.agentenv(&["remove", "x", "--keep", "--force"]).ok();
    repo.killed(&["restore", "x"], "restoring");
    repo.agentenv(&["remove", "x", "--no-keep", "--force"]).ok();
    assert!(!tree.exists() && !sandbox.root.join("state/trash").exists());
    assert!(!repo.path.join(".git/agentenv-trash").exists());
    assert_eq!(repo.git(&["for-each-ref", "refs/agentenv"]), "");
}

#[test]
fn a_record_that_is_gone_strands_nothing_that_was_on_its_way() {
    let sandbox = Sandbox::new();
    let repo = with_x(&sandbox);
    let tree = sandbox.root.join("app-x");
    fs::write(tree.join("README"), "changed\n").unwrap();
    repo.killed(&["remove", "x", "--keep", "--force", "-D"], "kept");
    fs::remove_dir_all(record(&sandbox).parent().unwrap()).unwrap();

    let listed = repo.agentenv(&["restore", "--list", "--json"]).ok().json();
    assert_eq!(listed["trash"][0]["phase"], "keeping", "{listed}");
    let planned = repo.agentenv(&["prune", "--dry-run", "--json"]).ok().json();
    assert_eq!(planned["pruned"][0]["name"], "x", "{planned}");
    assert!(!tree.exists());
    let pruned = repo.agentenv(&["prune"]).ok();
    assert!(pruned.stderr.contains("the trash record of `x` is missing"), "{}", pruned.show());
    assert_eq!(fs::read_to_string(tree.join("README")).unwrap(), "changed\n");
    assert_eq!(states(&repo), ["ready"]);
    assert_eq!(repo.git(&["-C", "../app-x", "branch", "--show-current"]), "x");
    assert!(!sandbox.root.join("state/trash").exists());

    // What was deleted from the trash as well cannot come back: the rest is released.
    repo.killed(&["remove", "x", "--keep", "--force"], "worktree-kept");
    fs::remove_dir_all(record(&sandbox).parent().unwrap()).unwrap();
    fs::remove_dir_all(repo.path.join(".git/agentenv-trash")).unwrap();
    repo.agentenv(&["prune"]).ok();
    repo.agentenv(&["prune"]).ok();
    assert_eq!(states(&repo), [""; 0]);
    assert_eq!(repo.git(&["for-each-ref", "refs/agentenv"]), "");
    assert!(!sandbox.root.join("state/trash").exists());
}

#[test]
fn branches_that_go_to_the_trash_together_hold_no_commit_for_each_other() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    // Until then, one more branch holds it.
    let hooks = "hooks: { pre_remove: [\"git branch -D keeper || true\"] }\n";
    repo.config(&(sandbox.config_without_servers() + hooks));
    repo.agentenv(&["trust", "--yes"]).ok();
    repo.agentenv(&["add", "x"]).ok();
    repo.git(&["-C", "../app-x", "commit", "--quiet", "--allow-empty", "-m", "only here"]);
    repo.git(&["branch", "keeper", "x"]);
    repo.agentenv(&["add", "y", "--from", "x"]).ok();
    let commit = repo.git(&["rev-parse", "x"]);

    let said = repo.agentenv(&["remove", "x", "y", "--keep", "-D"]).fails(7);
    assert!(said.stderr.contains("commits: 1"), "{}", said.show());
    let holders = repo.git(&["branch", "--format=%(refname:short)", "--contains", &commit]);
    assert_eq!(holders, "x\ny", "{}", said.show());
    assert_eq!(states(&repo), ["ready", "ready"]);
    assert!(!sandbox.root.join("state/trash").exists());
    // Nothing of it stays on record: alone, each may go.
    repo.agentenv(&["remove", "x", "--keep", "-D"]).ok();
}

#[test]
fn a_record_that_cannot_be_read_is_named_and_what_it_is_about_stays() {
    let sandbox = Sandbox::new();
    let repo = with_x(&sandbox);
    repo.agentenv(&["remove", "x", "--keep"]).ok();
    let file = record(&sandbox);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, "version: 1\nphase: [\n").unwrap();
    let name = file.to_str().unwrap();
    let pruned = repo.agentenv(&["prune", "--trash"]).fails(8);
    let listed = repo.agentenv(&["restore", "--list"]).ok();
    let wanted = repo.agentenv(&["restore", "x"]).fails(4);
    for said in [&pruned, &listed, &wanted] {
        assert!(said.stderr.contains(name), "{}", said.show());
    }
    let findings = repo.agentenv(&["doctor", "--json"]).fails(1).json()["findings"].to_string();
    assert!(findings.contains(name), "{findings}");
    fs::write(&file, text).unwrap();
    repo.agentenv(&["restore", "x"]).ok();
}

#[test]
fn a_trash_that_another_user_of_a_shared_state_directory_made_stops_nobody() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    let state = sandbox.root.join("state");
    fs::create_dir(&state).unwrap();
    fs::set_permissions(&state, fs::Permissions::from_mode(0o2770)).unwrap();
    let script = "umask 077; git agentenv add x && git agentenv remove x --keep";
    let mut sh = sandbox.command("sh");
    sandbox.outcome(sh.args(["-ec", script]).current_dir(&repo.path)).ok();
    let dir = record(&sandbox).parent().unwrap().to_owned();
    for (path, mode) in [(state.join("trash"), 0o2770), (dir.clone(), 0o2770)] {
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, mode, "{}", path.display());
    }
    assert_eq!(fs::metadata(record(&sandbox)).unwrap().mode() & 0o777, 0o660);

    // Only root can give it to another user.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    chown(&dir, Some(65_534), None).unwrap();
    fs::write(dir.join("empty-a-moment-ago"), "").unwrap();
    let before = fs::read_dir(&dir).unwrap().count();
    assert_eq!(repo.agentenv(&["prune", "--trash"]).ok().stdout, "nothing to prune\n");
    assert_eq!(fs::read_dir(&dir).unwrap().count(), before);
    // One from before, which its user's umask closed.
    fs::set_permissions(state.join("trash"), fs::Permissions::from_mode(0o2700)).unwrap();
    chown(state.join("trash"), Some(65_534), None).unwrap();
    let mut powerless = sandbox.command("setpriv");
    powerless.arg("--bounding-set=-dac_override,-dac_read_search,-fowner").arg("--");
    powerless.args(["git", "agentenv", "prune"]).current_dir(&repo.path);
    assert_eq!(sandbox.outcome(&mut powerless).ok().stdout, "nothing to prune\n");
}

fn with_x(sandbox: &Sandbox) -> Repo<'_> {
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["add", "x"]).ok();
    repo
}

/// The one record in the trash.
fn record(sandbox: &Sandbox) -> PathBuf {
    let mut dirs = fs::read_dir(sandbox.root.join("state/trash")).unwrap();
    let dir: PathBuf = dirs.next().unwrap().unwrap().path();
    dir.join(Path::new("record.yaml"))
}

fn states(repo: &Repo<'_>) -> Vec<String> {
    let listed = repo.agentenv(&["list", "--json"]).ok().json();
    let all = listed["environments"].as_array().unwrap().iter();
    all.map(|one| one["state"].as_str().unwrap().to_owned()).collect()
}
