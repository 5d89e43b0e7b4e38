#!/usr/bin/env bash
# Acceptance of milestone 1, steps 2 to 6: one node over real orders, with kills, against figures computed elsewhere.
#
#   tests/acceptance/01.sh                  the full file where it is present, a release build
#   ACCEPTANCE=quick tests/acceptance/01.sh the December 2010 slice, the program in TRADEPOST_BIN
#
# TRADEPOST_BIN                the program to test (default: built here, release)
# TRADEPOST_FULL_FILE          the full file (default: ../shared/data/online_retail/online_retail_2010_2011.csv.gz)
# TRADEPOST_OPENAPI_VALIDATOR  openapi-spec-validator (default: installed in target/test-tools)
#
# Every check prints `ok NAME` or `FAILED NAME: expected ... got ...`; the last line counts them; exit 1 if one failed.
# The figures of both files were computed without Tradepost, by the program in docs/data.md.
set -euo pipefail

# shellcheck source=tests/acceptance/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

openapi_requirement="openapi-spec-validator==0.9.0"

# folder
init_demo() {
  data="$1"
  ask init --org Demo --site HQ --kind head-office --currency GBP --zone Europe/London
}

# folder: a served organisation with the channel
serve_demo() {
  init_demo "$1"
  start_node
  ask channel add online-retail --home HQ --zone Europe/London
}

# ---- step 2: a folder, a node, a channel --------------------------------------------------------------------------

set_up() {
  step "2. init, serve, channel add"
  init_demo "$world/HQ"
  same "init" "exit 0" "exit $code"
  same "init prints 24 root words and 12 recovery words" "24 12" "$(count_words root_words) $(count_words recovery_words)"
  expect "init of a folder that holds a node is refused" 5 init --org Demo --site HQ --kind head-office --currency GBP
  same "the refusal has its code" "already_initialised" "$(value error.code <<<"$answer")"
  start_node
  local url
  url="$(value url <"$data/node.json")"
  same "serve prints one line" "ready $url" "$(cat "$data.serve")"
  same "node.json is private" "-rw-------" "$(file_mode "$data/node.json")"
  same "node.json names its fields" "${pids[$data]} HQ 0.1.0" "$(value pid site version <"$data/node.json" | join)"
  expect "a second serve on the folder is refused" 6 serve --listen 127.0.0.1:0
  same "it names the address" "locked $url" "$(value error.code error.page <<<"$answer" | join)"
  expect "an import from an unknown channel is refused" 1 order import "$slice" --preset online-retail
  has "it names the command" "$(value error.remedy <<<"$answer")" "tradepost channel add online-retail --home"
  expect "channel add" 0 channel add online-retail --home HQ --zone Europe/London
  same "the channel is as it was given" "online-retail HQ Europe/London" "$(value name home zone <<<"$answer" | join)"
}

count_words() { value "$1" <<<"$answer" | wc -w | tr -d ' '; }
file_mode() { LC_ALL=C ls -l "$1" | cut -c1-10; }

# ---- step 3: imports ----------------------------------------------------------------------------------------------

import_whole() {
  step "3. import without interruption"
  expect "dry run" "$import_exit" order import "$file" --preset online-retail --dry-run
  same "the dry run says what the import will do" "$import_figures" "$(imported <<<"$answer")"
  ask status
  same "the dry run wrote nothing" "0 2" "$(value orders commits <<<"$answer" | join)"
  expect "import" "$import_exit" order import "$file" --preset online-retail
  same "imported figures" "$import_figures" "$(imported <<<"$answer")"
  same "a line of progress for every 10,000 rows" "$(progress_lines)" "$(grep -c '^progress ' "$world/talk")"
  rejects_are_named
  ask stock show
  same "stock is untouched" "0" "$(value items.# <<<"$answer")"
  ask status --content-digest
  digest_whole="$(value content_digest <<<"$answer")"
  same "documents of the site" "$documents_all" "$(value orders <<<"$answer")"
  reports_whole="$(all_reports)"
}

progress_lines() { printf '%s' "$((rows_all / 10000))"; }

rejects_are_named() {
  [ "$import_exit" -eq 3 ] || return 0
  local rejects
  rejects="$(value rejects_file <<<"$answer")"
  same "the rejects file has a row for each" "4" "$(grep -c '' "$rejects")"
  has "a reject names its row, field and reason" "$(cat "$rejects")" "Numbers that begin with A are entries of bookkeeping"
}

all_reports() {
  local by
  for by in month day country item customer site; do
    ask report run sales --by "$by"
    without as_of <<<"$answer"
  done
}

import_with_kills() {
  step "3. the first import, killed twice"
  serve_demo "$world/killed"
  local before after
  before="$(orders_now)"
  local at
  for at in "$kill_first" "$kill_second"; do
    import_until "$at"
    same "killed at $at rows: the CLI exits 6" "6" "$import_code"
    has "killed at $at rows: it says to repeat the command" "$(cat "$world/import")" "give the same command again"
    start_node
    after="$(orders_now)"
    between "killed at $at rows: more orders than before, fewer than all" "$after" "$before" "$documents_all"
    before="$after"
  done
  expect "the same command again" "$import_exit" order import "$file" --preset online-retail
  same "the rest is created, the first part is unchanged" "$((documents_all - before)) 0 $before" \
    "$(value created updated unchanged <<<"$answer" | join)"
  same "orders as in the uninterrupted import" "$documents_all" "$(orders_now)"
  ask status --content-digest
  same "content digest as in the uninterrupted import" "$digest_whole" "$(value content_digest <<<"$answer")"
  same "figures as in the uninterrupted import" "$reports_whole" "$(all_reports)"
  import_again
  stop_node
}

import_again() {
  local commits
  ask status
  commits="$(value commits <<<"$answer")"
  expect "one more run" "$import_exit" order import "$file" --preset online-retail
  same "one more run changes nothing" "0 0 $documents_all" "$(value created updated unchanged <<<"$answer" | join)"
  ask status
  same "one more run writes no commit" "$commits" "$(value commits <<<"$answer")"
}

# ---- step 4: reports ----------------------------------------------------------------------------------------------

reports() {
  step "4. sales reports"
  sales_agree
  report --by site
  same "by site" "HQ $sales_totals" "$(figures key)"
  report --by day --from 2010-12-01 --to 2010-12-03
  same "by day in a period" "2010-12-01 58960.79 58635.56 26919 127 3072
2010-12-02 47748.38 46207.28 31329 142 2063
2010-12-03 46943.71 45620.46 16199 68 2155" "$(figures key)"
  ties_stand_by_key
  local by
  for by in month day country item customer site; do
    report --by "$by" --top 5
    same "by $by: coverage and completeness" "HQ live true GBP" \
      "$(value coverage.0.site coverage.0.state complete currency <<<"$answer" | join)"
  done
}

# Rows of equal gross sales must stand by key.
ties_stand_by_key() {
  report --by item
  local all
  all="$(rows rows rank key gross_sales <<<"$answer" | grep -v '^	')"
  same "by item: ties by key" "$(LC_ALL=C sort -t'	' -k3,3nr -k2,2 <<<"$all" | cut -f2)" "$(cut -f2 <<<"$all")"
}

# ---- step 5: new orders, a kill between any two commands ----------------------------------------------------------

# name, expected: on_hand reserved secured available free_rights of the mug, before and after a kill
stock_is() {
  local name="$1" expected="$2"
  ask stock show MUG
  same "$name: stock" "$expected" "$(mug_figures)"
  restart_node
  ask stock show MUG
  same "$name: stock after kill -9" "$expected" "$(mug_figures)"
}

mug_figures() { value on_hand reserved secured available free_rights <<<"$answer" | join; }

# name, order, expected: status fulfilment payment secured | quantity cancelled reserved secured shipped delivered
# backordered of its line
order_is() {
  local name="$1" order="$2" expected="$3"
  ask order show "$order"
  same "$name" "$expected" "$(order_figures)"
}

cases_are() {
  ask case list
  same "$1" "$2" "$(rows items kind subject_label <<<"$answer" | tr '\t' ' ')"
}

new_orders() {
  step "5. new orders, killed after every command"
  serve_demo "$world/shop"
  printf 'sku,name,unit\nMUG,蓝色杯子,个\n' >"$world/products.csv"
  expect "product import" 0 product import "$world/products.csv"
  expect "receive 10" 0 stock receive MUG 10 --reference DN-1
  stock_is "received 10" "10 0 0 10 10"
  promise
  work_the_promises
  sell_beyond_the_book
  repeat_a_request
  stop_node
}

promise() {
  expect "promise 7" 0 order new --line MUG:7:2.50 --name 张三 --phone 13800138000 --address 北京
  order_is "all 7 are secured" HQ-A-000001 "submitted unfulfilled unpaid all | 7 0 7 7 0 0 0"
  stock_is "promised 7" "10 7 7 3 3"
  expect "promise 5 more" 0 order new --line MUG:5:2.50
  order_is "3 are secured, 2 are not" HQ-A-000002 "submitted unfulfilled unpaid part | 5 0 5 3 0 0 2"
  stock_is "promised 5 more" "10 12 10 -2 0"
  cases_are "a promise beyond the book is no case" ""
}

work_the_promises() {
  expect "confirm" 0 order confirm HQ-A-000001
  restart_node
  order_is "confirmed" HQ-A-000001 "confirmed unfulfilled unpaid all | 7 0 7 7 0 0 0"
  expect "ship" 0 order ship HQ-A-000001
  stock_is "shipped 7" "3 5 3 -2 0"
  order_is "shipped" HQ-A-000001 "confirmed shipped unpaid not_needed | 7 0 0 0 7 0 0"
  expect "what is shipped cannot be cancelled" 5 order cancel HQ-A-000001
  expect "cancel" 0 order cancel HQ-A-000002 --reason 'changed mind'
  stock_is "cancelled 5" "3 0 0 3 3"
  ask order show HQ-A-000002
  same "cancelled" "cancelled unfulfilled not_needed" "$(value status fulfilment secured <<<"$answer" | join)"
  same "nothing of it is reserved" "5 5 0 0 0" "$(rows lines quantity cancelled reserved secured shipped <<<"$answer" | tr '\t' ' ')"
  expect "what is cancelled cannot be shipped" 5 order ship HQ-A-000002
}

sell_beyond_the_book() {
  expect "walk-in sale of 5 with 3 on the book" 0 order new --walk-in --line MUG:5:2.50 --pay cash:12.50
  order_is "it is never refused" HQ-A-000003 "completed delivered paid not_needed | 5 0 0 0 5 5 0"
  stock_is "sold 5 of 3" "-2 0 0 -2 -2"
  cases_are "negative stock is a case" "negative_stock MUG"
  expect "receive 4" 0 stock receive MUG 4
  stock_is "received 4" "2 0 0 2 2"
  cases_are "the case is over" ""
}

repeat_a_request() {
  expect "an order with a key" 0 order new --line MUG:1:2.50 --idempotency-key till-7-000001
  restart_node
  expect "the same with the same key after kill -9" 0 order new --line MUG:1:2.50 --idempotency-key till-7-000001
  same "it is the same order" "HQ-A-000004" "$(value number <<<"$answer")"
  expect "another order with the same key" 5 order new --line MUG:2:2.50 --idempotency-key till-7-000001
  same "it is refused" "idempotency_key_reused" "$(value error.code <<<"$answer")"
  stock_is "one order was taken" "2 1 1 1 1"
  ask order list
  same "every acknowledged order is there" "HQ-A-000004 HQ-A-000003 HQ-A-000002 HQ-A-000001" \
    "$(rows items number <<<"$answer" | join)"
  local before
  ask status --content-digest
  before="$(value content_digest scopes.0.digest scopes.1.digest scopes.2.digest <<<"$answer")"
  expect "rebuild" 0 rebuild
  ask status --content-digest
  same "views rebuilt from commits are the same" "$before" \
    "$(value content_digest scopes.0.digest scopes.1.digest scopes.2.digest <<<"$answer")"
}

# ---- step 6: the API's description --------------------------------------------------------------------------------

routes="GET /api/v1/cases
GET /api/v1/channels
GET /api/v1/customers
GET /api/v1/customers/{id}
GET /api/v1/health
GET /api/v1/imports/{id}
GET /api/v1/imports/{id}/rejects
GET /api/v1/orders
GET /api/v1/orders/{id}
GET /api/v1/products
GET /api/v1/products/{sku}
GET /api/v1/reports/sales
GET /api/v1/status
GET /api/v1/stock
GET /api/v1/stock/{sku}
GET /openapi.json
POST /api/v1/channels
POST /api/v1/customers
POST /api/v1/imports
POST /api/v1/orders
POST /api/v1/orders/{id}/cancel
POST /api/v1/orders/{id}/confirm
POST /api/v1/orders/{id}/ship
POST /api/v1/products
POST /api/v1/rebuild
POST /api/v1/stock/adjustments
POST /api/v1/stock/receipts"

openapi() {
  step "6. GET /openapi.json"
  data="$world/HQ"
  start_node
  python3 "$here/openapi.py" fetch "$data" "$world/openapi.json"
  same "it is OpenAPI 3.1" "3.1" "$(value openapi <"$world/openapi.json" | cut -c1-3)"
  # Later issues add routes of their own; none of these may go.
  same "no route of this issue is missing" "" \
    "$(comm -23 <(sort <<<"$routes") <(python3 "$here/openapi.py" routes "$world/openapi.json" | sort))"
  local validator said
  if validator="$(openapi_validator)"; then
    said="$("$validator" "$world/openapi.json" 2>&1)" || said="${said:-it failed}"
    has "it validates" "$said" ": OK"
  else
    printf 'skipped: openapi validator (%s could not be installed)\n' "$openapi_requirement"
  fi
  stop_node
}

# Prints the validator's path; installs it where nobody did.
openapi_validator() {
  local venv="${TRADEPOST_TEST_TOOLS:-$target/test-tools}/openapi"
  local installed="$venv/bin/openapi-spec-validator"
  if [ -n "${TRADEPOST_OPENAPI_VALIDATOR:-}" ]; then
    installed="$TRADEPOST_OPENAPI_VALIDATOR"
  elif [ ! -x "$installed" ]; then
    mkdir -p "$(dirname "$venv")"
    python3 -m venv "$venv" >/dev/null 2>&1 || return 1
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$openapi_requirement" >/dev/null 2>&1 || return 1
  fi
  printf '%s\n' "$installed"
}

# -------------------------------------------------------------------------------------------------------------------

command -v python3 >/dev/null || { printf 'error: python3 is missing (Debian: apt-get install python3)\n' >&2; exit 1; }
program
choose_file
set_up
import_whole
reports
stop_node
import_with_kills
new_orders
openapi
summary
[ "$failed" -eq 0 ]
