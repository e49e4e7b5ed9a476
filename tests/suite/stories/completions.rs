//! Completion in the three real shells, and what the program offers them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{Repo, Sandbox};

const SHELLS: [(&str, &str); 3] =
    [("bash", "git-agentenv.bash"), ("zsh", "_git-agentenv"), ("fish", "git-agentenv.fish")];

#[test]
fn the_command_prints_the_committed_files_anywhere() {
    let sandbox = Sandbox::new();
    for (shell, file) in SHELLS {
        let printed = sandbox.agentenv_in(&sandbox.root, &["completions", shell]).ok();
        assert_eq!(printed.stdout, fs::read_to_string(directory().join(file)).unwrap());
        let json =
            sandbox.agentenv_in(&sandbox.root, &["completions", shell, "--json"]).ok().json();
        assert_eq!((&json["version"], &json["shell"]), (&1.into(), &shell.into()));
    }
    sandbox.agentenv_in(&sandbox.root, &["completions", "tcsh"]).fails(2);
}

#[test]
fn every_shell_completes_subcommands_flags_branches_environments_and_formats() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    let wanted: [(&str, &[&str]); 9] = [
        ("ad", &["add", "adopt"]),
        ("add --fr", &["--from"]),
        ("add fea", &["feature-x", "feature-y"]),
        ("add only-r", &["only-remote"]),
        ("add theirs", &["theirs/work"]),
        ("add new --from v", &["v1.2"]),
        ("add tak", &[]),
        ("path ", &["taken"]),
        ("env taken --format f", &["fish"]),
    ];
    // The last one is the function of `shell-init`.
    let programs = ["git agentenv", "git-agentenv", "agentenv"];
    let cases: Vec<_> = programs
        .iter()
        .flat_map(|program| {
            wanted.iter().map(move |(rest, wanted)| (format!("{program} {rest}"), *wanted))
        })
        .collect();
    let lines: Vec<String> = cases.iter().map(|(line, _)| line.clone()).collect();
    for (shell, _) in SHELLS {
        let offered = offered(&sandbox, shell, &repo.path, &lines);
        assert_eq!(offered.len(), cases.len());
        for ((line, wanted), offered) in cases.iter().zip(&offered) {
            assert_eq!(offered, wanted, "{shell}: {line}");
        }
    }
}

#[test]
fn another_directory_and_an_alias_are_understood() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    repo.git(&["config", "--global", "alias.ae", "agentenv"]);
    let elsewhere = sandbox.root.join("else where");
    fs::create_dir(&elsewhere).unwrap();
    let through_git = ["git -C ../app agentenv add fea".to_owned()];
    let alias = ["git ae remove t".to_owned()]; // zsh knows no alias behind an option
    for (shell, _) in SHELLS {
        let found = offered(&sandbox, shell, &elsewhere, &through_git);
        assert_eq!(found, [["feature-x", "feature-y"]], "{shell}");
        assert_eq!(offered(&sandbox, shell, &repo.path, &alias), [["taken"]], "{shell}");
    }
}

#[test]
fn the_part_before_an_equals_sign_stays() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    let lines = ["git agentenv", "git-agentenv"].map(|program| format!("{program} env --format=f"));
    assert_eq!(offered(&sandbox, "bash", &repo.path, &lines), [["fish"], ["fish"]]);
    let whole = ["--format=fish"];
    assert_eq!(offered(&sandbox, "fish", &repo.path, &lines), [whole, whole]);
}

#[test]
fn outside_a_repository_nothing_is_offered_and_nothing_said() {
    let sandbox = Sandbox::new();
    let outside = sandbox.root.join("outside");
    fs::create_dir(&outside).unwrap();
    let mut ask = sandbox.command("git-agentenv");
    ask.args(["--", "git-agentenv", "add", ""]).current_dir(&outside);
    ask.env("GIT_AGENTENV_COMPLETE", "fish");
    let said = sandbox.outcome(&mut ask).ok();
    assert!(!said.stdout.contains("feature"), "{}", said.show());
    assert_eq!(said.stderr, "");
    let mut ask = sandbox.command("git-agentenv");
    ask.env("GIT_AGENTENV_COMPLETE", "bash");
    assert_eq!(sandbox.outcome(&mut ask).ok().show(), "exit 0\n--- stdout\n--- stderr\n");
}

#[test]
fn gits_own_completion_still_works() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    for (shell, _) in SHELLS {
        let lines = ["git switch feat".to_owned(), "git agente".to_owned()];
        let offered = offered(&sandbox, shell, &repo.path, &lines);
        assert!(offered[0].contains(&"feature-x".to_owned()), "{shell}: {offered:?}");
        assert!(offered[1].contains(&"agentenv".to_owned()), "{shell}: {offered:?}");
    }
}

/// Branches here and on two remotes, one of which has a slash in its name; a tag, and an environment on the branch `taken`.
fn project(sandbox: &Sandbox) -> Repo<'_> {
    let upstream = sandbox.repo("upstream");
    upstream.git(&["branch", "only-remote"]);
    let repo = sandbox.repo("app");
    repo.git(&["remote", "add", "origin", "../upstream"]);
    repo.git(&["fetch", "--quiet", "origin"]);
    upstream.git(&["branch", "theirs/work"]);
    repo.git(&["remote", "add", "team/fork", "../upstream"]);
    repo.git(&["fetch", "--quiet", "team/fork"]);
    for branch in ["feature-x", "feature-y", "taken"] {
        repo.git(&["branch", branch]);
    }
    repo.git(&["tag", "v1.2"]);
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["add", "taken"]).ok();
    repo
}

/// What a shell offers at the end of each line, sorted, without descriptions.
fn offered(sandbox: &Sandbox, shell: &str, dir: &Path, lines: &[String]) -> Vec<Vec<String>> {
    let mut command = match shell {
        "bash" => bash(sandbox),
        "zsh" => zsh(sandbox),
        _ => fish(sandbox),
    };
    let said = sandbox.outcome(command.args(lines).current_dir(dir)).ok().stdout;
    let (all, rest) = said.rsplit_once(END).expect("each line ends with a mark");
    assert_eq!(rest, "", "{said}");
    all.split(END).map(words).collect()
}

/// What the scripts print after each line's candidates.
const END: &str = "====\n";

fn words(offered: &str) -> Vec<String> {
    let word = |line: &str| line.split('\t').next().unwrap_or_default().trim_end().to_owned();
    let mut words: Vec<String> = offered.lines().map(word).collect();
    words.retain(|word| !word.is_empty());
    words.sort();
    words.dedup();
    words
}

/// Readline's part is played by the script: it splits the line as readline does, loads what was not loaded yet,
/// and calls the function.
fn bash(sandbox: &Sandbox) -> Command {
    install(sandbox, "git-agentenv.bash", "bash-completion/completions/git-agentenv");
    let mut bash = sandbox.command("bash");
    bash.args(["--norc", "-c", BASH, "bash"]);
    bash
}

const BASH: &str = r#"
. /usr/share/bash-completion/bash_completion
eval "$(git agentenv shell-init bash)"
compopt() { :; }
for COMP_LINE; do
    COMP_POINT=${#COMP_LINE} COMP_TYPE=9 COMP_KEY=9
    read -r -a COMP_WORDS <<<"${COMP_LINE//=/ = }"
    [[ $COMP_LINE == *' ' ]] && COMP_WORDS+=('')
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    complete -p "${COMP_WORDS[0]}" &>/dev/null || _completion_loader "${COMP_WORDS[0]}"
    COMPREPLY=() status=124
    while [[ $status == 124 ]]; do
        spec=$(complete -p "${COMP_WORDS[0]}")
        function=${spec#* -F } function=${function%% *}
        "$function" "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
        status=$?
    done
    printf '%s\n' "${COMPREPLY[@]}" ====
done
"#;

/// A zsh on a pseudo-terminal of zsh's own making: it types each line and a TAB, and a function in front of
/// the completion system's `compadd` writes down every match.
fn zsh(sandbox: &Sandbox) -> Command {
    let mut zsh = sandbox.command("zsh");
    zsh.args(["-f", "-c", ZSH, "zsh"]).env("SHIMS", directory());
    zsh.env("MATCHES", sandbox.root.join("matches")).env("TERM", "xterm");
    zsh
}

const ZSH: &str = r#"
zmodload zsh/zpty zsh/zselect
zpty shell zsh -f -i
zpty -w shell 'PS1=; fpath=($SHIMS $fpath); autoload -Uz compinit; compinit -u -d $MATCHES.dump; eval "$(git agentenv shell-init zsh)"; zle_highlight=(none)
compadd() {
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
    local -a found; builtin compadd -A found "$@"
    print -rl -- $found >>$MATCHES
    builtin compadd "$@"
}
bindkey "^I" complete-word
finish() { BUFFER=; : >$MATCHES.done }; zle -N finish; bindkey "^X" finish
print -r -- re""ady'
zpty -r shell said '*ready*'
for line; do
    rm -f $MATCHES $MATCHES.done
    zpty -w -n shell "$line"$'\t\x18'
    repeat 3000; do
        [[ -e $MATCHES.done ]] && break
        zselect -t 1
    done
    [[ -e $MATCHES.done ]] || exit 1
    [[ -e $MATCHES ]] && cat $MATCHES
    print -- '===='
done
zpty -d shell
exit 0
"#;

fn fish(sandbox: &Sandbox) -> Command {
    install(sandbox, "git-agentenv.fish", "fish/vendor_conf.d/git-agentenv.fish");
    let mut fish = sandbox.command("fish");
    fish.args(["-c", "git agentenv shell-init fish | source; for line in $argv; complete -C $line; echo ====; end", "--"]);
    fish
}

/// Puts a file where `install.sh` does.
fn install(sandbox: &Sandbox, file: &str, place: &str) {
    let script = fs::read_to_string(directory().join("../install.sh")).unwrap();
    assert!(script.contains(&format!("=$prefix/share/{place}\n")), "install.sh: {place}");
    let place = sandbox.root.join("home/.local/share").join(place);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::copy(directory().join(file), place).unwrap();
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("completions")
}
