#!/bin/sh
# shellcheck disable=SC2317 # what a trap calls is reachable
# make demo: the main job end to end on the data in testdata/demo, against ctp-sandbox on this machine.
# Ends with 0 when check and run both end with 3, as the planted faults want it, and every card that was taken has its outcome.
set -u
cd "$(dirname "$0")/.." || exit 1
BUILD=${BUILD:-build}
WORK=$BUILD/demo
PATH=$(cd "$BUILD" && pwd):$PATH
CTP_ENROLL_AUTH_SERVER_KEY=demo-key
CTP_ENROLL_AUTH_SERVER_SECRET=demo-secret
STATE_DIRECTORY=$WORK
export PATH CTP_ENROLL_AUTH_SERVER_KEY CTP_ENROLL_AUTH_SERVER_SECRET STATE_DIRECTORY

say() {
    printf '\n== %s\n' "$*"
}

die() {
    printf 'demo: %s\n' "$*" >&2
    exit 1
}

# Prints a command as a person would type it, options on lines of their own where it is long.
type_out() {
    line='$'
    for word in "$@"; do
        case $word in
        --*)
            if [ ${#line} -gt 72 ]; then
                printf '%s \\\n' "$line"
                line='     '
            fi
            ;;
        esac
        line="$line $word"
    done
    printf '%s\n' "$line"
}

in_words() {
    case $1 in
    0) echo "done" ;;
    1) echo "internal error, or totals that do not add up" ;;
    2) echo "usage or configuration" ;;
    3) echo "finished; some rows invalid, rejected, declined or exhausted: a person reads the rejects" ;;
    4) echo "stopped by an answer that is fatal for the whole run" ;;
    5) echo "stopped early with work left: run again" ;;
    6) echo "input files missing, changed or unfit" ;;
    7) echo "ledger or disk trouble" ;;
    75) echo "another run holds the ledger" ;;
    *) echo "not a code of ctp-enroll" ;;
    esac
}

# Runs a command in the open; its exit code is left in $code.
run() {
    type_out "$@"
    "$@"
    code=$?
    printf -- '-> exit code %s: %s\n' "$code" "$(in_words "$code")"
}

sandbox=
stop_sandbox() {
    if [ -n "$sandbox" ]; then
        kill "$sandbox" 2>/dev/null
        wait "$sandbox" 2>/dev/null
        sandbox=
    fi
}
trap stop_sandbox EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if ! [ -x "$BUILD/ctp-enroll" ] || ! [ -x "$BUILD/ctp-sandbox" ]; then
    die "the programs are not built: run make first"
fi
rm -rf "$WORK"
mkdir -p "$WORK" || die "cannot make $WORK"

say "A local stand-in for the remote side: slow now and then, refusing now and then"
set -- ctp-sandbox --port 0 --port-file "$WORK/port" --latency 5ms..25ms --fault 429=2%,500=1%,reset=0.5% \
    --seed 7 --journal "$WORK/journal.jsonl" --events "$WORK/events.jsonl" \
    --event-faults failure=3%,duplicate=5%,foreign=2%
type_out "$@" '&'
"$@" >"$WORK/sandbox.log" 2>&1 &
sandbox=$!
tries=0
until [ -s "$WORK/port" ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 200 ] || ! kill -0 "$sandbox" 2>/dev/null; then
        cat "$WORK/sandbox.log" >&2
        die "the sandbox did not start"
    fi
    sleep 0.05
done
port=$(tr -d ' \n' <"$WORK/port")
printf -- '-> it listens on 127.0.0.1:%s\n' "$port"

say "Are the files fit? No request leaves here; the export has faults, and each is named"
run ctp-enroll check --cards testdata/demo/cards.csv --customers testdata/demo/customers.csv \
    --config testdata/demo/ctp-enroll.conf --out "$WORK/check"
checked=$code

say "Enrol what is fit"
run ctp-enroll run --cards testdata/demo/cards.csv --customers testdata/demo/customers.csv \
    --config testdata/demo/ctp-enroll.conf --ledger "$WORK/ctp-enroll.db" --out "$WORK/run" \
    --base-url "http://127.0.0.1:$port/cards-tokenization" --auth-url "http://127.0.0.1:$port/passport" \
    --max-duration 10m
ran=$code

say "Taken is not yet enrolled: the outcomes come later, as events"
stop_sandbox # it writes its last events when it ends
run ctp-enroll reconcile --config testdata/demo/ctp-enroll.conf --ledger "$WORK/ctp-enroll.db" "$WORK/events.jsonl"
reconciled=$code
run ctp-enroll report --config testdata/demo/ctp-enroll.conf --ledger "$WORK/ctp-enroll.db" --out "$WORK/morning"
reported=$code

say "Where the portfolio stands, now and at any later time"
run ctp-enroll status --ledger "$WORK/ctp-enroll.db"
stood=$code

say "What to look at"
for file in "$WORK"/check/*.rejects.csv "$WORK"/run/results.csv "$WORK"/run/*.rejects.csv \
    "$WORK"/run/summary.json "$WORK"/morning/results.csv "$WORK"/morning/report.html; do
    [ -e "$file" ] && printf '  %s\n' "$file"
done
printf '  %s (what the stand-in saw)\n' "$WORK/journal.jsonl"
printf '  %s (what is wrong in the demo data, line by line)\n' testdata/demo/FAULTS.md

# The first valid card of each customer must have been taken.
expected=$(awk -F'\t' '$1 == "enrollable" { print $2 }' testdata/demo/expected.tsv)
taken=$(awk -F, '$7 == "accepted" { n++ } END { print n + 0 }' "$WORK/run/results.csv")
settled=$(awk -F, '$7 == "enrolled" || $7 == "declined" { n++ } END { print n + 0 }' "$WORK/morning/results.csv")
if [ "$checked $ran $reconciled $reported $stood" = "3 3 0 0 0" ] && [ "$taken $settled" = "$expected $expected" ]; then
    printf '\nAs expected: the faulty rows were refused, %s cards were taken and have their outcome, the others wait.\n' "$taken"
    exit 0
fi
die "expected check and run to end with 3, reconcile, report and status with 0, and $expected cards to be taken and settled;" \
    "they ended with $checked, $ran, $reconciled, $reported and $stood; $taken were taken and $settled settled"
