#!/usr/bin/env bash
# What the acceptance scripts share: checks, nodes in folders, the file and its figures, imports and reports.
#
# Sourced by 01.sh and 02.sh after `set -euo pipefail`; it starts nothing but a folder, $world, that goes at the end.
#
# TRADEPOST_BIN    the program to test (default: built here, release)
# TRADEPOST_FULL_FILE  the full file (default: ../shared/data/online_retail/online_retail_2010_2011.csv.gz)
# ACCEPTANCE       `quick`: the December 2010 slice; otherwise the full file, where it is present
#
# Every check prints `ok NAME` or `FAILED NAME: expected ... got ...`; the last line counts them.
# shellcheck disable=SC2034  # the figures are read by the scripts that source this file

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
target="${CARGO_TARGET_DIR:-$root/target}"
slice="$root/tests/data/online_retail_2010_12.csv.gz"
full="${TRADEPOST_FULL_FILE:-$root/../shared/data/online_retail/online_retail_2010_2011.csv.gz}"

passed=0
failed=0
world="$(mktemp -d)"
# The process of each folder that is served.
declare -A pids=()

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
  for data in "${!pids[@]}"; do
    stop_node
  done
  rm -rf "$world"
}
trap clean_up EXIT

value() { python3 "$here/json_value.py" value "$@"; }
rows() { python3 "$here/json_value.py" rows "$@"; }
without() { python3 "$here/json_value.py" without "$@"; }
join() { tr '\n' ' ' | sed 's/ $//'; }

# ---- nodes --------------------------------------------------------------------------------------------------------

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
  "$TRADEPOST_BIN" serve --data "$data" --listen 127.0.0.1:0 >"$data.serve" 2>"$data.serve_talk" &
  pids[$data]=$!
  if ! "$TRADEPOST_BIN" status --data "$data" --wait-ready 30 >"$world/status" 2>&1; then
    not_ok "the node of $(basename "$data") is ready within 30 s" "ready" "$(cat "$data.serve_talk" "$world/status")"
    summary
    exit 1
  fi
}

# As a power cut would.
kill_node() {
  kill -9 "${pids[$data]}"
  wait "${pids[$data]}" 2>/dev/null || true
  unset "pids[$data]"
}

restart_node() {
  kill_node
  start_node
}

stop_node() {
  if [ -n "${pids[$data]:-}" ]; then
    kill "${pids[$data]}" 2>/dev/null || true
    wait "${pids[$data]}" 2>/dev/null || true
    unset "pids[$data]"
  fi
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

# ---- imports and reports ------------------------------------------------------------------------------------------

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

orders_now() {
  ask status
  value orders <<<"$answer"
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

report() { ask report run sales "$@"; }
figures() { rows rows "$@" gross_sales net_sales units invoices lines <<<"$answer" | tr '\t' ' '; }

# The sales reports of the whole file at the node of $data.
sales_agree() {
  report --by month
  same "by month" "$sales_by_month" "$(figures key)"
  same "totals" "$sales_totals" "$(value totals.gross_sales totals.net_sales totals.units totals.invoices totals.lines <<<"$answer" | join)"
  report --by country --top 10
  same "by country" "$sales_by_country" "$(figures rank key)"
  report --by item --top 10
  same "by item" "$sales_by_item" "$(figures rank key)"
  report --by customer --top 5
  same "by customer, those without one unranked" "$sales_by_customer" "$(figures rank key)"
}

order_figures() {
  printf '%s | %s' "$(value status fulfilment payment secured <<<"$answer" | join)" \
    "$(rows lines quantity cancelled reserved secured shipped delivered backordered <<<"$answer" | tr '\t' ' ')"
}
