#!/usr/bin/env bash
# Acceptance of milestone 2: head office, a store and a warehouse that are cut off, catch up and end equal.
#
#   tests/acceptance/02.sh                  the full file where it is present, a release build
#   ACCEPTANCE=quick tests/acceptance/02.sh the December 2010 slice, the program in TRADEPOST_BIN
#
# TRADEPOST_BIN        the program to test (default: built here, release)
# TRADEPOST_FULL_FILE  the full file (default: ../shared/data/online_retail/online_retail_2010_2011.csv.gz)
#
# Every check prints `ok NAME` or `FAILED NAME: expected ... got ...`; the last line counts them; exit 1 if one failed.
# The figures of both files were computed without Tradepost, by the program in docs/data.md.
set -euo pipefail

# shellcheck source=tests/acceptance/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# How long nodes may take to find each other again, in seconds.
reconnect_seconds=15

hq="$world/HQ"
shop="$world/S1"
till="$world/S2"
depot="$world/W1"

# folder, name, expected exit code, the command: asked of the node of that folder
at() {
  data="$1"
  shift
  expect "$@"
}

# folder, the command: its answer, whatever the exit code
of() {
  data="$1"
  shift
  ask "$@"
}

# name, seconds, a command: it must succeed within that time
within() {
  local name="$1" seconds="$2" start="$SECONDS"
  shift 2
  until "$@"; do
    if [ "$((SECONDS - start))" -ge "$seconds" ]; then
      not_ok "$name" "in $seconds s" "$answer"
      return
    fi
    sleep 0.2
  done
  ok "$name"
}

# ---- step 1: the demo ---------------------------------------------------------------------------------------------

demo() {
  step "1. the demo"
  code=0
  answer="$(TMPDIR="$world" "$TRADEPOST_BIN" demo --for 1 --json 2>"$world/talk")" || code=$?
  same "demo --for 1" "exit 0" "exit $code"
  same "it is ready" "true" "$(value ready <<<"$answer")"
  same "head office's December" "823746.14 1559 359239" "$(rows checks name got <<<"$answer" | awk -F'\t' '/December 2010/ { print $2 }' | join)"
  same "its folder is gone" "" "$(find "$world" -maxdepth 1 -name 'tradepost-demo-*')"
}

# ---- step 2: three folders ----------------------------------------------------------------------------------------

# folder, site, kind: invited by head office, joined, served
enrol() {
  local folder="$1" site="$2" kind="$3"
  at "$hq" "invite $site" 0 peer invite --site "$site" --kind "$kind" --zone Europe/London
  same "the ticket is for $site and ends some time" "$site 20" "$(value site <<<"$answer") $(value expires <<<"$answer" | cut -c1-2)"
  ticket="$(value ticket <<<"$answer")"
  at "$folder" "join as $site" 0 join "$ticket"
  same "it belongs to $site" "$site" "$(value site <<<"$answer")"
  joined_as="$(value node <<<"$answer")"
  start_node
}

# folder, site...: that node has a stream to a node of each of these sites
meets() {
  local folder="$1" site
  shift
  of "$folder" sync status
  for site in "$@"; do
    rows peers site state <<<"$answer" 2>/dev/null | grep -qx "$site	connected" || return 1
  done
}

all_meet() { meets "$hq" SH01 WH01 && meets "$shop" HQ && meets "$depot" HQ; }

# name: after what happened before, the nodes find each other with no command
reconnected() { within "$1" "$reconnect_seconds" all_meet; }

three_folders() {
  step "2. three folders"
  of "$hq" init --org Demo --site HQ --kind head-office --currency GBP --zone Europe/London
  same "init" "exit 0" "exit $code"
  start_node
  same "node.json names an address for others" "true" "$([ "$(value sync_addrs.# <"$data/node.json")" -gt 0 ] && echo true)"
  enrol "$shop" SH01 store
  of "$world/thief" join "$ticket"
  same "a used ticket admits no second device" "refused" "$([ "$code" -ne 0 ] && echo refused)"
  enrol "$depot" WH01 warehouse
  reconnected "all serve and meet"
  data="$hq" && restart_node
  reconnected "head office killed and restarted"
  data="$shop" && restart_node
  reconnected "the store killed and restarted"
  data="$hq" && kill_node
  data="$shop" && kill_node
  start_node
  data="$hq" && start_node
  reconnected "both killed and restarted"
  at "$hq" "channel add" 0 channel add online-retail --home SH01 --zone Europe/London
  at "$shop" "sync now" 0 sync now --wait
  of "$shop" channel list
  same "the channel is known at its home" "online-retail SH01" "$(rows items name home <<<"$answer" | tr '\t' ' ')"
  at "$hq" "an import elsewhere than at the channel's home is refused" 5 order import "$slice" --preset online-retail
  has "it names the home" "$(value error.remedy <<<"$answer")" "SH01"
}

# ---- step 3: the store imports while it is cut off ------------------------------------------------------------------

# The row of a site in the coverage of the report in $answer: state and whether a reason is told.
covered() { rows coverage site state reason <<<"$answer" | awk -F'\t' -v site="$1" '$1 == site { print $2, ($3 != "") }'; }

cut_and_catch_up() {
  step "3. the store is cut off, imports, and catches up"
  at "$shop" "sync pause" 0 sync pause
  same "the pause shows at the store" "true" "$(value paused <<<"$answer")"
  within "the pause shows at head office" "$reconnect_seconds" shows_pause
  at "$shop" "sync now while it is paused" 5 sync now --wait
  import_until "$kill_first"
  same "killed at $kill_first rows: the CLI exits 6" "6" "$import_code"
  start_node
  local before
  before="$(orders_now)"
  between "killed at $kill_first rows: some orders, not all" "$before" 0 "$documents_all"
  at "$shop" "the same command again" "$import_exit" order import "$file" --preset online-retail
  same "the rest is created, the first part is unchanged" "$((documents_all - before)) 0 $before" \
    "$(value created updated unchanged <<<"$answer" | join)"
  of "$shop" sync status
  same "the pause survived the kill" "true" "$(value paused <<<"$answer")"
  figures_before_the_store_is_back
  at "$shop" "sync resume" 0 sync resume
  at "$shop" "sync now" 0 sync now --wait
  figures_of_all
}

shows_pause() {
  of "$hq" sync status
  rows peers site reason <<<"$answer" | grep -qx "SH01	paused_there"
}

figures_before_the_store_is_back() {
  data="$hq"
  report --by site
  same "head office has no order of SH01 yet" "" "$(figures key | grep '^SH01 ' || true)"
  same "coverage: SH01 is behind with a reason" "behind 1" "$(covered SH01)"
  same "coverage: what is served is live" "live 0 live 0" "$(covered HQ) $(covered WH01)"
  same "the report is not complete" "false" "$(value complete <<<"$answer")"
}

is_complete() {
  report --by site
  [ "$(value complete <<<"$answer")" = true ]
}

figures_of_all() {
  data="$hq"
  within "the report is complete with all three serving" "$reconnect_seconds" is_complete
  same "coverage: every site is live" "live 0 live 0 live 0" "$(covered HQ) $(covered SH01) $(covered WH01)"
  same "by site" "SH01 $sales_totals" "$(figures key)"
  sales_agree
  same "the orders are counted once" "$documents_all" "$(orders_now)"
}

# ---- step 4: the warehouse holds what is its own --------------------------------------------------------------------

# folder, text: whether its bytes are there
holds_bytes() { LC_ALL=C grep -rqaF -- "$2" "$1" && echo yes || echo no; }

warehouse() {
  step "4. the warehouse holds the catalogue and nothing of the store"
  printf 'sku,name\nMUG,Harlequin mug of head office\n' >"$world/products.csv"
  at "$hq" "a product of head office" 0 product import "$world/products.csv"
  at "$depot" "sync now" 0 sync now --wait
  of "$depot" product show MUG
  same "the warehouse knows its name" "Harlequin mug of head office" "$(value name <<<"$answer")"
  same "the name is in its folder" "yes" "$(holds_bytes "$depot" "Harlequin mug of head office")"
  of "$depot" status
  same "it lists no site/SH01" "" "$(rows scopes scope <<<"$answer" | grep -x site/SH01 || true)"
  local name
  of "$shop" product list --limit 500
  same "the store made products of its own" "5" "$(names_of_the_store | grep -c '')"
  while read -r name; do
    same "only the store's folder holds ${name@Q}" "yes no" "$(holds_bytes "$shop" "$name") $(holds_bytes "$depot" "$name")"
  done < <(names_of_the_store)
}

# Five long names of products that SH01 made on the way.
names_of_the_store() {
  rows items scope name <<<"$answer" | awk -F'\t' '$1 == "site/SH01" && length($2) >= 20 && n++ < 5 { print $2 }'
}

# ---- step 5: equal digests ------------------------------------------------------------------------------------------

# folder: orders and digest of site/SH01 there
state_of_store() {
  of "$1" status
  rows scopes scope orders digest <<<"$answer" | awk -F'\t' '$1 == "site/SH01" { print $2, $3 }'
}

digests() {
  step "5. equal digests"
  local first second
  first="$(state_of_store "$hq")"
  same "orders of site/SH01" "$documents_all" "${first% *}"
  same "head office and store show the same state" "$first" "$(state_of_store "$shop")"
  at "$shop" "one more order" 0 order new --walk-in --line 85123A:1:2.55
  at "$shop" "sync now" 0 sync now --wait
  second="$(state_of_store "$hq")"
  same "one order more" "$((documents_all + 1))" "${second% *}"
  same "the digest changed" "changed" "$([ "${first#* }" != "${second#* }" ] && echo changed)"
  same "on both equally" "$second" "$(state_of_store "$shop")"
}

# ---- step 6: two tills ----------------------------------------------------------------------------------------------

two_tills() {
  step "6. two tills of one store, cut from each other"
  enrol "$till" SH01 store
  local second="$joined_as"
  at "$till" "sync now" 0 sync now --wait
  at "$shop" "receive 10" 0 stock receive MUG 10
  at "$shop" "lend 5 to till 2" 0 stock lend MUG 5 --to "$second"
  at "$shop" "sync now" 0 sync now --wait
  at "$till" "sync now at till 2" 0 sync now --wait
  local folder
  for folder in "$hq" "$shop" "$till" "$depot"; do
    at "$folder" "cut $(basename "$folder")" 0 sync pause
  done
  promise_six "$shop" "till 1"
  local first="$order"
  promise_six "$till" "till 2"
  heal "$first" "$order"
}

# folder, name: $order is its number
promise_six() {
  at "$1" "$2 promises 6" 0 order new --line MUG:6:2.50
  order="$(value number <<<"$answer")"
  same "$2: 5 are secured, 1 is not" "submitted unfulfilled unpaid part | 6 0 6 5 0 0 1" "$(order_figures)"
}

# Row of the mug at the store, as the node of a folder shows it.
mug_at_store() {
  of "$1" stock show MUG
  value site on_hand reserved secured available minted burned spent <<<"$answer" | join
}

# order...: all that a node shows of them and of the store
shown_by() {
  local folder="$1" order
  shift
  state_of_store "$folder"
  for order in "$@"; do
    of "$folder" order show "$order"
    printf '%s %s\n' "$order" "$(order_figures)"
  done
}

agree() { [ "$(shown_by "$shop" "$@")" = "$(shown_by "$hq" "$@")" ] && [ "$(shown_by "$till" "$@")" = "$(shown_by "$hq" "$@")" ]; }

# order...: after healing all nodes show the same
heal() {
  local folder
  for folder in "$hq" "$shop" "$till" "$depot"; do
    at "$folder" "heal $(basename "$folder")" 0 sync resume
  done
  at "$shop" "sync now at till 1" 0 sync now --wait
  at "$till" "sync now at till 2" 0 sync now --wait
  within "the tills and head office show the same rows" "$reconnect_seconds" agree "$@"
  same "10 promised with rights, 2 without" "SH01 10 12 10 -2" "$(mug_at_store "$shop" | cut -d' ' -f1-5)"
  same "stock is the same at both tills" "$(mug_at_store "$shop")" "$(mug_at_store "$till")"
  for folder in "$hq" "$shop" "$till"; do
    same "no right was promised twice: $(basename "$folder")" "" "$(cases_of_promises "$folder")"
  done
}

cases_of_promises() {
  of "$1" case list
  rows items kind subject_label <<<"$answer" | grep '^promises_uncovered' || true
}

# ---- step 7: an order that the warehouse ships ----------------------------------------------------------------------

another_site_ships() {
  step "7. the warehouse ships for the store"
  at "$depot" "receive 10 at the warehouse" 0 stock receive MUG 10
  send_to_depot "ada" 4
  at "$depot" "the warehouse ships" 0 fulfilment ship "$order" --reference SF-1
  within "the store sees what left" "$reconnect_seconds" order_is "$shop" confirmed shipped
  same "line 1 left once" "4 0 0" "$(rows lines shipped sent backordered <<<"$answer" | tr '\t' ' ')"
  within "head office sees it" "$reconnect_seconds" order_is "$hq" confirmed shipped
  of "$depot" stock show MUG
  same "the warehouse's stock fell" "6 6 0" "$(value on_hand free_rights secured <<<"$answer" | join)"
  at "$depot" "status" 0 status
  same "the warehouse holds no scope of the store" "" "$(rows scopes scope <<<"$answer" | grep -x site/SH01 || true)"
  cross
}

# name, quantity: $order is taken at the store, sent, and promised by the warehouse
send_to_depot() {
  at "$shop" "order of $2" 0 order new --line "MUG:$2:2.50" --name "$1" --address London
  order="$(value number <<<"$answer")"
  at "$shop" "confirm it" 0 order confirm "$order"
  at "$shop" "send it to WH01" 0 order send "$order" --from WH01
  same "it is the warehouse's to ship" "$2 0" "$(rows lines sent shipped <<<"$answer" | tr '\t' ' ')"
  within "the warehouse promises it by itself" "$reconnect_seconds" fulfilment_is "$depot" allocated
  same "who gets it is known there" "$1" "$(value contact.name <<<"$answer")"
}

# folder, status of $order, delivery of it
order_is() {
  of "$1" order show "$order"
  [ "$(value status fulfilment <<<"$answer" | join)" = "$2 $3" ]
}

# folder, status of the fulfilment of $order
fulfilment_is() {
  of "$1" fulfilment show "$order"
  [ "$(value status <<<"$answer")" = "$2" ]
}

# folder: it shows $order with its fulfilment
both_halves_at() {
  of "$1" order show "$order"
  [ "$(rows fulfilments status <<<"$answer" 2>/dev/null)" = allocated ]
}

# A cancel at head office meets a shipment at the warehouse, which is cut off.
cross() {
  send_to_depot "bob" 3
  within "head office holds both halves" "$reconnect_seconds" both_halves_at "$hq"
  at "$depot" "cut the warehouse" 0 sync pause
  at "$hq" "head office cancels" 0 order cancel "$order" --reason changed
  at "$depot" "the warehouse ships meanwhile" 0 fulfilment ship "$order"
  at "$depot" "heal the warehouse" 0 sync resume
  local folder
  for folder in "$hq" "$shop" "$depot"; do
    within "cancelled after dispatch: $(basename "$folder")" "$reconnect_seconds" \
      fulfilment_is "$folder" cancelled_after_dispatch
    of "$folder" case list
    same "one case: $(basename "$folder")" "lane/SH01~WH01" \
      "$(rows items kind scope subject_label <<<"$answer" | awk -F'\t' -v of="$order" '$1 == "shipped_after_cancel" && $3 == of { print $2 }')"
  done
}

# -------------------------------------------------------------------------------------------------------------------

command -v python3 >/dev/null || { printf 'error: python3 is missing (Debian: apt-get install python3)\n' >&2; exit 1; }
program
choose_file
demo
three_folders
cut_and_catch_up
warehouse
digests
two_tills
another_site_ships
summary
[ "$failed" -eq 0 ]
