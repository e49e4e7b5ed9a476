//! Prompts, progress, colours and tables on a real terminal: each test types into its own tmux.

use crate::common::{Repo, Sandbox, hold, servers, wait_until, write_program};
use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::process::Stdio;

#[test]
fn add_finds_the_branch_as_it_is_typed_shows_the_plan_and_asks_once() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    for branch in ["feature/login", "fix-one", "other"] {
        repo.git(&["branch", branch]);
    }
    let terminal = Terminal::in_dir(&sandbox, &repo.path);
    terminal.types("git agentenv add");
    terminal.waits_for("> feature/login");
    assert!(!terminal.screen().contains("main\n"), "the main checkout's branch is not offered");
    terminal.key("flog");
    terminal.waits_until("only the match is left", |screen| !screen.contains("fix-one"));
    assert!(!terminal.cursor_shows());
    terminal.key("Enter");
    terminal.waits_for("Create it?");
    let plan = terminal.screen();
    let path = sandbox.root.join("app-feature-login");
    for fact in ["feature/login", "http://feature-login.localhost:", "feature-login.sqlite3"] {
        assert!(plan.contains(fact), "{plan}");
    }
    assert!(!path.exists(), "nothing is made before the answer");
    terminal.key("Enter");
    terminal.waits_for("environment feature-login is ready");
    terminal.waits_for(&format!("cd {}", path.display()));
    assert_eq!(terminal.exit_code(), 0);
    assert!(path.join(".env.worktree").is_file());
}

#[test]
fn a_new_name_is_checked_while_it_is_typed() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    let terminal = Terminal::in_dir(&sandbox, &repo.path);
    terminal.types("git agentenv add --yes");
    terminal.waits_for("Branch:");
    terminal.key("main");
    terminal.waits_for("`main` is already checked out");
    terminal.key("..");
    terminal.waits_for("`main..` is not a valid branch name");
    terminal.key("Enter");
    terminal.key("C-u");
    terminal.key("brand-new");
    terminal.waits_for("+ new branch `brand-new`");
    terminal.key("Enter");
    terminal.waits_for("environment brand-new is ready");
    assert_eq!(terminal.exit_code(), 0);
    assert!(!terminal.screen().contains("Create it?"), "--yes was given");
    repo.git(&["rev-parse", "--verify", "refs/heads/brand-new"]);
}

#[test]
fn leaving_a_prompt_leaves_the_terminal_as_it_was() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    repo.git(&["branch", "one"]);
    let terminal = Terminal::in_dir(&sandbox, &repo.path);
    for key in ["Escape", "C-c"] {
        terminal.types("git agentenv add");
        terminal.waits_for("> one");
        terminal.key(key);
        assert_eq!(terminal.exit_code(), 130, "{key}");
        assert!(terminal.cursor_shows(), "{key}");
        assert!(!terminal.screen().contains("> one"), "{key}: {}", terminal.screen());

        terminal.types("git agentenv add");
        terminal.waits_for("> one");
        terminal.key("Enter");
        terminal.waits_for("Create it?");
        terminal.key(key);
        assert_eq!(terminal.exit_code(), 130, "{key}");
        assert!(terminal.cursor_shows(), "{key}");
        let screen = terminal.screen();
        let is_said = |line: &str| line.starts_with("error: cancelled at `Create it?`");
        assert!(screen.lines().any(is_said), "on a line of its own after {key}:\n{screen}");
        terminal.types("clear");
    }
    terminal.types("git agentenv add");
    terminal.waits_for("> one");
    terminal.key("Enter");
    terminal.waits_for("Create it?");
    terminal.key("n");
    assert_eq!(terminal.exit_code(), 130);
    assert_eq!(repo.git(&["worktree", "list"]).lines().count(), 1);
    terminal.types("stty -a | grep -c ' echo '; echo counted");
    terminal.waits_for("1\ncounted");
}

#[test]
fn keys_that_are_typed_while_a_menu_is_busy_are_its_own() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    repo.agentenv(&["add", "x", "zebra"]).ok();
    // The preview asks git, and git asks this program, which tells that it was asked and waits.
    let (asked, go) = (sandbox.root.join("asked"), sandbox.root.join("go"));
    let monitor = sandbox.root.join("monitor");
    let wait = format!(
        "#!/bin/sh\ntouch {}\nuntil [ -e {} ]; do sleep 0.05; done\nexit 1\n",
        asked.display(),
        go.display()
    );
    write_program(&monitor, &wait);
    repo.git(&["config", "core.fsmonitor", monitor.to_str().unwrap()]);
    let terminal = Terminal::in_dir(&sandbox, &repo.path);

    terminal.types("git agentenv switch");
    wait_until("the preview is being made", || asked.exists());
    terminal.key("zeb");
    terminal.key("Enter");
    fs::write(&go, "").unwrap();
    assert_eq!(terminal.exit_code(), 0);
    let screen = terminal.screen();
    assert!(screen.contains("app-zebra\n"), "{screen}");
    assert!(!screen.lines().any(|line| line == "zeb"), "they are echoed:\n{screen}");

    fs::remove_file(&go).unwrap();
    fs::remove_file(&asked).unwrap();
    terminal.types("git agentenv switch");
    wait_until("the preview is being made", || asked.exists());
    terminal.key("C-c");
    assert_eq!(terminal.exit_code(), 130, "it waits for no preview");
    assert!(terminal.cursor_shows());
    assert!(terminal.screen().contains("cancelled at `Switch to`"), "{}", terminal.screen());
}

#[test]
fn remove_lets_one_pick_several_and_says_what_each_would_lose() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    repo.agentenv(&["add", "one", "two", "three"]).ok();
    fs::write(sandbox.root.join("app-two/work"), "work").unwrap();
    let terminal = Terminal::in_dir(&sandbox, &repo.path);
    terminal.types("git agentenv remove");
    terminal.waits_for("would lose 1 uncommitted");
    mark_two_and_one(&terminal);
    assert!(
        terminal.screen().contains("would lose: uncommitted: ?? work"),
        "{}",
        terminal.screen()
    );
    // Enter alone is no: work would be lost.
    terminal.key("Enter");
    assert_eq!(terminal.exit_code(), 130);
    assert!(sandbox.root.join("app-two/work").exists());

    terminal.types("git agentenv remove");
    terminal.waits_for("would lose 1 uncommitted");
    mark_two_and_one(&terminal);
    terminal.key("y");
    terminal.waits_for("removed environment `two`");
    assert_eq!(terminal.exit_code(), 0);
    let left = repo.agentenv(&["list", "--json"]).ok().json();
    assert_eq!(left["environments"].as_array().unwrap().len(), 1);
    assert_eq!(left["environments"][0]["name"], "three");
}

#[test]
fn remove_asks_once_before_a_database_with_rows_goes() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config());
    repo.agentenv(&["add", "rows", "empty"]).ok();
    let database = format!("{}_rows", sandbox.id);
    servers().psql_on(&database, "CREATE TABLE kept AS SELECT 1");
    let terminal = Terminal::in_dir(&sandbox, &repo.path);
    let ends = |line: &str, code: i32| {
        terminal.types(&format!("clear; {line}"));
        assert_eq!(terminal.exit_code(), code, "{}", terminal.screen());
        assert!(!terminal.screen().contains("Remove it?"), "{}", terminal.screen());
    };
    ends("git agentenv remove empty", 0);
    // Enter alone is no.
    terminal.types("clear; git agentenv remove rows");
    terminal.waits_for("Remove it? [y/N]");
    let screen = terminal.screen();
    assert!(screen.contains(&format!("database `{database}` (")), "{screen}");
    assert!(screen.contains("branch `rows` stays"), "{screen}");
    terminal.key("Enter");
    assert_eq!(terminal.exit_code(), 130);
    assert_eq!(sandbox.databases(), [database]);
    ends("git agentenv remove rows --keep", 0);
    ends("git agentenv restore rows", 0);
    ends("git agentenv remove rows --yes", 0);
    assert!(sandbox.databases().is_empty());
}

#[test]
fn prune_asks_the_same_before_a_merged_environment_with_rows_goes() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config());
    repo.agentenv(&["add", "rows"]).ok();
    sandbox.repo_at("app-rows").commit("work", "done\n");
    repo.git(&["merge", "--quiet", "rows"]);
    let database = format!("{}_rows", sandbox.id);
    servers().psql_on(&database, "CREATE TABLE kept AS SELECT 1");
    let terminal = Terminal::in_dir(&sandbox, &repo.path);
    terminal.types("clear; git agentenv prune --merged");
    terminal.waits_for("Remove it? [y/N]");
    terminal.key("Enter");
    assert_eq!(terminal.exit_code(), 130);
    assert_eq!(sandbox.databases(), [database]);
    terminal.types("clear; git agentenv prune --merged -y");
    assert_eq!(terminal.exit_code(), 0, "{}", terminal.screen());
    assert!(sandbox.databases().is_empty());
}

/// Each key once the menu has answered the one before.
fn mark_two_and_one(terminal: &Terminal) {
    for name in ["two", "one"] {
        terminal.key(name);
        terminal.waits_for(&format!("> [ ] {name}"));
        terminal.key("Space");
        terminal.waits_for(&format!("[x] {name}"));
        terminal.key("C-u");
    }
    terminal.key("Enter");
    terminal.waits_for("and lose that?");
}

#[test]
fn each_of_several_environments_has_a_line_while_they_are_worked_on() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let hooks = "hooks: { post_add: [\"until test -e ../go; do sleep 0.02; done\"] }\n";
    repo.config(&(sandbox.config_without_servers() + hooks));
    repo.agentenv(&["trust", "--yes"]).ok();
    let terminal = Terminal::in_dir(&sandbox, &repo.path);
    terminal.types("git agentenv add a long");
    terminal.waits_for("a     hook until");
    terminal.waits_for("long  hook until");
    fs::write(sandbox.root.join("go"), "").unwrap();
    terminal.waits_for("environment long is ready");
    assert_eq!(terminal.exit_code(), 0);
    assert!(!terminal.screen().contains("hook until"), "{}", terminal.screen());
}

#[test]
fn trust_asks_before_it_approves() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&(sandbox.config_without_servers() + "hooks: { post_add: [\"touch hooked\"] }\n"));
    let terminal = Terminal::in_dir(&sandbox, &repo.path);
    terminal.types("git agentenv trust");
    terminal.waits_for("touch hooked");
    terminal.waits_for("Approve exactly these commands?");
    terminal.key("n");
    assert_eq!(terminal.exit_code(), 7);
    repo.agentenv(&["add", "x"]).fails(7);
    terminal.types("git agentenv trust");
    terminal.waits_for("Approve exactly these commands? [y/N]");
    terminal.key("y");
    assert_eq!(terminal.exit_code(), 0);
    repo.agentenv(&["add", "x"]).ok();
    assert!(sandbox.root.join("app-x/hooked").exists());
}

#[test]
fn without_a_terminal_the_missing_argument_is_named() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    let said = repo.agentenv(&["add"]).fails(2);
    assert!(said.stderr.contains("<BRANCH> is missing") && said.stderr.contains("hint:"));
    let said = repo.agentenv(&["remove"]).fails(2);
    assert!(said.stderr.contains("<ENV> is missing") && said.stderr.contains("hint:"));
}

#[test]
fn what_takes_a_moment_has_a_live_line_that_ends_in_a_tick_and_a_duration() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    // The checkout waits in its filter until the test has seen the line.
    let gate = sandbox.root.join("gate");
    repo.commit(".gitattributes", "*.slow filter=slow\n");
    repo.commit("a.slow", "text\n");
    let smudge = format!("sh -c 'while [ ! -e {} ]; do sleep 0.02; done; cat'", gate.display());
    repo.git(&["config", "filter.slow.smudge", &smudge]);
    let terminal = Terminal::in_dir(&sandbox, &repo.path);
    terminal.types("git agentenv add x");
    terminal.waits_until("the live line moves on", |screen| {
        screen.lines().any(|line| line.contains("worktree (0.") && !line.contains('✓'))
    });
    fs::write(&gate, "").unwrap();
    terminal.waits_for("✓ worktree (");
    terminal.waits_for("is ready");
    assert_eq!(terminal.screen().matches("worktree (").count(), 1, "{}", terminal.screen());

    terminal.types("clear; git agentenv -q add y");
    assert_eq!(terminal.exit_code(), 0);
    let screen = terminal.screen();
    assert!(!screen.contains('✓') && screen.contains("app-y\n"), "{screen}");
    let plain = repo.agentenv(&["add", "z"]).ok();
    assert!(plain.stderr.contains("✓ worktree (") && !plain.stderr.contains('\x1b'));
}

#[test]
fn a_copy_that_takes_longer_says_how_many_bytes_are_there() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let main = format!("{}_main", sandbox.id);
    servers().psql(&format!("CREATE DATABASE {main}"));
    servers().psql_on(&main, "CREATE TABLE t AS SELECT n FROM generate_series(1, 50000) n");
    repo.config(&sandbox.config().replace("kind: postgres", "kind: postgres, from: main"));
    // The dump of a source that is in use waits for the lock.
    let user = hold::on(&main, "user", "BEGIN; LOCK TABLE t;");
    let terminal = Terminal::in_dir(&sandbox, &repo.path);
    let shows = |begin: &str| {
        let is_it = |line: &str| line.contains(begin) && line.contains(" MB of ");
        terminal.waits_until("the line says how far it is", |screen| screen.lines().any(is_it));
    };
    let (x, y) = (format!("{}_x", sandbox.id), format!("{}_y", sandbox.id));
    terminal.types("git agentenv add --yes x");
    shows(&format!("postgres {x} from {main}: "));
    drop(user);
    assert_eq!(terminal.exit_code(), 0);
    assert!(!terminal.screen().contains(" MB of "), "{}", terminal.screen());

    let user = hold::on(&main, "user", "BEGIN; LOCK TABLE t;");
    terminal.types("clear; git agentenv add --yes y z");
    shows(&format!("y  postgres {y} from {main}: "));
    drop(user);
    assert_eq!(terminal.exit_code(), 0);
    servers().psql_on(&x, "CREATE TABLE held ()");
    let user = hold::on(&x, "user", "BEGIN; LOCK TABLE held;");
    terminal.types("clear; git agentenv db copy y --from x --yes");
    shows(&format!("copying {x} to {y}: "));
    drop(user);
    assert_eq!(terminal.exit_code(), 0);
    // What no person watches has one line for each step, as ever.
    let plain = repo.agentenv(&["db", "copy", "y", "--from", "x"]).ok();
    assert!(!plain.stderr.contains(" MB of "), "{}", plain.show());
}

#[test]
fn colours_follow_the_flag_and_the_variables() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    repo.agentenv(&["add", "x"]).ok();
    let coloured = |words: &[&str], set: Option<(&str, &str)>| {
        let mut command = sandbox.command("git");
        let command = command.arg("agentenv").args(words).current_dir(&repo.path).envs(set);
        let said = sandbox.outcome(command);
        said.stdout.contains("\x1b[") || said.stderr.contains("\x1b[")
    };
    assert!(!coloured(&["list"], None), "no terminal");
    assert!(coloured(&["list", "--color=always"], None));
    assert!(coloured(&["list"], Some(("CLICOLOR_FORCE", "1"))));
    assert!(coloured(&["remove", "none", "--color=always"], None), "errors too");

    let terminal = Terminal::in_dir(&sandbox, &repo.path);
    let on_terminal = |line: &str| {
        terminal.types(&format!("clear; {line}"));
        terminal.exit_code();
        terminal.tmux(&["capture-pane", "-p", "-e", "-t", "0"]).contains("\x1b[")
    };
    assert!(on_terminal("git agentenv list"));
    assert!(!on_terminal("git agentenv list --color=never"));
    assert!(!on_terminal("NO_COLOR=1 git agentenv list"));
    assert!(!on_terminal("CLICOLOR=0 git agentenv list"));
}

#[test]
fn a_list_fits_80_columns() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    let long = "feature/with-a-name-that-is-longer-than-anybody-would-want-it-to-be";
    repo.agentenv(&["add", long, "short"]).ok();
    let listener = std::net::TcpListener::bind(("127.0.0.1", sandbox.ports().start() + 1)).unwrap();
    let wide = repo.agentenv(&["list", "--status"]).ok().stdout;
    assert!(wide.contains(long) && wide.contains("= main") && wide.contains("clean"), "{wide}");
    let port = listener.local_addr().unwrap().port();
    assert!(wide.contains(&format!("{port}*")), "{wide}");

    let terminal = Terminal::in_dir(&sandbox, &repo.path);
    terminal.types("clear; git agentenv list --status");
    assert_eq!(terminal.exit_code(), 0);
    let screen = terminal.screen();
    let rows: Vec<&str> = screen.lines().skip_while(|line| !line.starts_with("BRANCH")).collect();
    assert!(rows[1].starts_with("@ main"), "{screen}");
    assert!(rows[2].starts_with("feature/") && rows[3].starts_with("short "), "{screen}");
    assert!(rows[2].contains("ready") && rows[2].contains(&format!("{port}*")), "{screen}");
    assert!(rows[2].contains("to-be "), "cut in the middle: {screen}");
    assert!(rows[2].contains("…") && rows[3].contains("= main"), "{screen}");
    assert_eq!(rows[4], "@ current  * listens  = same commits", "no line wraps: {screen}");
}

#[test]
fn watch_redraws_the_list_until_q_or_ctrl_c_and_leaves_the_terminal_as_it_was() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    repo.agentenv(&["add", "one"]).ok();
    let terminal = Terminal::in_dir(&sandbox, &repo.path);
    terminal.types("clear; echo before; git agentenv list --watch");
    terminal.waits_for("q quit");
    terminal.waits_for("clean");
    assert!(!terminal.screen().contains("before") && !terminal.cursor_shows());
    // Without a key: the next picture comes by itself.
    fs::write(sandbox.root.join("app-one/work"), "work").unwrap();
    terminal.waits_until("the change is seen", |screen| {
        screen.lines().any(|line| line.starts_with("one ") && line.contains(" 1 "))
    });
    repo.agentenv(&["add", "two"]).ok();
    terminal.key("Space");
    terminal.waits_for("two ");

    terminal.tmux(&["resize-window", "-t", "0", "-x", "40", "-y", "15"]);
    terminal.key("Space");
    terminal.waits_until("it fits the narrow terminal", |screen| {
        let lines: Vec<&str> = screen.lines().collect();
        lines[0].starts_with("BRANCH") && !lines[0].contains("PATH") && lines[4].contains("q quit")
    });
    for key in ["q", "C-c"] {
        terminal.key(key);
        assert_eq!(terminal.exit_code(), 0, "{key}: {}", terminal.screen());
        assert!(terminal.cursor_shows() && terminal.screen().contains("before"), "{key}");
        terminal.types("stty -a | grep -c ' icanon .* echo '; echo counted");
        terminal.waits_for("counted");
        if key == "q" {
            terminal.types("git agentenv list --watch");
            terminal.waits_for("q quit");
        }
    }
}

#[test]
fn a_narrow_terminal_shows_a_block_for_each_environment_and_marks_the_current_one() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    repo.agentenv(&["add", "one", "two"]).ok();
    fs::remove_file(sandbox.root.join("app-one/.env.worktree")).unwrap();
    let terminal = Terminal::in_dir(&sandbox, &sandbox.root.join("app-two"));
    terminal.tmux(&["resize-window", "-t", "0", "-x", "40", "-y", "24"]);
    terminal.types("clear; git agentenv list");
    assert_eq!(terminal.exit_code(), 0);
    let screen = terminal.screen();
    let lines: Vec<&str> = screen.lines().skip_while(|line| !line.starts_with("one ")).collect();
    assert_eq!(lines[0], "one  incomplete", "{screen}");
    assert!(lines.contains(&"@ two  ready") && lines.contains(&"  path      ."), "{screen}");
    assert!(lines.contains(&"  path      ../app-one"), "{screen}");
    assert!(screen.contains("incomplete: the environment file"), "{screen}");
}

#[test]
fn init_asks_little_and_shows_all_before_it_writes() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("shop");
    repo.commit("manage.py", "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n");
    repo.commit("requirements.txt", "psycopg\n");
    let settings = "DATABASES = {'default': dj_database_url.parse(os.environ['DATABASE_URL'])}\n";
    repo.commit("shop/settings.py", settings);
    let file = repo.path.join(".agentenv.yaml");
    let terminal = Terminal::in_dir(&sandbox, &repo.path);
    terminal.types("git agentenv init");
    terminal.waits_for("Create worktrees:");
    terminal.key("Escape");
    assert_eq!(terminal.exit_code(), 130);
    assert!(!file.exists());

    terminal.types("clear; git agentenv init");
    terminal.waits_for("Create worktrees:");
    terminal.key("Down");
    terminal.key("Enter");
    terminal.waits_for("Servers run:");
    terminal.key("Enter");
    terminal.waits_for("python manage.py migrate");
    terminal.waits_for("Run these as hooks in each new worktree?");
    terminal.key("n");
    terminal.waits_for("Write .agentenv.yaml?");
    assert!(!file.exists(), "nothing is written before the answer");
    terminal.key("Enter");
    terminal.waits_for("AGENTS.md?");
    terminal.key("n");
    assert_eq!(terminal.exit_code(), 0);
    let text = fs::read_to_string(&file).unwrap();
    for line in ["worktree: \".worktrees/{name}\"", "container: agentenv-postgres-1", "# hooks:"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(!repo.path.join("AGENTS.md").exists());
}

#[test]
fn open_starts_the_browser_that_is_named_and_leaves_it() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    repo.agentenv(&["add", "x"]).ok();
    let url = repo.agentenv(&["open", "x"]).ok().stdout;
    let (browser, opened) = (sandbox.root.join("browser"), repo.path.join("opened"));
    write_program(&browser, "#!/bin/sh\necho $$ >pid; echo \"$1\" >opened; exec sleep 600\n");
    let terminal = Terminal::in_dir(&sandbox, &repo.path);
    terminal.types("BROWSER=../browser git agentenv open x");
    assert_eq!(terminal.exit_code(), 0);
    assert!(!terminal.screen().contains("warning"), "{}", terminal.screen());
    wait_until("the browser has the URL", || fs::read_to_string(&opened).is_ok_and(|it| it == url));
    let pid = fs::read_to_string(repo.path.join("pid")).unwrap();
    sandbox.outcome(sandbox.command("kill").arg(pid.trim())).ok();
    terminal.types("BROWSER=false git agentenv open x");
    terminal.waits_for("cannot open a browser: `false` exited with 1");
}

#[test]
fn psql_has_a_prompt() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config());
    repo.agentenv(&["add", "x"]).ok();
    let terminal = Terminal::in_dir(&sandbox, &repo.path);
    terminal.types("git agentenv db psql x");
    terminal.waits_for(&format!("{}_x=#", sandbox.id));
    terminal.types("\\echo the :DBNAME one");
    terminal.waits_for(&format!("the {}_x one", sandbox.id));
    terminal.types("\\q");
    assert_eq!(terminal.exit_code(), 0);
}

fn project(sandbox: &Sandbox) -> Repo<'_> {
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo
}

/// A shell in a terminal of 80 columns and 24 rows.
struct Terminal<'a> {
    sandbox: &'a Sandbox,
    asked: Cell<u32>,
}

impl<'a> Terminal<'a> {
    fn in_dir(sandbox: &'a Sandbox, dir: &Path) -> Self {
        let terminal = Self { sandbox, asked: Cell::new(0) };
        let dir = dir.to_str().unwrap();
        terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-x80", "-y24", "-c", dir, "sh"]);
        terminal.types("PS1='$ '; clear");
        terminal.waits_until("the shell is there", |screen| screen.trim() == "$");
        terminal
    }

    /// Its own server, whose end takes the shell with it.
    #[track_caller]
    fn tmux(&self, args: &[&str]) -> String {
        let mut command = self.sandbox.command("tmux");
        command.arg("-S").arg(self.sandbox.root.join("tmux")).args(args);
        command.env("LC_ALL", "C.UTF-8").stderr(Stdio::inherit());
        self.sandbox.outcome(&mut command).ok().stdout
    }

    /// A command line for the shell.
    #[track_caller]
    fn types(&self, line: &str) {
        self.tmux(&["send-keys", "-t", "0", "-l", line]);
        self.key("Enter");
    }

    /// A key by tmux's name, else these letters.
    #[track_caller]
    fn key(&self, key: &str) {
        self.tmux(&["send-keys", "-t", "0", key]);
    }

    #[track_caller]
    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-t", "0"])
    }

    #[track_caller]
    fn waits_for(&self, text: &str) {
        self.waits_until(&format!("`{text}` is on the screen"), |screen| {
            // A long line is broken at the terminal's edge.
            screen.contains(text) || screen.replace('\n', "").contains(text)
        });
    }

    #[track_caller]
    fn waits_until(&self, what: &str, mut is_so: impl FnMut(&str) -> bool) {
        let mut screen = String::new();
        let said = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_until(what, || {
                screen = self.screen();
                is_so(&screen)
            });
        }));
        assert!(said.is_ok(), "in vain until {what}:\n{}", self.screen());
    }

    /// Waits for the shell's prompt, and asks it how the last command ended.
    #[track_caller]
    fn exit_code(&self) -> i32 {
        self.waits_until("the command is over", |screen| {
            screen.trim_end().ends_with("\n$") || screen.trim() == "$"
        });
        let number = self.asked.get() + 1;
        self.asked.set(number);
        self.types(&format!("echo \"exit $? .{number}\""));
        let end = format!(" .{number}");
        let mut code = None;
        self.waits_until("the shell says how it ended", |screen| {
            let said = |line: &str| line.strip_prefix("exit ")?.strip_suffix(&end)?.parse().ok();
            code = screen.lines().find_map(said);
            code.is_some()
        });
        code.unwrap()
    }

    #[track_caller]
    fn cursor_shows(&self) -> bool {
        self.tmux(&["display-message", "-p", "-t", "0", "#{cursor_flag}"]).trim() == "1"
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        let mut command = self.sandbox.command("tmux");
        command.arg("-S").arg(self.sandbox.root.join("tmux")).arg("kill-server");
        let _ = command.output();
    }
}

#[test]
fn watch_goes_on_when_its_own_directory_is_removed() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    repo.agentenv(&["add", "x", "y"]).ok();
    let terminal = Terminal::in_dir(&sandbox, &sandbox.root.join("app-x"));
    terminal.types("git agentenv list --watch");
    terminal.waits_for("@ x");
    repo.agentenv(&["remove", "x"]).ok();
    repo.agentenv(&["add", "z"]).ok();
    terminal.waits_until("the other ones are shown", |screen| {
        !screen.contains("app-x") && screen.contains("app-z")
    });
    terminal.key("q");
    assert_eq!(terminal.exit_code(), 0);
}
