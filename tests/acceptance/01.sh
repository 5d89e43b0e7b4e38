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

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
target="${CARGO_TARGET_DIR:-$root/target}"
slice="$root/tests/data/online_retail_2010_12.csv.gz"
full="${TRADEPOST_FULL_FILE:-$root/../shared/data/online_retail/online_retail_2010_2011.csv.gz}"
openapi_requirement="openapi-spec-validator==0.9.0"

passed=0
failed=0
world="$(mktemp -d)"
node_pid=""

step() { printf '\n== %s\n' "$*"; }
ok() { passed=$((passed + 1)); printf 'ok %s\n' "$1"; }
not_ok() { failed=$((failed + 1)); printf 'FAILED %s: expected %s got %s\n' "$1" "$2" "$3"; }

# name, expected, got
same() {
  if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "${2@Q}" "${3@Q}"; fi
}

# name, text, part
has() {
  case "$2" in
    *"$3"*) ok "$1" ;;
    *) not_ok "$1" "a text with ${3@Q}" "${2@Q}" ;;
  esac
}

# name, a number, its lower bound, its upper bound: strictly between
between() {
  if [ "$2" -gt "$3" ] && [ "$2" -lt "$4" ]; then ok "$1"; else not_ok "$1" "more than $3 and less than $4" "$2"; fi
}

summary() {
  printf '\n%s passed, %s failed\n' "$passed" "$failed"
}

clean_up() {
  stop_node
  rm -rf "$world"
}
trap clean_up EXIT

value() { python3 "$here/json_value.py" value "$@"; }
rows() { python3 "$here/json_value.py" rows "$@"; }
without() { python3 "$here/json_value.py" without "$@"; }

# Runs a command on the folder $data; its one JSON object is $answer, its exit code $code.
ask() {
  code=0
  answer="$("$TRADEPOST_BIN" "$@" --data "$data" --json 2>"$world/talk")" || code=$?
}

# name, expected exit code, the command
expect() {
  local name="$1" expected="$2"
  shift 2
  ask "$@"
  same "$name" "exit $expected" "exit $code"
}

# The node of $data, in the background; comes back when it answers.
start_node() {
  "$TRADEPOST_BIN" serve --data "$data" --listen 127.0.0.1:0 >"$world/serve" 2>"$world/serve_talk" &
  node_pid=$!
  if ! "$TRADEPOST_BIN" status --data "$data" --wait-ready 30 >"$world/status" 2>&1; then
    not_ok "the node of $(basename "$data") is ready within 30 s" "ready" "$(cat "$world/serve_talk" "$world/status")"
    summary
    exit 1
  fi
}

kill_node() {
  kill -9 "$node_pid"
  wait "$node_pid" 2>/dev/null || true
  node_pid=""
}

restart_node() {
  kill_node
  start_node
}

stop_node() {
  if [ -n "$node_pid" ]; then
    kill "$node_pid" 2>/dev/null || true
    wait "$node_pid" 2>/dev/null || true
    node_pid=""
  fi
}

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

# ---- what to test -------------------------------------------------------------------------------------------------

program() {
  if [ -z "${TRADEPOST_BIN:-}" ]; then
    cargo build --release --locked -p cli --manifest-path "$root/Cargo.toml"
    TRADEPOST_BIN="$target/release/tradepost"
  fi
  printf 'program %s, %s\n' "$TRADEPOST_BIN" "$("$TRADEPOST_BIN" --version)"
}

choose_file() {
  if [ "${ACCEPTANCE:-full}" = quick ]; then
    use_slice
  elif [ -f "$full" ]; then
    use_full
  else
    printf 'skipped: file absent (%s); the December 2010 slice stands in\n' "$full"
    use_slice
  fi
  printf 'file %s\n' "$file"
}

use_slice() {
  file="$slice"
  rows_all=42481 import_exit=0 documents_all=2025 kill_first=10000 kill_second=30000
  import_figures="rows 42481 rejected 0 lines 42481
orders 1629 with 41683 lines, 1559 with sales, 70 zero-price only
credit orders 326 with 728 lines
adjustments 70 with 70 lines
created 2025, updated 0, unchanged 0, products 2822, customers 948"
  sales_totals="823746.14 748957.02 359239 1559 41480"
  sales_by_month="2010-12 823746.14 748957.02 359239 1559 41480"
  sales_by_country="1 United Kingdom 748268.98 676742.62 314160 1447 39224
2 Germany 15241.14 14562.84 6877 30 512
3 EIRE 10033.26 9029.95 5770 17 373
4 France 9616.31 9575.36 4989 21 434
5 Netherlands 8784.48 8784.48 6811 3 72
6 Japan 7705.07 7705.07 4093 3 65
7 Sweden 3834.30 2646.30 3954 2 26
8 Norway 3787.12 3787.12 3582 2 147
9 Portugal 2439.97 2380.12 984 6 116
10 Spain 1843.73 1843.73 867 4 75"
  sales_by_item="1 22423 27869.96 26897.36 2093 172 177
2 DOT 24671.19 24671.19 54 54 54
3 AMAZONFEE 13541.33 -39243.08 1 1 1
4 85123A 10435.36 9078.96 3752 223 229
5 84029E 9291.73 9291.73 1838 130 131
6 22086 9225.80 9205.15 2460 163 173
7 21479 8228.73 8228.73 1407 130 134
8 22114 8126.86 8095.26 1209 87 92
9 79321 7506.44 7506.44 1590 80 81
10 22112 7327.13 7327.13 1230 148 154"
  sales_by_customer="1 18102 27834.61 27834.61 6695 4 18
2 15061 19950.66 19950.66 9171 12 124
3 16029 13112.52 13112.52 7956 6 32
4 14646 8591.88 8591.88 6714 2 70
5 14911 7737.94 6757.13 3321 13 291
 (none) 251032.25 194353.00 46974 159 15323"
}

use_full() {
  file="$full"
  rows_all=541909 import_exit=3 documents_all=25897 kill_first=160000 kill_second=380000
  import_figures="rows 541909 rejected 3 lines 541906
orders 20725 with 531282 lines, 19959 with sales, 766 zero-price only
credit orders 3836 with 9288 lines
adjustments 1336 with 1336 lines
created 25897, updated 0, unchanged 0, products 4069, customers 4372"
  sales_totals="10655622.48 9758809.99 5588375 19959 530103"
  sales_by_month="2010-12 823746.14 748957.02 359239 1559 41480
2011-01 691364.56 560000.26 387785 1086 34306
2011-02 523631.89 498062.65 283555 1100 27105
2011-03 717639.36 683267.08 377526 1454 35803
2011-04 537808.62 493207.12 308815 1246 29096
2011-05 770536.02 723333.51 395738 1681 36164
2011-06 761739.90 691123.12 389213 1533 35977
2011-07 719221.19 681300.11 401759 1475 38645
2011-08 748076.32 693742.57 421769 1360 34482
2011-09 1058590.17 1019687.62 570820 1837 49261
2011-10 1154979.30 1070704.67 623401 2040 59304
2011-11 1509496.33 1461756.25 754507 2769 83369
2011-12 638792.68 433668.01 314248 819 25111"
  sales_by_country="1 United Kingdom 9014160.02 8198868.42 4662389 18018 485122
2 Netherlands 285446.34 284661.54 200361 94 2359
3 EIRE 283453.96 263276.82 147173 288 7890
4 Germany 228867.14 221698.21 119261 457 9040
5 France 209715.11 197403.90 112103 392 8407
6 Australia 138521.31 137077.27 83901 57 1182
7 Spain 61577.11 54774.58 27940 90 2484
8 Switzerland 57089.90 56385.35 30629 54 1966
9 Belgium 41196.34 40910.96 23237 98 2031
10 Sweden 38378.33 36595.91 36083 36 451"
  sales_by_item="1 DOT 206248.77 206245.48 706 706 706
2 22423 174484.74 164762.19 13879 1988 2017
3 23843 168469.60 0.00 80995 1 1
4 85123A 104518.80 97894.50 37660 2198 2265
5 47566 99504.33 98302.98 18295 1685 1706
6 85099B 94340.05 92356.03 48474 2089 2112
7 23166 81700.92 4221.28 78033 247 250
8 M 78110.27 -68674.19 7224 289 321
9 POST 78101.88 66230.64 3150 1126 1126
10 23084 66964.99 66756.59 30788 994 1036"
  sales_by_customer="1 14646 280206.02 279489.02 196915 73 2076
2 18102 259657.30 256438.49 64124 60 431
3 17450 194550.79 187482.17 69993 46 337
4 16446 168472.50 2.90 80997 2 3
5 14911 143825.06 132572.62 80265 201 5675
 (none) 1744214.58 1458744.18 420563 1427 132219"
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
  same "serve prints one line" "ready $url" "$(cat "$world/serve")"
  same "node.json is private" "-rw-------" "$(file_mode "$data/node.json")"
  same "node.json names its fields" "$node_pid HQ 0.1.0 0" "$(value pid site version sync_addrs.# <"$data/node.json" | join)"
  expect "a second serve on the folder is refused" 6 serve --listen 127.0.0.1:0
  same "it names the address" "locked $url" "$(value error.code error.page <<<"$answer" | join)"
  expect "an import from an unknown channel is refused" 1 order import "$slice" --preset online-retail
  has "it names the command" "$(value error.remedy <<<"$answer")" "tradepost channel add online-retail --home"
  expect "channel add" 0 channel add online-retail --home HQ --zone Europe/London
  same "the channel is as it was given" "online-retail HQ Europe/London" "$(value name home zone <<<"$answer" | join)"
}

count_words() { value "$1" <<<"$answer" | wc -w | tr -d ' '; }
join() { tr '\n' ' ' | sed 's/ $//'; }
file_mode() { LC_ALL=C ls -l "$1" | cut -c1-10; }

# ---- step 3: imports ----------------------------------------------------------------------------------------------

imported() {
  value rows rejected lines orders.documents orders.lines orders.with_sales orders.zero_price_only \
    credit_orders.documents credit_orders.lines adjustments.documents adjustments.lines \
    created updated unchanged products_created customers_created | {
    mapfile -t v
    printf 'rows %s rejected %s lines %s\n' "${v[0]}" "${v[1]}" "${v[2]}"
    printf 'orders %s with %s lines, %s with sales, %s zero-price only\n' "${v[3]}" "${v[4]}" "${v[5]}" "${v[6]}"
    printf 'credit orders %s with %s lines\nadjustments %s with %s lines\n' "${v[7]}" "${v[8]}" "${v[9]}" "${v[10]}"
    printf 'created %s, updated %s, unchanged %s, products %s, customers %s\n' "${v[@]:11:5}"
  }
}

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

# rows: imports in the background and kills the node once that many rows are durable; $import_code is the CLI's exit.
import_until() {
  local rows="$1" word count cli
  rm -f "$world/progress"
  mkfifo "$world/progress"
  "$TRADEPOST_BIN" order import "$file" --data "$data" --preset online-retail --json \
    >"$world/import" 2>"$world/progress" &
  cli=$!
  local alive=yes
  while read -r word count; do
    if [ "$alive" = yes ] && [ "$word" = progress ] && [ "$count" -ge "$rows" ]; then
      kill_node
      alive=no
    fi
  done <"$world/progress"
  import_code=0
  wait "$cli" || import_code=$?
}

orders_now() {
  ask status
  value orders <<<"$answer"
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

report() { ask report run sales "$@"; }
figures() { rows rows "$@" gross_sales net_sales units invoices lines <<<"$answer" | tr '\t' ' '; }

reports() {
  step "4. sales reports"
  report --by month
  same "by month" "$sales_by_month" "$(figures key)"
  same "totals" "$sales_totals" "$(value totals.gross_sales totals.net_sales totals.units totals.invoices totals.lines <<<"$answer" | join)"
  report --by country --top 10
  same "by country" "$sales_by_country" "$(figures rank key)"
  report --by item --top 10
  same "by item" "$sales_by_item" "$(figures rank key)"
  report --by customer --top 5
  same "by customer, those without one unranked" "$sales_by_customer" "$(figures rank key)"
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

order_figures() {
  printf '%s | %s' "$(value status fulfilment payment secured <<<"$answer" | join)" \
    "$(rows lines quantity cancelled reserved secured shipped delivered backordered <<<"$answer" | tr '\t' ' ')"
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
  same "it holds every route" "$routes" "$(python3 "$here/openapi.py" routes "$world/openapi.json")"
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
