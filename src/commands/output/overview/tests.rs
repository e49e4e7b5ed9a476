use super::*;
use crate::environment::facts::Facts;
use crate::sys::git::status::Status;
use console::measure_text_width;

const NOW: u64 = 1_000_000;

fn plain(branch: &str, changed: usize) -> Plain {
    let status = Status {
        changed,
        ahead: 2,
        behind: 11,
        beside: Some("origin/main".to_owned()),
        files: Vec::new(),
    };
    Plain {
        main: PathBuf::from("/home/somebody/code/app"),
        path: PathBuf::from(format!("/home/somebody/code/app-{branch}")),
        branch: Some(branch.to_owned()),
        is_main: branch == "main",
        facts: Facts {
            status: Some(status),
            last_activity: Some(NOW - 7_300),
            containers: None,
            worktree_bytes: Some(1_250_000),
            database_bytes: None,
        },
    }
}

fn fleet() -> Vec<Plain> {
    let others = (0..30).map(|at| plain(&format!("feature/a-name-longer-than-most-{at}"), at));
    others.chain([plain("main", 0)]).collect()
}

fn view(width: usize) -> View {
    View { here: Some("/somewhere".into()), width: Some(width), all: false, now: NOW }
}

fn heading(width: usize) -> String {
    let text = table::render(columns(&lines(&[], &fleet()), &view(width)), Some(width));
    text.lines().next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_least_important_columns_go_first() {
    assert_eq!(heading(200), "BRANCH STATE CHANGES COMMITS ACTIVE PATH SIZE");
    assert_eq!(heading(80), "BRANCH STATE CHANGES COMMITS ACTIVE PATH SIZE");
    assert_eq!(heading(60), "BRANCH STATE CHANGES COMMITS ACTIVE");
    assert_eq!(heading(40), "BRANCH STATE CHANGES COMMITS");
    assert_eq!(heading(24), "BRANCH STATE");
}

#[test]
fn a_frame_fits_every_terminal_and_counts_what_has_no_room() {
    for (width, height) in [(200, 50), (80, 24), (40, 15), (24, 5)] {
        let lines = frame(&[], &fleet(), &view(width), height);
        assert!(lines.len() <= height, "{lines:#?}");
        assert!(lines[..lines.len() - 1].iter().all(|line| measure_text_width(line) <= width));
        assert!(lines[1].starts_with("main"), "the main checkout comes first: {lines:#?}");
    }
    let lines = frame(&[], &fleet(), &view(80), 24);
    assert_eq!(lines[22], "… 10 more", "{lines:#?}");
    assert_eq!(lines[23], "q quit  +ahead -behind");
    assert!(lines[1].contains("clean    +2 -11"), "{lines:#?}");
    assert!(lines[1].contains("2h") && lines[1].contains("1.2 MB"), "{lines:#?}");
}

#[test]
fn the_legend_fits_every_terminal() {
    for width in [30, 40, 80] {
        let lines = legend(&[], &fleet(), &view(width));
        assert!(lines.iter().all(|line| measure_text_width(line) <= width), "{lines:#?}");
        assert!(lines.join(" ").contains("plain: no environment; run `git agentenv adopt <path>`"));
    }
    assert!(legend(&[], &fleet(), &View { width: None, ..view(1) })[1].contains("to make it one"));
}
