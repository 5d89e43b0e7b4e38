#!/usr/bin/env bash
# Acceptance of milestone 3: the demo prints a link for each node, each opens its pages signed in, and nobody else gets in.
#
# The walks of a day are tests of their own: cargo test -p tests --test browser.
#
#   tests/acceptance/03.sh
#
# TRADEPOST_BIN  the program to test (default: built here, release)
#
# Every check prints `ok NAME` or `FAILED NAME: expected ... got ...`; the last line counts them; exit 1 if one failed.
set -euo pipefail

# shellcheck source=tests/acceptance/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

command -v python3 >/dev/null || { printf 'error: python3 is missing (Debian: apt-get install python3)\n' >&2; exit 1; }
command -v curl >/dev/null || { printf 'error: curl is missing (Debian: apt-get install curl)\n' >&2; exit 1; }
program

# status of a request: the arguments are curl's
status() { curl -sS -o "$world/page" -w '%{http_code}' "$@"; }

demo_pid=""
stop_demo() {
  if [ -n "$demo_pid" ]; then
    kill -INT "$demo_pid" 2>/dev/null || true
    wait "$demo_pid" 2>/dev/null || true
  fi
}
trap 'stop_demo; clean_up' EXIT

step "1. the demo prints a link for each node"
TMPDIR="$world" "$TRADEPOST_BIN" demo --for 300 >"$world/demo" 2>"$world/demo_talk" &
demo_pid=$!
for _ in $(seq 600); do
  [ "$(grep -c '^sign-in ' "$world/demo" || true)" -ge 3 ] && break
  kill -0 "$demo_pid" 2>/dev/null || break
  sleep 0.2
done
same "nodes with a link" "HQ SH01 WH01" "$(awk '/^sign-in / { print $2 }' "$world/demo" | head -3 | join)"

step "2. each opens signed in, in the language of the browser"
while read -r _ site link; do
  base="${link%/sign-in/*}"
  jar="$world/$site.cookies"
  same "$site: the link opens" 200 "$(status -L -c "$jar" -b "$jar" -H 'Accept-Language: zh-CN' "$link")"
  has "$site: in Chinese" "$(cat "$world/page")" '<html lang="zh"'
  same "$site: the link opens once" 410 "$(status "$link")"
  same "$site: signed in" 200 "$(status -L -c "$jar" -b "$jar" -H 'Accept-Language: en' "$base/")"
  has "$site: in English" "$(cat "$world/page")" '<html lang="en"'
  for page in orders orders/new orders.csv orders.json stock products customers reports/sales inbox imports network; do
    same "$site: /$page" 200 "$(status -b "$jar" "$base/$page")"
  done
  same "$site: without the session" 401 "$(status "$base/orders")"
  has "$site: it says how to get in" "$(cat "$world/page")" "tradepost open"
  same "$site: the API without the session" 401 "$(status "$base/api/v1/orders")"
  same "$site: a foreign Host" 421 "$(status -b "$jar" -H 'Host: evil.example' "$base/orders")"
  same "$site: a foreign Origin" 403 "$(status -b "$jar" -X POST -H 'Origin: http://evil.example' "$base/network/pause")"
  same "$site: a page of another site" 403 "$(status -b "$jar" -H 'Sec-Fetch-Site: cross-site' -H 'Sec-Fetch-Mode: cors' "$base/orders.json")"
  same "$site: a form without the page's token" 403 \
    "$(status -b "$jar" -X POST -H 'Content-Type: application/x-www-form-urlencoded' --data 'a=b' "$base/network/pause")"
done < <(grep '^sign-in ' "$world/demo" | head -3)

step "3. head office sees the real month"
link="$(awk '/^sign-in HQ / { print $3; exit }' "$world/demo")"
base="${link%/sign-in/*}"
same "sales of December 2010" 200 "$(status -b "$world/HQ.cookies" -H 'Accept-Language: en' "$base/reports/sales?by=month&from=2010-12-01&to=2010-12-31")"
has "gross sales" "$(cat "$world/page")" "£823,746.14"
has "invoices" "$(cat "$world/page")" "1,559"
same "the sheet of it" 200 "$(status -b "$world/HQ.cookies" "$base/reports/sales.csv?by=month&from=2010-12-01&to=2010-12-31")"
has "the same figure" "$(cat "$world/page")" "823746.14"

stop_demo
demo_pid=""
same "the demo leaves nothing" "" "$(find "$world" -maxdepth 1 -name 'tradepost-demo-*')"
summary
[ "$failed" = 0 ]
