#!/bin/bash
# Rows still to be sent need their file: gone or changed, run ends with 6 before any request and names the file and
# the number of rows; with the file back it carries on. A file that is touched without end keeps no run from stopping.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin

make_portfolio small --customers 40 --cards 40 --seed 51
CARDS=$WORK/small/cards.csv CUSTOMERS=$WORK/small/customers.csv
start_sandbox --latency 150ms..250ms --seed 5
start_run --cards "$CARDS" --customers "$CUSTOMERS" --concurrency 2
# shellcheck disable=SC2016
wait_until '[ "$(journal_enrols 2>/dev/null | wc -l)" -ge 4 ]' 20 || die "the run sent nothing"
kill -s TERM "$RUN_PID"
wait_run
assert_eq "exit code of the stopped run" 5 "$RUN_CODE"
enroll status --json >"$WORK/status.json"
LEFT=$(json "$WORK/status.json" '.totals.ready + (.totals.sent // 0)')
[ "$LEFT" -gt 0 ] || die "nothing was left to be sent"
BEFORE=$(json "$WORK/status.json" '[.http_status[]] | add')

refused() { # what, file named
    assert_exit 6 submit
    assert_in "$1: the file is named" "$2" "$WORK/stderr"
    assert_in "$1: the rows are counted" "(^|[^0-9])$LEFT([^0-9]|\$)" "$WORK/stderr"
    enroll status --json >"$WORK/status.json"
    assert_eq "$1: answers" "$BEFORE" "$(json "$WORK/status.json" '[.http_status[]] | add')"
    assert_eq "$1: rows left" "$LEFT" "$(json "$WORK/status.json" '.totals.ready + (.totals.sent // 0)')"
}

# One byte, same length, same time.
cp -p "$CARDS" "$WORK/cards.saved"
printf '9' | dd of="$CARDS" bs=1 seek=$(($(wc -c <"$CARDS") - 30)) conv=notrunc status=none
touch -r "$WORK/cards.saved" "$CARDS"
refused "changed cards" 'cards\.csv'
cp -p "$WORK/cards.saved" "$CARDS"

mv "$CUSTOMERS" "$WORK/customers.saved"
refused "missing customers" 'customers\.csv'
mv "$WORK/customers.saved" "$CUSTOMERS"

echo >>"$CARDS"
refused "longer cards" 'cards\.csv'
cp -p "$WORK/cards.saved" "$CARDS"

sent=$(journal_enrols | wc -l)
assert_exit 0 submit
stop_sandbox
assert_eq "enrol requests in all" 40 "$(enrol_count)"
[ "$sent" -lt 40 ] || fault "requests left although a file was changed"
assert_eq "cards with two requests" "" "$(journal_enrols | cut -f1 | sort | uniq -d)"

# --drop-lost gives the lost rows up.
LEDGER=$WORK/lost.db JOURNAL=$WORK/lost.jsonl
start_sandbox --latency 150ms..250ms --seed 6
start_run --cards "$CARDS" --customers "$CUSTOMERS" --concurrency 2
# shellcheck disable=SC2016
wait_until '[ "$(journal_enrols 2>/dev/null | wc -l)" -ge 4 ]' 20 || die "the run sent nothing"
kill -s TERM "$RUN_PID"
wait_run
rm "$CARDS"
assert_exit 3 submit --drop-lost
enroll status --json >"$WORK/status.json"
lost=$(json "$WORK/status.json" .problems.source_lost)
assert_eq "sum of lost and accepted" 40 $((lost + $(json "$WORK/status.json" .totals.accepted)))
[ "$lost" -gt 0 ] || fault "no row was given up"

# Somebody touches the file faster than its digest can be made. Whether a row still leaves is chance; that the run obeys
# a signal is not.
make_portfolio large --customers 400 --cards 400 --seed 52
CARDS=$WORK/large/cards.csv CUSTOMERS=$WORK/large/customers.csv
head -c 33554432 /dev/zero | tr '\0' '\n' >>"$CARDS"
LEDGER=$WORK/touched.db JOURNAL=$WORK/touched.jsonl
stop_sandbox
start_sandbox --seed 7
start_run --cards "$CARDS" --customers "$CUSTOMERS" --set pace.rate=20/s --set pace.burst=1
# shellcheck disable=SC2016
wait_until '[ "$(enrol_count)" -ge 4 ]' 20 || die "the run sent nothing"
(
    touched=0
    while kill -0 "$RUN_PID" 2>/dev/null; do
        chmod 640 "$CARDS"
        touched=$((touched + 1))
        [ $touched -ne 300 ] || echo $touched >"$WORK/touched"
    done
) &
TOUCHING=$!
# shellcheck disable=SC2016
wait_until '[ -s "$WORK/touched" ]' 20 || die "the file was not touched"
kill -s TERM "$RUN_PID"
# shellcheck disable=SC2016
wait_until '! kill -0 "$RUN_PID" 2>/dev/null' 20 || {
    fault "the run does not stop while its file is touched"
    stop_run
}
[ -z "$RUN_PID" ] || wait_run
wait "$TOUCHING"
assert_eq "exit code while the file is touched" 5 "$RUN_CODE"

flow_end
