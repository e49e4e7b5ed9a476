use super::*;
use proptest::prelude::*;

const ID: &str = "0123456789abcdef01234567";

fn vars(pairs: &[(&str, &str)]) -> IndexMap<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

fn ours() -> IndexMap<String, String> {
    vars(&[("DJANGO_PORT", "8012"), ("REDIS_DB", "1")])
}

fn text() -> String {
    block::text(ID, &ours())
}

fn merged(existing: &str) -> String {
    String::from_utf8(merge(existing.as_bytes(), ID, &ours()).unwrap()).unwrap()
}

#[test]
fn values_are_those_that_every_reader_takes_as_they_are() {
    for value in ["", "8012", "redis://localhost:6379/1", "a_b.c/d:e@f%20+,=?-", "Host=h;Id=a b&c"]
    {
        check_value("A_1", value).unwrap();
    }
    for value in ["$A", "a#b", "'a'", "\"", "a\nb", "a\\", "é", "`id`", "~", "!", "*", "\0"] {
        assert!(check_value("A", value).is_err(), "{value:?}");
    }
    for name in ["", "1A", "A-B", "A B", "É", "A="] {
        assert!(check_value(name, "x").is_err(), "{name:?}");
    }
    assert!(merge(b"", ID, &vars(&[("A", "a\"b")])).is_err());
    assert!(merge(b"", "a >>>\nX=1", &ours()).is_err());
}

#[test]
fn the_block_is_appended_and_a_missing_line_end_supplied() {
    assert_eq!(merged(""), text());
    assert_eq!(merged("A=1\r\n# c\r\n"), format!("A=1\r\n# c\r\n{}", text()));
    assert_eq!(merged("A=1"), format!("A=1\n{}", text()));
    let merged = merge(b"\xff=\xfe\n", ID, &ours()).unwrap();
    assert!(merged.starts_with(b"\xff=\xfe\n"));
}

#[test]
fn the_block_keeps_its_place_while_nothing_below_takes_it_over() {
    let old = block::text("0ld", &vars(&[("DJANGO_PORT", "9"), ("GONE", "1")]));
    for below in
        ["B=2\n", "B=$DJANGO_PORT\nC=${REDIS_DB:-x}\n", "# DJANGO_PORT=1\n", "MY_REDIS_DB=1"]
    {
        assert_eq!(merged(&format!("A=1\n{old}{below}")), format!("A=1\n{}{below}", text()));
    }
    for below in ["DJANGO_PORT=1\n", " export REDIS_DB = 2\n", "A=1 REDIS_DB=2\n", "REDIS_DB: 2\n"]
    {
        assert_eq!(merged(&format!("A=1\n{old}{below}")), format!("A=1\n{below}{}", text()));
    }
}

#[test]
fn broken_marks_lose_no_line() {
    let begin = format!("# >>> git-agentenv {ID} >>>\r\n");
    let end = "# <<< git-agentenv <<<\n";
    assert_eq!(merged(&format!("A=1\n{begin}B=2\n")), format!("A=1\nB=2\n{}", text()));
    assert_eq!(merged(&format!("A=1\n{end}B=2\n")), format!("A=1\nB=2\n{}", text()));
    let nested = format!("A=1\n{begin}B=2\n{begin}GONE=1\n{end}C=3\n");
    assert_eq!(merged(&nested), format!("A=1\nB=2\n{}C=3\n", text()));
    let twice = format!("{}A=1\n{}", text(), text());
    assert_eq!(merged(&twice), format!("{}A=1\n", text()));
    let torn = text().replace(end, "");
    assert_eq!(merged(&torn), format!("DJANGO_PORT=8012\nREDIS_DB=1\n{}", text()));
}

#[test]
fn removing_leaves_the_users_lines() {
    assert_eq!(remove(text().as_bytes()), None);
    assert_eq!(remove(format!("\n{}\r\n", text()).as_bytes()), None);
    let both = format!("A=1\n{}B=2", text());
    assert_eq!(remove(both.as_bytes()).unwrap(), b"A=1\nB=2");
    assert_eq!(remove(b"A=1").unwrap(), b"A=1");
}

#[test]
fn a_block_says_whose_it_is() {
    let found = block(format!("A=1\n{}", text()).as_bytes()).unwrap();
    assert_eq!((found.lease_id.as_str(), found.vars), (ID, ours()));
    let found = block(text().replace('\n', "\r\n").as_bytes()).unwrap();
    assert_eq!(found.vars, ours());
    assert_eq!(block(b"DJANGO_PORT=8012\n"), None);
    assert_eq!(block(b"# >>> git-agentenv a b >>>\n# <<< git-agentenv <<<\n"), None);
}

#[test]
fn foreign_files_are_read_in_every_dialect() {
    let file = "\u{feff}A=1\r\nexport B = 'x # y' # c\nC=\"a\\\"b\\n\" # c\nD=a#b #c\n# E=1\nF=\n\
                G\n1H=2\nexportI=3\nJ='open\nK=# c\nL=x=y\n";
    let found = parse(file.as_bytes());
    let expected = [
        ("A", "1"),
        ("B", "x # y"),
        ("C", "a\"b\n"),
        ("D", "a#b"),
        ("F", ""),
        ("exportI", "3"),
        ("J", "open"),
        ("K", ""),
        ("L", "x=y"),
    ];
    assert_eq!(found.into_iter().collect::<IndexMap<_, _>>(), vars(&expected));
}

#[test]
fn a_huge_file_is_read_in_part() {
    assert_eq!(parse("A=1\n".repeat(1_000_000).as_bytes()).len(), 10_000);
    assert_eq!(parse(&vec![b'='; 10 << 20]), []);
}

#[test]
fn shells_get_quoted_values() {
    let vars = vars(&[("A", "1"), ("B", r"it's \ $x")]);
    assert_eq!(shell(&vars), "export A='1'\nexport B='it'\\''s \\ $x'\n");
    assert_eq!(fish(&vars), "set -gx A '1'\nset -gx B 'it\\'s \\\\ $x'\n");
    assert_eq!(dotenv(&ours()), "DJANGO_PORT=8012\nREDIS_DB=1\n");
}

fn any_vars() -> impl Strategy<Value = IndexMap<String, String>> {
    let pair = ("[A-Z_][A-Z0-9_]{0,5}", "[A-Za-z0-9_./:@%+,=?&; -]{0,12}");
    prop::collection::vec(pair, 0..6).prop_map(|pairs| pairs.into_iter().collect())
}

/// Lines of every kind, marks among them, with any end.
fn any_file() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        Just(format!("# >>> git-agentenv {ID} >>>").into_bytes()),
        Just(b"# <<< git-agentenv <<<".to_vec()),
        Just(b"DJANGO_PORT=1".to_vec()),
        "[A-C][ =][a-c$#'\" ]{0,5}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..8),
    ];
    let end = prop_oneof![Just("\n"), Just("\r\n"), Just("")];
    let lines = prop::collection::vec((line, end), 0..10);
    lines.prop_map(|lines| {
        let whole = lines.into_iter().map(|(line, end)| [&line, end.as_bytes()].concat());
        whole.collect::<Vec<_>>().concat()
    })
}

/// What a person would count as lost.
fn user_lines(file: &[u8]) -> Vec<Vec<u8>> {
    let user = Parted::of(file).user;
    let mut lines: Vec<_> = user.iter().map(|line| line.trim_ascii_end().to_vec()).collect();
    lines.retain(|line| !line.is_empty());
    lines
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_is_written_is_read(file in any_file(), vars in any_vars()) {
        let written = merge(&file, ID, &vars).unwrap();
        let found = block(&written).unwrap();
        prop_assert_eq!(&found.lease_id, ID);
        prop_assert_eq!(&found.vars, &vars);
        // Whatever else is in the file, the last value of a variable is ours.
        let last: IndexMap<_, _> = parse(&written).into_iter().collect();
        for (name, value) in &vars {
            prop_assert_eq!(last.get(name), Some(value));
        }
    }

    #[test]
    fn merging_again_changes_nothing(file in any_file(), vars in any_vars()) {
        let once = merge(&file, ID, &vars).unwrap();
        prop_assert_eq!(&merge(&once, ID, &vars).unwrap(), &once);
    }

    #[test]
    fn the_users_bytes_stay(file in any_file(), vars in any_vars()) {
        let before = user_lines(&file);
        let written = merge(&file, ID, &vars).unwrap();
        prop_assert_eq!(&user_lines(&written), &before);
        let left = remove(&written).unwrap_or_default();
        prop_assert_eq!(&user_lines(&left), &before);
        prop_assert!(block(&left).is_none());
    }

    #[test]
    fn a_file_without_marks_comes_back(file in prop::collection::vec(any::<u8>(), 0..60), vars in any_vars()) {
        let mut whole = file.clone();
        if !whole.is_empty() && !whole.ends_with(b"\n") {
            whole.push(b'\n');
        }
        let left = remove(&merge(&file, ID, &vars).unwrap()).unwrap_or_default();
        prop_assert!(left == whole || whole.trim_ascii().is_empty() && left.is_empty());
    }

    #[test]
    fn any_bytes_can_be_read(file in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = (parse(&file), block(&file), remove(&file));
    }
}
