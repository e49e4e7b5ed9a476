//! Files that git ignores, which are each developer's own.

use super::*;

#[test]
fn the_copy_of_an_example_comes_along_once_it_reads_variables() {
    let own = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
    let tracked = BTreeSet::from(["shop/config_example.py".to_owned()]);
    let of = |text: &str| {
        let files = [("shop/config_example.py", ""), ("shop/config.py", text)];
        let files = files.iter().map(own).collect();
        let seen = Seen { files, tracked: tracked.clone(), ..Seen::default() };
        detect(&seen).copy
    };
    assert_eq!(of("DATABASE_URL = 'postgres://localhost/shop'\n"), [] as [String; 0]);
    assert_eq!(of("NAME = os.environ.get('DB_NAME', 'shop')\n"), ["shop/config.py"]);
}

#[test]
fn an_ignored_file_of_settings_is_told_line_by_line_and_shows_no_secret() {
    let own = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
    let manage = "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')";
    let config = "DATABASES = {'default': {\n    'ENGINE': 'x.postgresql',\n    'NAME': 'shop',\n    'USER': 'hunter2',\n}}\nREDIS = {'tasks': {\n    'DATABASE': 3,\n}}\n";
    let files = [
        ("manage.py", manage),
        ("shop/settings.py", "import config\n"),
        ("shop/config_example.py", ""),
        ("shop/config.py", config),
        ("scripts/check_config.py", "NAME = os.getenv('POSTGRES_DB', 'shop')\n"),
    ];
    let files: std::collections::BTreeMap<String, String> = files.iter().map(own).collect();
    let is_tracked = |path: &&String| *path != "shop/config.py";
    let tracked = files.keys().filter(is_tracked).cloned().collect();
    let project = detect(&Seen { files, tracked, ..Seen::default() });
    for (line, instead) in [
        (3, "`os.environ.get(\"POSTGRES_DB\", \"shop\")`, with `import os` at the top"),
        (4, "`os.environ.get(\"POSTGRES_USER\", \"…\")`"),
        (7, "`int(os.environ.get(\"TASKS_REDIS_DB\", \"3\"))`"),
    ] {
        let words = format!("shop/config.py:{line}: reads no variable, so all environments share");
        let is_it = |note: &&String| note.starts_with(&words) && note.contains(instead);
        assert!(project.notes.iter().any(|note| is_it(&note)), "{line}: {:#?}", project.notes);
    }
    let left = "git agentenv init --force` writes `copy: [\"/shop/config.py\"]`";
    assert!(project.notes.iter().any(|note| note.contains(left)), "{:#?}", project.notes);
    assert!(!render(&project, None, true).contains("hunter2"));
    // Another file reads the variable: that moves no database of the settings.
    assert_eq!(project.held, ["python manage.py migrate"]);
}

#[test]
fn a_file_that_holds_nothing_but_variables_is_one_of_variables_whatever_it_is_called() {
    let own = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
    let of = |text: &str| {
        let files = [("inn.conf.example", "# INN_DBNAME=inn\n"), ("inn.conf", text)];
        let files = files.iter().map(own).collect();
        let tracked = ["inn.conf.example".to_owned()].into();
        detect(&Seen { files, tracked, ..Seen::default() })
    };
    let project = of("# own\nINN_DBNAME=inn\nINN_REDIS=redis://localhost:6379/2\n");
    assert_eq!(project.copy, ["inn.conf"]);
    let parts = project.services.iter().map(|service| service.main.as_str());
    assert_eq!(parts.collect::<Vec<_>>(), ["inn", "2"]);
    // Another kind of settings.
    let project = of("[redis]\nurl = redis://localhost:6379/2\n");
    assert_eq!((project.copy.len(), project.services.len()), (0, 0));
}
