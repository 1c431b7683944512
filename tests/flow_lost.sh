#!/bin/bash
# retry.on_lost_answer: answers that get lost are asked for again under the same correlation ID (resend), or their
# rows are held, uncertain, and nothing sends them again by itself: no further run, no newer extract (hold).
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin

make_portfolio small --customers 300 --cards 360 --seed 71
CARDS=$WORK/small/cards.csv CUSTOMERS=$WORK/small/customers.csv

LEDGER=$WORK/resend.db JOURNAL=$WORK/resend.jsonl
start_sandbox --latency 1ms..5ms --fault reset=10% --seed 21
assert_exit 0 submit --cards "$CARDS" --customers "$CUSTOMERS"
stop_sandbox
assert_eq "accepted, resend" 300 "$(in_state "$OUT" accepted)"
assert_eq "cards under two correlation IDs" "" "$(journal_enrols | cut -f1,4 | sort -u | cut -f1 | grep -v null | uniq -d)"

LEDGER=$WORK/hold.db JOURNAL=$WORK/hold.jsonl
start_sandbox --latency 1ms..5ms --fault reset=10% --seed 21
assert_exit 0 submit --cards "$CARDS" --customers "$CUSTOMERS" --set retry.on_lost_answer=hold
stop_sandbox
uncertain=$(results "$OUT" | awk -F'\t' '$8 == "yes"' | wc -l | tr -d ' ')
[ "$uncertain" -gt 0 ] || fault "no answer was lost"
assert_eq "uncertain rows that are not held as answer_lost" "" \
    "$(results "$OUT" | awk -F'\t' '$8 == "yes" && !($7 == "held" && $11 == "answer_lost" && $9 == 1)')"
assert_eq "accepted, hold" $((300 - uncertain)) "$(in_state "$OUT" accepted)"
assert_eq "held" $((60 + uncertain)) "$(in_state "$OUT" held)"
assert_eq "one request a customer" 300 "$(enrol_count)"
enroll status --json >"$WORK/status.json"
assert_eq "held in status" $((60 + uncertain)) "$(json "$WORK/status.json" .totals.held)"

# Neither a further run nor a newer extract of the same cards sends them, also where lost answers are resent.
start_sandbox --latency 1ms..5ms --seed 22
assert_exit 0 submit
printf '\n' >>"$CARDS"
assert_exit 0 submit --cards "$CARDS" --customers "$CUSTOMERS"
stop_sandbox
assert_eq "requests after the rows were held" 300 "$(enrol_count)"
assert_eq "held after a newer extract" $((60 + uncertain)) "$(in_state "$OUT" held)"
assert_eq "uncertain after a newer extract" "$uncertain" "$(results "$OUT" | awk -F'\t' '$8 == "yes"' | wc -l | tr -d ' ')"

# What a killed run had in the air is held too.
LEDGER=$WORK/kill.db JOURNAL=$WORK/kill.jsonl
start_sandbox --latency 300ms..400ms --seed 23
start_run --cards "$CARDS" --customers "$CUSTOMERS" --set retry.on_lost_answer=hold --concurrency 4
# shellcheck disable=SC2016
wait_until '[ "$(enrol_count)" -ge 8 ]' 20 || die "the run sent nothing"
stop_run
stop_sandbox
start_sandbox --latency 1ms..5ms --seed 24
assert_exit 0 submit --set retry.on_lost_answer=hold
stop_sandbox
uncertain=$(results "$OUT" | awk -F'\t' '$8 == "yes" && $7 == "held"' | wc -l | tr -d ' ')
[ "$uncertain" -gt 0 ] || fault "no row of the killed run is held"
assert_eq "accepted after a kill" $((300 - uncertain)) "$(in_state "$OUT" accepted)"
assert_eq "cards with two requests" "" "$(journal_enrols | cut -f1 | sort | uniq -d)"

flow_end
