//! `init`: a first `.agentenv.yaml`, and the text for coding agents.

use crate::common::Sandbox;
use std::fs;

#[test]
fn a_project_is_recognised_and_its_configuration_works() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("shop");
    let main = *sandbox.ports().start();
    repo.commit("manage.py", "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n");
    fs::write(repo.path.join(".env"), format!("DJANGO_PORT={main}\n")).unwrap();
    let said = repo.agentenv(&["init", "--yes"]).ok();
    let file = repo.path.join(".agentenv.yaml");
    assert_eq!(said.stdout, format!("{}\n", file.display()));
    assert!(said.stderr.contains("found manage.py: Django"), "{}", said.show());
    assert!(said.stderr.contains("shop-example"), "it shows what add would make: {}", said.show());
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("# .env") && text.contains("# hooks:"), "{text}");

    repo.git(&["add", ".agentenv.yaml"]);
    repo.git(&["commit", "-qm", "config"]);
    let made = repo.agentenv(&["add", "x", "--json"]).ok().json();
    let port = made["ports"]["DJANGO_PORT"].as_u64().unwrap();
    assert!((u64::from(main) + 1..u64::from(main) + 20).contains(&port), "{port}");
}

#[test]
fn what_is_there_is_not_overwritten() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("shop");
    let file = repo.path.join(".agentenv.yaml");
    fs::write(&file, "env_file: mine\n").unwrap();
    let said = repo.agentenv(&["init", "--yes"]).fails(7);
    assert!(said.stderr.contains("--force"), "{}", said.show());
    let said = repo.agentenv(&["init", "--dry-run"]).ok();
    assert!(said.stdout.contains("\nports:"), "{}", said.show());
    assert_eq!(fs::read_to_string(&file).unwrap(), "env_file: mine\n");
    repo.agentenv(&["init", "--yes", "--force"]).ok();
    assert!(fs::read_to_string(&file).unwrap().contains("ports:"));
}

#[test]
fn options_answer_the_questions() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("shop");
    repo.commit("package.json", r#"{ "dependencies": { "next": "15", "pg": "8" } }"#);
    repo.commit("package-lock.json", "{}");
    let args = ["init", "--json", "--hooks", "--host", "--worktree", ".worktrees/{name}"];
    let said = repo.agentenv(&args).ok().json();
    assert_eq!((said["written"].as_bool(), said["agents"].is_null()), (Some(true), true));
    let text = said["config"].as_str().unwrap();
    assert_eq!(text, fs::read_to_string(repo.path.join(".agentenv.yaml")).unwrap());
    for part in ["\nhooks:", "- \"npm ci\"", "host: true", "worktree: \".worktrees/{name}\""] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let path = said["example"]["path"].as_str().unwrap();
    assert_eq!(path, repo.path.join(".worktrees/example").to_str().unwrap());
    assert!(!repo.path.join(".worktrees").exists(), "it was only a plan");
    assert!(
        said["example"]["variables"]["DATABASE_URL"].as_str().unwrap().ends_with("/shop_example")
    );
}

#[test]
fn agents_are_told_once() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("shop");
    repo.commit("AGENTS.md", "# Shop\nBe kind.\n");
    let file = repo.path.join("AGENTS.md");
    repo.agentenv(&["init", "--yes"]).ok();
    assert_eq!(fs::read_to_string(&file).unwrap(), "# Shop\nBe kind.\n", "it was not asked for");
    repo.agentenv(&["init", "--yes", "--agents"]).ok();
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.starts_with("# Shop\nBe kind.\n\n") && text.contains("git agentenv run --"),
        "{text}"
    );
    let said = repo.agentenv(&["init", "--agents", "--json"]).ok().json();
    assert_eq!(said["agents"], file.to_str().unwrap());
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    let skill = repo.path.join(".agents/skills/git-agentenv/SKILL.md");
    assert_eq!(said["skill"], skill.to_str().unwrap());
    let text = fs::read_to_string(&skill).unwrap();
    assert!(text.starts_with("---\nname: git-agentenv\ndescription: "), "{text}");
    fs::write(&skill, "mine").unwrap();
    repo.agentenv(&["init", "--agents"]).fails(7);
    assert_eq!(fs::read_to_string(&skill).unwrap(), "mine");
    fs::remove_file(&skill).unwrap();

    fs::remove_file(&file).unwrap();
    let outside = sandbox.root.join("outside");
    fs::write(&outside, "mine").unwrap();
    std::os::unix::fs::symlink(&outside, &file).unwrap();
    repo.agentenv(&["init", "--agents"]).fails(7);
    assert_eq!(fs::read_to_string(&outside).unwrap(), "mine");
    assert!(!skill.exists(), "neither file is written if one cannot be");

    fs::remove_file(&file).unwrap();
    let real = repo.path.join("CLAUDE.md");
    fs::write(&real, "# Shop\n").unwrap();
    std::os::unix::fs::symlink("CLAUDE.md", &file).unwrap();
    let said = repo.agentenv(&["init", "--agents", "--json"]).ok().json();
    assert_eq!(said["agents"], real.to_str().unwrap());
    assert!(file.is_symlink() && fs::read_to_string(&real).unwrap().starts_with("# Shop\n\n<!--"));
}

#[test]
fn it_needs_a_main_checkout() {
    let sandbox = Sandbox::new();
    sandbox.agentenv_in(&sandbox.root, &["init", "--yes"]).fails(4);
    let repo = sandbox.repo("shop");
    repo.git(&["clone", "-q", "--bare", ".", "../bare.git"]);
    let said = sandbox.agentenv_in(sandbox.root.join("bare.git"), &["init", "--yes"]).fails(4);
    assert!(said.stderr.contains("bare"), "{}", said.show());
    // From a linked worktree it is the main checkout's configuration that counts.
    repo.git(&["worktree", "add", "-q", "../x"]);
    sandbox.agentenv_in(sandbox.root.join("x"), &["init", "--yes"]).ok();
    assert!(repo.path.join(".agentenv.yaml").exists());
}

#[test]
fn the_schema_is_for_editors() {
    let sandbox = Sandbox::new();
    let schema = sandbox.agentenv_in(&sandbox.root, &["init", "--schema"]).ok().json();
    assert_eq!(schema["title"], ".agentenv.yaml");
}

#[test]
fn it_says_what_it_is_sure_of_what_it_guessed_and_what_is_missing() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("shop");
    repo.commit(
        "src/manage.py",
        "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n",
    );
    repo.commit("src/shop/settings.py", "NAME = os.getenv('SHOP_DB_NAME', 'shop')\nENGINE = os.environ['DB']\nif DB == 'postgres': pass\n");
    repo.commit(".gitignore", ".*\n!.gitignore\n");
    let said = repo.agentenv(&["init", "--yes", "--json"]).ok();
    let answer = said.json();
    assert!(said.stderr.contains("git ignores .agentenv.yaml"), "{}", said.show());
    let found = answer["found"].to_string();
    assert!(found.contains("src/manage.py: Django") && found.contains("SHOP_DB_NAME"), "{found}");
    assert!(answer["guessed"].to_string().contains("DB=postgres"), "{answer}");
    assert_eq!(answer["example"]["variables"]["SHOP_DB_NAME"], "shop_example");
    assert_eq!(answer["missing"].as_array().unwrap().len(), 0, "{answer}");
    let empty = sandbox.repo("empty").agentenv(&["init", "--yes", "--json"]).ok().json();
    assert_eq!(empty["missing"].as_array().unwrap().len(), 2, "{empty}");
}

#[test]
fn code_of_programs_is_read_however_much_of_others_looks_like_it() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("shop");
    let page = "el.addEventListener('x', f, 1000)\nf.bind(el, 1000)\n";
    fs::create_dir(repo.path.join("app")).unwrap();
    for number in 0..450 {
        fs::write(repo.path.join(format!("app/{number}.js")), page).unwrap();
    }
    fs::write(repo.path.join("go.mod"), "module shop\nrequire github.com/jackc/pgx/v5 v5\n")
        .unwrap();
    repo.git(&["add", "."]);
    repo.commit("zz/load.go", "var u = \"postgres://me:me@localhost:5432/shop\"\n");
    repo.commit("zz/main.go", "http.ListenAndServe(\":8080\", nil)\n");
    let notes = repo.agentenv(&["init", "--dry-run", "--json"]).ok().json()["notes"].to_string();
    for place in ["zz/load.go:1", "zz/main.go:1"] {
        assert!(notes.contains(place), "{place}: {notes}");
    }
}

#[test]
fn it_says_what_trust_will_approve() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("shop");
    repo.commit(
        "package.json",
        r#"{ "scripts": { "dev": "next dev" }, "dependencies": { "next": "15" } }"#,
    );
    repo.commit("package-lock.json", "{}");
    let said = repo.agentenv(&["init", "--yes", "--hooks"]).ok();
    let line = "approve what environments run, once: `git agentenv trust` (hooks: npm ci | processes: web)";
    assert!(said.stderr.contains(line), "{}", said.show());
    let empty = sandbox.repo("empty").agentenv(&["init", "--yes"]).ok();
    assert!(!empty.stderr.contains("approve"), "{}", empty.show());
}
