# Developer commands; `just` lists them.

default:
    @just --list

# All that CI runs
ready:
    bash .ci/run

# Tests, offline
test *args:
    cargo test {{args}}

# Format and lint
lint:
    cargo fmt
    cargo clippy --all-targets -- -D warnings

# The acceptance suites against a quick build
suites *args:
    cargo build --profile fast
    ../shared/check --bin target/fast/rutter --known tests/known-gaps.txt {{args}}

# Rewrite the expected output that is ours to bless
bless:
    BLESS=1 cargo test

# Compare speed with a Helm binary: just race /path/to/helm
race helm *args:
    cargo build --release
    benches/race --bin target/release/rutter --helm {{helm}} {{args}}
