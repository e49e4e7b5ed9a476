//! What runs for an environment, beside the terminal, the files and the reader of the one who started it.

use crate::common::{Outcome, Repo, Sandbox, wait_until};
use serde_json::json;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

/// A repository with these processes and environments.
fn project<'a>(sandbox: &'a Sandbox, processes: &[(&str, &str)], envs: &[&str]) -> Repo<'a> {
    let repo = sandbox.repo("app");
    let lines: String =
        processes.iter().map(|(name, line)| format!("  {name}: {}\n", json!(line))).collect();
    repo.config(&format!("{}processes:\n{lines}", sandbox.config_without_servers()));
    repo.agentenv(&["trust", "--yes"]).ok();
    repo.agentenv(&[&["add"], envs].concat()).ok();
    repo
}

/// The state and the session of a process that runs (`proc_pid_stat(5)`).
fn session(pid: u64) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    (fields[0] != "Z").then(|| fields[3].parse().unwrap())
}

fn written(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// Reads one line of what a command prints, and goes.
fn read_one_line(mut child: Child) -> Child {
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.ends_with('\n'), "{line}");
    child
}

#[test]
fn output_that_goes_on_ends_when_its_reader_has_gone() {
    let sandbox = Sandbox::new();
    let quiet = ("web", "echo one; exec sleep 600");
    let repo = project(&sandbox, &[quiet], &["x", "y"]);
    repo.agentenv(&["up", "x"]).ok();
    let script = "echo $$ >pid; while :; do echo one; sleep 0.1; done";
    for args in
        [&["logs", "--follow", "--env", "x"][..], &["run", "--all", "--", "sh", "-c", script]]
    {
        let started = repo.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = read_one_line(started.unwrap());
        wait_until("it has ended", || child.try_wait().unwrap().is_some());
        let said = child.wait_with_output().unwrap().stderr;
        assert_eq!(String::from_utf8_lossy(&said), "", "it ends quietly");
    }
    for env in ["app-x", "app-y"] {
        let pid = written(&sandbox.root.join(env).join("pid"));
        assert!(pid.is_none_or(|pid| session(pid).is_none()), "the command of {env} runs on");
    }
    repo.agentenv(&["down", "x"]).ok();
}

#[test]
fn run_all_runs_any_number_side_by_side_and_ends_them_when_it_is_killed() {
    let sandbox = Sandbox::new();
    let envs = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    let repo = project(&sandbox, &[("web", "true")], &envs);
    // Each waits for all.
    let meet = "touch ../met-${PWD##*/}; until [ $(ls ../met-* | wc -l) = 9 ]; do sleep 0.1; done";
    repo.agentenv(&["run", "--all", "--", "timeout", "30", "sh", "-c", meet]).ok();

    let script = "echo $$ >pid; exec sleep 600";
    let running = repo.start(&["run", "--all", "--", "sh", "-c", script]);
    let pids = || envs.map(|env| written(&sandbox.root.join(format!("app-{env}/pid"))));
    wait_until("all have begun", || pids().iter().all(Option::is_some));
    running.signal("KILL");
    let ended = |pid: &Option<u64>| session(pid.unwrap()).is_none();
    wait_until("all have ended", || pids().iter().all(ended));
}

#[test]
fn what_was_started_has_no_terminal_and_no_file_of_its_caller() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, &[("web", "exec sleep 600")], &["x"]);
    let up = repo.command(&["up", "x", "--json"]);
    let mut holding = sandbox.command("sh");
    holding.args(["-c", "exec \"$@\" 7>../held", "sh"]).arg(up.get_program()).args(up.get_args());
    let up = sandbox.outcome(holding.current_dir(&repo.path)).ok().json();
    let pid = up["environments"][0]["processes"][0]["pid"].as_u64().unwrap();
    let own = session(std::process::id().into());
    assert!(session(pid).is_some_and(|session| Some(session) != own && session != pid));
    for one in [pid, session(pid).unwrap()] {
        let mut files = fs::read_dir(format!("/proc/{one}/fd")).unwrap();
        let is_held = |path: std::path::PathBuf| path.ends_with("held");
        assert!(!files.any(|file| is_held(file.unwrap().path().read_link().unwrap_or_default())));
    }
    assert!(repo.agentenv(&["down", "x"]).ok().stdout.starts_with("stopped x: "));
    assert!(session(pid).is_none());
}

#[test]
fn a_stopped_process_goes_on_and_ends_by_itself() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, &[("web", "exec sleep 600")], &["x"]);
    let up = repo.agentenv(&["up", "x", "--json"]).ok().json();
    let pid = up["environments"][0]["processes"][0]["pid"].to_string();
    sandbox.command("kill").args(["-s", "STOP", &pid]).status().unwrap();
    let down = repo.agentenv(&["down", "x", "--timeout", "30", "--json"]).ok().json();
    assert_eq!(down["stopped"][0]["killed"], 0, "{down}");
}

#[test]
fn the_longest_time_is_no_fault() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, &[("web", "exec sleep 600")], &["x"]);
    let longest = u64::MAX.to_string();
    repo.agentenv(&["down", "x", "--timeout", &longest]).ok();
    let dead = repo.agentenv(&["wait", "x", "--timeout", &longest]).fails(6);
    assert!(dead.stderr.contains("process `web` is not running"), "{}", dead.show());
}

#[test]
fn logs_go_on_without_one_that_is_missing() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, &[("a", "echo one"), ("b", "echo two")], &["x"]);
    repo.agentenv(&["up", "x"]).ok();
    let logs = |more: &[&str]| repo.agentenv(&[&["logs", "--env", "x"], more].concat());
    wait_until("both have spoken", || logs(&[]).stdout == "a | one\nb | two\n");
    let dir = sandbox.root.join("state/logs").join(sandbox.lease_id());
    fs::remove_file(dir.join("a.1.log")).unwrap();
    for more in [&[][..], &["--follow"]] {
        let said = logs(more).ok();
        assert!(said.stdout.contains("two\n"), "{}", said.show());
        assert!(said.stderr.contains("warning: cannot read "), "{}", said.show());
    }
    logs(&["a"]).fails(1);
}

#[test]
fn following_ends_with_the_start_that_it_shows() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, &[("web", "echo one; exec sleep 600")], &["x"]);
    repo.agentenv(&["up", "x"]).ok();
    let follow = repo.command(&["logs", "--follow", "--env", "x"]).stdout(Stdio::piped()).spawn();
    let mut follow = follow.unwrap();
    let mut line = String::new();
    let mut reader = BufReader::new(follow.stdout.take().unwrap());
    reader.read_line(&mut line).unwrap();
    // It sees nothing of the time between the two.
    let signal = |name: &str| {
        let pid = follow.id().to_string();
        sandbox.command("kill").args(["-s", name, &pid]).status().unwrap();
    };
    signal("STOP");
    repo.agentenv(&["restart", "x"]).ok();
    signal("CONT");
    wait_until("it has ended", || follow.try_wait().unwrap().is_some());
    repo.agentenv(&["down", "x"]).ok();
}

#[test]
fn down_shortens_the_logs() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, &[("web", "exec sleep 600")], &["x"]);
    repo.agentenv(&["up", "x"]).ok();
    let log = sandbox.root.join("state/logs").join(sandbox.lease_id()).join("web.1.log");
    fs::File::options().write(true).open(&log).unwrap().set_len(65 << 20).unwrap();
    repo.agentenv(&["down", "x"]).ok();
    assert_eq!(fs::metadata(&log).unwrap().len(), 1 << 20);
}

#[test]
fn what_cannot_be_started_is_not_stopped() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, &[("web", "exec sleep 600")], &["x"]);
    let up = repo.agentenv(&["up", "x", "--json"]).ok().json();
    let pid = up["environments"][0]["processes"][0]["pid"].as_u64().unwrap();
    let (dir, gone) = (sandbox.root.join("app-x"), sandbox.root.join("gone"));
    fs::rename(&dir, &gone).unwrap();
    let said = repo.agentenv(&["restart", "x"]).fails(7);
    assert!(session(pid).is_some(), "{}", said.show());
    fs::rename(&gone, &dir).unwrap();
    repo.agentenv(&["down", "x"]).ok();
}

/// More than one thread for each git process that is worthwhile at once.
const MANY: [&str; 9] = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];

#[test]
fn many_environments_are_waited_for_and_stopped_side_by_side() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    // Each is ready only when all have been asked, and ends only when all have been told to.
    let all = |sign: &str| format!("[ $(ls ../{sign}-* | wc -l) = {} ]", MANY.len());
    let run = format!(
        "trap 'touch ../told-${{PWD##*/}}' TERM; until {}; do sleep 0.1; done",
        all("told")
    );
    let ready = format!("touch ../asked-${{PWD##*/}}; {}", all("asked"));
    let web = json!({ "run": run, "ready": ready });
    repo.config(&format!("{}processes:\n  web: {web}\n", sandbox.config_without_servers()));
    repo.agentenv(&["trust", "--yes"]).ok();
    repo.agentenv(&[&["add"], &MANY[..]].concat()).ok();
    let up = repo.agentenv(&[&["up", "--wait", "--timeout", "60"], &MANY[..]].concat()).ok();
    for env in MANY {
        assert!(up.stderr.contains(&format!("{env}: started web")), "{}", up.show());
    }
    let down = [&["down", "--timeout", "60", "--json"], &MANY[..]].concat();
    let down = repo.agentenv(&down).ok().json();
    for one in down["stopped"].as_array().unwrap() {
        assert_eq!(one["killed"], 0, "{down}");
    }
}

#[test]
fn lines_of_several_have_a_colour_for_each() {
    let sandbox = Sandbox::new();
    let talk = "echo hi; exec sleep 600";
    let repo = project(&sandbox, &[("one", talk), ("two", talk)], &["x", "y"]);
    repo.agentenv(&["up", "x"]).ok();
    let logs = ["logs", "--env", "x", "--color=always"];
    let both = || repo.agentenv(&logs).ok().stdout;
    wait_until("both have spoken", || both().lines().count() == 2);
    let all = repo.agentenv(&["run", "--all", "--color=always", "--", "echo", "hi"]).ok().stdout;
    for (said, names) in [(both(), ["one", "two"]), (all, ["x", "y"])] {
        let colours = names.map(|name| {
            let is_its = |line: &&str| line.ends_with(&format!("m{name}\x1b[0m | hi"));
            let line = said.lines().find(is_its).unwrap_or_else(|| panic!("{name}: {said}"));
            line.strip_suffix(&format!("m{name}\x1b[0m | hi")).unwrap().to_owned()
        });
        assert!(colours[0] != colours[1] && colours[0].starts_with("\x1b[3"), "{colours:?}");
    }
    let plain = repo.agentenv(&logs[..3]).ok().stdout;
    assert_eq!(plain, "one | hi\ntwo | hi\n");
    repo.agentenv(&["down", "x"]).ok();
}

#[test]
fn all_environments_can_be_meant() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let web = "processes: { web: { run: exec sleep 600, ready: \"true\" } }\n";
    repo.config(&(sandbox.config_without_servers() + web));
    repo.agentenv(&["trust", "--yes"]).ok();
    repo.agentenv(&["add", "x", "y"]).ok();
    let ready = |said: &Outcome| {
        ["x", "y"].iter().all(|env| said.stderr.contains(&format!("{env}: ✓ waiting (")))
    };
    let up = repo.agentenv(&["up", "--all", "--wait"]).ok();
    assert!(ready(&up), "{}", up.show());
    for waited in [&["wait", "--all"][..], &["wait", "x", "y"]] {
        let said = repo.agentenv(waited).ok();
        assert!(ready(&said), "{}", said.show());
    }
    repo.agentenv(&["restart", "--all"]).ok();
    let down = repo.agentenv(&["down", "--all"]).ok();
    assert_eq!(down.stdout, "stopped x: 1 process\nstopped y: 1 process\n");
    let failed = repo.agentenv(&["wait", "--all", "--json"]).fails(6).json();
    assert_eq!(failed["failed"].as_array().unwrap().len(), 2, "{failed}");

    repo.agentenv(&["remove", "x", "y"]).ok();
    for command in ["up", "restart", "wait"] {
        let said = repo.agentenv(&[command, "--all"]).fails(4);
        assert!(said.stderr.contains("there are no environments"), "{}", said.show());
    }
    repo.agentenv(&["down", "--all"]).ok();
    assert_eq!(repo.agentenv(&["ps", "--all"]).ok().stdout, "no environments\n");
}

#[test]
fn a_process_does_not_stop_itself() {
    let sandbox = Sandbox::new();
    let said =
        "for how in restart down; do git agentenv $how x; echo \"$how $?\"; done; exec sleep 600";
    let repo = project(&sandbox, &[("web", said)], &["x"]);
    repo.agentenv(&["up", "x"]).ok();
    let logs = || repo.agentenv(&["logs", "--env", "x"]).ok().stdout;
    wait_until("it has tried", || logs().contains("down 7"));
    assert!(logs().contains("restart 7"), "{}", logs());
    assert!(logs().contains("error: this command runs in the process `web` of `x`"), "{}", logs());
    let starts = fs::read_dir(sandbox.root.join("state/logs").join(sandbox.lease_id())).unwrap();
    assert_eq!(starts.count(), 1);
    repo.agentenv(&["down", "x"]).ok();
}

#[test]
fn run_all_ends_with_its_commands_whatever_they_leave_running() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, &[("web", "true")], &["x", "y"]);
    let script = "sleep 600 & echo $! >pid; echo done";
    let args = ["run", "--all", "--", "sh", "-c", script];
    let mut run = repo.command(&args).stdout(Stdio::piped()).spawn().unwrap();
    let pid = |env: &str| written(&sandbox.root.join(format!("app-{env}/pid")));
    wait_until("both have begun", || pid("x").is_some() && pid("y").is_some());
    let left = ["x", "y"].map(|env| pid(env).unwrap().to_string());
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        wait_until("it has ended", || run.try_wait().unwrap().is_some());
    }));
    sandbox.command("kill").args(left).status().unwrap();
    let ended = ended.map(|()| run.wait_with_output().unwrap());
    let said = ended.expect("it waits for what the commands left running");
    assert!(said.status.success());
    for line in ["x | done\n", "y | done\n"] {
        assert!(String::from_utf8_lossy(&said.stdout).contains(line), "{said:?}");
    }
}

#[test]
fn a_broken_configuration_hides_nothing_that_runs() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, &[("web", "echo one; exec sleep 600")], &["x"]);
    repo.agentenv(&["up", "x"]).ok();
    repo.config("nonsense: 1\n");
    wait_until("it has spoken", || repo.agentenv(&["logs", "--env", "x"]).ok().stdout == "one\n");
    for shown in [["ps", "x"], ["status", "x"]] {
        let said = repo.agentenv(&shown).ok();
        assert!(said.stdout.contains("running"), "{}", said.show());
        assert!(said.stderr.contains("warning: .agentenv.yaml:1: nonsense"), "{}", said.show());
    }
    repo.agentenv(&["up", "x"]).fails(3);
    let down = repo.agentenv(&["down", "x"]).ok();
    assert_eq!(down.stdout, "stopped x: 1 process\n", "its supervisor is none");
}

#[test]
fn a_wrong_name_of_several_is_named_and_the_others_stay() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, &[("web", "exec sleep 600")], &["x"]);
    for (command, said) in [
        ("up", "nothing was started"),
        ("restart", "nothing was restarted"),
        ("down", "nothing was stopped"),
    ] {
        let wrong = repo.agentenv(&[command, "nosuch", "x"]).fails(4);
        assert!(wrong.stderr.contains("no environment `nosuch`"), "{}", wrong.show());
        assert!(wrong.stderr.contains(said), "{}", wrong.show());
        let one = repo.agentenv(&[command, "nosuch"]).fails(4);
        assert!(!one.stderr.contains(said), "{}", one.show());
    }
}
