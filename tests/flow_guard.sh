#!/bin/bash
# shellcheck disable=SC2016,SC2034,SC2317 # conditions are expanded at each look; variables and functions of flow.sh
# Input files that are gone, changed, unfit or not yet whole in the ledger: faults that were seen once.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin

make_portfolio small --customers 12 --cards 12 --seed 71
CARDS=$WORK/small/cards.csv CUSTOMERS=$WORK/small/customers.csv

total() { # state
    enroll status --json | jq -r ".totals.$1 // 0"
}
lost_rows() {
    enroll status --json | jq -r '.problems.source_lost // 0'
}

# A ledger and a journal of its own for what follows.
begin() { # name
    stop_sandbox
    LEDGER=$WORK/$1.db JOURNAL=$WORK/$1.jsonl OUT=$WORK/$1.out
}

# Loads and sends nothing for good: the first answer is fatal, every row stays resumable.
load_only() { # options of run
    start_sandbox --not-enabled
    assert_exit 4 submit "$@"
    stop_sandbox
    rm "$JOURNAL"
}

# ---- --drop-lost ----

# A setting that makes the file unreadable does not make it lost.
begin drop
load_only --cards "$CARDS" --customers "$CUSTOMERS"
assert_eq "rows to be sent" 12 "$(total ready)"
start_sandbox
assert_exit 6 submit --drop-lost --set 'columns.card_id=Card'
assert_eq "rows after a wrong mapping" 12 "$(total ready)"
assert_eq "rows given up for a wrong mapping" 0 "$(lost_rows)"

# A file that is gone: its rows are given up, and come back with it.
mv "$CARDS" "$WORK/cards.saved"
assert_exit 3 submit --drop-lost
assert_eq "rows given up with the cards file" 12 "$(lost_rows)"
assert_eq "requests without the cards file" 0 "$(enrol_count)"
mv "$WORK/cards.saved" "$CARDS"
assert_exit 0 submit --cards "$CARDS" --customers "$CUSTOMERS"
assert_eq "accepted with the cards file back" 12 "$(in_state "$OUT" accepted)"
assert_eq "lines of results.csv" 12 "$(results "$OUT" | wc -l)"

# The newer of two extracts is gone for good: the older one has its cards again.
begin older
load_only --cards "$CARDS" --customers "$CUSTOMERS"
{ cat "$CARDS" && echo; } >"$WORK/small/newer.csv"
{ cat "$CUSTOMERS" && echo; } >"$WORK/small/newer.customers.csv"
load_only --cards "$WORK/small/newer.csv" --customers "$WORK/small/newer.customers.csv"
rm "$WORK/small/newer.csv" "$WORK/small/newer.customers.csv"
start_sandbox
assert_exit 3 submit --drop-lost
assert_eq "rows given up with the newer extract" 12 "$(lost_rows)"
assert_exit 0 submit --cards "$CARDS" --customers "$CUSTOMERS"
assert_in "that they are found" 'file known; what was given up is found in it file=.* rows=12' "$WORK/stderr"
assert_in "the sheet says so" 'loaded before; what was given up is back' "$WORK/stdout"
assert_eq "accepted with the older extract" 12 "$(in_state "$OUT" accepted)"
assert_eq "files of the ledger" 4 "$(sql "$LEDGER" 'SELECT count(*) FROM file')"

# The customers file alone: another one has the cards judged anew.
begin customers
load_only --cards "$CARDS" --customers "$CUSTOMERS"
mv "$CUSTOMERS" "$WORK/customers.saved"
start_sandbox
assert_exit 3 submit --drop-lost
assert_eq "rows given up with the customers file" 12 "$(lost_rows)"
{ cat "$WORK/customers.saved" && echo; } >"$WORK/small/again.csv"
assert_exit 0 submit --cards "$CARDS" --customers "$WORK/small/again.csv"
assert_eq "accepted with another customers file" 12 "$(in_state "$OUT" accepted)"
mv "$WORK/customers.saved" "$CUSTOMERS"

# ---- refused at sending, healed by the next customers file ----

# The first customer without e-mail: well enough to be loaded while Pismo's own data may serve, not without them.
begin heal
email=$(sed -n '2s/.*,\([^,]*@[^,]*\),.*/\1/p' "$CUSTOMERS")
sed "2s/,$email,/,,/" "$CUSTOMERS" >"$WORK/small/poor.csv"
cmp -s "$CUSTOMERS" "$WORK/small/poor.csv" && die "no e-mail was taken out"
load_only --cards "$CARDS" --customers "$WORK/small/poor.csv" --set input.allow_internal=yes
assert_eq "rows loaded" 12 "$(total ready)"
start_sandbox
assert_exit 3 submit
assert_eq "accepted without the poor customer" 11 "$(in_state "$OUT" accepted)"
assert_eq "code of the poor customer's card" customer_invalid "$(results "$OUT" | awk -F'\t' '$7 == "invalid" { print $11 }')"
assert_exit 0 submit --cards "$CARDS" --customers "$CUSTOMERS"
assert_eq "accepted with the customer corrected" 12 "$(in_state "$OUT" accepted)"
stop_sandbox
assert_eq "enrol requests" 12 "$(enrol_count)"

# ---- files touched while they are in use ----

make_portfolio used --customers 30 --cards 30 --seed 72
CARDS=$WORK/used/cards.csv CUSTOMERS=$WORK/used/customers.csv
cp -p "$CARDS" "$WORK/used.saved"

start_slow_run() {
    start_sandbox --latency 100ms..120ms --seed 13
    start_run --cards "$CARDS" --customers "$CUSTOMERS" --concurrency 2
    wait_until '[ "$(enrol_count)" -ge 4 ]' 20 || die "the run sent nothing"
}

# Other bytes of the same length under the same times; the numbers that a row is known by are what they were.
begin rewritten
start_slow_run
sed 's/,1000052,/,1000059,/' "$WORK/used.saved" >"$WORK/used.other"
cat "$WORK/used.other" >"$CARDS"
touch -r "$WORK/used.saved" "$CARDS"
seen=$(enrol_count)
wait_run
assert_eq "exit code with the cards rewritten" 6 "$RUN_CODE"
assert_in "the rewritten file is named" 'cards\.csv' "$WORK/run.stderr"
stop_sandbox
# In the air when it was noticed, or not yet in the journal.
[ "$(enrol_count)" -le $((seen + 8)) ] || fault "$(enrol_count) requests left, $seen before the cards were rewritten"
assert_eq "rows that are done and rows left" 30 $(($(total accepted) + $(total ready)))
cp -p "$WORK/used.saved" "$CARDS"
start_sandbox
assert_exit 0 submit
stop_sandbox
assert_eq "accepted with the first bytes back" 30 "$(in_state "$OUT" accepted)"
assert_eq "cards with two requests" "" "$(journal_enrols | cut -f1 | sort | uniq -d)"

# A mode and a name are not the bytes.
begin renamed
start_slow_run
chmod 640 "$CARDS"
mv "$CARDS" "$WORK/used/elsewhere.csv"
chmod 640 "$CUSTOMERS"
wait_run
assert_eq "exit code with the files touched" 0 "$RUN_CODE"
assert_eq "accepted from touched files" 30 "$(in_state "$OUT" accepted)"
mv "$WORK/used/elsewhere.csv" "$CARDS"

# ---- what is no input ----

begin kinds
start_sandbox
run_options
mkdir "$WORK/folder.csv"
assert_exit 6 "$BUILD/ctp-enroll" run "${RUN_OPTIONS[@]}" --cards "$WORK/folder.csv"
assert_exit 6 "$BUILD/ctp-enroll" run "${RUN_OPTIONS[@]}" --cards "$CARDS" --customers "$WORK/folder.csv"
assert_in "why a folder is none" 'folder\.csv: neither a regular file nor a pipe$' "$WORK/stderr"
assert_exit 6 submit --cards "$WORK/nowhere.csv" --customers "$CUSTOMERS"
assert_in "why a missing file is none" 'nowhere\.csv: cannot open: No such file or directory$' "$WORK/stderr"
assert_exit 6 submit --cards "$CARDS" --customers "$WORK/nowhere.csv"
assert_eq "files of a ledger whose input was not there" "" "$(compgen -G "$WORK/kinds.db*")"

# The input may be a pipe, which a look would empty.
mkfifo "$WORK/pipe.csv"
cat "$CARDS" >"$WORK/pipe.csv" &
assert_exit 0 submit --cards "$WORK/pipe.csv" --customers - <"$CUSTOMERS"
assert_eq "accepted from a pipe" 30 "$(in_state "$OUT" accepted)"

# A ledger that is there is told of the run, as ever.
assert_exit 6 submit --cards "$WORK/nowhere.csv"
assert_eq "runs on record" "0 6" "$(sql "$LEDGER" 'SELECT exit_code FROM run' | paste -sd ' ')"

begin none
start_sandbox
assert_exit 6 submit
assert_eq "files of a ledger that was not there" "" "$(compgen -G "$WORK/none.db*")"

# ---- input.max_bad ----

make_portfolio bad --customers 60 --cards 60 --bad 12 --seed 73
begin limit
start_sandbox
assert_exit 0 submit --cards "$CARDS" --customers "$CUSTOMERS"
(cd "$OUT" && sha256sum ./*) >"$WORK/report.before"
LEDGER=$WORK/over.db
assert_exit 6 submit --cards "$WORK/bad/cards.csv" --customers "$WORK/bad/customers.csv" --set input.max_bad=2
(cd "$OUT" && sha256sum ./*) >"$WORK/report.after"
assert_same "an earlier report beside a refused load" "$WORK/report.before" "$WORK/report.after"
assert_eq "rows of a refused load" 0 "$(enroll status --json | jq '[.totals[]] | add')"
stop_sandbox
assert_eq "requests" 30 "$(enrol_count)"
OUT=$WORK/checked
assert_exit 6 enroll check --out "$OUT" --cards "$WORK/bad/cards.csv" --customers "$WORK/bad/customers.csv" --set input.max_bad=2
assert_true "cards rejects of a check over the limit" test -s "$OUT/cards.rejects.csv"
assert_true "customers rejects of a check over the limit" test -s "$OUT/customers.rejects.csv"
refused=$(cat "$OUT/cards.rejects.csv" "$OUT/customers.rejects.csv" | wc -l)
[ "$refused" -gt 4 ] || fault "the rejects of a check over the limit are empty"

# ---- a stop during the load ----

# All but forty cards are excluded, so that a run of all of them is short.
make_portfolio large --customers 300000 --cards 300000 --seed 74
awk -F, 'NR > 41 { sub(/,NORMAL,/, ",CLOSED,") } { print }' "$WORK/large/cards.csv" >"$WORK/large/closed.csv"
begin load
start_sandbox
start_run --cards "$WORK/large/closed.csv" --customers "$WORK/large/customers.csv" --set 'input.skip_status=CLOSED'
wait_until '[ "$(sql "$LEDGER" "SELECT count(*) FROM run" 2>/dev/null || echo 0)" -ge 1 ]' 20 || die "no run began"
begun=$(date +%s%3N)
kill -s TERM "$RUN_PID"
wait_run
took=$(($(date +%s%3N) - begun))
assert_eq "exit code of a load that is stopped" 5 "$RUN_CODE"
[ "$took" -lt 2000 ] || fault "a load that is stopped took $took ms more"
assert_eq "answers to a run that was stopped at its load" 0 "$(journal_lines)"
[ "$(enroll status --json | jq "[.totals[]] | add")" -lt 300000 ] || fault "the load was not stopped, it was over"
assert_exit 0 submit --cards "$WORK/large/closed.csv" --customers "$WORK/large/customers.csv" --set 'input.skip_status=CLOSED'
assert_eq "accepted after a stopped load" 40 "$(total accepted)"
assert_eq "skipped after a stopped load" 299960 "$(total skipped)"
stop_sandbox
assert_eq "enrol requests after a stopped load" 40 "$(enrol_count)"
rm -rf "$WORK/large"

flow_end
