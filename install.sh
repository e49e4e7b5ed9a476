#!/bin/sh
# Builds git-agentenv from this checkout and installs it for the current user.
# Everything is a function that the last line calls: half a download does nothing.

set -eu

usage() {
    cat <<'END'
Usage: install.sh [--prefix DIR] [--uninstall]

Builds git-agentenv and installs it, its man pages and its shell completions.

  --prefix DIR   install below DIR (default: ~/.local)
  --uninstall    remove what was installed there
  --help         print this

AGENTENV_BIN=FILE installs that binary instead of building one.
END
}

main() {
    prefix=${HOME-}/.local
    action=install
    while [ $# -gt 0 ]; do
        case $1 in
            --prefix)
                [ $# -ge 2 ] || fail "--prefix needs a directory"
                prefix=$2
                shift
                ;;
            --prefix=*) prefix=${1#--prefix=} ;;
            --uninstall) action=uninstall ;;
            -h | --help)
                usage
                return
                ;;
            *) fail "unknown argument: $1 (see --help)" ;;
        esac
        shift
    done
    case $prefix in
        '') fail "--prefix needs a directory" ;;
        /*) ;;
        *) prefix=$PWD/$prefix ;;
    esac
    bin=$prefix/bin
    man=$prefix/share/man/man1
    bash_file=$prefix/share/bash-completion/completions/git-agentenv
    zsh_file=$prefix/share/zsh/site-functions/_git-agentenv
    fish_file=$prefix/share/fish/vendor_conf.d/git-agentenv.fish
    "$action"
}

install() {
    source_dir=$(cd "$(dirname "$0")" && pwd)
    grep -qs '^name = "git-agentenv"$' "$source_dir/Cargo.toml" ||
        fail "this script builds the checkout that it lies in, and $source_dir is none of git-agentenv"
    binary=${AGENTENV_BIN-}
    if [ -z "$binary" ]; then
        build
        binary=$built
    fi
    [ -f "$binary" ] || fail "no such binary: $binary"

    put 755 "$binary" "$bin/git-agentenv"
    # Pages of an older version, for commands that are no more.
    rm -f "$man/git-agentenv.1" "$man"/git-agentenv-*.1
    for page in "$source_dir"/man/*.1; do
        [ ! -f "$page" ] || put 644 "$page" "$man/${page##*/}"
    done
    put_if_there "$source_dir/completions/git-agentenv.bash" "$bash_file"
    put_if_there "$source_dir/completions/_git-agentenv" "$zsh_file"
    put_if_there "$source_dir/completions/git-agentenv.fish" "$fish_file"

    say "installed $("$bin/git-agentenv" --version) in $bin"
    case ${SHELL-} in
        */zsh)
            say "zsh finds the completion once this is in ~/.zshrc, before compinit:"
            # shellcheck disable=SC2016
            printf '  fpath=("%s" $fpath)\n' "${zsh_file%/*}"
            ;;
    esac
    case :${PATH-}: in
        *:"$bin":*) ;;
        *)
            say "$bin is not in PATH, so git does not find the command yet. Add this to your shell's profile:"
            # shellcheck disable=SC2016 # the user's shell expands it
            printf '  export PATH="%s:$PATH"\n' "$bin"
            ;;
    esac
}

build() {
    cargo=$(command -v cargo) || cargo=${CARGO_HOME:-${HOME-}/.cargo}/bin/cargo
    [ -x "$cargo" ] || fail "cargo is not installed; get Rust from https://rustup.rs, or set AGENTENV_BIN to a built binary"
    target=${CARGO_TARGET_DIR:-$source_dir/target}
    case $target in
        /*) ;;
        *) target=$PWD/$target ;;
    esac
    "$cargo" build --release --locked --manifest-path "$source_dir/Cargo.toml" --target-dir "$target" ||
        fail "the build failed; nothing was installed"
    built=$target/release/git-agentenv
}

uninstall() {
    rm -f "$bin/git-agentenv" "$man/git-agentenv.1" "$man"/git-agentenv-*.1 \
        "$bash_file" "$zsh_file" "$fish_file"
    say "removed git-agentenv from $prefix; environments and their leases stay as they are"
}

put_if_there() {
    [ ! -f "$1" ] || put 644 "$1" "$2"
}

# Renamed into place, so that a program that is running is not written into.
put() {
    mkdir -p "${3%/*}"
    cp "$2" "$3.new"
    chmod "$1" "$3.new"
    mv -f "$3.new" "$3"
}

say() { printf '%s\n' "$*"; }

fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

main "$@"
