#!/bin/bash
# run: a small portfolio is taken as a whole; running again, or loading the same cards again, sends nothing.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin

make_portfolio small --customers 60 --cards 72 --shuffle --seed 21
CARDS=$WORK/small/cards.csv CUSTOMERS=$WORK/small/customers.csv
ENROLLABLE=$(json "$WORK/small/truth.json" .enrollable)
HELD=$(json "$WORK/small/truth.json" .held)

start_sandbox --latency 1ms..5ms --seed 1
assert_exit 0 submit --cards "$CARDS" --customers "$CUSTOMERS"
cp -r "$OUT" "$WORK/first"
assert_eq "accepted" "$ENROLLABLE" "$(in_state "$OUT" accepted)"
assert_eq "held" "$HELD" "$(in_state "$OUT" held)"

# results.csv: the header, one line a record in input order, the identifiers of the input.
assert_eq "header of results.csv" "$RESULTS_HEADER" "$(head -n 1 "$OUT/results.csv" | tr -d '\r')"
tail -n +2 "$CARDS" | awk -F, '{ print NR "\t" NR + 1 "\t" $1 "\t" $2 "\t" $3 }' >"$WORK/input"
results "$OUT" | cut -f2-6 >"$WORK/output"
assert_same "results.csv follows the input" "$WORK/input" "$WORK/output"
assert_eq "columns of results.csv" 15 "$(results "$OUT" | awk -F'\t' '{ print NF }' | sort -u | tr '\n' ' ' | tr -d ' ')"
assert_eq "file named" cards.csv "$(results "$OUT" | cut -f1 | sort -u)"
results "$OUT" | awk -F'\t' '$7 == "accepted" { print $9, $10, $8 }' | sort -u >"$WORK/accepted"
assert_eq "attempts, status and uncertainty of accepted cards" "1 202 " "$(cat "$WORK/accepted")"
UUID='^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'
assert_eq "correlation IDs that are no UUIDs" 0 "$(results "$OUT" | cut -f13 | grep -Ecv "$UUID")"
assert_eq "correlation IDs in all" 72 "$(results "$OUT" | cut -f13 | sort -u | wc -l | tr -d ' ')"
STAMP='^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$'
assert_eq "times of another form" 0 "$(results "$OUT" | cut -f15 | grep -Ecv "$STAMP")"

# summary.json and status agree with it.
assert_eq "accepted in summary.json" "$ENROLLABLE" "$(json "$OUT/summary.json" .totals.accepted)"
assert_eq "held in summary.json" "$HELD" "$(json "$OUT/summary.json" .totals.held)"
assert_eq "answers in summary.json" "$ENROLLABLE" "$(json "$OUT/summary.json" '.http_status["202"]')"
assert_true "digest of the cards in summary.json" grep -q "$(sha256sum "$CARDS" | cut -d' ' -f1)" "$OUT/summary.json"
assert_exit 0 enroll status --json
assert_eq "accepted in status" "$ENROLLABLE" "$(json "$WORK/stdout" .totals.accepted)"
assert_eq "mode of the ledger" 600 "$(stat -c %a "$LEDGER")"

# Nothing is left: no request.
assert_exit 0 submit
# The same files again, under their names and under others; nothing new.
assert_exit 0 submit --cards "$CARDS" --customers "$CUSTOMERS"
mkdir "$WORK/renamed"
cp "$CARDS" "$WORK/renamed/tuesday.csv"
cp "$CUSTOMERS" "$WORK/renamed/people.csv"
assert_exit 0 submit --cards "$WORK/renamed/tuesday.csv" --customers "$WORK/renamed/people.csv"
enroll status --json >"$WORK/status.json"
assert_eq "sum of the totals" 72 "$(json "$WORK/status.json" '[.totals[]] | add')"

# A new extract with one more customer: the others are known and left alone.
make_portfolio more --customers 61 --cards 61 --seed 99
{
    cat "$CARDS"
    tail -n 1 "$WORK/more/cards.csv" | awk -F, -v OFS=, '{ $3 = 499999999; print }'
} >"$WORK/next.csv"
{
    cat "$CUSTOMERS"
    tail -n 1 "$WORK/more/customers.csv"
} >"$WORK/nextpeople.csv"
assert_exit 0 submit --cards "$WORK/next.csv" --customers "$WORK/nextpeople.csv"
enroll status --json >"$WORK/status.json"
assert_eq "sum of the totals with one more" 73 "$(json "$WORK/status.json" '[.totals[]] | add')"
assert_eq "accepted with one more" $((ENROLLABLE + 1)) "$(json "$WORK/status.json" .totals.accepted)"

# The plan of a run that has nothing to do promises no time.
assert_exit 0 submit --dry-run
assert_eq "the plan of nothing" "plan: 0 requests: no card is to be sent" "$(grep '^plan' "$WORK/stdout")"
assert_exit 0 submit --dry-run --json
assert_eq "the same as JSON" '[0,0,0,0]' "$(jq -c '[.rows, .requests, .token_calls, .expected_seconds]' "$WORK/stdout")"

stop_sandbox
assert_eq "enrol requests in all" $((ENROLLABLE + 1)) "$(enrol_count)"
assert_eq "requests that were not valid" 0 "$(journal_enrols | awk -F'\t' '$7 != "true"' | wc -l | tr -d ' ')"
assert_eq "requests that were not taken" 0 "$(journal_enrols | awk -F'\t' '$5 != 202 || $6 != "true"' | wc -l | tr -d ' ')"
assert_eq "customers with two requests" "" "$(journal_enrols | cut -f2 | sort | uniq -d)"

# The correlation ID of a result is the one its request carried.
results "$WORK/first" | awk -F'\t' '$7 == "accepted" { print $6 "\t" $13 }' | sort >"$WORK/cids.results"
journal_enrols | cut -f1,4 | grep -v '^499999999' | sort >"$WORK/cids.journal"
assert_same "correlation IDs" "$WORK/cids.results" "$WORK/cids.journal"

flow_end
