#!/bin/bash
# First SIGTERM: what flies is finished, exit 5, and a plain run carries on without a second request for anyone.
# Second: stop at once; the rows in flight are sent again under the same correlation ID.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin

make_portfolio small --customers 120 --cards 130 --seed 61
CARDS=$WORK/small/cards.csv CUSTOMERS=$WORK/small/customers.csv

start_sandbox --latency 50ms..150ms --seed 8
start_run --cards "$CARDS" --customers "$CUSTOMERS" --concurrency 4
# shellcheck disable=SC2016 # looked at again each time
wait_until '[ "$(enrol_count)" -ge 10 ]' 20 || die "the run sent nothing"
kill -s TERM "$RUN_PID"
wait_run
assert_eq "exit code after SIGTERM" 5 "$RUN_CODE"
enroll status --json >"$WORK/status.json"
assert_eq "rows left in flight" 0 "$(json "$WORK/status.json" '.totals.sent // 0')"
[ "$(json "$WORK/status.json" .totals.ready)" -gt 0 ] || fault "nothing was left to be sent"
assert_true "reports are written on the way out" test -s "$OUT/results.csv"
assert_exit 0 submit
stop_sandbox
assert_eq "enrol requests" 120 "$(enrol_count)"
assert_eq "cards with two requests" "" "$(journal_enrols | cut -f1 | sort | uniq -d)"

# SIGINT does the same.
LEDGER=$WORK/int.db JOURNAL=$WORK/int.jsonl
start_sandbox --latency 50ms..150ms --seed 9
start_run --cards "$CARDS" --customers "$CUSTOMERS" --concurrency 4
# shellcheck disable=SC2016
wait_until '[ "$(enrol_count)" -ge 4 ]' 20 || die "the run sent nothing"
kill -s INT "$RUN_PID"
wait_run
assert_eq "exit code after SIGINT" 5 "$RUN_CODE"
stop_sandbox

# The second signal does not wait for answers: none comes here, and neither grace nor time-out would end it in time.
LEDGER=$WORK/twice.db JOURNAL=$WORK/twice.jsonl
start_sandbox --fault hang=100% --seed 10
start_run --cards "$CARDS" --customers "$CUSTOMERS" --concurrency 4 --set run.grace=1h --set api.timeout=1h
in_flight() {
    "$BUILD/ctp-enroll" status --ledger "$LEDGER" --json 2>/dev/null | jq -r '.totals.sent // 0' | grep . || echo 0
}
# shellcheck disable=SC2016
wait_until '[ "$(enrol_count)" -ge 1 ]' 20 || die "nothing was in flight"
kill -s TERM "$RUN_PID"
# shellcheck disable=SC2016
wait_until 'grep -q "stopping on a signal" "$WORK/run.stderr"' 20 || fault "the first signal was not heard"
assert_true "the first signal waits for answers" kill -0 "$RUN_PID"
kill -s TERM "$RUN_PID"
# shellcheck disable=SC2016
wait_until '! kill -0 "$RUN_PID" 2>/dev/null' 60 || die "the second signal was not heard"
wait_run
assert_eq "exit code after the second signal" 5 "$RUN_CODE"
[ "$(in_flight)" -gt 0 ] || fault "no row stayed in flight"
stop_sandbox
start_sandbox --latency 1ms..5ms --seed 11
assert_exit 0 submit
assert_eq "accepted" 120 "$(in_state "$OUT" accepted)"
[ "$(results "$OUT" | awk -F'\t' '$8 == "yes"' | wc -l)" -gt 0 ] || fault "no row is marked as uncertain"
stop_sandbox
assert_eq "cards under two correlation IDs" "" "$(journal_enrols | cut -f1,4 | sort -u | cut -f1 | uniq -d)"

# SIGUSR1: the status line at once, also under --quiet. SIGHUP: rates and log level from the file; what else has
# changed is named; a broken file changes nothing. Neither ends the process, however early it comes.
LEDGER=$WORK/hup.db JOURNAL=$WORK/hup.jsonl CONF=$WORK/run.conf
start_sandbox --latency 5ms..10ms --seed 13
printf '[pace]\nrate = 2/s\n[log]\nlevel = info\n' >"$CONF"
run_options
"$BUILD/ctp-enroll" run --ledger "$LEDGER" --out "$OUT" --tenant TN-FLOW --config "$CONF" --progress none \
    --base-url "http://127.0.0.1:$PORT/cards-tokenization" --auth-url "http://127.0.0.1:$PORT/passport" \
    --cards "$CARDS" --customers "$CUSTOMERS" >"$WORK/run.stdout" 2>"$WORK/run.stderr" &
RUN_PID=$!
# The handlers stand when the ledger does.
# shellcheck disable=SC2016
wait_until '[ -s "$LEDGER" ]' 20 || die "no ledger"
kill -s USR1 "$RUN_PID"
# shellcheck disable=SC2016
wait_until 'grep -q " of 120 rows (" "$WORK/run.stderr"' 20 || fault "SIGUSR1 printed no status line"
# shellcheck disable=SC2016
wait_until '[ "$(journal_lines)" -ge 3 ]' 20 || die "the run sent nothing"
printf '[pace]\nrate = much\n' >"$CONF"
kill -s HUP "$RUN_PID"
# shellcheck disable=SC2016
wait_until 'grep -q "run.conf:2: pace.rate" "$WORK/run.stderr"' 20 || fault "a broken file is not told of"
assert_in "the error of a broken file" "error +the settings cannot be read again; all stay as they are" "$WORK/run.stderr"
printf '[pace]\nrate = 500/s\ntimetable = * 400/s\n[retry]\nmax_attempts = 3\n[log]\nlevel = warning\n' >"$CONF"
kill -s HUP "$RUN_PID"
wait_run
assert_eq "exit code after SIGHUP" 0 "$RUN_CODE"
# At the old rate no second of the journal could hold more than three.
busiest=$(grep clicktopay "$JOURNAL" | sed 's/.*"time":"\([^".]*\).*/\1/' | sort | uniq -c | sort -rn | awk '{ print $1; exit }')
[ "$busiest" -gt 6 ] || fault "the new rate was not taken: $busiest requests in the busiest second"
assert_in "settings that must wait" "settings that changed count from the next run on settings=retry.max_attempts$" \
    "$WORK/run.stderr"
assert_true "the new log level was not taken" test -z "$(grep 'submission ended' "$WORK/run.stderr")"
stop_sandbox
assert_eq "enrol requests around SIGHUP" 120 "$(enrol_count)"

# Closed by the timetable: nothing is sent, the status line tells until when, a deadline ends it.
LEDGER=$WORK/closed.db JOURNAL=$WORK/closed.jsonl
start_sandbox --latency 5ms..10ms --seed 15
start_run --cards "$CARDS" --customers "$CUSTOMERS" --max-duration 2s --set 'pace.timetable=* 0'
# shellcheck disable=SC2016
wait_until 'grep -q "closed by pace.timetable" "$WORK/run.stderr"' 20 || fault "nothing tells that it is closed"
kill -s USR1 "$RUN_PID"
wait_run
assert_eq "exit code of a closed run" 5 "$RUN_CODE"
assert_in "the status line of a closed run" "0 of 120 rows \(0%\).*closed by pace.timetable" "$WORK/run.stderr"

# A terminal of 40 columns: the moving line is cut to fit, since one that wraps would fill the screen.
LEDGER=$WORK/narrow.db
run_options
if command -v script >/dev/null; then
    printf -v line '%q ' "$BUILD/ctp-enroll" run "${RUN_OPTIONS[@]}" --progress tty --max-duration 1s \
        --set 'pace.timetable=* 0' --cards "$CARDS" --customers "$CUSTOMERS"
    SHELL=/bin/bash script -qec "stty cols 40; $line" /dev/null </dev/null >"$WORK/narrow.out"
    assert_eq "the moving line, cut" "0 of 120 rows (0%), 0 accepted, 0 faile" \
        "$(tr '\r' '\n' <"$WORK/narrow.out" | sed -n 's/^\x1b\[K\([0-9]* of 120.*\)/\1/p' | sort -u)"
fi
stop_sandbox
assert_eq "requests while closed" 0 "$(journal_lines)"
assert_exit 2 enroll config check --set 'pace.timetable=Mon-Fri 08:00-20:00 5/s; Mom 50/s'
assert_in "the place in a broken timetable" "pace.timetable: character 26: 'Mom' is no day" "$WORK/stderr"

# The plan reckons with it.
LEDGER=$WORK/plan.db
assert_exit 0 submit --dry-run --cards "$CARDS" --customers "$CUSTOMERS" --rate 1/s --set 'pace.timetable=* 2/s'
assert_in "the plan by the timetable" '^plan: 120 requests, .*, about 60 s at 1 requests/s, or as pace.timetable says,' \
    "$WORK/stdout"
assert_exit 2 submit --dry-run --cards "$CARDS" --customers "$CUSTOMERS" --set 'pace.timetable=* 0'
assert_in "a timetable without an open hour" 'pace.timetable never opens' "$WORK/stderr"

# A deadline works like the first signal.
LEDGER=$WORK/late.db JOURNAL=$WORK/late.jsonl
start_sandbox --latency 50ms..100ms --seed 12
assert_exit 5 submit --cards "$CARDS" --customers "$CUSTOMERS" --concurrency 2 --max-duration 1s
assert_exit 0 submit
stop_sandbox
assert_eq "enrol requests around a deadline" 120 "$(enrol_count)"

flow_end
