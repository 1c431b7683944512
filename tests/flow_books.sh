#!/bin/bash
# The books: totals that do not add up end every command that writes with 1 and a plain message; what a purge leaves adds up
# (lines of results.csv + purged = totals, in summary.json, status and report.html); why a run ended is kept and told.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin
RULES=(--set enroll.locale=pt_BR --set enroll.owner_bid=0001 --set input.skip_status=CLOSED)
PEOPLE=first_name,last_name,emails,phones,billing_address_line1,billing_country_code
DATA='Ana,Lua,ana@example.com,5511955577001,Rua Um 1,BRA'
EVENTS=$WORK/events.jsonl
{
    echo "customer_id,account_id,card_id,status,$PEOPLE"
    for row in '11,21,501,' '12,22,502,' '13,23,503,' 14,24,504,CLOSED '15,25,505,' '16,x,506,' '17,27,507,' '11,21,508,'; do
        echo "$row,$DATA"
    done
} >"$WORK/cards.csv"

# Keys and the kinds of their values, but those that depend on the moment.
shape() { # JSON file
    jq -c '[paths(type != "object" and type != "array") as $p | $p | map(tostring) | join(".")] | sort' "$1"
}
event() { # card, status
    local cid
    cid=$(results "$OUT" | awk -F'\t' -v card="$1" '$6 == card { print $13 }')
    printf '{"event_id":"e-%s","domain":"cards-tokenization","event_type":"click-to-pay-1","schema_version":1,"org_id":"TN-FLOW","cid":"%s","timestamp":"%s","data":{"status":"%s","reason":"VIDC-2003 expired card"}}\n' \
        "$1" "$cid" "$(date -u +%Y-%m-%dT%H:%M:%S.000Z)" "$2"
}

# ---- why a run ended ----

start_sandbox --not-enabled
assert_exit 4 submit "${RULES[@]}" --cards "$WORK/cards.csv"
stop_sandbox
WHY="the API's answer is fatal for the whole run: not_enabled_to_tenant (400) click to pay is not enabled to tenant"
assert_eq "the last line" "ctp-enroll: $WHY" "$(tail -n 1 "$WORK/stderr")"
assert_eq "the reason in summary.json" "$WHY" "$(json "$OUT/summary.json" .last_run.reason)"
assert_eq "the code in summary.json" 4 "$(json "$OUT/summary.json" .last_run.exit_code)"
assert_exit 0 enroll status
assert_true "status tells it" grep -qE "^last run: began 20[^ ]*Z, ended 20[^ ]*Z with exit code 4: $(sed 's/[()]/\\&/g' <<<"$WHY")$" \
    "$WORK/stdout"
assert_true "the page tells it" grep -qF '<b>Why it stopped:</b> The API&#39;s answer is fatal for the whole run: not_enabled_to_tenant (400) click to pay is not enabled to tenant.</p>' \
    "$OUT/report.html"
assert_in "and what to do" 'Look at api\.tenant; then ask Pismo' "$OUT/report.html"

# ---- a run that comes to its end, and events ----

start_sandbox --already 15
assert_exit 3 submit "${RULES[@]}" --cards "$WORK/cards.csv"
stop_sandbox
{ event 501 SUCCESS && event 502 FAILED; } >"$EVENTS"
assert_exit 0 enroll reconcile --set api.tenant=TN-FLOW "$EVENTS"
assert_exit 0 enroll report --out "$OUT"
assert_eq "states" '501 enrolled
502 declined
503 accepted
504 skipped
505 already
506 invalid
507 accepted
508 held' "$(results "$OUT" | awk -F'\t' '{ print $6 " " $7 }')"
assert_eq "no reason any more" null "$(json "$OUT/summary.json" .last_run.reason)"
assert_true "the reason of the declined card" grep -q '<code>VIDC-2003</code></th><td data-label="Count" class="n">1</td>' "$OUT/report.html"
enroll status --json >"$WORK/status.json"
assert_eq "keys of status --json and summary.json" "$(shape "$OUT/summary.json")" "$(shape "$WORK/status.json")"
assert_eq "what they say" "$(jq -c 'del(.generated_at)' "$OUT/summary.json")" "$(jq -c 'del(.generated_at)' "$WORK/status.json")"

# ---- totals that do not add up ----

event 503 SUCCESS >"$WORK/more.jsonl"
broken() { # what, statement, words
    local command
    start_sandbox
    for command in run reconcile retry purge report; do
        rm -rf "$WORK/broken.db"* "$WORK/broken"
        sqlite3 "$LEDGER" ".backup '$WORK/broken.db'"
        sql "$WORK/broken.db" "$2"
        (
            LEDGER=$WORK/broken.db OUT=$WORK/broken
            case $command in
            run) submit "${RULES[@]}" ;;
            reconcile) enroll reconcile --set api.tenant=TN-FLOW "$WORK/more.jsonl" ;;
            retry) enroll retry --card 502 ;;
            purge) enroll purge --older-than 0s ;;
            report) enroll report --out "$OUT" ;;
            esac
        ) >"$WORK/stdout" 2>"$WORK/stderr"
        assert_eq "$1: exit code of $command" 1 "$?"
        assert_eq "$1: last line of $command" "ctp-enroll: totals do not add up: $3" "$(tail -n 1 "$WORK/stderr")"
        assert_true "$1: no manifest of $command" test ! -e "$WORK/broken/SHA256SUMS"
    done
    stop_sandbox
}
broken "a state" "UPDATE tally SET n = n + 1 WHERE kind = 'state' AND key = 8" "1 rows are already, 2 are counted"
broken "a file's records" "UPDATE file SET records = records + 1" "records of $WORK/cards.csv"
broken "a file's parts" "UPDATE file SET known = known + 1" "records of $WORK/cards.csv"
cp "$LEDGER" "$WORK/lines.db"
sql "$WORK/lines.db" "INSERT INTO tally VALUES ('purged', 0, 3)"
assert_exit 1 "$BUILD/ctp-enroll" report --ledger "$WORK/lines.db" --out "$WORK/lines"
assert_eq "lines that are missing" \
    "ctp-enroll: totals do not add up: results.csv has 8 lines and 3 rows were purged, but 8 are counted" \
    "$(tail -n 1 "$WORK/stderr")"
assert_eq "a file's records are its parts" "8 = 6 + 0 + 0 + 1 + 1; 6" \
    "$(jq -r '.files[0] | "\(.records) = \(.new) + \(.repointed) + \(.known) + \(.skipped) + \(.invalid); \(.valid)"' "$OUT/summary.json")"

# ---- after a purge ----

sqlite3 "$LEDGER" 'UPDATE card SET updated_ms = updated_ms - 8640000000 WHERE state IN (1, 6, 7, 8)' # 100 days
assert_exit 0 enroll purge --older-than 90d
assert_in "four" '^ +4  rows purged' "$WORK/stdout"
assert_exit 0 enroll report --out "$OUT"
assert_eq "lines of results.csv" 4 "$(results "$OUT" | wc -l)"
assert_eq "purged and totals in summary.json" "4 8" "$(json "$OUT/summary.json" '"\(.purged) \(.totals | add)"')"
assert_exit 0 enroll status
assert_eq "purged and totals in status" '           8  cards records in all
           4  of these purged; results.csv has the others' "$(grep -A1 'cards records in all' "$WORK/stdout")"
assert_true "the page tells it" grep -q '4 rows of these were purged: their states are kept, their stories are gone' "$OUT/report.html"
assert_in "the page counts all" '<p class="headline">1 of 8 cards is enrolled; ' "$OUT/report.html"

flow_end
