//! Several environments in one command, side by side.

use crate::common::{Sandbox, servers};

#[test]
fn what_fails_for_one_stops_no_other() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config());
    servers().psql(&format!("CREATE DATABASE {}_b", sandbox.id));

    let said = repo.agentenv(&["add", "a", "b", "c", "--json"]).fails(7).json();
    let names = |of: &str| {
        let all = said[of].as_array().unwrap().iter();
        all.map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("environments"), ["a", "c"]);
    assert_eq!(names("failed"), ["b"]);
    let error = &said["failed"][0]["error"];
    assert!(error["message"].as_str().unwrap().contains("is not ours"), "{error}");
    assert_eq!(repo.git(&["branch", "--list", "b"]), "");
    let prune = repo.agentenv(&["prune"]).ok();
    assert!(prune.stdout.contains("nothing"), "{}", prune.show());

    let text = repo.agentenv(&["add", "b", "d"]).fails(7);
    assert!(text.stderr.contains("error: b: database"), "{}", text.show());
    assert!(text.stderr.contains("d: ✓ worktree"), "{}", text.show());
    assert!(text.stdout.ends_with("app-d\n") && !text.stdout.contains("app-b"), "{}", text.show());
    repo.agentenv(&["remove", "a", "c", "d"]).ok();
}

#[test]
fn what_fails_alike_for_several_is_said_once() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let service = "  db: { kind: postgres, variable: POSTGRES_DB, name: \"app_{name}\", container: no-such-container }\n";
    repo.config(&(sandbox.config_without_servers() + service));
    let said = repo.agentenv(&["add", "a", "b", "c"]).fails(6);
    let missing = "error: a, b, c: no container `no-such-container`";
    assert!(said.stderr.contains(missing), "{}", said.show());
    for once in ["no container", "hint: "] {
        assert_eq!(said.stderr.matches(once).count(), 1, "{}", said.show());
    }
    let said = repo.agentenv(&["add", "a", "b", "c", "--json"]).fails(6).json();
    let failed = said["failed"].as_array().unwrap().iter();
    let names: Vec<&str> = failed.map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn an_error_that_names_its_environment_has_no_other_name() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["add", "a", "b"]).ok();
    for name in ["a", "b"] {
        std::fs::write(repo.path.with_file_name(format!("app-{name}")).join("new"), "").unwrap();
    }
    let said = repo.agentenv(&["remove", "a", "b"]).fails(7);
    for name in ["a", "b"] {
        let error = format!("error: cannot remove `{name}`: this would be lost");
        assert!(said.stderr.contains(&error), "{}", said.show());
    }
    repo.agentenv(&["remove", "a", "b", "--force"]).ok();
}

/// Each hook waits for the other one: one after the other, they would never end.
#[test]
fn hooks_run_side_by_side_and_a_line_says_whose_it_is() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let hook = "test $(basename $PWD) = app-c && exit 3; touch begun; \
                until test -e ../app-a/begun -a -e ../app-b/begun; do sleep 0.02; done; cat; echo met";
    let hooks = format!("hooks: {{ post_add: [\"{hook}\"] }}\n");
    repo.config(&(sandbox.config_without_servers() + &hooks));
    repo.agentenv(&["trust", "--yes"]).ok();

    let said = repo.agentenv(&["add", "a", "b", "c"]).fails(8);
    for name in ["a", "b"] {
        assert!(said.stderr.contains(&format!("{name}: met\n")), "{}", said.show());
        assert!(said.stderr.contains(&format!("environment {name} is ready")), "{}", said.show());
    }
    assert!(said.stderr.contains("error: c: a post_add hook failed"), "{}", said.show());
    // The environment whose hook failed stays.
    assert_eq!(said.stdout.lines().count(), 3, "{}", said.show());
    repo.agentenv(&["remove", "a", "b", "c", "--force", "--delete-branch"]).ok();

    let said = repo.agentenv(&["add", "a", "b", "c", "--json"]).fails(8).json();
    assert_eq!(said["environments"].as_array().unwrap().len(), 3);
    assert_eq!(said["environments"][2]["hooks_pending"], true);
    assert_eq!(said["failed"][0]["name"], "c");
    assert_eq!(said["failed"][0]["error"]["exit"], 8);
}

/// As above; the one whose hook fails stays.
#[test]
fn pre_remove_hooks_run_side_by_side() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let hook = "test $(basename $PWD) = app-c && exit 3; touch ../$(basename $PWD).begun; \
                until test -e ../app-a.begun -a -e ../app-b.begun; do sleep 0.02; done; echo met";
    let hooks = format!("hooks: {{ pre_remove: [\"{hook}\"] }}\n");
    repo.config(&(sandbox.config_without_servers() + &hooks));
    repo.agentenv(&["add", "a", "b", "c", "--no-hooks"]).ok();
    let said = repo.agentenv(&["remove", "a", "b", "c"]).fails(7);
    assert_eq!(said.stderr.matches("are not trusted").count(), 3, "{}", said.show());
    repo.agentenv(&["trust", "--yes"]).ok();
    let said = repo.agentenv(&["remove", "a", "b", "c"]).fails(1);
    for name in ["a", "b"] {
        assert!(said.stderr.contains(&format!("{name}: met\n")), "{}", said.show());
    }
    assert!(said.stderr.contains("cannot remove `c`: a pre_remove hook failed"), "{}", said.show());
    assert_eq!(repo.git(&["worktree", "list"]).lines().count(), 2);
}

#[test]
fn what_can_have_no_slot_leaves_the_others_theirs() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let (first, last) = (sandbox.ports().start() + 1, *sandbox.ports().end());
    let two = format!("range: {first}-{}", first + 1);
    repo.config(&sandbox.config_without_servers().replace(&format!("range: {first}-{last}"), &two));
    let said = repo.agentenv(&["add", "a", "b", "c", "--json"]).fails(5).json();
    let [made, failed] = ["environments", "failed"].map(|of| said[of].as_array().unwrap().len());
    // Two, unless a process outside the tests listens on one of the ports.
    assert!(made > 0 && failed > 0 && made + failed == 3, "{said}");
    assert_eq!(said["failed"][failed - 1]["name"], "c");
    assert_eq!(repo.git(&["worktree", "list"]).lines().count(), 1 + made);
}
