//! The manual pages: made from the command line's definition, committed, and opened by git.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::CommandFactory;
use clap_mangen::Man;
use git_agentenv::cli::Cli;

use super::manual;
use crate::common::Sandbox;

#[test]
fn the_committed_pages_are_those_of_this_program() {
    let pages = pages();
    if std::env::var_os("UPDATE").is_some() {
        update(&pages);
    }
    let committed: Vec<String> = fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for name in &committed {
        assert!(pages.contains_key(name), "man/{name} belongs to no command; {UPDATE}");
    }
    for (name, page) in &pages {
        let there = fs::read_to_string(directory().join(name)).unwrap_or_default();
        assert!(there == *page, "man/{name} is not what the command line says; {UPDATE}");
    }
}

#[test]
fn every_page_has_all_sections() {
    let sections = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "SEE ALSO"];
    for (name, page) in pages() {
        let has = |section: &str| {
            page.contains(&format!("\n.SH \"{section}\"\n"))
                || page.contains(&format!("\n.SH {section}\n"))
        };
        for section in sections {
            assert!(has(section), "{name} has no {section}");
        }
        for section in ["FILES", "ENVIRONMENT", "EXIT STATUS"] {
            assert_eq!(has(section), name == "git-agentenv.1", "{name}: {section}");
        }
        let (_, line) = page.split_once("\n.SH NAME\n").unwrap();
        assert!(!line.lines().next().unwrap().contains('`'), "{name}: {line}");
    }
}

/// What a user may set, and what commands of a project find.
#[test]
fn the_page_names_every_variable() {
    let listed: BTreeSet<&str> =
        manual::ENVIRONMENT.iter().flat_map(|(names, _)| names.split(", ")).collect();
    let mut grep = Command::new("grep");
    grep.args(["-rhoE", "AGENTENV_[A-Z_]+", "src"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let found = String::from_utf8(grep.output().unwrap().stdout).unwrap();
    for name in found.lines().filter(|name| !INTERNAL.contains(name)).chain(PASSWORDS) {
        assert!(listed.contains(name), "{name}");
    }
}

/// Variables of the program's own scripts, shell functions, processes and failpoints.
const INTERNAL: [&str; 20] = [
    "AGENTENV_",
    "AGENTENV_ADDS",
    "AGENTENV_BARE",
    "AGENTENV_COMPLETE",
    "AGENTENV_EDIT",
    "AGENTENV_FAULT",
    "AGENTENV_FAULT_MARK",
    "AGENTENV_FIRST",
    "AGENTENV_FUNCTION",
    "AGENTENV_HOOK_OF",
    "AGENTENV_KEY",
    "AGENTENV_LEASE",
    "AGENTENV_LIES",
    "AGENTENV_OPTIONS",
    "AGENTENV_PREVIOUS",
    "AGENTENV_PROCESS",
    "AGENTENV_SOURCE",
    "AGENTENV_TARGET",
    "AGENTENV_TRUSTED",
    "AGENTENV_X",
];

const PASSWORDS: [&str; 3] = ["PGPASSWORD", "MYSQL_PWD", "REDISCLI_AUTH"];

#[test]
fn every_visible_subcommand_shows_examples_of_itself() {
    for command in visible(&command()) {
        let name = command.get_name();
        let examples = examples(&command);
        assert!(examples.contains(&format!("git agentenv {name}")), "{name}: {examples}");
    }
}

#[test]
fn help_explains_consequences_and_shows_three_examples() {
    for command in visible(&command()).iter().chain([&command()]) {
        let name = command.get_name();
        assert!(!consequences(command).is_empty(), "{name}: the long help is the short one");
        assert!(examples(command).lines().count() >= 3, "{name}: {}", examples(command));
    }
}

#[test]
fn short_help_is_one_screen() {
    for mut command in visible(&command()) {
        let lines = command.render_help().to_string().lines().count();
        assert!(lines <= 30, "{}: {lines} lines", command.get_name());
    }
}

#[test]
fn mandoc_finds_no_fault() {
    let mut lint = Command::new("mandoc");
    lint.args(["-Tlint", "-Wwarning"]).args(pages().keys()).current_dir(directory());
    let output = lint.output().expect("mandoc is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn git_opens_the_page_for_help() {
    let sandbox = Sandbox::new();
    let tree = sandbox.root.join("share/man");
    fs::create_dir_all(&tree).unwrap();
    std::os::unix::fs::symlink(directory(), tree.join("man1")).unwrap();
    let shown = |program: &str, args: &[&str]| {
        let mut command = sandbox.command(program);
        command.args(args).env("MANPATH", &tree).env("MANPAGER", "cat").env("MANWIDTH", "80");
        plain(&sandbox.outcome(&mut command).ok().stdout)
    };
    let page = shown("git", &["agentenv", "--help"]);
    assert!(page.contains("Give each branch its own worktree"), "{page}");
    assert!(page.contains("EXIT STATUS"), "{page}");
    let page = shown("man", &["git-agentenv-add"]);
    assert!(page.contains("git agentenv add hotfix --from v1.2\n"), "{page}");
}

/// Text without what a terminal shows bold: a letter, a step back, the letter again.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '\u{8}' => drop(out.pop()),
            letter => out.push(letter),
        }
    }
    out
}

const UPDATE: &str = "UPDATE=1 cargo test --test suite project::man::";

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("man")
}

fn update(pages: &BTreeMap<String, String>) {
    fs::remove_dir_all(directory()).unwrap();
    fs::create_dir(directory()).unwrap();
    for (name, page) in pages {
        fs::write(directory().join(name), page).unwrap();
    }
}

fn command() -> clap::Command {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    command
}

fn visible(command: &clap::Command) -> Vec<clap::Command> {
    command.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect()
}

fn examples(command: &clap::Command) -> String {
    let text = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    text.strip_prefix("Examples:\n").unwrap_or_default().to_owned()
}

/// The pages by their file names: one for the program, one for each visible subcommand.
fn pages() -> BTreeMap<String, String> {
    let command = command();
    let all = visible(&command);
    let names: Vec<String> =
        all.iter().map(|one| format!("git-agentenv-{}", one.get_name())).collect();
    let mut pages = BTreeMap::new();
    pages.insert("git-agentenv.1".to_owned(), page(&command, &names));
    for (one, name) in all.iter().zip(&names) {
        pages.insert(format!("{name}.1"), page(one, &["git-agentenv".to_owned()]));
    }
    pages
}

fn page(command: &clap::Command, see_also: &[String]) -> String {
    let source = concat!("git-agentenv ", env!("CARGO_PKG_VERSION"));
    let man =
        Man::new(command.clone()).date(manual::DATE).source(source).manual("git-agentenv manual");
    let mut page = Vec::new();
    man.render_title(&mut page).unwrap();
    page.extend(name(command).into_bytes());
    page.extend(synopsis(command).into_bytes());
    page.extend(description(command).into_bytes());
    man.render_options_section(&mut page).unwrap();
    let mut page = tidy(&String::from_utf8(page).unwrap());
    page += &commands(command);
    page += &format!(".SH EXAMPLES\n.nf\n{}\n.fi\n", escaped(&all_examples(command)));
    let is_program = command.get_name() == PROGRAM;
    if is_program {
        page += &entries("FILES", manual::FILES);
        page += &entries("ENVIRONMENT", manual::ENVIRONMENT);
        let status = manual::exit_status();
        let status = status.iter().map(|(code, text)| (code.as_str(), text.as_str()));
        page += &entries("EXIT STATUS", &status.collect::<Vec<_>>());
    }
    let others: Vec<_> = see_also.iter().map(|name| format!(".BR {} (1)", escaped(name))).collect();
    let what = if is_program { "" } else { ":\nfiles, variables and exit codes" };
    page + &format!(".SH \"SEE ALSO\"\n{}{what}\n", others.join(" ,\n"))
}

const PROGRAM: &str = "git-agentenv";

/// What `whatis` reads: without marks.
fn name(command: &clap::Command) -> String {
    let dashed = command.get_bin_name().unwrap_or_default().replace(' ', "-");
    format!(".SH NAME\n{} \\- {}\n", escaped(&dashed), escaped(&about(command).replace('`', "")))
}

/// As `-h` says it: clap_mangen's own leaves out what may be repeated, and the `--` before a command.
fn synopsis(command: &clap::Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let name = command.get_bin_name().unwrap_or_default();
    let rest = usage.strip_prefix("Usage: ").and_then(|usage| usage.strip_prefix(name)).unwrap();
    format!(".SH SYNOPSIS\n\\fB{}\\fR{}\n", escaped(name), escaped(rest))
}

/// The paragraphs of the long help after the first, which is the line of NAME.
fn description(command: &clap::Command) -> String {
    let paragraphs: Vec<String> =
        consequences(command).iter().map(|text| marked_up(text)).collect();
    format!(".SH DESCRIPTION\n{}\n", paragraphs.join("\n.PP\n"))
}

fn consequences(command: &clap::Command) -> Vec<String> {
    let text = command.get_long_about().map(ToString::to_string).unwrap_or_default();
    text.split("\n\n").skip(1).map(str::to_owned).collect()
}

/// Text in which what stands between backticks is bold.
fn marked_up(text: &str) -> String {
    let parts = text.split('`').map(escaped).enumerate();
    parts.map(|(at, part)| if at % 2 == 1 { format!("\\fB{part}\\fR") } else { part }).collect()
}

/// What clap_mangen makes, without the definition that it repeats before each section, and without the blank lines
/// that mandoc warns of.
fn tidy(page: &str) -> String {
    let definition = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";
    format!("{definition}{}", page.replace(definition, "").replace(".br\n\n.br\n", ".br\n"))
}

/// What is below a command: the program's subcommands by name, those of a subcommand with all that they take.
fn commands(command: &clap::Command) -> String {
    let below = visible(command);
    if below.is_empty() {
        return String::new();
    }
    let show = match command.get_name() {
        PROGRAM => by_name,
        _ => in_full,
    };
    format!(".SH COMMANDS\n{}", below.iter().map(show).collect::<String>())
}

fn by_name(command: &clap::Command) -> String {
    format!(".TP\n\\fB{}\\fR\n{}\n", escaped(command.get_name()), marked_up(&about(command)))
}

fn in_full(command: &clap::Command) -> String {
    let own = command.clone().mut_args(|arg| {
        let known = arg.is_global_set() || ["help", "version"].contains(&arg.get_id().as_str());
        arg.hide(known)
    });
    let mut options = Vec::new();
    Man::new(own).render_options_section(&mut options).unwrap();
    let options = tidy(&String::from_utf8(options).unwrap());
    let (_, options) = options.split_once(".SH OPTIONS\n").unwrap_or_default();
    let below: String = visible(command).iter().map(in_full).collect();
    let name = escaped(command.get_bin_name().unwrap_or_default());
    format!(".SS \"{name}\"\n{}\n{options}{below}", marked_up(&about(command)))
}

fn about(command: &clap::Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

/// A command's examples and those of the commands below it, each once.
fn all_examples(command: &clap::Command) -> String {
    let mut lines: Vec<String> = examples(command).lines().map(str::to_owned).collect();
    let below = if command.get_name() == PROGRAM { Vec::new() } else { visible(command) };
    for line in below
        .iter()
        .flat_map(|one| all_examples(one).lines().map(str::to_owned).collect::<Vec<_>>())
    {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.join("\n")
}

fn entries(heading: &str, entries: &[(&str, &str)]) -> String {
    let one = |(term, text): &(&str, &str)| {
        format!(".TP\n\\fB{}\\fR\n{}\n", escaped(term), escaped(text))
    };
    format!(".SH \"{heading}\"\n{}", entries.iter().map(one).collect::<String>())
}

/// Text that roff shows as it is.
fn escaped(text: &str) -> String {
    let line = |line: &str| {
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        let guard = if line.starts_with(['.', '\'']) { "\\&" } else { "" };
        format!("{guard}{line}")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}
