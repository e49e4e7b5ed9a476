//! Claude Code's worktree events. The program itself is not run here: these tests play its side, with the documents
//! that it was seen to send (`session_id`, `transcript_path`, `cwd`, `hook_event_name`, and `name` or
//! `worktree_path`), and with a stdin that stays open.

use crate::common::{Outcome, Repo, Sandbox};
use serde_json::{Value, json};
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;

fn project(sandbox: &Sandbox) -> Repo<'_> {
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo
}

/// What Claude Code does with the hook of an event: writes a document, leaves stdin open, reads stdout to its end.
struct Answer {
    stdout: String,
    stderr: String,
    code: i32,
}

fn send(sandbox: &Sandbox, cwd: &Path, event: &str, more: &Value) -> Answer {
    send_with(sandbox, cwd, event, more, &[])
}

fn send_with(
    sandbox: &Sandbox,
    cwd: &Path,
    event: &str,
    more: &Value,
    vars: &[(&str, &Path)],
) -> Answer {
    let said = sandbox.agentenv_in(sandbox.root.join("app"), &["hook", "claude", "--create"]).ok();
    let command =
        said.json()["hooks"][event][0]["hooks"][0]["command"].as_str().unwrap().to_owned();
    let mut document = json!({
        "session_id": "5a1c", "transcript_path": "/nonexistent/t.jsonl",
        "cwd": cwd, "hook_event_name": event,
    });
    let more = more.as_object().unwrap().clone();
    document.as_object_mut().unwrap().extend(more);
    let mut child = sandbox
        .command("sh")
        .args(["-c", &command])
        .envs(vars.iter().copied())
        .current_dir(cwd)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A hook that refuses an event has not read all of it.
    match stdin.write_all(document.to_string().as_bytes()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        written => written.and_then(|()| stdin.flush()).unwrap(),
    }
    let (mut stdout, mut stderr) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    let code = child.wait().unwrap().code().unwrap();
    drop(stdin); // only now: an answer that waited for this would never have come
    Answer { stdout, stderr, code }
}

fn create(sandbox: &Sandbox, repo: &Repo, name: &str) -> PathBuf {
    let said = send(sandbox, &repo.path, "WorktreeCreate", &json!({ "name": name }));
    assert_eq!(said.code, 0, "{}", said.stderr);
    let path = PathBuf::from(said.stdout.strip_suffix('\n').expect("one line"));
    assert!(path.is_absolute() && path.is_dir(), "{}", said.stdout);
    path
}

fn remove(sandbox: &Sandbox, repo: &Repo, path: &Path) -> Answer {
    send(sandbox, &repo.path, "WorktreeRemove", &json!({ "worktree_path": path }))
}

fn names(said: &Outcome) -> Vec<String> {
    let rows = said.json()["environments"].as_array().unwrap().clone();
    rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_worktree_of_claude_code_is_an_environment_and_goes_again() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    let path = create(&sandbox, &repo, "agent-1");
    assert!(fs::read_to_string(path.join(".env.worktree")).unwrap().contains("DJANGO_PORT="));
    assert_eq!(create(&sandbox, &repo, "agent-1"), path, "the same name comes back to it");
    assert_eq!(names(&repo.agentenv(&["list", "--json"]).ok()), ["agent-1"]);

    let said = remove(&sandbox, &repo, &path);
    assert_eq!((said.code, said.stdout.as_str()), (0, ""), "{}", said.stderr);
    assert!(!path.exists());
    assert!(names(&repo.agentenv(&["list", "--json"]).ok()).is_empty());
    assert_eq!(repo.git(&["branch", "--list", "agent-1"]), "", "nothing was on its branch");
}

#[test]
fn removal_keeps_work_and_says_so() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    let path = create(&sandbox, &repo, "agent-1");
    fs::write(path.join("work"), "hours").unwrap();
    let said = remove(&sandbox, &repo, &path);
    assert_eq!((said.code, said.stdout.as_str()), (7, ""), "{}", said.stderr);
    assert!(said.stderr.contains("work"), "{}", said.stderr);
    assert!(path.join("work").exists());

    let git = |args: &[&str]| {
        sandbox.outcome(sandbox.command("git").args(args).current_dir(&path)).ok();
    };
    git(&["add", "work"]);
    git(&["commit", "-qm", "work"]);
    let said = remove(&sandbox, &repo, &path);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(!path.exists());
    assert!(repo.git(&["show", "agent-1:work"]).contains("hours"), "the branch holds it");
}

#[test]
fn what_cannot_be_made_or_removed_fails_without_a_path_and_never_with_2() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    for (event, more, code) in [
        ("WorktreeCreate", json!({ "name": "a..b" }), 1),
        ("WorktreeCreate", json!({}), 1),
        ("WorktreeCreate", json!({ "name": "x", "hook_event_name": "Stop" }), 1),
        ("WorktreeRemove", json!({}), 1),
        ("WorktreeRemove", json!({ "worktree_path": repo.path }), 4),
    ] {
        let said = send(&sandbox, &repo.path, event, &more);
        assert_eq!(
            (said.code, said.stdout.as_str()),
            (code, ""),
            "{event} {more}: {}",
            said.stderr
        );
        assert!(said.stderr.starts_with("error: "), "{}", said.stderr);
    }
    // The last two: settings that a newer version wrote.
    for words in [&["claude-create"] as &[&str], &["claude-next"], &["claude-check", "--next"]] {
        repo.agentenv(&[&["hook"], words].concat()).fails(1);
    }
    assert_eq!(
        repo.agentenv(&["hook", "claude-next", "--json"]).fails(1).json()["error"]["exit"],
        1
    );
}

#[test]
fn untrusted_hooks_do_not_run_and_do_not_stop_the_agent() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(
        &(sandbox.config_without_servers()
            + "hooks: { post_add: [\"echo noise; timeout 5 cat && touch ran\"] }\n"),
    );
    let path = create(&sandbox, &repo, "agent-1");
    assert!(!path.join("ran").exists());
    repo.agentenv(&["trust", "--yes"]).ok();
    assert_eq!(create(&sandbox, &repo, "agent-1"), path);
    assert!(
        path.join("ran").exists(),
        "what was pending ran, read none of the event, and its output was not on stdout"
    );
}

#[test]
fn settings_are_merged_and_restored() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    let file = repo.path.join(".claude/settings.local.json");
    let said = repo.agentenv(&["hook", "claude", "--install", "--json"]).ok().json();
    assert_eq!((said["file"].as_str(), said["installed"].as_bool()), (file.to_str(), Some(true)));
    assert!(repo.path.join(".git/hooks/post-checkout").exists());
    let printed = repo.agentenv(&["hook", "claude", "--print"]).ok().json();
    let installed: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(installed, printed);
    assert_eq!(
        repo.agentenv(&["hook", "status", "--json"]).ok().json()["claude"]["installed"],
        true
    );

    repo.agentenv(&["hook", "claude", "--uninstall"]).ok();
    assert!(!repo.path.join(".claude").exists(), "what only we made goes again");
    fs::create_dir(repo.path.join(".claude")).unwrap();

    let theirs = "{\n  \"model\": \"x\",\n  \"hooks\": {\n    \"Stop\": []\n  },\n  \"a\": 1\n}\n";
    fs::write(&file, theirs).unwrap();
    repo.agentenv(&["hook", "claude", "--install", "--create"]).ok();
    let once = fs::read_to_string(&file).unwrap();
    assert!(once.contains("WorktreeCreate") && once.contains("\"Stop\": []"), "{once}");
    repo.agentenv(&["hook", "claude", "--install", "--create"]).ok();
    assert_eq!(fs::read_to_string(&file).unwrap(), once);
    repo.agentenv(&["hook", "claude", "--uninstall"]).ok();
    assert_eq!(fs::read_to_string(&file).unwrap(), theirs);
    assert_eq!(
        repo.agentenv(&["hook", "status", "--json"]).ok().json()["claude"]["installed"],
        false
    );

    // The settings of a user who keeps them elsewhere.
    let real = sandbox.root.join("real.json");
    fs::rename(&file, &real).unwrap();
    symlink(&real, &file).unwrap();
    let installed = || {
        let status = repo.agentenv(&["hook", "status", "--json"]).ok().json();
        status["claude"]["installed"].as_bool().unwrap()
    };
    assert!(!installed());
    repo.agentenv(&["hook", "claude", "--install"]).ok();
    assert!(installed() && file.is_symlink());
    repo.agentenv(&["hook", "claude", "--uninstall"]).ok();
    assert_eq!(fs::read_to_string(&real).unwrap(), theirs);
    fs::remove_file(&file).unwrap();

    // Empty settings of the user's stay, too.
    fs::write(&file, "{}\n").unwrap();
    for args in [&["--uninstall"][..], &["--install"], &["--uninstall"]] {
        repo.agentenv(&[&["hook", "claude"], args].concat()).ok();
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "{}\n");

    fs::write(&file, "{ // mine\n}").unwrap();
    assert!(!installed());
    repo.agentenv(&["hook", "claude", "--install"]).ok();
    assert!(installed());
    repo.agentenv(&["hook", "claude", "--uninstall"]).ok();
    assert_eq!(fs::read_to_string(&file).unwrap(), "{ // mine\n}");
    fs::write(&file, "{ mine").unwrap();
    repo.agentenv(&["hook", "claude", "--install"]).fails(7);
    assert_eq!(fs::read_to_string(&file).unwrap(), "{ mine");
    repo.agentenv(&["hook", "claude", "--install", "--settings", "own.json"]).ok();
    assert!(repo.path.join("own.json").exists());
}

#[test]
fn worktrees_lie_inside_the_repository_and_start_from_the_remotes_branch() {
    let sandbox = Sandbox::new();
    let origin = project(&sandbox);
    origin.commit(".gitignore", ".env\n");
    origin.commit(".worktreeinclude", ".env\n");
    let repo = origin.clone_as("clone");
    fs::write(repo.path.join(".env"), "SECRET=1\n").unwrap();
    repo.commit("local", "not pushed");
    let fresh = create(&sandbox, &repo, "agent/1");
    assert_eq!(fresh, repo.path.join(".claude/worktrees/agent-1"));
    let at = |path: &Path| repo.git(&["-C", path.to_str().unwrap(), "rev-parse", "HEAD"]);
    assert_eq!(at(&fresh), repo.git(&["rev-parse", "origin/HEAD"]));
    assert_eq!(fs::read_to_string(fresh.join(".env")).unwrap(), "SECRET=1\n");
    assert_eq!(repo.git(&["status", "--porcelain"]), "", "git ignores them");

    fs::create_dir_all(repo.path.join(".claude")).unwrap();
    let settings = "{ \"worktree\": { \"baseRef\": \"head\" } }";
    fs::write(repo.path.join(".claude/settings.local.json"), settings).unwrap();
    let head = create(&sandbox, &repo, "agent-2");
    assert_eq!(at(&head), repo.git(&["rev-parse", "HEAD"]));

    // The configuration's own place counts when it is inside.
    let inside = "worktree: .trees/{name}\n".to_owned() + &sandbox.config_without_servers();
    fs::write(repo.path.join(".agentenv.yaml"), inside).unwrap();
    assert_eq!(create(&sandbox, &repo, "agent-3"), repo.path.join(".trees/agent-3"));
}

#[test]
fn the_session_says_which_repository_is_meant_and_paths_have_no_links() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    let other = sandbox.repo("other");
    let link = sandbox.root.join("link");
    symlink(&repo.path, &link).unwrap();
    let project = [("CLAUDE_PROJECT_DIR", link.as_path())];
    let event = json!({ "name": "agent-1" });
    let said = send_with(&sandbox, &other.path, "WorktreeCreate", &event, &project);
    let path = repo.path.join(".claude/worktrees/agent-1");
    assert_eq!((said.code, said.stdout), (0, format!("{}\n", path.display())), "{}", said.stderr);

    let event = json!({ "worktree_path": link.join(".claude/worktrees/../worktrees/agent-1") });
    let said = send_with(&sandbox, &other.path, "WorktreeRemove", &event, &project);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(!path.exists());
}

#[test]
fn a_plain_worktree_is_removed_as_git_does_it_and_what_is_gone_is_no_failure() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    repo.git(&["worktree", "add", "--quiet", "../plain"]);
    let plain = sandbox.root.join("plain");
    fs::write(plain.join("work"), "hours").unwrap();
    let said = remove(&sandbox, &repo, &plain);
    assert!(said.code != 0 && plain.join("work").exists(), "{}", said.stderr);
    fs::remove_file(plain.join("work")).unwrap();
    for _ in 0..2 {
        let said = remove(&sandbox, &repo, &plain);
        assert_eq!((said.code, said.stdout.as_str()), (0, ""), "{}", said.stderr);
        assert!(!plain.exists());
    }
}

#[test]
fn a_sessions_shells_have_the_variables_of_the_place_they_are_in() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    repo.agentenv(&["add", "x", "y"]).ok();
    let (x, y) = (sandbox.root.join("app-x"), sandbox.root.join("app-y"));
    let files = sandbox.root.join("home/.claude/session-env/5a1c");
    fs::create_dir_all(&files).unwrap();
    let session = |event: &str, cwd: &Path, more: Value| {
        let file = files.join(format!("{}-hook-0.sh", event.to_lowercase()));
        let said = send_with(&sandbox, cwd, event, &more, &[("CLAUDE_ENV_FILE", &file)]);
        assert_eq!((said.code, said.stdout.as_str()), (0, ""), "{}", said.stderr);
    };
    // As Claude Code does it before each command.
    let shell = |script: &str| {
        let each =
            "for file in ./sessionstart-* ./cwdchanged-*; do [ ! -f $file ] || . $file; done";
        let script = format!("cd '{}'; {each}; {script}", files.display());
        let mut command = sandbox.command("bash");
        let command = command.args(["-euc", &script]).env("MINE", "kept").current_dir(&y);
        sandbox.outcome(command).ok().stdout
    };
    let port = |tree: &Path| {
        let own = sandbox.agentenv_in(tree, &["env", "--json"]).ok().json();
        own["variables"]["DJANGO_PORT"].as_str().unwrap().to_owned()
    };
    let bash = |cwd: &Path, command: &str| {
        let event = json!({ "tool_name": "Bash", "tool_input": { "command": command } });
        send(&sandbox, cwd, "PreToolUse", &event)
    };
    // A session without variables in an environment is told so.
    let said = bash(&y, "ls");
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.stdout.contains("additionalContext") && said.stdout.contains("run y --"));

    // What cannot be told is no refusal: the agent has to repair the file.
    repo.config("<<<<<<< HEAD\n");
    let said = bash(&y, "git checkout --theirs .agentenv.yaml");
    assert_eq!((said.code, said.stdout.as_str()), (0, ""), "{}", said.stderr);
    repo.config(&sandbox.config_without_servers());

    session("SessionStart", &x, json!({ "source": "startup" }));
    assert_eq!(shell("echo $DJANGO_PORT").trim(), port(&x));
    assert_eq!((bash(&x, "ls").code, bash(&repo.path, "ls").code), (0, 0));
    let said = bash(&y, "manage.py migrate");
    assert_eq!((said.code, said.stdout.as_str()), (2, ""));
    assert!(said.stderr.contains("git agentenv run y -- "), "{}", said.stderr);
    assert_eq!(bash(&y, "git agentenv run y -- manage.py migrate").code, 0);

    // However long the command is: a program may have written it.
    let long = |megabytes: usize| format!("manage.py migrate # {}", "x".repeat(megabytes << 20));
    for megabytes in [2, 17] {
        let said = bash(&y, &long(megabytes));
        assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{megabytes}: {}", said.stderr);
    }
    let says = "this command is longer than 16 MiB, so its variables cannot be checked; write it to a file and run that";
    assert!(bash(&y, &long(17)).stderr.contains(says));
    assert_eq!(bash(&x, &long(2)).code, 0);
    // The hook may be installed for all repositories.
    for outside in [&repo.path, &sandbox.root] {
        let said = bash(outside, &long(17));
        assert_eq!((said.code, said.stdout.as_str(), said.stderr.as_str()), (0, "", ""));
    }

    session("CwdChanged", &y, json!({ "old_cwd": x, "new_cwd": y }));
    assert_eq!(shell("echo $DJANGO_PORT").trim(), port(&y));
    let said = bash(&y, "ls");
    assert_eq!((said.code, said.stdout.as_str()), (0, ""), "{}", said.stderr);

    fs::remove_file(files.join("cwdchanged-hook-0.sh")).unwrap();
    session("CwdChanged", &repo.path, json!({ "old_cwd": y, "new_cwd": repo.path }));
    assert_eq!(shell("echo ${DJANGO_PORT-unset} $MINE").trim(), "unset kept");
    session("CwdChanged", &sandbox.root, json!({ "old_cwd": repo.path, "new_cwd": sandbox.root }));
}

#[test]
fn worktrees_that_claude_code_makes_itself_become_environments() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    repo.agentenv(&["hook", "claude", "--install"]).ok();
    // As it makes them, with the hooks of the main checkout by their absolute path in the worktree's own settings.
    repo.git(&["worktree", "add", "--quiet", "-b", "worktree-a", ".claude/worktrees/a", "HEAD"]);
    let path = repo.path.join(".claude/worktrees/a");
    assert_eq!(names(&repo.agentenv(&["list", "--json"]).ok()), ["worktree-a"]);
    let in_tree = |args: &[&str]| repo.git(&[&["-C", path.to_str().unwrap()], args].concat());
    repo.git(&["config", "extensions.worktreeConfig", "true"]);
    let hooks = repo.path.join(".git/hooks");
    in_tree(&["config", "--worktree", "core.hooksPath", hooks.to_str().unwrap()]);
    in_tree(&["switch", "--quiet", "-c", "other"]);
    in_tree(&["worktree", "add", "--quiet", "-b", "worktree-b", "../b"]);
    assert_eq!(names(&repo.agentenv(&["list", "--json"]).ok()), ["worktree-a", "worktree-b"]);
    let said = remove(&sandbox, &repo, &path);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(names(&repo.agentenv(&["list", "--json"]).ok()), ["worktree-b"]);
}
