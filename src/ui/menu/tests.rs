use super::*;

fn state<'a>(menu: &'a Menu<'a>, keys: &str) -> State<'a> {
    let marked = vec![false; menu.items.len()];
    let mut state = State {
        menu,
        typed: String::new(),
        rows: Vec::new(),
        at: 0,
        marked,
        previews: BTreeMap::new(),
    };
    state.search();
    keys.chars().for_each(|key| state.press(Key::Char(key)));
    state
}

fn items(labels: &[&str]) -> Vec<Item> {
    let item = |label: &&str| Item { label: (*label).to_owned(), note: String::new() };
    labels.iter().map(item).collect()
}

#[test]
fn the_best_match_comes_first_and_a_new_name_last() {
    let items = items(&["main-menu", "feature/login", "login"]);
    let judge = |typed: &str| {
        if typed.ends_with('.') { Err("no".to_owned()) } else { Ok(typed.to_owned()) }
    };
    let menu = Menu { prompt: "", items: &items, new: Some(&judge), several: false, preview: None };
    assert_eq!(state(&menu, "login").chosen(), Some(Choice::Items(vec![2])));
    assert_eq!(state(&menu, "flog").chosen(), Some(Choice::Items(vec![1])));
    assert_eq!(state(&menu, "zz").chosen(), Some(Choice::New("zz".to_owned())));
    assert_eq!(state(&menu, "zz.").chosen(), None);
    let mut up = state(&menu, "log");
    up.press(Key::ArrowUp);
    assert_eq!(up.chosen(), Some(Choice::New("log".to_owned())));
}

#[test]
fn the_entry_under_the_cursor_is_previewed_once() {
    let items = items(&["one", "two"]);
    let asked = std::cell::Cell::new(0);
    let preview = |at: usize| {
        asked.set(asked.get() + 1);
        vec![format!("entry {at}")]
    };
    let menu =
        Menu { prompt: "", items: &items, new: None, several: false, preview: Some(&preview) };
    let mut state = state(&menu, "two");
    state.look();
    state.look();
    assert_eq!(asked.get(), 1);
    assert!(state.lines(24).last().unwrap().contains("entry 1"));
}

#[test]
fn the_cursor_stays_in_a_short_terminal() {
    let labels: Vec<String> = (0..12).map(|at| format!("entry-{at}")).collect();
    let items = items(&labels.iter().map(String::as_str).collect::<Vec<_>>());
    let preview = |_: usize| vec!["details".to_owned(); 4];
    let menu =
        Menu { prompt: "", items: &items, new: None, several: false, preview: Some(&preview) };
    for height in 2..20 {
        let mut state = state(&menu, "");
        for at in 0..12 {
            state.look();
            let lines = state.lines(height);
            let seen = &lines[..lines.len().min(height)];
            let cursor = seen.iter().find(|line| line.starts_with('>'));
            assert!(
                cursor.is_some_and(|line| line.contains(&format!("entry-{at} "))),
                "{height}: {seen:?}"
            );
            state.press(Key::ArrowDown);
        }
    }
    assert!(state(&menu, "").lines(6)[5].contains("8 more"));
}

#[test]
fn marked_entries_stay_marked_while_others_are_searched() {
    let items = items(&["one", "two", "three"]);
    let menu = Menu { prompt: "", items: &items, new: None, several: true, preview: None };
    assert_eq!(state(&menu, "one ").chosen(), Some(Choice::Items(vec![0])));
    let mut both = state(&menu, "one ");
    both.press(Key::Char('\x15'));
    "three ".chars().for_each(|key| both.press(Key::Char(key)));
    assert_eq!(both.chosen(), Some(Choice::Items(vec![0, 2])));
    assert_eq!(state(&menu, "zz").chosen(), None);
}
