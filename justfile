# The recurring commands. `just` lists them.

[private]
default:
    @just --list --unsorted

# Run the unit tests: seconds, without Docker
fast:
    cargo test --lib

# Run all tests, or those of the suite whose names contain a filter
test *filters:
    tests/run {{ filters }}

# Run what every change must pass
gate:
    .ci/run

# Format and lint
lint:
    cargo fmt
    cargo clippy --all-targets -- -D warnings

# Write the man pages again, after a change to the command line
man:
    UPDATE=1 cargo test --test suite -- project::man::

# Make the README's picture again
picture:
    tests/show/record

# Measure against git, docker and a bash script, on a quiet machine
bench *repetitions:
    tests/bench/run {{ repetitions }}

# Install for the current user
install:
    ./install.sh
