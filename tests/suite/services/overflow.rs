//! The second Redis, for environments that get no index on the first.

use crate::common::{
    Container, Outcome, Repo, Running, Sandbox, docker, published, redis_at, wait_until,
    write_program,
};
use crate::promises::crash::OVERFLOW;
use serde_json::Value;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;

/// A Redis of one test's own.
struct First {
    container: Container,
    /// Where it listens on this host.
    port: u16,
}

impl First {
    /// With these options for `docker run`, and this command.
    fn run(options: &[&str], command: &[&str]) -> First {
        let options = [&["--publish=127.0.0.1::6379"], options].concat();
        let container = Container::run_command("agentenv-test/redis", &options, command);
        let port = published(&container.name, "6379");
        wait_until("Redis answers", || redis_at(port, 0, &["PING"]).is_ok());
        First { container, port }
    }
}

fn first(options: &[&str]) -> First {
    First::run(options, &[])
}

/// A project whose environments have one index on the first server.
fn config(sandbox: &Sandbox, server: &str, port: u16) -> String {
    format!(
        "{}services:\n  redis: {{ kind: redis, variable: REDIS_DB, main: 0, range: 1-1, {server}, port: {port} }}\n\
         env: {{ REDIS_URL: \"redis://{{redis.host}}:{{redis.port}}/{{REDIS_DB}}\" }}\n",
        sandbox.config_of_own_ports(),
    )
}

fn project<'a>(sandbox: &'a Sandbox, first: &First) -> Repo<'a> {
    let repo = sandbox.repo("app");
    repo.config(&config(sandbox, &format!("container: {}", first.container.name), first.port));
    repo.agentenv(&["add", "one"]).ok();
    repo
}

/// What the store knows of servers.
fn records(sandbox: &Sandbox) -> usize {
    fs::read_dir(sandbox.root.join("state/servers")).map_or(0, Iterator::count)
}

#[track_caller]
fn is_gone(sandbox: &Sandbox, when: &str) {
    assert_eq!((sandbox.second_servers(), records(sandbox)), (Vec::new(), 0), "{when}");
    assert_eq!(sandbox.second_volumes(), Vec::<String>::new(), "{when}");
}

/// Runs a command on an index of the second server.
fn ask(sandbox: &Sandbox, index: u16, words: &[&str]) -> String {
    let second = sandbox.second_servers().remove(0);
    redis_at(published(&second, "6379"), index, words).unwrap()
}

fn variable<'a>(environment: &'a Value, name: &str) -> &'a str {
    environment["variables"][name].as_str().unwrap()
}

#[test]
fn environments_that_find_no_index_share_a_second_server_until_the_last_is_removed() {
    let (sandbox, first) = (Sandbox::new(), first(&[]));
    let repo = project(&sandbox, &first);
    is_gone(&sandbox, "the first environment has an index of the first server");

    let planned = repo.agentenv(&["add", "two", "--dry-run", "--json"]).ok().json();
    assert_eq!(variable(&planned, "REDIS_DB"), "64");
    is_gone(&sandbox, "a dry run starts nothing");

    let added = repo.agentenv(&["add", "two", "three", "--json"]).ok().json();
    let [two, three] = [0, 1].map(|at| &added["environments"][at]);
    assert_eq!([two, three].map(|one| variable(one, "REDIS_DB")), ["64", "65"]);
    let second = sandbox.second_servers().remove(0);
    let port = published(&second, "6379");
    for (index, one) in [(64, two), (65, three)] {
        assert_eq!(variable(one, "REDIS_URL"), format!("redis://localhost:{port}/{index}"));
        let owner = ask(&sandbox, index, &["GET", "git-agentenv:owner"]);
        assert_eq!(owner, format!("git-agentenv {}", one["lease"].as_str().unwrap()));
    }
    let lost = redis_at(first.port, 0, &["SELECT", "64"]).unwrap_err().to_string();
    assert!(lost.contains("out of range"), "the first server has no such index: {lost}");
    let shown = repo.agentenv(&["infra", "status"]).ok();
    assert!(shown.stdout.contains(&second), "{}", shown.show());
    repo.agentenv(&["doctor"]).ok();

    repo.agentenv(&["remove", "two"]).ok();
    assert_eq!(sandbox.second_servers().len(), 1, "`three` is there");
    let removed = repo.agentenv(&["remove", "three"]).ok();
    assert!(removed.stderr.contains(&format!("removed `{second}`")), "{}", removed.show());
    is_gone(&sandbox, "the last environment there was removed");
    assert_eq!(redis_at(first.port, 1, &["DBSIZE"]).unwrap(), "1");
}

#[test]
fn an_application_that_would_not_follow_gets_an_error() {
    let (sandbox, first) = (Sandbox::new(), first(&[]));
    let repo = project(&sandbox, &first);
    let (port, place) = (first.port, format!("container: {}", first.container.name));
    let fixed = config(&sandbox, &place, port).replace("{redis.port}", &port.to_string());
    repo.config(&fixed);
    let failed = repo.agentenv(&["add", "two"]).fails(5);
    assert!(failed.stderr.contains("with `{redis.port}` in each address"), "{}", failed.show());
    is_gone(&sandbox, "nothing was started");
}

#[test]
fn a_second_server_in_which_others_wrote_stays_until_it_is_empty() {
    let (sandbox, first) = (Sandbox::new(), first(&[]));
    let repo = project(&sandbox, &first);
    repo.agentenv(&["add", "two"]).ok();
    ask(&sandbox, 3, &["SET", "theirs", "1"]);
    repo.agentenv(&["remove", "two"]).ok();
    repo.agentenv(&["prune"]).ok();
    assert_eq!(ask(&sandbox, 3, &["GET", "theirs"]), "1");
    let planned = repo.agentenv(&["prune", "--dry-run", "--json"]).ok().json();
    assert_eq!(planned["pruned"].as_array().map(Vec::len), Some(0), "it holds keys");
    let told = repo.agentenv(&["doctor"]).ok();
    assert!(told.stdout.contains("no environment uses the second Redis"), "{}", told.show());
    docker(&["stop", "--time", "0", &sandbox.second_servers()[0]]);
    repo.agentenv(&["add", "two"]).ok();
    assert_eq!(ask(&sandbox, 64, &["EXISTS", "git-agentenv:owner"]), "1");
    ask(&sandbox, 0, &["FLUSHALL"]);
    repo.agentenv(&["remove", "two"]).ok();
    is_gone(&sandbox, "it was empty");
}

#[test]
fn an_environment_comes_back_to_its_second_server() {
    let (sandbox, first) = (Sandbox::new(), first(&[]));
    let repo = project(&sandbox, &first);
    let two = repo.agentenv(&["add", "two", "--json"]).ok().json();
    ask(&sandbox, 64, &["SET", "mine", "1"]);
    let same = |what: &str| {
        let now = repo.agentenv(&["status", "two", "--json"]).ok().json();
        assert_eq!(now["variables"], two["variables"], "{what}");
        assert_eq!(ask(&sandbox, 64, &["GET", "mine"]), "1", "{what}");
    };
    sandbox.lose_leases();
    repo.agentenv(&["adopt", "../app-two"]).ok();
    same("the lease was lost");
    repo.agentenv(&["adopt", "../app-one"]).ok();
    repo.agentenv(&["remove", "two", "--keep"]).ok();
    repo.agentenv(&["restore", "two"]).ok();
    same("it was in the trash");
    docker(&["stop", "--time", "1", &sandbox.second_servers()[0]]);
    repo.agentenv(&["adopt", "../app-two"]).ok();
    same("the server was stopped");

    repo.agentenv(&["remove", "two", "--keep"]).ok();
    assert_eq!(sandbox.second_servers().len(), 1, "the trash may bring it back");
    repo.agentenv(&["prune", "--trash"]).ok();
    is_gone(&sandbox, "the trash is empty");
}

#[test]
fn its_indexes_are_none_that_the_first_server_has() {
    let sandbox = Sandbox::new();
    let first = First::run(&[], &["redis-server", "--databases", "70"]);
    let repo = project(&sandbox, &first);
    let two = repo.agentenv(&["add", "two", "--json"]).ok().json();
    assert_eq!(variable(&two, "REDIS_DB"), "70");
    repo.agentenv(&["remove", "two"]).ok();
    is_gone(&sandbox, "the last environment there was removed");
}

#[test]
fn a_first_server_with_a_script_gets_no_second_one() {
    let sandbox = Sandbox::new();
    let first = First::run(&[], &["sh", "-c", "exec redis-server --protected-mode no"]);
    let repo = project(&sandbox, &first);
    repo.agentenv(&["add", "two"]).fails(5);
    is_gone(&sandbox, "nothing was started");
}

#[test]
fn its_data_outlives_its_container() {
    let (sandbox, first) = (Sandbox::new(), first(&[]));
    let repo = project(&sandbox, &first);
    repo.agentenv(&["add", "two"]).ok();
    ask(&sandbox, 64, &["SET", "mine", "1"]);
    let second = sandbox.second_servers().remove(0);
    docker(&["stop", &second]);
    docker(&["rm", "--volumes", &second]);
    repo.agentenv(&["adopt", "../app-two"]).ok();
    assert_eq!(ask(&sandbox, 64, &["GET", "mine"]), "1");

    docker(&["rm", "--force", "--volumes", &second]);
    docker(&["volume", "rm", &format!("{second}-data")]);
    let told = repo.agentenv(&["adopt", "../app-two"]).ok();
    assert!(told.stderr.contains("without the keys of `two`"), "{}", told.show());
    repo.agentenv(&["remove", "two"]).ok();
    is_gone(&sandbox, "the last environment there was removed");
}

#[test]
fn one_that_was_removed_by_hand_keeps_nobody_from_removing_its_environments() {
    let (sandbox, first) = (Sandbox::new(), first(&[]));
    let repo = project(&sandbox, &first);
    repo.agentenv(&["add", "two"]).ok();
    docker(&["rm", "--force", "--volumes", &sandbox.second_servers()[0]]);
    repo.agentenv(&["remove", "two"]).ok();
    repo.agentenv(&["prune"]).ok();
    is_gone(&sandbox, "what its volume held was released");
}

#[test]
fn in_another_engine_it_is_silent_and_not_missing() {
    let (sandbox, first) = (Sandbox::new(), first(&[]));
    let repo = project(&sandbox, &first);
    repo.agentenv(&["add", "two"]).ok();
    let record = fs::read_dir(sandbox.root.join("state/servers")).unwrap().next().unwrap().unwrap();
    let written = fs::read_to_string(record.path()).unwrap();
    let (_, engine) = written.split_once("engine: ").unwrap();
    let engine = engine.lines().next().unwrap();
    fs::write(record.path(), written.replace(engine, "ssh://me@far")).unwrap();
    let second = sandbox.second_servers().remove(0);
    docker(&["rename", &second, &format!("{second}-away")]);
    let failed = repo.agentenv(&["remove", "two"]).fails(8);
    assert!(failed.stderr.contains("at ssh://me@far"), "{}", failed.show());
    repo.agentenv(&["prune"]);
    assert_eq!(records(&sandbox), 1, "it stays on record");
    docker(&["rename", &format!("{second}-away"), &second]);
    fs::write(record.path(), written).unwrap();
    repo.agentenv(&["prune"]).ok();
    is_gone(&sandbox, "the last environment there was removed");
}

#[test]
fn one_without_a_record_is_found() {
    let (sandbox, first) = (Sandbox::new(), first(&[]));
    let repo = project(&sandbox, &first);
    repo.killed(&["add", "two"], "overflow-started");
    for record in fs::read_dir(sandbox.root.join("state/servers")).unwrap() {
        fs::remove_file(record.unwrap().path()).unwrap();
    }
    let second = sandbox.second_servers().remove(0);
    let lease = sandbox.root.join("state/leases");
    assert!(lease.is_dir());
    let pruned = repo.agentenv(&["prune"]).ok();
    assert!(pruned.stdout.contains(&second), "{}", pruned.show());
    is_gone(&sandbox, "it was unused");
}

#[test]
fn a_start_that_fails_removes_what_it_created_and_no_more() {
    let (sandbox, first) = (Sandbox::new(), first(&[]));
    let repo = project(&sandbox, &first);
    repo.agentenv(&["add", "two"]).ok();
    ask(&sandbox, 64, &["SET", "mine", "1"]);
    let second = sandbox.second_servers().remove(0);
    let port = published(&second, "6379");
    docker(&["stop", &second]);
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let failed = repo.agentenv(&["adopt", "../app-two"]).fails(6);
    assert!(failed.stderr.contains("stop the process that listens"), "{}", failed.show());
    docker(&["rm", &second]);
    repo.agentenv(&["adopt", "../app-two"]).fails(6);
    assert_eq!(sandbox.second_servers(), Vec::<String>::new());
    drop(listener);
    repo.agentenv(&["adopt", "../app-two"]).ok();
    assert_eq!(ask(&sandbox, 64, &["GET", "mine"]), "1");
    repo.agentenv(&["remove", "two"]).ok();
}

/// The port of the second server that the next `add` starts.
fn planned_port(repo: &Repo<'_>) -> u16 {
    let planned = repo.agentenv(&["add", "two", "--dry-run", "--json"]).ok().json();
    port_in(variable(&planned, "REDIS_URL"))
}

fn port_in(url: &str) -> u16 {
    url.split([':', '/']).nth(4).unwrap().parse().unwrap()
}

/// An `add` of `two` that has planned, and waits while git makes the worktree.
struct Planned<'a> {
    repo: &'a Repo<'a>,
    hook: PathBuf,
    pipe: PathBuf,
    running: Running,
}

impl<'a> Planned<'a> {
    /// Each other checkout adds a line to the file `checkouts`.
    fn add(repo: &'a Repo<'a>, path: Option<String>) -> Self {
        let hook = repo.path.join(".git/hooks/post-checkout");
        let pipe = repo.sandbox.root.join("pipe");
        let wait = format!(
            "#!/bin/sh\ncase $PWD in *-two) mkfifo '{0}'; read -r _ <'{0}';; *) echo >>'{1}';; esac\n",
            pipe.display(),
            checkouts(repo).display()
        );
        write_program(&hook, &wait);
        let mut add = repo.command(&["add", "two", "--json"]);
        path.map(|path| add.env("PATH", path));
        let running = repo.sandbox.start(&mut add);
        wait_until("git makes the worktree", || pipe.exists());
        Planned { repo, hook, pipe, running }
    }

    #[track_caller]
    fn go_on(self) -> Outcome {
        fs::remove_file(self.hook).unwrap();
        fs::write(self.pipe, "go\n").unwrap();
        fs::remove_file(checkouts(self.repo)).ok();
        self.running.outcome()
    }
}

fn checkouts(repo: &Repo<'_>) -> PathBuf {
    repo.sandbox.root.join("checkouts")
}

#[test]
fn a_new_one_takes_the_next_port_when_another_process_was_quicker() {
    let (sandbox, first) = (Sandbox::new(), first(&[]));
    let repo = project(&sandbox, &first);
    let port = planned_port(&repo);
    let planned = Planned::add(&repo, None);
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let added = planned.go_on().ok();
    assert!(added.stderr.contains(&format!("port {port} is used by")), "{}", added.show());
    let second = sandbox.second_servers().remove(0);
    let next = published(&second, "6379");
    assert_ne!(next, port);
    let url = format!("redis://localhost:{next}/64");
    assert_eq!(variable(&added.json(), "REDIS_URL"), url);
    drop(listener);
    repo.agentenv(&["remove", "two"]).ok();
    is_gone(&sandbox, "the last environment there was removed");
}

#[test]
fn two_that_planned_on_a_port_which_another_process_has_both_take_the_next() {
    let (sandbox, first) = (Sandbox::new(), first(&[]));
    let repo = project(&sandbox, &first);
    let port = planned_port(&repo);
    let two = Planned::add(&repo, None);
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let three = repo.start(&["add", "three", "--json"]);
    let made = || fs::read_to_string(checkouts(&repo)).map_or(0, |lines| lines.lines().count());
    let tree = repo.path.with_file_name("app-three");
    wait_until("`three` has failed twice on the port", || made() == 2 && !tree.exists());
    let (two, three) = (two.go_on().ok(), three.outcome().ok());
    let next = published(&sandbox.second_servers()[0], "6379");
    assert_ne!(next, port);
    for (added, one) in [(&two, "two"), (&three, "three")] {
        assert_eq!(port_in(variable(&added.json(), "REDIS_URL")), next, "{one}");
    }
    drop(listener);
    repo.agentenv(&["remove", "two", "three"]).ok();
    is_gone(&sandbox, "the last environment there was removed");
}

#[test]
fn one_that_an_environment_names_keeps_its_port() {
    let (sandbox, first) = (Sandbox::new(), first(&[]));
    let repo = project(&sandbox, &first);
    repo.agentenv(&["add", "two"]).ok();
    let second = sandbox.second_servers().remove(0);
    let port = published(&second, "6379");
    docker(&["rm", "--force", "--volumes", &second]);
    docker(&["volume", "rm", &format!("{second}-data")]);
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    for args in [["add", "three"], ["adopt", "../app-two"]] {
        let failed = repo.agentenv(&args).fails(6);
        let hint = format!("stop the process that listens on {port}");
        assert!(failed.stderr.contains(&hint), "{}", failed.show());
        assert!(!failed.stderr.contains(&format!("port {port} is in use")), "{}", failed.show());
        assert_eq!(records(&sandbox), 1, "{args:?}");
    }
    drop(listener);
    repo.agentenv(&["add", "three"]).ok();
    assert_eq!(published(&sandbox.second_servers()[0], "6379"), port);
    repo.agentenv(&["remove", "two", "three"]).ok();
    is_gone(&sandbox, "the last environment there was removed");
}

#[test]
fn one_that_could_not_be_removed_keeps_its_port() {
    let (sandbox, first) = (Sandbox::new(), first(&[]));
    let repo = project(&sandbox, &first);
    let port = planned_port(&repo);
    let bin = sandbox.root.join("keeps");
    fs::create_dir_all(&bin).unwrap();
    let keeps = "#!/bin/sh\ncase $1 in rm) echo busy >&2; exit 1;; esac\nPATH=${PATH#*:} exec docker \"$@\"\n";
    write_program(&bin.join("docker"), keeps);
    let command = repo.command(&[]);
    let path = command.get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap();
    let path = format!("{}:{}", bin.display(), path.to_str().unwrap());
    let planned = Planned::add(&repo, Some(path));
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let failed = planned.go_on().fails(8);
    let named = format!("127.0.0.1:{port}");
    assert!(failed.stdout.contains(&named), "{}", failed.show());
    assert_eq!((sandbox.second_servers().len(), records(&sandbox)), (1, 1));
    drop(listener);
    docker(&["rm", "--force", &sandbox.second_servers()[0]]);
    repo.agentenv(&["prune"]).ok();
    is_gone(&sandbox, "it was released");
}

#[test]
fn one_whose_first_server_is_gone_is_started_and_removed() {
    let (sandbox, first) = (Sandbox::new(), first(&[]));
    let repo = project(&sandbox, &first);
    repo.agentenv(&["add", "two"]).ok();
    docker(&["stop", &sandbox.second_servers()[0]]);
    drop(first);
    repo.agentenv(&["adopt", "../app-two"]).ok();
    docker(&["stop", &sandbox.second_servers()[0]]);
    docker(&["start", &sandbox.second_servers()[0]]);
    repo.agentenv(&["remove", "two"]).ok();
    is_gone(&sandbox, "the last environment there was removed");
}

#[test]
fn one_whose_network_was_made_anew_is_started() {
    let sandbox = Sandbox::new();
    let network = format!("{}_near", sandbox.id);
    docker(&["network", "create", &network]);
    let first = first(&["--network", &network]);
    let repo = project(&sandbox, &first);
    repo.agentenv(&["add", "two"]).ok();
    let second = sandbox.second_servers().remove(0);
    docker(&["stop", &second]);
    docker(&["network", "disconnect", "--force", &network, &first.container.name]);
    docker(&["network", "rm", &network]);
    docker(&["network", "create", &network]);
    docker(&["network", "connect", &network, &first.container.name]);
    repo.agentenv(&["adopt", "../app-two"]).ok();
    repo.agentenv(&["remove", "two"]).ok();
    is_gone(&sandbox, "the last environment there was removed");
    drop(first);
    docker(&["network", "rm", &network]);
}

#[test]
fn killed_at_any_point_no_second_server_is_left() {
    let (sandbox, first) = (Sandbox::new(), first(&[]));
    let repo = project(&sandbox, &first);
    repo.agentenv(&["add", "two"]).ok();
    repo.agentenv(&["remove", "two", "--delete-branch"]).ok();
    let before = repo.traces_of_files();
    let (adding, removing) = OVERFLOW.split_at(2);
    for point in adding.iter().copied().chain(["index-made"]) {
        repo.killed(&["add", "two"], point);
        repo.agentenv(&["prune"]).ok();
        is_gone(&sandbox, &format!("add killed at {point}, pruned"));
        repo.killed(&["add", "two"], point);
        repo.agentenv(&["add", "two"]).ok();
        assert_eq!(ask(&sandbox, 64, &["DBSIZE"]), "1", "add killed at {point}, added");
        repo.agentenv(&["remove", "two", "--delete-branch"]).ok();
        is_gone(&sandbox, &format!("add killed at {point}, added, removed"));
        repo.struck(&["add", "two"], &format!("{point}:error")).fails(1);
        is_gone(&sandbox, &format!("add failed at {point}"));
    }
    for point in ["index-released", "forgotten"].into_iter().chain(removing.iter().copied()) {
        repo.agentenv(&["add", "two"]).ok();
        repo.killed(&["remove", "two", "--delete-branch"], point);
        repo.agentenv(&["prune"]).ok();
        is_gone(&sandbox, &format!("remove killed at {point}, pruned"));
        repo.leaves_no_file_but(&before, &format!("remove killed at {point}, pruned"));
    }
}

#[test]
fn a_lost_environment_takes_its_second_server_with_it() {
    let (sandbox, first) = (Sandbox::new(), first(&[]));
    let repo = project(&sandbox, &first);
    repo.agentenv(&["add", "two"]).ok();
    sandbox.lose_leases();
    repo.git(&["worktree", "remove", "--force", "../app-two"]);
    repo.git(&["worktree", "remove", "--force", "../app-one"]);
    repo.agentenv(&["prune"]).ok();
    is_gone(&sandbox, "its orphan was flushed");
}

#[test]
fn it_goes_down_and_up_with_the_servers() {
    let sandbox = Sandbox::new();
    let (repo, id) = (sandbox.repo("app"), &sandbox.id);
    let port = *sandbox.ports().end();
    let file = format!(
        "name: {id}\nservices:\n  redis:\n    image: agentenv-test/redis\n    ports: ['127.0.0.1:{port}:6379']\n    networks: [near]\n    tmpfs: [/data]\nnetworks: {{ near: {{ name: {id}_near }} }}\n"
    );
    repo.commit("servers.yml", &file);
    let place = format!("compose: {{ project: {id}, service: redis }}");
    repo.config(&(config(&sandbox, &place, port) + "infra: { file: servers.yml }\n"));
    repo.agentenv(&["trust", "--yes"]).ok();
    let _down = Down(&repo);
    repo.agentenv(&["infra", "up"]).ok();
    repo.agentenv(&["add", "one"]).ok();
    repo.agentenv(&["add", "two"]).ok();
    ask(&sandbox, 64, &["SET", "mine", "1"]);
    let networks = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}";
    let on = || docker(&["inspect", "--format", networks, &sandbox.second_servers()[0]]);
    assert_eq!(on(), format!("{id}_near"), "containers of stacks reach it");

    let refused = repo.agentenv(&["infra", "down", "--volumes", "--force"]).fails(7);
    assert!(refused.stderr.contains("`two`"), "{}", refused.show());
    repo.agentenv(&["infra", "down"]).ok();
    repo.agentenv(&["infra", "status"]).fails(6);
    repo.agentenv(&["infra", "up"]).ok();
    assert_eq!(ask(&sandbox, 64, &["GET", "mine"]), "1", "its data stayed");
    assert_eq!(on(), format!("{id}_near"));
    repo.agentenv(&["remove", "one", "two", "--force"]).ok();
    is_gone(&sandbox, "both are removed");
}

/// Removes the servers of a repository with this value.
struct Down<'a>(&'a Repo<'a>);

impl Drop for Down<'_> {
    fn drop(&mut self) {
        for name in self.0.sandbox.second_servers() {
            docker(&["rm", "--force", "--volumes", &name]);
        }
        self.0.agentenv(&["remove", "one", "two", "--force"]);
        self.0.agentenv(&["infra", "down", "--volumes", "--force"]);
    }
}
