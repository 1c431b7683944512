#!/bin/bash
# events: what 50,000 accepted cards end as is what the sandbox's own truth says of the events that it wrote, though a fifth of
# them is dropped, doubled or out of order, and foreign, unknown and contradicting ones are mixed in; whatever the order,
# the files, a kill -9 in the middle, and how often they are read. What was dropped is overdue, and nothing is guessed.
# Then reconcile beside a run that is at work, and damaged files. EVENT_CARDS names another size, 20,000 at least.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin

EVENTS=$WORK/events.jsonl TRUTH=$WORK/truth.jsonl
CARDS=${EVENT_CARDS:-50000}

reconcile() { # options and files
    enroll reconcile --set api.tenant=TN-FLOW "$@"
}

# Card, outcome, sorted: what the sandbox says; of several lines of a card the best.
truth() {
    jq -r '[.card, .outcome] | @tsv' "$TRUTH" |
        awk -F'\t' '
            { rank = $2 == "enrolled" ? 3 : $2 == "declined" ? 2 : 1 }
            rank > best[$1] { best[$1] = rank }
            END { for (card in best) print card "\t" (best[card] == 3 ? "enrolled" : best[card] == 2 ? "declined" : "none") }' |
        sort
}

# The same of results.csv: the cards that were ever taken.
outcomes() { # report folder
    results "$1" | awk -F'\t' '$7 == "enrolled" || $7 == "declined" || $7 == "accepted" {
        print $6 "\t" ($7 == "accepted" ? "none" : $7) }' | sort
}

report() { # folder
    assert_exit 0 enroll report --out "$1"
}

field() { # of the JSON in $WORK/stdout
    json "$WORK/stdout" ".$1"
}

# ---- 50,000 cards ----

make_portfolio large --customers "$CARDS" --cards $((CARDS + CARDS / 25)) --shuffle --seed 51
start_sandbox --events "$EVENTS" --truth "$TRUTH" --seed 5 \
    --event-faults drop=7%,duplicate=7%,reorder=6%,failure=9%,foreign=4%,unknown=4%,unknown-status=3%,several=5%,no-cid=2%
assert_exit 0 submit --cards "$WORK/large/cards.csv" --customers "$WORK/large/customers.csv" --quiet --rate 5000/s \
    --set pace.token_rate=5000/s
stop_sandbox
assert_eq "lines of truth" "$CARDS" "$(wc -l <"$TRUTH" | tr -d ' ')"
truth >"$WORK/truth"
NONE=$(grep -c 'none$' "$WORK/truth")
DECLINED=$(grep -c 'declined$' "$WORK/truth")

# One shuffled third as JSON lines, one as an array, packed, one as SNS notifications.
shuf --random-source="$TRUTH" "$EVENTS" >"$WORK/shuffled"
split -n l/3 -d -a 1 "$WORK/shuffled" "$WORK/part"
{
    printf '\357\273\277[\n'
    sed '$!s/$/,/' "$WORK/part1"
    printf ']\n'
} | gzip >"$WORK/part1.json.gz"
jq -c '{Type: "Notification", MessageId: .event_id, Message: tojson}' "$WORK/part2" >"$WORK/part2.sns"

# How one of them is read, and that this changes nothing.
assert_exit 0 reconcile --explain --event 2 "$WORK/part2.sns"
assert_in "explained" 'inside Message' "$WORK/stdout"
assert_eq "nothing settled" 0 "$(enroll status --json | jq '.totals.enrolled + .totals.declined')"

# Killed in the middle: what was settled stays, and reading again does the rest.
mkfifo "$WORK/pipe"
enroll reconcile --set api.tenant=TN-FLOW "$WORK/pipe" >/dev/null 2>&1 &
RUN_PID=$!
exec 9>"$WORK/pipe"
cat "$WORK/part0" "$WORK/part1" >&9 # more than one batch
# shellcheck disable=SC2016 # expanded at each look
wait_until '[ "$(enroll status --json | jq .totals.enrolled)" -gt 0 ]' 30 || fault "nothing was settled before the kill"
stop_run
exec 9>&-
SETTLED=$(enroll status --json | jq '.totals.enrolled + .totals.declined')
[ "$SETTLED" -gt 0 ] || fault "what was settled is lost"

assert_exit 0 reconcile --json --set events.overdue=0s "$WORK/part0" "$WORK/part1.json.gz" - <"$WORK/part2.sns"
cp "$WORK/stdout" "$WORK/first.json"
assert_eq "events read" "$(wc -l <"$EVENTS" | tr -d ' ')" "$(field read)"
assert_eq "parts of the events read" "$(field read)" \
    "$(field 'matched + .unmatched + .contradicting + .foreign + .other_types + .other_operations + .unknown_statuses')"
assert_eq "parts of the matched" "$(field matched)" \
    "$(field 'enrolled + .declined + .duplicates + .further + .late_failures + .waiting + .listed')"
assert_eq "foreign" "$(grep -c TN-f0000000 "$EVENTS")" "$(field foreign)"
assert_eq "other types" "$(grep -c token-resync "$EVENTS")" "$(field other_types)"
assert_eq "other operations" "$(grep -v TN-f0000000 "$EVENTS" | grep -v token-resync | grep -Ec '"(update-customer|manage-card|delete-card)"')" \
    "$(field other_operations)"
assert_eq "unknown statuses" "$(grep -Ec '"(IN_PROGRESS|QUEUED|UNDER_REVIEW)"' "$EVENTS")" "$(field unknown_statuses)"
assert_eq "unmatched" 0 "$(field unmatched)"
assert_eq "overdue are those without an event" "$NONE" "$(field overdue)"
assert_exit 0 enroll status --set events.overdue=0s
assert_in "status tells of them" "^ +$NONE  of the accepted wait longer than events.overdue for their event$" "$WORK/stdout"
report "$WORK/out1"
outcomes "$WORK/out1" >"$WORK/outcome"
assert_same "the outcome is the truth" "$WORK/truth" "$WORK/outcome"
assert_eq "declined" "$DECLINED" "$(in_state "$WORK/out1" declined)"
assert_eq "events in results.csv" "$((CARDS - NONE))" "$(results "$WORK/out1" | awk -F'\t' '$14 != ""' | wc -l | tr -d ' ')"
results "$WORK/out1" | awk -F'\t' '$11 ~ /_weak$/ && $12 !~ /matched by account and card/' >"$WORK/unmarked"
assert_eq "weak evidence without its mark" 0 "$(wc -l <"$WORK/unmarked" | tr -d ' ')"
[ "$(results "$WORK/out1" | awk -F'\t' '$11 == "event_success_weak"' | wc -l)" -gt $((CARDS / 100)) ] ||
    fault "hardly anything was matched by account and card"
assert_eq "sum of the totals" $((CARDS + CARDS / 25)) "$(enroll status --json | jq '[.totals[]] | add')"

# Again, in the order in which they were written: nothing changes.
assert_exit 0 reconcile --json "$EVENTS"
assert_eq "settled by the second reading" "0 0" "$(field '|"\(.enrolled) \(.declined)"')"
assert_eq "none of them is overdue yet" 0 "$(field overdue)"
report "$WORK/out2"
assert_same "results after a second reading" "$WORK/out1/results.csv" "$WORK/out2/results.csv"

# What is enrolled is not sent again: only the cards that take the place of the declined.
start_sandbox --seed 6
assert_exit 3 submit --quiet --rate 5000/s
stop_sandbox
assert_eq "correlation IDs sent twice" 0 "$(journal_enrols | cut -f4 | sort | uniq -d | wc -l | tr -d ' ')"

# ---- beside a run ----

LEDGER=$WORK/beside.db OUT=$WORK/beside JOURNAL=$WORK/beside.jsonl
EVENTS=$WORK/beside.events TRUTH=$WORK/beside.truth
make_portfolio beside --customers 3000 --cards 3100 --seed 52
start_sandbox --events "$EVENTS" --truth "$TRUTH" --latency 1ms..40ms --seed 7 \
    --event-faults duplicate=10%,failure=10%,several=10%,no-cid=10% --fault reset=2%,500=1%
start_run --cards "$WORK/beside/cards.csv" --customers "$WORK/beside/customers.csv" --quiet --rate 1500/s
rounds=0
while kill -0 "$RUN_PID" 2>/dev/null; do
    [ -s "$EVENTS" ] && [ -s "$LEDGER" ] || continue
    reconcile --quiet "$EVENTS" >"$WORK/stdout" 2>"$WORK/stderr" && rounds=$((rounds + 1))
done
wait_run
case $RUN_CODE in
0 | 3) ;;
*) fault "the run ended with $RUN_CODE: $(tail -n 1 "$WORK/run.stderr")" ;;
esac
[ "$rounds" -gt 3 ] || fault "only $rounds times beside the run"
stop_sandbox
assert_exit 0 reconcile --json "$EVENTS"
assert_eq "left waiting" 0 "$(field left_waiting)"
report "$OUT"
# A card in the place of a declined one may lose its request, and then hear "already" of the declined one: by the contract
# it is accepted, and nothing will ever be told of it.
{
    cat "$TRUTH"
    results "$OUT" | awk -F'\t' '$7 == "accepted" && $8 == "yes" && $11 == "already_on_click_to_pay" {
        print "{\"card\":" $6 ",\"outcome\":\"none\"}" }'
} >"$WORK/told" && TRUTH=$WORK/told
truth >"$WORK/truth"
outcomes "$OUT" >"$WORK/outcome"
assert_same "the outcome beside a run is the truth" "$WORK/truth" "$WORK/outcome"
assert_eq "sum of the totals beside a run" 3100 "$(enroll status --json | jq '[.totals[]] | add')"

# ---- files that are not what they should be ----

assert_exit 6 reconcile "$WORK/none.jsonl"
assert_exit 6 reconcile "$WORK/beside/cards.csv"
assert_in "no event file" 'no event file' "$WORK/stderr"
assert_exit 6 timeout 60 "$BUILD/ctp-enroll" reconcile --ledger "$LEDGER" /dev/zero
assert_in "a stream without an end" 'not one event in its first 64 MiB' "$WORK/stderr"
assert_exit 6 "$BUILD/ctp-enroll" reconcile --ledger "$WORK/none.db" "$EVENTS"
assert_exit 2 reconcile
assert_exit 6 reconcile --explain "$TRUTH"
assert_in "no event to explain" 'there is no event' "$WORK/stderr"
assert_exit 0 enroll reconcile --set api.tenant=TN-OTHER "$EVENTS"
assert_in "another tenant's" 'is api.tenant this portfolio' "$WORK/stdout"
assert_exit 0 reconcile "$TRUTH"
assert_in "another file's" 'but no events' "$WORK/stdout"
LEDGER=$WORK/cut.db OUT=$WORK/cutout JOURNAL=$WORK/cut.jsonl EVENTS=$WORK/cut.events
make_portfolio cut --customers 400 --cards 400 --seed 53
start_sandbox --events "$EVENTS" --seed 8
assert_exit 0 submit --cards "$WORK/cut/cards.csv" --customers "$WORK/cut/customers.csv" --quiet
stop_sandbox

# Without api.tenant the last run's counts, though the correlation ID is one of ours.
head -n 1 "$EVENTS" | jq -c '.org_id = "TN-OTHER" | .data.status = "FAILURE"' >"$WORK/foreign.jsonl"
assert_exit 0 enroll reconcile --json "$WORK/foreign.jsonl"
assert_eq "another tenant's failure" '1 0 400' "$(jq -r '"\(.foreign) \(.totals.declined) \(.totals.accepted)"' "$WORK/stdout")"

gzip -c "$EVENTS" >"$WORK/whole.gz"
SIZE=$(($(stat -c %s "$WORK/whole.gz") / 2))
head -c "$SIZE" "$WORK/whole.gz" >"$WORK/cut.gz"
assert_exit 6 reconcile "$WORK/cut.gz"
assert_in "told why" "truncated: the gzip stream stops at byte $SIZE " "$WORK/stdout"
assert_eq "what was settled before the cut is told" \
    "$(enroll status --json | jq .totals.enrolled)" "$(awk '$2 == "enrolled" { print $1; exit }' "$WORK/stdout")"
[ "$(enroll status --json | jq .totals.enrolled)" -gt 0 ] || fault "nothing was settled before the cut"
{
    echo 'not JSON at all'
    head -n 100 "$EVENTS"
    echo '{"event_id": "cut off in the mid'
    tail -n +101 "$EVENTS" | tr -d '\n'
    printf '{"event_id":"%02000000d"}' 0
} >"$WORK/dirty.jsonl"
assert_exit 0 reconcile --json "$WORK/dirty.jsonl"
assert_eq "events among the dirt" 400 "$(field read)"
assert_eq "stretches of dirt" 3 "$(field junk)"
assert_in "a place is named" 'byte=0 ' "$WORK/stderr"
assert_eq "all enrolled in the end" 400 "$(enroll status --json | jq .totals.enrolled)"

flow_end
