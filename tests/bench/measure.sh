# What the measurements share: commands are timed in turns, into $scratch/times, and their medians are compared.
# shellcheck shell=bash

# Starts a Postgres container; what follows the name goes to `docker run`.
start_postgres() {
    local name=$1
    shift
    docker rm -f -v "$name" >/dev/null 2>&1 || true
    docker run -d --name "$name" --shm-size 256m -e POSTGRES_HOST_AUTH_METHOD=trust -p 127.0.0.1::5432 "$@" >/dev/null
    until docker exec "$name" pg_isready -q -h 127.0.0.1; do :; done
}

# The port on this machine: of a container, and there.
published() {
    docker port "$1" "$2/tcp" | head -n 1 | sed 's/.*://'
}

# A git and a git-agentenv of their own, in $scratch.
isolate() {
    if [ -z "${AGENTENV_BIN:-}" ]; then
        cargo build --release --locked --quiet
        AGENTENV_BIN=target/release/git-agentenv
    fi
    mkdir "${scratch:?}/bin" "$scratch/times"
    cp "$AGENTENV_BIN" "$scratch/bin/git-agentenv"
    export PATH="$scratch/bin:$PATH" AGENTENV_STATE_DIR="$scratch/state"
    export GIT_CONFIG_GLOBAL="$scratch/gitconfig" GIT_CONFIG_NOSYSTEM=1
    git config --global user.name bench
    git config --global user.email bench@example.org
    git config --global init.defaultBranch main
}

# Microseconds of a command, kept under a name.
timed() {
    local name=$1 begin end
    shift
    sleep 0.2 # the engine still cleans up after the command before
    begin=${EPOCHREALTIME//[!0-9]/}
    "$@" >/dev/null
    end=${EPOCHREALTIME//[!0-9]/}
    printf '%s\n' $((end - begin)) >>"$scratch/times/$name"
}

median() {
    sort -n "$scratch/times/$1" | sed -n "$(((REPETITIONS + 1) / 2))p"
}

row() {
    printf '  %-34s %8.1f ms\n' "$1" "$(awk "BEGIN { print $2 / 1000 }")"
}

ratio() {
    awk "BEGIN { printf \"%.2f\", $1 / $2 }"
}
