//! `up`, `down`, `ps`, `logs`, `wait` and `open`: the application of an environment.

use crate::common::{Repo, Sandbox, servers, wait_until};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A server on the environment's port that says what it is asked.
const WEB: &str = "exec python3 -u -m http.server --bind 127.0.0.1 $DJANGO_PORT";

/// A repository with these processes, and an environment `x`.
fn project<'a>(sandbox: &'a Sandbox, processes: &[(&str, &str)]) -> Repo<'a> {
    let repo = sandbox.repo("app");
    let lines: String =
        processes.iter().map(|(name, line)| format!("  {name}: {}\n", json!(line))).collect();
    repo.config(&format!("{}processes:\n{lines}", sandbox.config_without_servers()));
    repo.agentenv(&["trust", "--yes"]).ok();
    repo.agentenv(&["add", "x"]).ok();
    repo
}

/// What `ps x` says of each process.
fn ps(repo: &Repo<'_>) -> Vec<Value> {
    let said = repo.agentenv(&["ps", "x", "--json"]).ok().json();
    said["environments"][0]["processes"].as_array().unwrap().clone()
}

/// The processes whose environment holds this text.
fn carrying(text: &str) -> Vec<u32> {
    let pids = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let carries = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains(text)
    };
    pids.filter(carries).collect()
}

#[test]
fn an_application_is_started_watched_and_stopped() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, &[("web", WEB), ("worker", "echo at work; exec sleep 600")]);
    assert!(ps(&repo).iter().all(|process| process["state"] == "stopped"));

    let up = repo.agentenv(&["up", "x", "--wait", "--json"]).ok().json();
    let web = &up["environments"][0]["processes"][0];
    let port = web["ports"][0].as_u64().unwrap();
    assert_eq!((&web["name"], &web["state"]), (&json!("web"), &json!("running")));
    assert!(web["memory"].as_u64().unwrap() > 0);
    assert!(std::net::TcpStream::connect(("127.0.0.1", port as u16)).is_ok());
    let again = repo.agentenv(&["up", "x", "--json"]).ok().json();
    assert_eq!(again["environments"][0]["processes"][0]["pid"], web["pid"], "it runs already");

    let logs = || repo.agentenv(&["logs", "--env", "x"]).ok().stdout;
    wait_until("the worker has spoken", || logs().contains("worker | at work"));
    assert!(logs().contains("web    | Serving HTTP"));
    // An application prints its passwords.
    let state = sandbox.root.join("state");
    let log = state.join("logs").join(sandbox.lease_id()).join("worker.1.log");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&state), mode(&log)), (0o700, 0o600));
    let one = repo.agentenv(&["logs", "worker", "--env", "x", "-n", "1"]).ok();
    assert_eq!(one.stdout, "at work\n");
    repo.agentenv(&["logs", "wroker", "--env", "x"]).fails(4);
    let url = repo.agentenv(&["open", "x"]).ok().stdout;
    assert_eq!(url, format!("http://x.localhost:{port}\n"));

    let status = repo.agentenv(&["status", "x"]).ok().stdout;
    for shown in
        ["x  ready\n", "clean, 0 ahead of and 0 behind main", "python3 (pid", "running  pid"]
    {
        assert!(status.contains(shown), "{shown}: {status}");
    }
    fs::remove_file(sandbox.root.join("app-x/.env.worktree")).unwrap();
    let status = repo.agentenv(&["status", "x"]).ok().stdout;
    assert!(
        status.contains("x  incomplete") && status.contains("fix: git agentenv adopt"),
        "{status}"
    );
    repo.agentenv(&["adopt", "../app-x"]).ok();

    let restarted = repo.agentenv(&["restart", "x", "--json"]).ok().json();
    assert_ne!(restarted["environments"][0]["processes"][0]["pid"], web["pid"]);
    repo.agentenv(&["wait", "x"]).ok();
    let down = repo.agentenv(&["down", "x"]).ok();
    assert!(down.stdout.starts_with("stopped x: "), "{}", down.show());
    assert!(std::net::TcpStream::connect(("127.0.0.1", port as u16)).is_err());
    assert!(ps(&repo).iter().all(|process| process["state"] == "stopped"));
    assert_eq!(repo.agentenv(&["down", "x"]).ok().stdout, "nothing runs in x\n");
    let last = repo.agentenv(&["logs", "worker", "--env", "x"]).ok().stdout;
    assert_eq!(last, "at work\n", "what it printed stays");
    repo.agentenv(&["logs", "--follow", "--env", "x"]).ok();
}

#[test]
fn a_process_that_ends_is_seen_and_not_started_again() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, &[("web", "echo no database; sleep 0.1; exit 3")]);
    // It runs when it is first looked at, and that it started is no sign that it is ready.
    let said = repo.agentenv(&["up", "x", "--wait"]).fails(6);
    assert!(said.stderr.contains("process `web` ended with 3"), "{}", said.show());
    assert_eq!((&ps(&repo)[0]["state"], &ps(&repo)[0]["exit"]), (&json!("exited"), &json!(3)));
    let said = repo.agentenv(&["wait", "x"]).fails(6);
    assert!(said.stderr.contains("process `web` ended with 3"), "{}", said.show());
    assert!(said.stderr.contains("no database"), "{}", said.show());

    // The logs of old starts go.
    let logs = sandbox.root.join("state/logs").join(sandbox.lease_id());
    (2..8).for_each(|start| fs::write(logs.join(format!("web.{start}.log")), "").unwrap());
    repo.agentenv(&["up", "x"]).ok();
    let mut kept: Vec<String> = fs::read_dir(&logs)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".log"))
        .collect();
    kept.sort();
    assert_eq!(kept, [4, 5, 6, 7, 8].map(|start| format!("web.{start}.log")));
}

#[test]
fn what_earlier_starts_printed_can_be_read() {
    let sandbox = Sandbox::new();
    let count = "echo x >>../starts; echo \"start $(wc -l <../starts | tr -d ' ')\"; exit 1";
    let repo = project(&sandbox, &[("web", count), ("idle", "echo idle; exec sleep 600")]);
    let logs = |more: &[&str]| repo.agentenv(&[&["logs", "--env", "x"], more].concat());
    for start in 1..=6 {
        repo.agentenv(&["up", "x"]).ok();
        wait_until("it has ended", || logs(&["web"]).stdout == format!("start {start}\n"));
        wait_until("and is seen", || ps(&repo)[0]["state"] == "exited");
        if start == 1 {
            let none = logs(&["web", "--previous"]).fails(4);
            assert!(none.stderr.contains("no output of an earlier start"), "{}", none.show());
        }
    }
    assert_eq!(logs(&["web", "--previous"]).ok().stdout, "start 5\n");
    assert_eq!(logs(&["web", "-p=4"]).ok().stdout, "start 2\n", "the oldest that is kept");
    logs(&["--previous=5"]).fails(2);
    logs(&["--previous=0"]).fails(2);
    logs(&["--previous", "--follow"]).fails(2);
    // Of the other one there is only one start.
    let before = logs(&["--previous=2", "--json"]).ok().json();
    assert_eq!(before["logs"].as_array().unwrap().len(), 1, "{before}");
    assert_eq!(before["logs"][0]["lines"], json!(["start 4"]));
    let file = before["logs"][0]["file"].as_str().unwrap();
    assert!(file.ends_with("/web.4.log"), "{before}");
    repo.agentenv(&["down", "x"]).ok();
    assert_eq!(logs(&["web", "--previous"]).ok().stdout, "start 5\n", "also after `down`");
    let none = logs(&["idle", "--previous"]).fails(4);
    assert!(none.stderr.contains("git agentenv logs"), "{}", none.show());
}

#[test]
fn waiting_ends_with_the_ready_command_or_with_the_time() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let process = "processes: { web: { run: sleep 600, ready: test -e ready } }\n";
    repo.config(&(sandbox.config_without_servers() + process));
    repo.agentenv(&["trust", "--yes"]).ok();
    repo.agentenv(&["add", "x"]).ok();
    repo.agentenv(&["up", "x"]).ok();
    let said = repo.agentenv(&["wait", "x", "--timeout", "0"]).fails(6);
    assert!(said.stderr.contains("the ready command of `web` ended with 1"), "{}", said.show());
    fs::write(sandbox.root.join("app-x/ready"), "").unwrap();
    repo.agentenv(&["wait", "x"]).ok();
    repo.config(&(sandbox.config_without_servers() + &process.replace("test -e ready", "sleep 9")));
    repo.agentenv(&["trust", "--yes"]).ok();
    let said = repo.agentenv(&["wait", "x", "--timeout", "1"]).fails(6);
    let why = "`x` is not ready after 1 s: the ready command of `web` still runs";
    assert!(said.stderr.contains(why), "{}", said.show());
    repo.agentenv(&["add", "y"]).ok();
    let said = repo.agentenv(&["up", "x", "y", "--wait", "--timeout", "1"]).fails(6);
    for env in ["x", "y"] {
        let line = format!("error: `{env}` is not ready after 1 s: ");
        assert!(said.stderr.contains(&line), "it is named once: {}", said.show());
    }
    repo.agentenv(&["down", "x", "y"]).ok();
}

#[test]
fn waiting_for_what_up_does_not_start_says_so() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["add", "x"]).ok();
    let said = repo.agentenv(&["wait", "x", "--timeout", "0"]).fails(6);
    assert!(said.stderr.contains("hint: start the application"), "{}", said.show());
    assert!(!said.stderr.contains("git agentenv logs"), "{}", said.show());
}

#[test]
fn only_its_own_processes_make_an_application_ready() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, &[("web", "exec sleep 600")]);
    repo.agentenv(&["up", "x"]).ok();
    let port = sandbox.ports().start() + 1;
    // It may read the port from its environment.
    let said = repo.agentenv(&["wait", "x", "--timeout", "3"]).fails(6);
    assert!(said.stderr.contains(&format!("port {port} does not answer")), "{}", said.show());
    assert!(said.stderr.contains("`ready:` in .agentenv.yaml"), "{}", said.show());

    let serve = format!("exec python3 -m http.server --bind 127.0.0.1 {port} >/dev/null 2>&1");
    let mut server = stranger(&sandbox.root, &serve);
    let answers = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    wait_until("the foreign server answers", answers);
    let foreign = format!("port {port} is answered by python3 (pid {})", server.id());
    let with = |process: &str| {
        repo.config(&format!(
            "{}processes: {{ web: {process} }}\n",
            sandbox.config_without_servers()
        ));
        repo.agentenv(&["trust", "--yes"]).ok();
        repo.agentenv(&["wait", "x", "--timeout", "0"])
    };
    let said = with("exec sleep 600").fails(6);
    assert!(said.stderr.contains(&foreign), "{}", said.show());
    let said = with("exec sleep 600 \"# $DJANGO_PORT\"").fails(6);
    assert!(said.stderr.contains(&foreign), "{}", said.show());
    assert!(said.stderr.contains("not by `web`"), "{}", said.show());
    with("{ run: exec sleep 600, ready: \"true\" }").ok();
    server.kill().unwrap();
    server.wait().unwrap();
    repo.agentenv(&["down", "x"]).ok();
}

#[test]
fn only_approved_commands_are_started() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, &[("web", "exec sleep 600")]);
    repo.commit(
        ".agentenv.yaml",
        &(sandbox.config_without_servers() + "processes: { web: touch /tmp/x }\n"),
    );
    for command in ["up", "restart", "wait"] {
        let said = repo.agentenv(&[command, "x"]).fails(7).stderr;
        assert!(said.contains("the processes of this repository are not trusted"), "{said}");
        assert!(said.ends_with("hint: approve them: `git agentenv trust`\n"), "{said}");
    }
    repo.commit(".agentenv.yaml", &sandbox.config_without_servers());
    let said = repo.agentenv(&["up", "x"]).fails(3);
    assert!(said.stderr.contains("processes:"), "{}", said.show());
}

#[test]
fn removal_ends_what_was_started_whatever_it_has_become_and_nothing_else() {
    let sandbox = Sandbox::new();
    // Daemons as they come: in sessions of their own, taken over by init, deaf to SIGTERM.
    let daemons = "for n in $(seq 200); do (setsid sh -c 'trap \"\" TERM; exec sleep 600' &); done; exec sleep 600";
    let repo = project(&sandbox, &[("daemons", daemons)]);
    let mut stranger = Command::new("sleep");
    let stranger = stranger.arg("600").current_dir(&sandbox.root).stdin(Stdio::null());
    let mut stranger = stranger.spawn().unwrap();
    repo.agentenv(&["up", "x"]).ok();
    let id = sandbox.lease_id();
    wait_until("all daemons run", || carrying(&id).len() >= 200);

    repo.agentenv(&["down", "x", "--timeout", "1"]).ok();
    assert_eq!(carrying(&id), Vec::<u32>::new());
    repo.agentenv(&["up", "x"]).ok();
    wait_until("all daemons run again", || carrying(&id).len() >= 200);
    repo.agentenv(&["remove", "x", "--force"]).ok();
    assert_eq!(carrying(&id), Vec::<u32>::new());
    assert!(stranger.try_wait().unwrap().is_none(), "a foreign process still runs");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    assert!(!sandbox.root.join("state/logs").join(&id).exists());
}

#[test]
fn what_was_started_before_a_kill_is_found_without_a_record() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, &[("web", "exec sleep 600")]);
    repo.killed(&["up", "x"], "process-started");
    let id = sandbox.lease_id();
    wait_until("its command runs", || carrying(&id).len() == 2);
    let both = carrying(&id);
    // It is one that runs, for `ps` and for the next `up`.
    let web = ps(&repo).remove(0);
    assert_eq!(web["state"], "running", "{web}");
    assert_eq!(web["pid"], *both.iter().max().unwrap(), "{web}");
    repo.agentenv(&["up", "x"]).ok();
    assert_eq!(carrying(&id), both);
    repo.agentenv(&["down", "x"]).ok();
    assert_eq!(carrying(&id), Vec::<u32>::new());
}

#[test]
fn a_ready_command_that_a_kill_leaves_is_stopped() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let web = json!({ "run": "exec sleep 600", "ready": "touch asked; sleep 600" });
    repo.config(&format!("{}processes:\n  web: {web}\n", sandbox.config_without_servers()));
    repo.agentenv(&["trust", "--yes"]).ok();
    repo.agentenv(&["add", "x"]).ok();
    repo.agentenv(&["up", "x"]).ok();
    let waiting = repo.start(&["wait", "x"]);
    let asked = sandbox.root.join("app-x/asked");
    wait_until("the ready command runs", || asked.exists());
    waiting.signal("KILL");
    assert_eq!(waiting.outcome().code, 128 + 9);
    repo.agentenv(&["down", "x"]).ok();
    let inside = |pid: &u32| {
        let cwd = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
        cwd == sandbox.root.join("app-x")
    };
    let left: Vec<u32> = carrying("DJANGO_PORT=").into_iter().filter(inside).collect();
    assert_eq!(left, Vec::<u32>::new());
}

#[test]
fn what_lives_on_without_its_supervisor_runs_and_its_end_is_seen() {
    let sandbox = Sandbox::new();
    // `late` leaves a daemon.
    let late = "setsid sleep 600 & sleep 0.2; exit 1";
    let repo = project(&sandbox, &[("web", "exec sleep 600"), ("late", late)]);
    repo.agentenv(&["up", "x"]).ok();
    let of = |process: &str| carrying(&format!("AGENTENV_PROCESS={process}\0"));
    let of_sandbox = sandbox.lease_id();
    let own = |process: &str| {
        let marked = carrying(&of_sandbox);
        of(process).into_iter().filter(|pid| marked.contains(pid)).collect::<Vec<_>>()
    };
    let web = || ps(&repo).remove(0);
    let signal = |signal: &str, pid: u32| {
        let pid = pid.to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    };
    let (all, command) = (own("web"), u32::try_from(web()["pid"].as_u64().unwrap()).unwrap());
    let supervisor = all.iter().copied().find(|pid| *pid != command).unwrap();
    assert_eq!((all.len(), all.contains(&command)), (2, true));
    signal("-KILL", supervisor);
    wait_until("its supervisor has gone", || own("web") == [command]);
    assert_eq!((&web()["state"], &web()["pid"]), (&json!("running"), &json!(command)));
    wait_until("the other has ended", || ps(&repo)[1]["state"] == "exited");
    let row = repo.agentenv(&["list", "--json"]).ok().json()["environments"][0].clone();
    assert_eq!(row["running"], 1, "{row}");
    let daemon = own("late");
    assert_eq!(daemon.len(), 1);
    repo.agentenv(&["up", "x"]).ok();
    assert_eq!(own("web"), [command], "none is started twice");
    assert!(!own("late").contains(&daemon[0]), "nor is a daemon");

    // The id that is shown is that of the command.
    signal("-TERM", command);
    wait_until("it is missed", || web()["state"] == "killed");
    repo.agentenv(&["up", "x"]).ok();
    signal("-TERM", u32::try_from(web()["pid"].as_u64().unwrap()).unwrap());
    wait_until("its end is written down", || web()["exit"] == 143);
    repo.agentenv(&["down", "x"]).ok();
}

/// A mark of one environment on what was started for another would end that one's daemons.
#[test]
fn what_a_process_starts_through_this_program_belongs_to_the_environment_it_runs_in() {
    let sandbox = Sandbox::new();
    let daemon = |env: &str| {
        let daemon = format!("IN={}-{env} setsid sleep 600 &", sandbox.id);
        format!("git agentenv run {env} --force -- sh -c '{daemon}'")
    };
    let line = format!("{}; {}; exec sleep 600", daemon("x"), daemon("y"));
    let repo = project(&sandbox, &[("web", &line)]);
    repo.agentenv(&["add", "y"]).ok();
    let in_env = |env: &str| carrying(&format!("IN={}-{env}\0", sandbox.id));
    repo.agentenv(&["up", "x"]).ok();
    wait_until("both daemons run", || !in_env("x").is_empty() && !in_env("y").is_empty());
    repo.agentenv(&["down", "x"]).ok();
    let others = in_env("y");
    assert_eq!((in_env("x"), others.len()), (vec![], 1));
    Command::new("kill").args(others.iter().map(u32::to_string)).status().unwrap();
}

/// A command of the test, not of `up`, that runs in a directory.
fn stranger(dir: &Path, script: &str) -> Child {
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir(dir).env("STRANGER", dir).stdin(Stdio::null());
    command.spawn().unwrap()
}

#[test]
fn strangers_in_the_worktree_are_named_and_end_by_force_and_nothing_outside_does() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, &[("idle", "exec sleep 600")]);
    let tree = sandbox.root.join("app-x");
    // Daemons as they come: taken over by init, deaf to what asks them to end.
    let daemons = |count: u32| {
        let one = "setsid sh -c 'trap \"\" TERM HUP; sleep 600'";
        format!("for n in $(seq {count}); do ({one} &); done")
    };
    let mark = format!("STRANGER={}", tree.display());
    stranger(&tree, &daemons(2)).wait().unwrap();
    let port = sandbox.ports().start() + 1;
    let serve = format!("exec python3 -m http.server --bind 127.0.0.1 {port} >/dev/null 2>&1");
    let mut server = stranger(&tree, &serve);
    let answers = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    wait_until("the server answers", answers);
    wait_until("the daemons run", || carrying(&mark).len() >= 5);
    let dry = repo.agentenv(&["remove", "x", "--dry-run"]).ok();
    assert!(dry.stdout.contains("still runs: python3"), "{}", dry.show());
    // It is looked at again once this has ended and the worktree is closed.
    repo.agentenv(&["up", "x"]).ok();
    let said = repo.agentenv(&["remove", "x", "--json"]).ok();
    let running = said.json()["removed"][0]["running"].as_array().unwrap().clone();
    assert_eq!(running.len(), 5, "{}", said.show());
    assert!(running.iter().all(|one| one["dir"] == tree.to_str().unwrap()), "{}", said.show());
    let served = running.iter().find(|one| one["port"] == port).unwrap();
    assert_eq!(served["pid"], server.id());
    assert!(said.stderr.contains(&format!("listens on {port}")), "{}", said.show());
    assert!(answers(), "nobody asked for its end");
    let pids = carrying(&mark).iter().map(u32::to_string).collect::<Vec<_>>();
    Command::new("kill").arg("-9").args(pids).status().unwrap();
    server.wait().unwrap();

    repo.agentenv(&["add", "x"]).ok();
    let mut outside = stranger(&sandbox.root, "exec sleep 600");
    stranger(&tree, &daemons(40)).wait().unwrap();
    let mut moved = stranger(&tree, "cd / && exec sleep 600");
    wait_until("the daemons run again", || carrying(&mark).len() >= 81);
    // The caller's own shell is in there, too.
    let mut shell = sandbox.command("sh");
    let line = "git agentenv remove x --force; echo $? >../code; exec sleep 600";
    let mut shell = shell.args(["-c", line]).current_dir(&tree).spawn().unwrap();
    let code = sandbox.root.join("code");
    wait_until("it is removed", || fs::read_to_string(&code).is_ok_and(|code| code == "0\n"));
    assert_eq!(carrying(&mark), [moved.id()]);
    for spared in [&mut outside, &mut moved, &mut shell] {
        assert!(spared.try_wait().unwrap().is_none(), "{spared:?} was hit");
        spared.kill().unwrap();
        spared.wait().unwrap();
    }
}

/// A child that ends with the test, also where that fails.
#[derive(Debug)]
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn what_still_runs_where_a_deleted_worktree_was_is_named_when_its_environment_goes() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, &[("idle", "exec sleep 600")]);
    repo.agentenv(&["add", "y"]).ok();
    for (env, commands) in [
        ("x", [&["prune", "--dry-run", "--json"][..], &["prune", "--json"]]),
        ("y", [&["remove", "y", "--dry-run"], &["remove", "y", "--json"]]),
    ] {
        let tree = sandbox.root.join(format!("app-{env}"));
        let vars = repo.agentenv(&["env", env, "--json"]).ok().json();
        let port = vars["variables"]["DJANGO_PORT"].as_str().unwrap().to_owned();
        repo.agentenv(&["up", env]).ok();
        let inside = Ended(stranger(&tree, "exec sleep 600"));
        let serve = format!("exec python3 -m http.server --bind 127.0.0.1 {port} >/dev/null 2>&1");
        let server = Ended(stranger(&sandbox.root, &serve));
        let place = format!("127.0.0.1:{port}");
        wait_until("it answers", || std::net::TcpStream::connect(&place).is_ok());
        fs::remove_dir_all(&tree).unwrap();
        let [dry, run] = commands.map(|command| repo.agentenv(command).ok());
        let named = [
            format!("sleep (pid {}) in {}", inside.0.id(), tree.display()),
            format!("python3 (pid {}) in {}", server.0.id(), sandbox.root.display()),
            format!(", listens on {port}"),
        ];
        for name in &named {
            assert!(run.stderr.contains(name), "{name}: {}", run.show());
            assert!((dry.stderr.clone() + &dry.stdout).contains(name), "{name}: {}", dry.show());
        }
        assert!(run.stderr.contains("hint: end it: `kill "), "{}", run.show());
        let answer = run.json();
        let one = if env == "x" { &answer["pruned"][0] } else { &answer["removed"][0] };
        assert_eq!(one["name"], env, "{answer}");
        assert_eq!(one["running"].as_array().unwrap().len(), 2, "{answer}");
        for mut spared in [inside, server] {
            assert!(spared.0.try_wait().unwrap().is_none(), "nobody asked for its end");
        }
    }
}

#[test]
fn a_directory_that_only_has_the_name_of_the_worktree_is_another_one() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, &[("idle", "exec sleep 600")]);
    let tree = sandbox.root.join("app-x");
    // In a worktree that was there before, and was deleted.
    let mut earlier = Ended(stranger(&tree, "exec sleep 600"));
    fs::remove_dir_all(&tree).unwrap();
    repo.agentenv(&["prune"]).ok();
    for args in [&["remove", "x", "--json"][..], &["remove", "x", "--json", "--force"]] {
        repo.agentenv(&["add", "x"]).ok();
        // Where the worktree's directory goes when it is closed.
        let closed = sandbox.root.join(format!(".agentenv-trash-{}", sandbox.lease_id()));
        fs::create_dir(&closed).unwrap();
        fs::write(closed.join("mine"), "").unwrap();
        let mut beside = Ended(stranger(&closed, "exec sleep 600"));
        let said = repo.agentenv(args).fails(7);
        let hint = said.json()["error"]["hint"].as_str().unwrap().to_owned();
        assert!(hint.contains(&format!("mv {} ", closed.display())), "{hint}");
        assert!(closed.join("mine").exists() && tree.join(".env.worktree").exists());
        assert!(beside.0.try_wait().unwrap().is_none(), "it was ended");

        fs::remove_dir_all(&closed).unwrap();
        let said = repo.agentenv(args).ok();
        assert_eq!(said.json()["removed"][0]["running"], json!([]), "{}", said.show());
        assert!(!said.stderr.contains("still running"), "{}", said.show());
        for spared in [&mut earlier, &mut beside] {
            assert!(spared.0.try_wait().unwrap().is_none(), "{spared:?} was ended");
        }
    }
}

#[test]
fn what_a_process_of_the_environment_writes_when_it_is_ended_is_seen() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let process = "trap 'echo work >late; exit' TERM; touch ../begun; while :; do sleep 0.1; done";
    let hook = format!(
        "AGENTENV_LEASE=$(cat $(git rev-parse --git-dir)/agentenv) setsid sh -c {} </dev/null >/dev/null 2>&1 & \
         until test -e ../begun; do sleep 0.02; done",
        json!(process)
    );
    let hooks = format!("hooks: {{ pre_remove: [{}] }}\n", json!(hook));
    repo.config(&(sandbox.config_without_servers() + &hooks));
    repo.agentenv(&["trust", "--yes"]).ok();
    repo.agentenv(&["add", "x"]).ok();
    let mark = format!("AGENTENV_LEASE={}", sandbox.lease_id());
    let said = repo.agentenv(&["remove", "x"]).fails(7);
    assert!(said.stderr.contains("uncommitted: ?? late"), "{}", said.show());
    assert!(carrying(&mark).is_empty(), "it was not ended");
    assert_eq!(fs::read_to_string(sandbox.root.join("app-x/late")).unwrap(), "work\n");
    repo.agentenv(&["remove", "x", "--force", "--no-hooks"]).ok();
}

/// After the first look, a shell that is inside can start one at any time until the worktree has another name, and go on in it.
#[test]
fn what_begins_until_the_worktree_is_closed_is_ended_and_what_it_wrote_is_seen() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, &[("idle", "exec sleep 600")]);
    let (id, tree) = (sandbox.lease_id(), sandbox.root.join("app-x"));
    let (begun, late) = (sandbox.root.join("begun"), tree.join("late"));
    let closed = sandbox.root.join(format!(".agentenv-trash-{id}"));
    let script = "trap 'echo work >late; exit' TERM; touch ../begun; while :; do sleep 0.1; done";
    for (point, dir) in [("closing", &tree), ("worktree-closed", &closed)] {
        for was_up in [false, true] {
            if was_up {
                repo.agentenv(&["up", "x"]).ok();
            }
            let remove = repo.hanging(&["remove", "x"], point);
            let mut begins = Command::new("sh");
            begins.args(["-c", script]).current_dir(dir).env("AGENTENV_LEASE", &id);
            let mut process = Ended(begins.stdin(Stdio::null()).spawn().unwrap());
            wait_until("it has begun", || begun.exists());
            repo.let_go();
            let said = remove.outcome().fails(7);
            assert!(said.stderr.contains("uncommitted: ?? late"), "{point}: {}", said.show());
            assert!(process.0.try_wait().unwrap().is_some(), "{point}: it was not ended");
            assert_eq!(fs::read_to_string(&late).unwrap(), "work\n", "{point}");
            for file in [&begun, &late] {
                fs::remove_file(file).unwrap();
            }
        }
    }
    repo.agentenv(&["remove", "x"]).ok();
}

#[test]
fn the_connections_of_what_up_started_need_no_force() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let connect = format!(
        "exec bash -c 'exec 3<>/dev/tcp/127.0.0.1/{}; printf \"SELECT %s\\r\\n\" $REDIS_DB >&3; sleep 600'",
        servers().redis_port
    );
    let processes = format!("processes:\n  pool: {}\n", json!(connect));
    repo.config(&(sandbox.config() + &processes));
    repo.agentenv(&["trust", "--yes"]).ok();
    for args in [&["remove", "x"][..], &["remove", "x", "--keep"]] {
        let index = repo.agentenv(&["add", "x", "--json"]).ok().json();
        let index = index["variables"]["REDIS_DB"].as_str().unwrap().parse().unwrap();
        let clients = || servers().redis(0, &["CLIENT", "LIST"]);
        let is_connected = || clients().contains(&format!(" db={index} "));
        repo.agentenv(&["up", "x"]).ok();
        wait_until("the pool is connected", is_connected);
        // Another's is one more.
        let foreign = servers().redis_client(index);
        let said = repo.agentenv(args).fails(7);
        assert!(said.stderr.contains("redis client"), "{}", said.show());
        drop(foreign);
        repo.agentenv(&["up", "x"]).ok();
        wait_until("the pool is connected again", is_connected);
        repo.agentenv(args).ok();
        assert!(!is_connected());
    }
}
