//! The article's own case: a Django and Celery project on the shared servers, two branches whose migrations
//! contradict each other, both at work at the same time.

use crate::common::hold;
use crate::common::{Repo, Sandbox, wait_until};
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

#[test]
fn two_branches_work_side_by_side_and_one_goes_without_disturbing_the_other() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    // One branch adds a column that must be filled, the other takes the table away under another name.
    branch(
        &repo,
        "red",
        "migrations.AddField('thing', 'colour', models.CharField(max_length=9, default='red'))",
        "    colour = models.CharField(max_length=9, default='red')\n",
    );
    branch(
        &repo,
        "blue",
        "migrations.AddField('thing', 'colour', models.IntegerField(default=255))",
        "    colour = models.IntegerField(default=255)\n",
    );
    repo.agentenv(&["trust", "--yes"]).ok();
    let red = Environment::add(&sandbox, &repo, "red");
    let blue = Environment::add(&sandbox, &repo, "blue");

    let mut of_red = [red.serve(), red.work()];
    let of_blue = [blue.serve(), blue.work()];
    red.wait();
    blue.wait();

    // A task that is sent in one is never taken by the other's worker.
    red.get("/send/from-red");
    blue.get("/send/from-blue");
    red.wait_for_thing("from-red");
    blue.wait_for_thing("from-blue");
    assert_eq!(red.things(), serde_json::json!([{"id": 1, "name": "from-red", "colour": "red"}]));
    assert_eq!(blue.things(), serde_json::json!([{"id": 1, "name": "from-blue", "colour": 255}]));

    // A cache key that is set in one is not seen in the other.
    red.get("/remember/crimson");
    assert_eq!(red.get("/recall")["value"], "crimson");
    assert_eq!(blue.get("/recall")["value"], Value::Null);

    // What is still at work is named, and protected; Django has a session for no longer than a request.
    let shell = hold::on(&red.variable("POSTGRES_DB"), "dbshell", "SELECT 1 AS one \\gset");
    let refused = repo.agentenv(&["remove", "red"]).fails(7);
    assert!(refused.stderr.contains("database session"), "{}", refused.show());
    assert!(refused.stderr.contains("dbshell"), "{}", refused.show());
    drop(shell);
    of_red.iter_mut().for_each(Process::end);
    wait_until("the sessions are gone", || {
        !repo.agentenv(&["remove", "--dry-run", "red"]).ok().stdout.contains("session")
    });
    repo.agentenv(&["remove", "red"]).ok();
    assert!(!sandbox.databases().contains(&red.variable("POSTGRES_DB")));

    blue.get("/send/still-there");
    blue.wait_for_thing("still-there");
    drop(of_blue);
    repo.agentenv(&["remove", "blue", "--force"]).ok();
    assert_eq!(sandbox.databases(), Vec::<String>::new());
}

/// The project on a branch `main`, with a hook that migrates.
fn project(sandbox: &Sandbox) -> Repo<'_> {
    let repo = sandbox.repo("shop");
    copy(&source(), &repo.path);
    let python = venv().join("bin/python");
    let env = "env:\n  DATABASE_URL: \"postgres://postgres@localhost:{postgres.port}/{POSTGRES_DB}\"\n  REDIS_URL: \"redis://localhost:{redis.port}/{REDIS_DB}\"\n";
    let hook =
        format!("hooks:\n  post_add: [\"{} manage.py migrate --no-input\"]\n", python.display());
    repo.config(&(sandbox.config_in_container() + env + &hook));
    repo.git(&["add", "."]);
    repo.git(&["commit", "--quiet", "--message", "the shop"]);
    repo
}

/// A branch with a second migration, and the model to it.
fn branch(repo: &Repo<'_>, name: &str, operation: &str, field: &str) {
    repo.git(&["switch", "--quiet", "--create", name, "main"]);
    let migration = format!(
        "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n    dependencies = [('goods', '0001_initial')]\n    operations = [{operation}]\n"
    );
    let models = fs::read_to_string(repo.path.join("goods/models.py")).unwrap() + field;
    repo.commit("goods/models.py", &models);
    repo.commit(&format!("goods/migrations/0002_{name}.py"), &migration);
    repo.git(&["switch", "--quiet", "main"]);
}

struct Environment<'a> {
    sandbox: &'a Sandbox,
    repo: &'a Repo<'a>,
    view: Value,
}

impl<'a> Environment<'a> {
    fn add(sandbox: &'a Sandbox, repo: &'a Repo<'a>, name: &str) -> Self {
        let view = repo.agentenv(&["add", name, "--json"]).ok().json();
        assert_eq!(view["hooks_pending"], false);
        Environment { sandbox, repo, view }
    }

    fn name(&self) -> &str {
        self.view["name"].as_str().unwrap()
    }

    fn variable(&self, name: &str) -> String {
        self.view["variables"][name].as_str().unwrap().to_owned()
    }

    fn serve(&self) -> Process {
        self.run(&["manage.py", "runserver", "--noreload", &self.variable("DJANGO_PORT")])
    }

    fn work(&self) -> Process {
        self.run(&[
            "-m",
            "celery",
            "-A",
            "shop",
            "worker",
            "--pool",
            "solo",
            "--without-mingle",
            "--without-gossip",
        ])
    }

    fn run(&self, args: &[&str]) -> Process {
        let python = venv().join("bin/python");
        let mut command = self.sandbox.command("git");
        command.args(["agentenv", "run", self.name(), "--"]).arg(python).args(args);
        Process::start(command.current_dir(&self.repo.path))
    }

    fn wait(&self) {
        wait_until("the server answers", || self.ask("/things").is_some());
    }

    fn things(&self) -> Value {
        self.get("/things")["things"].clone()
    }

    fn wait_for_thing(&self, name: &str) {
        wait_until(name, || {
            let things = self.things();
            things.as_array().unwrap().iter().any(|thing| thing["name"] == name)
        });
    }

    fn get(&self, path: &str) -> Value {
        self.ask(path).unwrap_or_else(|| panic!("{} does not answer {path}", self.name()))
    }

    /// As a browser asks `http://<name>.localhost:<port>`, which it resolves to the loopback address.
    fn ask(&self, path: &str) -> Option<Value> {
        let port = self.variable("DJANGO_PORT");
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).ok()?;
        let host = format!("{}.localhost:{port}", self.name());
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        assert!(head.contains(" 200 "), "{answer}");
        serde_json::from_str(body).ok()
    }
}

/// A server or worker, in a process group of its own, ended with the test.
struct Process(Child);

impl Process {
    fn start(command: &mut Command) -> Self {
        use std::os::unix::process::CommandExt;
        let command = command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
        Process(command.spawn().unwrap())
    }

    fn end(&mut self) {
        let group = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
        self.0.wait().ok();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// A virtual environment with the project's packages, made once for a build directory.
pub fn venv() -> &'static Path {
    static VENV: OnceLock<PathBuf> = OnceLock::new();
    VENV.get_or_init(|| {
        let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let requirements = source().join("requirements.txt");
        let wanted = fs::read_to_string(&requirements).unwrap();
        let lock = fs::File::create(target.join("venv.lock")).unwrap();
        lock.lock().unwrap();
        let (dir, stamp) = (target.join("venv"), target.join("venv.stamp"));
        if fs::read_to_string(&stamp).ok().as_deref() != Some(&wanted) {
            fs::remove_dir_all(&dir).ok();
            run(Command::new("python3").args(["-m", "venv"]).arg(&dir));
            // What the tests import is compiled then.
            let pip = [
                "-m",
                "pip",
                "install",
                "--no-compile",
                "--quiet",
                "--disable-pip-version-check",
                "-r",
            ];
            run(Command::new(dir.join("bin/python")).args(pip).arg(requirements));
            fs::write(&stamp, wanted).unwrap();
        }
        dir
    })
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/django")
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
