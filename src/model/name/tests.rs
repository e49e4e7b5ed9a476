use super::*;
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::Mutex;

#[test]
fn common_branches_have_pretty_names() {
    for (branch, name) in [
        ("main", "main"),
        ("feature/x", "feature-x"),
        ("Feature/X_1", "feature-x-1"),
        ("release/1.2", "release-1-2"),
        ("--a//b__", "a-b"),
        ("1", "1"),
    ] {
        assert_eq!(candidates(branch)[0], name);
        for hashed in &candidates(branch)[1..] {
            assert!(hashed.starts_with(&format!("{name}-")), "{hashed}");
        }
    }
}

#[test]
fn what_cleaning_drops_or_cuts_is_made_up_for_by_a_hash() {
    for branch in ["日本", "fix-日本", "a$(b)", "x'y", &"long".repeat(50)] {
        let [first, second, last] = candidates(branch);
        assert_eq!(first, second);
        assert!(!ends_in_hash(&first) && ends_in_hash(&last), "{first}");
    }
    assert!(candidates("日本")[0].starts_with("env-"));
    assert!(candidates("fix-日本")[0].starts_with("fix-"));
}

#[test]
fn a_branch_named_like_a_last_candidate_does_not_take_it() {
    let [_, _, last] = candidates("feature/x");
    assert!(candidates(&last).iter().all(|name| *name != last));
}

#[test]
fn long_names_keep_what_tells_them_apart() {
    let name = |number| format!("feature/a-long-description-of-what-is-done-number-{number}");
    assert_eq!(candidates(&name(1))[0], "feature-a-long-description-of-what-is-done-number-1");
    let cut = candidates(&format!("{}-{}", name(1), "and-more-of-it".repeat(3)))[0].clone();
    assert!(cut.starts_with("feature-a-long-description-of-what-is-done-number-1"), "{cut}");
    assert_eq!(cut.len() - cut.rfind('-').unwrap() - 1, FEW);
}

#[test]
fn repositories_and_databases() {
    assert_eq!(repo_slug("My_App.git"), "my-app-git");
    assert!(repo_slug("日本").starts_with("repo-"));
    assert_eq!(repo_slug(&"x".repeat(300)).len(), LONGEST);
    assert_eq!(database("feature-x"), "feature_x");
    assert_eq!(fit("short", '_', 10), "short");
    let long = format!("app_{}", "é".repeat(100));
    let fitted = fit(&long, '_', IDENTIFIER);
    assert!(fitted.len() <= IDENTIFIER && fitted.starts_with("app_é"));
}

fn valid(name: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    name.len() <= LONGEST
        && name.bytes().all(inner)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric())
}

/// Parsed once: a `&str` strategy parses its expression again for every value.
fn branch() -> impl Strategy<Value = String> {
    let like = |regex| proptest::string::string_regex(regex).unwrap();
    prop_oneof![
        8 => like("[a-bA-B/_.-]{1,6}"),
        8 => like("(feature|fix)[/_.-][a-c]{1,3}"),
        4 => like("[a-z]{1,2}-[0-9a-f]{12}"),
        4 => like("[a-z$()'\"`;&|<>#=%! ]{1,8}"),
        4 => like("\\PC{1,5}"),
        1 => like("[a-z/-]{195,205}"),
    ]
}

#[test]
fn names_of_a_hundred_thousand_branches_are_valid_and_distinct() {
    let names: Mutex<HashMap<String, String>> = Mutex::default();
    let config =
        ProptestConfig { cases: 120_000, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(branch in branch())| {
        let [first, second, last] = candidates(&branch);
        prop_assert!(valid(&first) && valid(&second) && valid(&last), "{first} {second} {last}");
        prop_assert!(!database(&second).contains('-'));
        // A branch may meet its own names again, never those of another one.
        let own = (first == branch).then_some(first);
        for name in own.into_iter().chain([last]) {
            let mut names = names.lock().unwrap();
            let holder = names.entry(name).or_insert_with(|| branch.clone());
            prop_assert_eq!(&*holder, &branch);
        }
    });
}
