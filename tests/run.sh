#!/usr/bin/env bash
# Runs every check that a change must pass: format, lints, tests, quick acceptance.
#
# Needs Rust (rustup or packages, with rustfmt and clippy) and a C compiler; everything else is installed below, or its
# absence is said at the end. The first failing step ends the run with that step's exit code.
#
# CARGO_TARGET_DIR  where cargo builds (default: target)
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root"

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/target}"
case "$CARGO_TARGET_DIR" in
  /*) ;;
  *) CARGO_TARGET_DIR="$root/$CARGO_TARGET_DIR" ;;
esac
export TRADEPOST_BIN="$CARGO_TARGET_DIR/debug/tradepost"
export TRADEPOST_TEST_TOOLS="$CARGO_TARGET_DIR/test-tools"

openapi_requirement="openapi-spec-validator==0.9.0"
missing_tools=()

step() { printf '\n== %s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# name, then the remedy.
need() {
  command -v "$1" >/dev/null || fail "$1 is missing; $2"
}

need_rust() {
  need cargo "install Rust 1.95 or newer from https://rustup.rs"
  need cc "install a C compiler, on Debian: apt-get install gcc libc6-dev"
  cargo fmt --version >/dev/null 2>&1 || fail "rustfmt is missing; rustup component add rustfmt"
  cargo clippy --version >/dev/null 2>&1 || fail "clippy is missing; rustup component add clippy"
}

# What a step can do without is named here and repeated at the end.
do_without() {
  missing_tools+=("$1")
  printf 'skipped: %s\n' "$1"
}

# Checks openapi.json against OpenAPI 3.1; the acceptance finds it at $TRADEPOST_OPENAPI_VALIDATOR.
openapi_validator() {
  local venv="$TRADEPOST_TEST_TOOLS/openapi"
  unset TRADEPOST_OPENAPI_VALIDATOR
  if ! command -v python3 >/dev/null; then
    do_without "openapi validator: no python3 (Debian: apt-get install python3-venv)"
    return
  fi
  if [ "$(cat "$venv/requirement" 2>/dev/null)" != "$openapi_requirement" ]; then
    rm -rf "$venv"
    if ! install_in_venv "$venv" "$openapi_requirement"; then
      do_without "openapi validator: $openapi_requirement could not be installed, see $venv.log"
      return
    fi
    printf '%s\n' "$openapi_requirement" >"$venv/requirement"
  fi
  export TRADEPOST_OPENAPI_VALIDATOR="$venv/bin/openapi-spec-validator"
}

install_in_venv() {
  local venv="$1" requirement="$2"
  mkdir -p "$(dirname "$venv")"
  python3 -m venv "$venv" >"$venv.log" 2>&1 &&
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$requirement" >>"$venv.log" 2>&1
}

# A browser with its driver and a Chinese font: the tests of the pages are left out where they cannot be had.
browser() {
  unset TRADEPOST_WITHOUT_BROWSER
  local packages="chromium chromium-driver fonts-noto-cjk" log="$TRADEPOST_TEST_TOOLS/browser.log"
  if has_browser; then
    return
  fi
  mkdir -p "$TRADEPOST_TEST_TOOLS"
  # shellcheck disable=SC2086  # three names
  if as_root apt-get update >"$log" 2>&1 && as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends $packages >>"$log" 2>&1 && has_browser; then
    return
  fi
  export TRADEPOST_WITHOUT_BROWSER=1
  do_without "browser tests: no chromium, chromedriver and Chinese font (Debian: apt-get install $packages)"
}

has_browser() {
  command -v chromium >/dev/null && command -v chromedriver >/dev/null && fc-list :lang=zh 2>/dev/null | grep -q .
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

test_tools() {
  openapi_validator
  browser
}

acceptance() {
  local script
  for script in "$root"/tests/acceptance/[0-9][0-9].sh; do
    [ -x "$script" ] || fail "$script is not executable"
    ACCEPTANCE=quick "$script"
  done
}

summary() {
  printf '\nall checks passed\n'
  local tool
  for tool in ${missing_tools[@]+"${missing_tools[@]}"}; do
    printf 'skipped: %s\n' "$tool"
  done
}

step "tools"
need_rust
test_tools

step "format"
cargo fmt --all -- --check

step "lints"
cargo clippy --workspace --all-targets --locked -- -D warnings

step "build"
cargo build --workspace --bins --locked

step "tests"
cargo test --workspace --locked

step "simulator"
cargo run --release --locked -p tradepost-sim -- --gate

step "acceptance, quick"
acceptance

summary
