use super::*;
use std::time::{Duration, Instant};

fn line(text: &str, path: &[&str]) -> Option<usize> {
    let path: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
    span::of_key(text, &path)
}

fn refused(text: &str) -> String {
    load(text).unwrap_err().failure("f", text).to_string()
}

#[test]
fn values_are_told_apart() {
    let node = load("a: 1\nb: [x, true, ~, 1.5, '1']\nc: 99999999999999999999999\n").unwrap();
    let Node::Map(map) = node else { panic!("{node:?}") };
    assert_eq!(map["a"], Node::Number(1));
    let text = |text: &str| Node::Text(text.to_owned());
    let list = [text("x"), Node::Bool(true), Node::Null, Node::Float(1.5), text("1")];
    assert_eq!(map["b"], Node::List(list.to_vec()));
    assert!(matches!(map["c"], Node::Number(_)));
    for empty in ["", "# nothing\n", "---\n", "\n\n", "~"] {
        assert_eq!(load(empty).unwrap(), Node::Null, "{empty:?}");
    }
}

#[test]
fn keys_and_items_have_lines() {
    let text = "a:\n  b: 1\n  c:\n    - x\n    - y\n\nd: { e: 1,\n  f: &g 2 }\nh: *g\n";
    assert_eq!(line(text, &["a"]), Some(1));
    assert_eq!(line(text, &["a", "b"]), Some(2));
    assert_eq!(line(text, &["a", "c", "[1]"]), Some(5));
    assert_eq!(line(text, &["d", "f"]), Some(8));
    assert_eq!(line(text, &["h"]), Some(9));
    for path in [&["x"][..], &["a", "x"], &["a", "c", "[2]"], &[]] {
        assert_eq!(line(text, path), None, "{path:?}");
    }
}

#[test]
fn what_the_parser_would_let_pass_is_refused() {
    assert_eq!(refused("a: 1\nb: 2\na: 3\n"), "f:3: duplicate key `a`");
    assert_eq!(refused("x:\n  a: 1\n  'a': 3\n"), "f:3: x: duplicate key `a`");
    assert_eq!(refused("a: 1\n---\nb: 2\n"), "f:3: the file holds a second YAML document");
    assert_eq!(refused("a: !x 1\n"), "f:1: a: YAML tags have no meaning here");
    assert!(refused("1: a\n").contains("a key that is text"));
    assert!(refused("a: [\n").starts_with("f:2: "));
}

#[test]
fn hostile_files_end_soon() {
    let begin = Instant::now();
    let bomb = ["a", "b", "c", "d", "e", "f", "g", "h", "i"].windows(2);
    let bomb = bomb.map(|pair| {
        format!("{1}: &{1} [{0}]\n", ["*"; 9].map(|s| s.to_owned() + pair[0]).join(","), pair[1])
    });
    let bomb = "a: &a [x]\n".to_owned() + &bomb.collect::<String>();
    assert!(refused(&bomb).contains("aliases expanded"), "{}", refused(&bomb));
    assert!(refused(&"[".repeat(100_000)).contains("brackets"));
    assert!(refused(&"{a: ".repeat(5_000)).contains("nested"));
    assert!(refused(&"- ".repeat(100_000)).contains("f:1: "));
    assert!(refused("&a [*a]").contains("nested"));
    assert!(refused(&"a".repeat(300_000)).contains("256 KiB"));
    assert!(refused(&"- a\n".repeat(20_000)).contains("values"));
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}
