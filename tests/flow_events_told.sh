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

# A file that ends in the middle of an event, or of an array of them, lacks events: 6 as for a packed one, after what
# stands before that was settled. A last line without its end is whole.
told() { # what, file, events read, enrolled then
    assert_exit 6 reconcile --json "$2"
    assert_eq "$1: read" "$3" "$(json "$WORK/stdout" .read)"
    assert_eq "$1: why" "$2: truncated: at byte $(stat -c %s "$2") it stops inside a JSON object or array; get the whole file. What stands before that was read" \
        "$(json "$WORK/stdout" .error)"
    assert_eq "$1: enrolled" "$4" "$(enrolled)"
}
head -n 5 "$EVENTS" | head -c -30 >"$WORK/line.jsonl"
told "in a line" "$WORK/line.jsonl" 4 4
head -n 6 "$EVENTS" | jq . | head -n -4 >"$WORK/lines.json"
told "in one of many lines" "$WORK/lines.json" 5 5
head -n 7 "$EVENTS" | sed '1s/^/[/; s/$/,/' | head -c -2 >"$WORK/array.json"
told "in an array, between two" "$WORK/array.json" 7 7
head -n 8 "$EVENTS" | head -c -1 >"$WORK/whole.jsonl"
assert_exit 0 reconcile --json "$WORK/whole.jsonl"
assert_eq "a line without an end" '8 null' "$(jq -r '"\(.read) \(.error)"' "$WORK/stdout")"
head -n 1 "$EVENTS" | head -c -30 >"$WORK/one.jsonl"
assert_exit 6 reconcile "$WORK/one.jsonl" "$EVENTS"
assert_in "one event, cut" 'one.jsonl: holds no whole JSON object, so it is no event file, or was cut off$' "$WORK/stdout"
assert_eq "the other file is settled" 20 "$(enrolled)"

flow_end
