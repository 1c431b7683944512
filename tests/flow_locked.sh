#!/bin/bash
# One run a ledger: a second one ends with 75 and says who holds it; status reads beside a run.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin

make_portfolio small --customers 16 --cards 16 --seed 41
start_sandbox --latency 200ms..300ms
start_run --cards "$WORK/small/cards.csv" --customers "$WORK/small/customers.csv" --concurrency 2
# shellcheck disable=SC2016 # looked at again each time
wait_until '[ "$(journal_lines)" -ge 1 ]' 20 || die "the first run sent nothing"

assert_exit 75 submit
assert_in "the holder's process is named" "(^|[^0-9])$RUN_PID([^0-9]|\$)" "$WORK/stderr"
assert_exit 75 submit --cards "$WORK/small/cards.csv" --customers "$WORK/small/customers.csv"
assert_exit 0 enroll status --json
assert_eq "sum of the totals beside a run" 16 "$(json "$WORK/stdout" '[.totals[]] | add')"
assert_eq "the run is at work" at_work "$(json "$WORK/stdout" .last_run.state)"
assert_in "and its process is named" "^process $RUN_PID on [^ ]+$" <(json "$WORK/stdout" .last_run.holder)
assert_exit 0 enroll status
assert_in "status tells it" "^last run: began 20[^ ]*Z, is at work \\(process $RUN_PID on [^ ]+\\)$" "$WORK/stdout"
assert_true "the first run goes on" kill -0 "$RUN_PID"
wait_run
assert_eq "exit code of the first run" 0 "$RUN_CODE"

# The lock dies with its holder.
stop_sandbox
LEDGER=$WORK/second.db JOURNAL=$WORK/second.jsonl
start_sandbox --latency 200ms..300ms
start_run --cards "$WORK/small/cards.csv" --customers "$WORK/small/customers.csv" --concurrency 2
# shellcheck disable=SC2016
wait_until '[ "$(enrol_count)" -ge 1 ]' 20 || die "the run sent nothing"
stop_run
assert_exit 0 enroll status
assert_in "a killed run is told" '^last run: began 20[^ ]*Z, was cut off(, last answer 20[^ ]*Z| before any answer); the next run carries on$' \
    "$WORK/stdout"
assert_exit 0 enroll status --json
assert_eq "the run was cut off" '["cut_off",null]' "$(jq -c '[.last_run.state, .last_run.holder]' "$WORK/stdout")"
assert_exit 0 submit
assert_exit 0 enroll status --json
assert_eq "the run has ended" '["ended",null,0]' "$(jq -c '.last_run | [.state, .holder, .exit_code]' "$WORK/stdout")"

# A look waits for nobody, whatever stands in the lock's place.
rm -f "$LEDGER.lock"
mkfifo "$LEDGER.lock"
assert_exit 0 timeout 20 "$BUILD/ctp-enroll" status --ledger "$LEDGER"
rm -f "$LEDGER.lock"

flow_end
