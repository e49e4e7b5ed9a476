#!/bin/sh
# Installs git-agentenv for the current user: a released binary if there is one for this machine and version, else built
# from source.
#
#   ./install.sh                  from a checkout
#   curl -fsSL https://raw.githubusercontent.com/git-agentenv/git-agentenv/main/install.sh | sh
#                                 the latest release
#
# Everything is a function that the last line calls: half a download does nothing.

set -eu

REPOSITORY=https://github.com/git-agentenv/git-agentenv

usage() {
    cat <<'END'
Usage: install.sh [--prefix DIR] [--build] [--uninstall]

Installs git-agentenv, its man pages and its shell completions. Takes a released binary if there is one for this machine;
in a checkout, only if the release was made of the same commit. Builds from source otherwise.

  --prefix DIR   install below DIR (default: ~/.local)
  --build        build from source even if there is a released binary
  --uninstall    remove what was installed below the prefix
  --help         print this

AGENTENV_BIN=FILE       install that binary, with the man pages and completions of this checkout
AGENTENV_DOWNLOAD=URL   take the archive and SHA256SUMS from there instead of GitHub
END
}

main() {
    prefix=${HOME-}/.local
    action=install
    from=release
    while [ $# -gt 0 ]; do
        case $1 in
            --prefix)
                [ $# -ge 2 ] || fail "--prefix needs a directory"
                prefix=$2
                shift
                ;;
            --prefix=*) prefix=${1#--prefix=} ;;
            --build) from=source ;;
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
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    trap 'exit 1' HUP INT TERM
    source_dir=$(checkout)
    if [ -n "${AGENTENV_BIN-}" ]; then
        [ -n "$source_dir" ] || fail "AGENTENV_BIN needs a checkout, for the man pages and completions"
        binary=$AGENTENV_BIN
    elif [ "$from" = source ] || ! take_release; then
        build
    fi
    [ -f "$binary" ] || fail "no such binary: $binary"

    put 755 "$binary" "$bin/git-agentenv"
    # Remove the pages of an older version: its commands may be gone.
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

# The directory of the checkout that this script lies in; nothing if it runs from a pipe.
checkout() {
    case $0 in
        install.sh | */install.sh) ;;
        *) return ;;
    esac
    dir=$(cd "$(dirname "$0")" && pwd)
    grep -qs '^name = "git-agentenv"$' "$dir/Cargo.toml" || fail "$dir is not a checkout of git-agentenv"
    printf '%s\n' "$dir"
}

# Downloads the release for this machine and sets source_dir and binary. Fails if there is none; ends the script if what
# comes is not what the checksums promise.
take_release() {
    release_url || return 1
    target=$(target) || return 1
    archive=git-agentenv-$target.tar.gz
    if ! download "$url/SHA256SUMS" "$scratch/SHA256SUMS" || ! download "$url/$archive" "$scratch/$archive"; then
        say "no release for $target at $url; building from source"
        return 1
    fi
    expected=$(sed -n "s/^\([0-9a-f]\{64\}\) [ *]$archive\$/\1/p" "$scratch/SHA256SUMS")
    [ -n "$expected" ] || fail "SHA256SUMS at $url does not name $archive; nothing was installed"
    actual=$(sha256 "$scratch/$archive")
    [ "$actual" = "$expected" ] ||
        fail "the checksum of $url/$archive is ${actual:-unknown}, not $expected; nothing was installed"
    tar -xzf "$scratch/$archive" -C "$scratch" || fail "cannot unpack $url/$archive; nothing was installed"
    source_dir=$scratch/git-agentenv-$target
    binary=$source_dir/git-agentenv
}

# Sets url: the latest release, or that of the checkout's commit.
release_url() {
    url=${AGENTENV_DOWNLOAD-}
    [ -z "$url" ] || return 0
    url=$REPOSITORY/releases/latest/download
    [ -n "$source_dir" ] || return 0
    version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$source_dir/Cargo.toml" | head -n 1)
    tag=$(git -C "$source_dir" describe --tags --exact-match --match "v$version" 2>/dev/null) || return 1
    [ -z "$(git -C "$source_dir" status --porcelain --untracked-files=no)" ] || return 1
    url=$REPOSITORY/releases/download/$tag
}

target() {
    case $(uname -sm) in
        'Linux x86_64') printf 'x86_64-unknown-linux-musl\n' ;;
        'Linux aarch64' | 'Linux arm64') printf 'aarch64-unknown-linux-musl\n' ;;
        'Darwin x86_64') printf 'x86_64-apple-darwin\n' ;;
        'Darwin arm64') printf 'aarch64-apple-darwin\n' ;;
        *) return 1 ;;
    esac
}

download() {
    if command -v curl >/dev/null; then
        curl --fail --silent --location --connect-timeout 10 --max-time 300 --output "$2" "$1"
    elif command -v wget >/dev/null; then
        wget --quiet --timeout=30 --output-document="$2" "$1"
    else
        say "neither curl nor wget is installed"
        return 1
    fi
}

sha256() {
    if command -v sha256sum >/dev/null; then
        sha256sum <"$1" | cut -d ' ' -f 1
    else
        shasum -a 256 <"$1" | cut -d ' ' -f 1
    fi
}

# Sets binary, and source_dir if there was no checkout.
build() {
    cargo=$(command -v cargo) || cargo=${CARGO_HOME:-${HOME-}/.cargo}/bin/cargo
    [ -x "$cargo" ] || fail "cargo is not installed; get Rust from https://rustup.rs, or set AGENTENV_BIN to a built binary"
    if [ -z "$source_dir" ]; then
        source_dir=$scratch/source
        GIT_TERMINAL_PROMPT=0 git clone --quiet --depth 1 "$REPOSITORY" "$source_dir" || fail "cannot clone $REPOSITORY"
    fi
    build_dir=${CARGO_TARGET_DIR:-$source_dir/target}
    case $build_dir in
        /*) ;;
        *) build_dir=$PWD/$build_dir ;;
    esac
    "$cargo" build --release --locked --manifest-path "$source_dir/Cargo.toml" --target-dir "$build_dir" </dev/null ||
        fail "the build failed; nothing was installed"
    binary=$build_dir/release/git-agentenv
}

uninstall() {
    rm -f "$bin/git-agentenv" "$man/git-agentenv.1" "$man"/git-agentenv-*.1 \
        "$bash_file" "$zsh_file" "$fish_file"
    say "removed git-agentenv from $prefix; environments and their leases stay as they are"
}

put_if_there() {
    [ ! -f "$1" ] || put 644 "$1" "$2"
}

# Renames into place: a running program is not written to.
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
