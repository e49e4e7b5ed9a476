//! Files of a repository that nobody has read: they break no configuration, and keep no command busy.

use super::*;

#[test]
fn names_with_line_breaks_stay_in_their_comments() {
    for end in ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'] {
        let path = format!("a{end}hooks: {{ post_add: [run] }}{end}b/package.json");
        let package =
            r#"{ "scripts": { "dev": "next dev" }, "dependencies": { "next": "1", "pg": "1" } }"#;
        let config = config(&[(path.as_str(), package)]);
        assert!(config.hooks.post_add.is_empty(), "{end:?}");
    }
}

#[test]
fn code_in_which_each_line_reads_a_variable_takes_no_time_for_each_pair() {
    let lines = |line: &dyn Fn(usize) -> String| (0..8_000).map(line).collect::<String>();
    let calls = lines(&|at| format!("A = env(\"V{at}\")\n"));
    let braces = "${".repeat(400_000);
    let open = "${A:".repeat(20_000);
    let names = lines(&|_| "    \"NAME\": \"inn\",\n".to_owned());
    for file in [
        ("settings.py", calls.as_str()),
        ("config.js", braces.as_str()),
        ("config.ts", open.as_str()),
        ("settings.py", names.as_str()),
    ] {
        detect(&seen(&[file]));
    }
}

#[test]
fn an_environment_file_takes_no_time_for_each_pair_of_its_lines() {
    let line = |at: usize| format!("A{at}=${{A{}}}\n", at + 1);
    let env: String = (0..5_000).map(line).collect();
    detect(&seen(&[(".env", &env)]));
}

#[test]
fn tasks_that_need_each_other_very_often_are_looked_at_once() {
    let needs = "run ".repeat(500);
    let rule =
        |at: usize| format!("r{at}: r{} {needs}\n\t$(A{at})\nA{at} = $(A{})\n", at + 1, at + 1);
    let rules: String = (0..60).map(rule).collect();
    let makefile = format!("run: r0 {needs}\n\tgo run .\n{rules}");
    detect(&seen(&[("go.mod", ""), ("Makefile", &makefile)]));
}

#[test]
fn brackets_without_end_are_no_compose_file() {
    let text = format!("services: {}", "[".repeat(400_000));
    assert_eq!(detect(&seen(&[("compose.yml", &text)])).services, []);
}

#[test]
fn many_applications_of_one_repository_take_no_time_for_each_pair() {
    let package = |at: usize| {
        let text = format!(
            r#"{{ "name": "a{at}", "scripts": {{ "dev": "next dev" }}, "dependencies": {{ "next": "1" }} }}"#
        );
        (format!("apps/a{at}/package.json"), text)
    };
    let packages: Vec<(String, String)> = (0..60).map(package).collect();
    let top = (
        "package.json",
        r#"{ "scripts": { "dev": "turbo run dev", "dev:one": "turbo run dev --filter=a1" } }"#,
    );
    let mut files: Vec<(&str, &str)> =
        packages.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    files.push(top);
    assert_eq!(detect(&seen(&files)).processes.len(), 60);
}
