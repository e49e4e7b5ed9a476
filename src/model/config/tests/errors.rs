//! Each mistake with the line, the key and, where there is one, the way out.

use super::*;
use proptest::prelude::*;

/// A file, `! ` the message, `? ` the hint, for each case.
const CASES: &str = include_str!("errors.txt");

/// The message, then the hint.
fn refused(text: &str) -> (String, String) {
    let error = Config::parse("f", text).expect_err(text);
    assert_eq!(exit_of(&error), Exit::Config);
    let hint = hint_of(&error).unwrap_or_default().to_owned();
    (error.to_string(), hint)
}

#[test]
fn every_mistake_is_named_with_its_line() {
    let cases = CASES.trim_end().split("\n----\n");
    let mut number = 0;
    for case in cases {
        let (text, expected) = case.split_once("\n! ").expect(case);
        let (message, hint) = expected.split_once("\n? ").unwrap_or((expected, ""));
        let found = refused(text);
        assert_eq!((found.0.as_str(), found.1.as_str()), (message, hint), "{text}");
        number += 1;
    }
    assert!(number > 100, "{number}");
}

#[test]
fn what_the_parser_says_has_its_line_too() {
    assert!(refused("env: {}\nports: [").0.starts_with("f:3: "));
    assert!(refused("env:\n\tA: 1").0.starts_with("f:2: "));
    assert!(refused("env: {}\nports: *x").0.starts_with("f:2: "));
    assert!(refused("env: {}\nenv_file: !x y").0.starts_with("f:2: "));
}

#[test]
fn hostile_files_are_refused() {
    let bomb = "env: &a [x,x,x,x,x,x,x,x,x,x]\nhooks: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n\
                infra: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nports: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n\
                services: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]";
    assert!(refused(bomb).0.contains("more than 10000 values"));
    assert!(refused(&format!("env: {}", "[".repeat(200))).0.starts_with("f:1: "));
    let large = format!("# {}", "x".repeat(256 * 1024));
    assert_eq!(refused(&large).0, "f:1: the file is larger than 256 KiB");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_damaged_file_is_read_or_refused(at in 0..DEFAULTS_YAML.len(), cut in 0..20_usize, put in "[ \n:{}a0'\"*&!|>-]{0,3}") {
        let boundary = |at: usize| (0..=at).rev().find(|at| DEFAULTS_YAML.is_char_boundary(*at)).unwrap_or(0);
        let (from, to) = (boundary(at), boundary((at + cut).min(DEFAULTS_YAML.len())));
        let text = [&DEFAULTS_YAML[..from], &put, &DEFAULTS_YAML[to..]].concat();
        if let Err(error) = Config::parse("f", &text) {
            let message = error.to_string();
            let line = message.strip_prefix("f:").and_then(|rest| rest.split(':').next()?.parse::<usize>().ok());
            prop_assert!(line.is_some_and(|line| line <= text.lines().count() + 1), "{}", message);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(env|ports|services|A|main|kind|[ \n:{}'*&!-]|1|redis|\\PC){0,30}") {
        let _ = Config::parse("f", &text);
    }
}
