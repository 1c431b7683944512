#!/bin/bash
# No personal value and no secret leaves its place: not in the ledger, its write-ahead log, the reports, the logs at
# debug level. Only *.rejects.csv, which are the user's own rows, hold personal data.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin

CANARY=Zanzibarix
PHONE='7700[ -]?900'
export CTP_ENROLL_AUTH_SERVER_KEY=leakkey7Qm CTP_ENROLL_AUTH_SERVER_SECRET=leaksecret9Xw
make_portfolio people --customers 400 --cards 480 --bad 60 --canary $CANARY --shuffle --seed 71
CARDS=$WORK/people/cards.csv CUSTOMERS=$WORK/people/customers.csv
assert_true "the canary is in the input" grep -q "$CANARY" "$CUSTOMERS"
assert_true "the phones' canary is in the input" grep -Eq "$PHONE" "$CUSTOMERS"

# Files below $WORK, but the input and the rejects, that match.
leaking() { # options and pattern of grep
    grep -rlEai "$@" "$WORK" | grep -v -e "^$WORK/people/" -e '\.rejects\.csv$'
}

look() { # when
    assert_eq "personal values, $1" "" "$(leaking -e "$CANARY" -e "$PHONE")"
    assert_eq "secrets, $1" "" "$(leaking -e leakkey7Qm -e leaksecret9Xw)"
    assert_eq "tokens, $1" "" "$(leaking -e 'eyJ[a-z0-9_-]{12}')"
}

# The sandbox's refusals repeat names and e-mails of the request (echo400).
start_sandbox --latency 10ms..30ms --fault echo400=10%,500=5%,reset=3% --token-ttl 5 --seed 13
start_run --cards "$CARDS" --customers "$CUSTOMERS" --log-level debug --log-format json
# shellcheck disable=SC2016 # looked at again each time
wait_until '[ "$(enrol_count)" -ge 60 ]' 30 || die "the run sent nothing"
assert_eq "secrets on the command line" 0 "$(tr '\0' '\n' <"/proc/$RUN_PID/cmdline" | grep -c leak)"
look "in mid-run"
stop_run
assert_true "a write-ahead log was left to look at" test -s "$LEDGER-wal"
cp "$WORK/run.stderr" "$WORK/killed.stderr"
look "after kill -9"

assert_exit 3 submit --log-level debug --log-format json
cp "$WORK/stderr" "$WORK/json.stderr"
assert_true "some refusals repeated personal data" test "$(in_state "$OUT" rejected)" -gt 0
assert_exit 3 submit --log-level debug
enroll status >"$WORK/status.txt" 2>&1
enroll status --json >"$WORK/status.json" 2>&1
card=$(results "$OUT" | awk -F'\t' '$7 == "rejected" { print $6; exit }')
enroll show --card "$card" >"$WORK/show.txt" 2>&1
"$BUILD/ctp-enroll" config show --origin >"$WORK/config.txt" 2>&1
enroll report --out "$WORK/report" >/dev/null 2>&1
"$BUILD/ctp-enroll" check --cards "$CARDS" --customers "$CUSTOMERS" --out "$WORK/check" --log-level debug \
    >"$WORK/check.stdout" 2>"$WORK/check.stderr"
look "at the end"
stop_sandbox
look "in the journal"

assert_true "the rejects hold the user's own rows" grep -q "$CANARY" "$OUT/customers.rejects.csv"
assert_in "config show names the secret's setting" 'auth\.server_secret' "$WORK/config.txt"
for file in "$LEDGER" "$OUT"/*; do
    assert_eq "mode of $(basename "$file")" 600 "$(stat -c %a "$file")"
done

# A secret on the command line is refused.
assert_exit 2 submit --set auth.server_secret=leaksecret9Xw
assert_eq "the refused secret on stderr" 0 "$(grep -c leaksecret9Xw "$WORK/stderr")"

flow_end
