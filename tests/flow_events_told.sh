#!/bin/bash
# What reconcile says of a few events: figures, examples, places; files that are cut off.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin

EVENTS=$WORK/events.jsonl
make_portfolio few --customers 20 --cards 20 --seed 57
start_sandbox --events "$EVENTS" --seed 3
assert_exit 0 submit --cards "$WORK/few/cards.csv" --customers "$WORK/few/customers.csv" --quiet
stop_sandbox
assert_eq "events" 20 "$(wc -l <"$EVENTS" | tr -d ' ')"

reconcile() {
    "$BUILD/ctp-enroll" reconcile --ledger "$LEDGER" "$@"
}
enrolled() {
    enroll status --json | jq .totals.enrolled
}

# --explain: no line ends in a blank, whatever is missing from the event.
echo '{"event_id":"e-1","domain":"click-to-pay","event_type":"x","timestamp":"2026-01-02T03:04:05Z"}' >"$WORK/odd.jsonl"
assert_exit 0 reconcile --explain "$WORK/odd.jsonl"
assert_eq "lines that end in a blank" "" "$(grep -n ' $' "$WORK/stdout")"
assert_in "what is not there" '^  status     /data/status         nothing$' "$WORK/stdout"

# Values beyond the eight that are named are counted together, in both forms.
for n in $(seq 12); do
    echo "{\"event_id\":\"t-$n\",\"domain\":\"other-$n\",\"event_type\":\"x\",\"org_id\":\"TN-FLOW\",\"timestamp\":\"2026-01-02T03:04:05Z\",\"data\":{}}"
done >"$WORK/types.jsonl"
assert_exit 0 reconcile --json "$WORK/types.jsonl"
assert_eq "named and others" '12 8 4 0 0' "$(jq -r '"\(.other_types) \(.other_type_values | length) \(.other_type_others) \(.unknown_status_others) \(.other_operation_others)"' "$WORK/stdout")"
assert_exit 0 reconcile "$WORK/types.jsonl"
assert_in "others as text" '^other types: .*, others \(4\)$' "$WORK/stdout"

# An example is another event each time, however often one comes.
head -n 2 "$EVENTS" | jq -c 'del(.cid)' >"$WORK/weak.jsonl"
assert_exit 0 reconcile --set api.tenant=TN-FLOW --json "$WORK/weak.jsonl" "$WORK/weak.jsonl" "$WORK/weak.jsonl"
assert_eq "weak events and examples" '6 2 2' "$(jq -r '"\(.weak) \(.weak_examples | length) \(.enrolled)"' "$WORK/stdout")"
assert_exit 0 reconcile --set api.tenant=TN-FLOW "$WORK/weak.jsonl" "$WORK/weak.jsonl"
assert_in "told as some of them" '^by account and card, for example:$' "$WORK/stdout"
assert_exit 0 reconcile --set api.tenant=TN-FLOW "$WORK/weak.jsonl"
assert_in "or as all" '^by account and card:$' "$WORK/stdout"

# What is stepped over is told with its place and its length.
printf '{"a":1}\n{"bb":22}\nwhat\n' >"$WORK/none.jsonl"
assert_exit 0 reconcile "$WORK/none.jsonl"
assert_eq "places and lengths" "0 7
8 9
18 5" "$(sed -n 's/.* stepped over .*byte=\([0-9]*\) bytes=\([0-9]*\)$/\1 \2/p' "$WORK/stderr")"

flow_end
