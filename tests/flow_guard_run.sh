#!/bin/bash
# shellcheck disable=SC2016,SC2034,SC2317 # conditions are expanded at each look; variables and functions of flow.sh
# The ledger's names, the limit of open files, the second signal and the rate: faults that were seen once.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin

make_portfolio small --customers 24 --cards 24 --seed 81
CARDS=$WORK/small/cards.csv CUSTOMERS=$WORK/small/customers.csv

begin() { # name, arguments of the sandbox
    local name=$1
    shift
    stop_sandbox
    LEDGER=$WORK/$name.db JOURNAL=$WORK/$name.jsonl OUT=$WORK/$name.out
    start_sandbox "$@"
}

start_slow_run() {
    start_run --cards "$CARDS" --customers "$CUSTOMERS" --concurrency 2
    wait_until '[ "$(enrol_count)" -ge 2 ]' 20 || die "the run sent nothing"
}

# ---- the ledger under other names ----

begin linked --latency 100ms..120ms
ln -s linked.db "$WORK/alias.db"
start_slow_run
LEDGER=$WORK/alias.db
assert_exit 75 submit
assert_in "the holder's process is named" "(^|[^0-9])$RUN_PID([^0-9]|\$)" "$WORK/stderr"
wait_run
assert_eq "exit code of the run beside it" 0 "$RUN_CODE"
assert_exit 0 submit # alone, the link is as good a name as any
stop_sandbox
assert_eq "enrol requests under both names" 24 "$(enrol_count)"

start_sandbox
ln "$WORK/linked.db" "$WORK/hard.db"
for LEDGER in "$WORK/linked.db" "$WORK/hard.db"; do
    assert_exit 7 submit
    assert_in "what is wrong with $LEDGER" 'hard link' "$WORK/stderr"
done
rm "$WORK/hard.db"
LEDGER=$WORK/linked.db
assert_exit 0 submit

# What is taken away under a run ends it: otherwise a second run could begin beside it.
for suffix in '' .lock; do
    begin "gone$suffix" --latency 100ms..120ms
    start_slow_run
    seen=$(enrol_count)
    rm "$LEDGER$suffix"
    wait_run
    assert_eq "exit code with ledger$suffix removed" 7 "$RUN_CODE"
    stop_sandbox
    [ "$(enrol_count)" -lt 24 ] || fault "all rows were sent although ledger$suffix was removed (at $seen)"
done

# ---- the limit of open files ----

make_portfolio wide --customers 400 --cards 400 --seed 82
begin wide --latency 20ms..30ms
limited() {
    (ulimit -n 64 && submit "$@")
}
assert_exit 0 limited --cards "$WORK/wide/cards.csv" --customers "$WORK/wide/customers.csv" --concurrency 512 \
    --set pace.adaptive=no --set pace.token_concurrency=64 --set retry.max_attempts=2 --set pace.rate=5000/s
assert_in "the new concurrency is named" 'concurrency[^0-9]+[0-9]+' "$WORK/stderr"
assert_eq "accepted with few descriptors" 400 "$(in_state "$OUT" accepted)"
assert_eq "attempts beyond the first" 0 "$(results "$OUT" | awk -F'\t' '$9 != 1' | wc -l)"
for name in results.csv summary.json; do
    assert_true "$name with few descriptors" test -s "$OUT/$name"
done

# ---- answers that break off ----

# The head of a 202 has come: the request is taken, and is not sent again.
begin truncated --fault truncated=50% --seed 14
assert_exit 0 submit --cards "$CARDS" --customers "$CUSTOMERS"
stop_sandbox
broken=$(journal_enrols | awk -F'\t' '$8 == "truncated"' | wc -l)
[ "$broken" -ge 2 ] || fault "$broken answers were cut"
assert_eq "enrol requests with answers cut" 24 "$(enrol_count)"
assert_eq "accepted with answers cut" 24 "$(in_state "$OUT" accepted)"
assert_eq "attempts beyond the first with answers cut" 0 "$(results "$OUT" | awk -F'\t' '$9 != 1 || $8 != ""' | wc -l)"

# ---- the second signal ----

begin twice --latency 2s..2s
start_run --cards "$CARDS" --customers "$CUSTOMERS" --concurrency 4
wait_until '[ "$(sql "$LEDGER" "SELECT count(*) FROM card_now WHERE state = 4" 2>/dev/null || echo 0)" -ge 1 ] &&
    [ "$(journal_lines)" -ge 1 ]' 20 || die "nothing was in flight"
kill -s TERM "$RUN_PID"
wait_until 'grep -q "stopping on a signal" "$WORK/run.stderr"' 5 || fault "the first signal was not seen"
kill -s INT "$RUN_PID"
wait_run
assert_eq "exit code after two signals" 5 "$RUN_CODE"
flying=$(in_state "$OUT" sent)
[ "$flying" -ge 1 ] || fault "no row stayed in flight"
assert_eq "rows in flight that are not uncertain" 0 "$(results "$OUT" | awk -F'\t' '$7 == "sent" && $8 != "yes"' | wc -l)"
assert_eq "uncertain rows" "$flying" "$(results "$OUT" | awk -F'\t' '$8 == "yes"' | wc -l)"

# ---- the rate ----

begin rate --latency 10ms..20ms
assert_exit 0 submit --cards "$CARDS" --customers "$CUSTOMERS"
enroll report --out "$WORK/later.out" >/dev/null 2>&1 || fault "report failed"
rate=$(sql "$LEDGER" 'SELECT printf("%.3f", requests * 1000.0 / (ended_ms - started_ms)) FROM run')
case $rate in '' | 0.000) fault "the ledger's rate is '$rate'" ;; esac
for folder in "$OUT" "$WORK/later.out"; do
    assert_eq "requests in $folder" 24 "$(json "$folder/summary.json" .requests)"
    assert_eq "rate in $folder" "$rate" "$(printf '%.3f' "$(json "$folder/summary.json" .rate_per_second)")"
done

flow_end
