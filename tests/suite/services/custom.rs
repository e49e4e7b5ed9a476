//! Servers of the kind custom: commands of the configuration create, find and drop an environment's part.

use crate::common::{Container, Repo, Sandbox, wait_until};
use crate::project::readme;
use crate::promises::crash::CUSTOM;

const MAKE: &str = "mkdir \"/srv/things/$THING\"";

/// A server whose things are directories. Its commands run in it; a network takes the engine as long as the container.
fn server() -> Container {
    let server = Container::run("agentenv-test/app", &["--network=none"]);
    server.exec(&["mkdir", "/srv/things"]).unwrap();
    server
}

fn things(server: &Container) -> Vec<String> {
    server.exec(&["ls", "/srv/things"]).unwrap().lines().map(str::to_owned).collect()
}

fn sh(server: &Container, command: &str) -> String {
    server.exec(&["sh", "-c", command]).unwrap_or_default()
}

fn config(sandbox: &Sandbox, server: &Container, create: &str) -> String {
    format!(
        "{}services:\n  thing:\n    kind: custom\n    variable: THING\n    name: \"app-{{name}}\"\n    container: {}\n    create: {create}\n    exists: ls /srv/things\n    drop: rmdir \"/srv/things/$THING\"\nenv: {{ THING_URL: \"things://{{thing.host}}/{{THING}}\" }}\n",
        sandbox.config_of_own_ports(),
        server.name
    )
}

fn project<'a>(sandbox: &'a Sandbox, server: &Container, create: &str) -> Repo<'a> {
    let repo = sandbox.repo("app");
    repo.config(&config(sandbox, server, create));
    repo.agentenv(&["trust", "--yes"]).ok();
    repo
}

#[test]
fn an_environment_gets_what_the_commands_create_once_they_are_approved() {
    let (sandbox, server) = (Sandbox::new(), server());
    let repo = project(&sandbox, &server, MAKE);
    repo.agentenv(&["trust", "--revoke"]).ok();
    let refused = repo.agentenv(&["add", "x"]).fails(7);
    assert!(refused.stderr.contains(MAKE), "the commands are named: {}", refused.show());
    assert!(things(&server).is_empty());
    let approved = repo.agentenv(&["trust", "--yes", "--json"]).ok().json();
    assert_eq!(approved["services"][0], MAKE);

    let hostile = "a;touch$IFS/srv/things/b&&c";
    for branch in ["x-y", hostile] {
        let added = repo.agentenv(&["add", branch, "--json"]).ok().json();
        let name = added["name"].as_str().unwrap();
        assert_eq!(added["variables"]["THING"], format!("app-{name}"));
        assert_eq!(added["variables"]["THING_URL"], format!("things://localhost/app-{name}"));
        assert_eq!(things(&server), [format!("app-{name}")]);
        let status = repo.agentenv(&["status", name]).ok();
        assert!(status.stdout.contains(&format!("app-{name}")), "{}", status.show());
        repo.agentenv(&["remove", name]).ok();
        assert!(things(&server).is_empty());
    }
    repo.agentenv(&["remove", "x-y"]).fails(4);
}

#[test]
fn a_lease_drops_what_it_holds_whatever_the_configuration_says_by_now() {
    let (sandbox, server) = (Sandbox::new(), server());
    let repo = project(&sandbox, &server, MAKE);
    repo.agentenv(&["add", "x", "y"]).ok();
    assert_eq!(things(&server), ["app-x", "app-y"]);
    sh(&server, "rmdir /srv/things/app-x");
    let found = repo.agentenv(&["doctor"]).fails(1);
    assert!(found.stdout.contains("`x`: thing app-x is missing"), "{}", found.show());
    repo.agentenv(&["adopt", "../app-x"]).ok();
    assert_eq!(things(&server), ["app-x", "app-y"]);

    repo.agentenv(&["trust", "--revoke"]).ok();
    repo.config(&sandbox.config_of_own_ports());
    let kept = repo.agentenv(&["remove", "x", "--keep"]).fails(7);
    assert!(
        kept.stderr.contains("cannot keep thing `app-x`: a custom service has no trash"),
        "{}",
        kept.show()
    );
    repo.agentenv(&["remove", "x", "y"]).ok();
    assert!(things(&server).is_empty());
}

#[test]
fn what_existed_before_is_not_ours() {
    let (sandbox, server) = (Sandbox::new(), server());
    let repo = project(&sandbox, &server, MAKE);
    server.exec(&["mkdir", "/srv/things/app-taken"]).unwrap();
    let before = repo.traces_of_files();
    let refused = repo.agentenv(&["add", "taken"]).fails(7);
    let says = "thing `app-taken` exists and is not ours";
    assert!(refused.stderr.contains(says), "{}", refused.show());
    assert_eq!(things(&server), ["app-taken"]);
    repo.leaves_no_file_but(&before, "refused");

    // What another client creates between a kill and `prune` is another's, too.
    repo.killed(&["add", "x"], "before-custom");
    server.exec(&["mkdir", "/srv/things/app-x"]).unwrap();
    repo.agentenv(&["prune"]).ok();
    assert_eq!(things(&server), ["app-taken", "app-x"]);
    repo.leaves_no_file_but(&before, "killed and pruned");
}

#[test]
fn what_another_client_creates_right_before_create_is_not_ours_to_drop() {
    let (sandbox, server) = (Sandbox::new(), server());
    let repo = sandbox.repo("app");
    // That client comes when the list is printed.
    let raced = config(&sandbox, &server, MAKE).replace(
        "exists: ls /srv/things",
        "exists: ls /srv/things; [ -e /srv/calm ] || mkdir -p /srv/things/app-x",
    );
    repo.config(&raced);
    repo.agentenv(&["trust", "--yes"]).ok();
    let before = repo.traces_of_files();
    let failed = repo.agentenv(&["add", "x"]).fails(6);
    assert!(failed.stderr.contains("it exists now, and stays"), "{}", failed.show());
    repo.agentenv(&["prune"]).ok();
    assert_eq!(things(&server), ["app-x"]);
    assert_eq!(sh(&server, "ls /tmp"), "");
    repo.leaves_no_file_but(&before, "raced");
}

#[test]
fn what_another_client_creates_after_a_create_that_failed_is_not_ours_to_drop() {
    let (sandbox, server) = (Sandbox::new(), server());
    let repo = sandbox.repo("app");
    // That client comes when what was begun is undone: the third look.
    repo.config(&config(&sandbox, &server, "ls /nowhere").replace(
        "exists: ls /srv/things",
        "exists: echo >>/srv/looks; [ $(wc -l </srv/looks) -lt 3 ] || mkdir -p /srv/things/app-x; ls /srv/things",
    ));
    repo.agentenv(&["trust", "--yes"]).ok();
    let before = repo.traces_of_files();
    let failed = repo.agentenv(&["add", "x"]).fails(6);
    assert!(failed.stderr.contains("/nowhere"), "{}", failed.show());
    repo.agentenv(&["prune"]).ok();
    assert_eq!(things(&server), ["app-x"]);
    assert_eq!(sh(&server, "ls /tmp"), "");
    repo.leaves_no_file_but(&before, "created later");
}

#[test]
fn what_cannot_be_looked_for_after_a_create_that_failed_stays_on_record() {
    let (sandbox, server) = (Sandbox::new(), server());
    let create = "mkdir \"/srv/things/$THING\" && mv /srv/things /srv/away && ls /nowhere";
    let repo = project(&sandbox, &server, create);
    let before = repo.traces_of_files();
    let failed = repo.agentenv(&["add", "x"]).fails(8);
    for said in ["/nowhere", "; cannot tell whether it exists; ", "`git agentenv prune`"] {
        assert!(failed.stderr.contains(said), "{}", failed.show());
    }
    assert!(sh(&server, "ls /tmp").contains("agentenv-"), "{}", failed.show());
    sh(&server, "mv /srv/away /srv/things");
    assert_eq!(things(&server), ["app-x"]);
    repo.agentenv(&["prune"]).ok();
    assert!(things(&server).is_empty());
    assert_eq!(sh(&server, "ls /tmp"), "");
    repo.leaves_no_file_but(&before, "looked for again");
}

#[test]
fn a_mark_that_a_full_disk_left_empty_makes_nothing_ours() {
    let (sandbox, server) = (Sandbox::new(), server());
    let repo = project(&sandbox, &server, MAKE);
    repo.killed(&["add", "x"], "before-custom");
    sh(&server, &format!("mkdir /srv/things/app-x; : >/tmp/agentenv-{}-thing", sandbox.lease_id()));
    repo.agentenv(&["prune"]).ok();
    assert_eq!(things(&server), ["app-x"]);
}

#[test]
fn prune_says_how_to_forget_what_a_server_held_that_is_gone_for_good() {
    let (sandbox, server) = (Sandbox::new(), server());
    let repo = project(&sandbox, &server, MAKE);
    repo.agentenv(&["add", "x"]).ok();
    repo.git(&["worktree", "remove", "--force", "../app-x"]);
    drop(server);
    let kept = repo.agentenv(&["prune", "--json"]).fails(8);
    let hint = kept.json()["kept"][0]["hint"].as_str().unwrap_or_default().to_owned();
    let forget = format!("gone for good, delete the lease: `rm {}`", sandbox.lease().display());
    assert!(hint.contains(&forget) && hint.contains("still have thing app-x"), "{}", kept.show());
    assert!(kept.stderr.contains(&hint), "{}", kept.show());
    std::fs::remove_file(sandbox.lease()).unwrap();
    assert_eq!(repo.agentenv(&["prune"]).ok().stdout, "nothing to prune\n");
}

#[test]
fn what_another_users_environment_creates_or_holds_is_its_own() {
    let (sandbox, server) = (Sandbox::new(), server());
    let repo = project(&sandbox, &server, MAKE);
    // As when both looked before either created it.
    sh(&server, "echo app-x >/tmp/agentenv-other-thing");
    repo.agentenv(&["add", "x"]).fails(7);
    assert!(things(&server).is_empty());
    sh(&server, "rm /tmp/agentenv-other-thing");
    repo.agentenv(&["add", "x"]).ok();
    // As when the server lost all, and another environment began anew.
    sh(&server, "rm /tmp/agentenv-*; echo app-x >/tmp/agentenv-other-thing");
    let removed = repo.agentenv(&["remove", "x"]).ok();
    assert!(removed.stderr.contains("keeping thing app-x"), "{}", removed.show());
    assert_eq!(things(&server), ["app-x"]);
}

#[test]
fn a_lost_lease_comes_back_only_with_commands_that_were_approved() {
    let (sandbox, server) = (Sandbox::new(), server());
    let repo = project(&sandbox, &server, MAKE);
    repo.agentenv(&["add", "x"]).ok();
    sandbox.lose_leases();
    repo.config(&config(&sandbox, &server, "touch /srv/things/pwned"));
    let refused = repo.agentenv(&["adopt", "../app-x"]).fails(7);
    assert!(refused.stderr.contains("pwned"), "{}", refused.show());
    assert_eq!(things(&server), ["app-x"]);
}

#[test]
fn nothing_is_left_by_a_kill_or_a_failure_at_any_point() {
    let (sandbox, server) = (Sandbox::new(), server());
    let repo = project(&sandbox, &server, MAKE);
    let before = repo.traces_of_files();
    let [begin, made, released] = CUSTOM;
    for point in [begin, made, "before-ready"] {
        repo.struck(&["add", "x"], &format!("{point}:error")).fails(1);
        assert!(things(&server).is_empty(), "failed at {point}");
        repo.leaves_no_file_but(&before, &format!("failed at {point}"));
        for again in [&["prune"][..], &["add", "x"]] {
            repo.killed(&["add", "x"], point);
            repo.agentenv(again).ok();
            let left = if again[0] == "add" { vec!["app-x"] } else { Vec::new() };
            assert_eq!(things(&server), left, "killed at {point}");
        }
        repo.agentenv(&["remove", "x", "--delete-branch"]).ok();
        repo.leaves_no_file_but(&before, &format!("killed at {point}"));
    }
    for again in [&["prune"][..], &["remove", "x"]] {
        repo.agentenv(&["add", "x"]).ok();
        let remove = ["remove", "x", "--delete-branch"];
        repo.killed(&remove, released);
        repo.agentenv(again).ok();
        assert!(things(&server).is_empty());
        repo.leaves_no_file_but(&before, &format!("removal killed at {released}"));
    }
    assert_eq!(sh(&server, "ls /tmp"), "", "no mark is left in the container");
}

#[test]
fn a_command_that_goes_on_after_a_kill_is_waited_for() {
    let (sandbox, server) = (Sandbox::new(), server());
    // It begins, and ends when the test says so.
    let create = "while [ ! -e /srv/go ]; do sleep 0.1; done; mkdir \"/srv/things/$THING\"";
    let repo = project(&sandbox, &server, create);
    let add = repo.start(&["add", "x"]);
    wait_until("the command runs", || sh(&server, "ls /tmp").contains("agentenv-"));
    add.signal("KILL");
    add.outcome().fails(128 + 9);
    let prune = repo.start(&["prune"]);
    let drops = "grep -lszx dro[p] /proc/[0-9]*/cmdline";
    wait_until("prune is at work there", || !sh(&server, drops).is_empty());
    server.exec(&["touch", "/srv/go"]).unwrap();
    prune.outcome().ok();
    let creates = "grep -lsz agentenv-creat[e]- /proc/[0-9]*/cmdline";
    wait_until("the command has ended", || sh(&server, creates).is_empty());
    assert!(things(&server).is_empty());
}

#[test]
fn a_command_that_fails_keeps_the_record() {
    let (sandbox, server) = (Sandbox::new(), server());
    let repo = project(&sandbox, &server, "mkdir \"/srv/things/$THING\" && ls /nowhere");
    let before = repo.traces_of_files();
    let failed = repo.agentenv(&["add", "x"]).fails(6);
    assert!(failed.stderr.contains("cannot create thing `app-x`"), "{}", failed.show());
    assert!(failed.stderr.contains("/nowhere"), "{}", failed.show());
    // Whose it is, nobody knows: it stays, and is named.
    assert!(failed.stderr.contains("drop it by hand in container"), "{}", failed.show());
    assert_eq!(things(&server), ["app-x"]);
    sh(&server, "rmdir /srv/things/app-x");
    repo.leaves_no_file_but(&before, "create failed");

    repo.config(&config(&sandbox, &server, MAKE));
    repo.agentenv(&["trust", "--yes"]).ok();
    repo.agentenv(&["add", "x"]).ok();
    sh(&server, "mv /srv/things /srv/away");
    repo.agentenv(&["remove", "x"]).fails(8);
    sh(&server, "mv /srv/away /srv/things");
    assert_eq!(things(&server), ["app-x"]);
    repo.agentenv(&["prune"]).ok();
    assert!(things(&server).is_empty());
    repo.agentenv(&["remove", "x"]).fails(4);
}

#[test]
fn rabbitmq_as_the_readme_has_it() {
    let (sandbox, server) = (Sandbox::new(), Container::run("agentenv-test/rabbitmq", &[]));
    let vhosts = || server.exec(&["rabbitmqctl", "-q", "list_vhosts", "--no-table-headers"]);
    for line in ["Starting RabbitMQ", "Server startup complete"] {
        wait_until(line, || server.said().contains(line));
    }
    let sorted = || {
        let mut names: Vec<String> = vhosts().unwrap().lines().map(str::to_owned).collect();
        names.sort();
        names
    };
    let recipe = readme::blocks("yaml").remove(1).replace("shop-rabbitmq-1", &server.name);
    let repo = sandbox.repo("shop");
    repo.config(&(sandbox.config_of_own_ports() + &recipe));
    repo.agentenv(&["trust", "--yes"]).ok();
    server.exec(&["rabbitmqctl", "-q", "add_vhost", "shop_theirs"]).unwrap();

    let added = repo.agentenv(&["add", "a", "--json"]).ok();
    let url = "amqp://guest:guest@localhost:5672/shop_a";
    assert!(added.stdout.contains(url), "{}", added.show());
    assert_eq!(sorted(), ["/", "shop_a", "shop_theirs"]);
    let may = ["rabbitmqctl", "-q", "list_permissions", "-p", "shop_a", "--no-table-headers"];
    assert_eq!(server.exec(&may).unwrap(), "guest\t.*\t.*\t.*");
    repo.agentenv(&["add", "theirs"]).fails(7);
    repo.agentenv(&["remove", "a"]).ok();
    assert_eq!(sorted(), ["/", "shop_theirs"]);
}
