#!/bin/bash
# What an impatient operator gets wrong: names, values, folders. Each is told by what was given, before any work is
# done in vain.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin

last() { # what, code, last line on standard error (extended pattern), command...
    local what=$1 code=$2 want=$3
    shift 3
    assert_exit "$code" "$@"
    grep -Eq -- "^ctp-enroll: $want\$" <(tail -n 1 "$WORK/stderr") || fault "$what: $(tail -n 1 "$WORK/stderr")"
}
PROGRAM=$BUILD/ctp-enroll

make_portfolio few --customers 3 --cards 3 --seed 63
FILES=(--cards "$WORK/few/cards.csv" --customers "$WORK/few/customers.csv")
: >"$WORK/file"
mkdir "$WORK/folder"

last "no file of events" 2 'reconcile needs more: FILE\.\.\. \(- for standard input\)' "$PROGRAM" reconcile
last "no such duration" 2 "--older-than: '90' is no duration, such as 90d" enroll purge --older-than 90
last "no card" 2 'show needs --card ID, a card_id' enroll show
last "no card_id" 2 '--card: that is no card_id, which is a whole number in digits' enroll show --card "Ann Inventa"

LEDGER=$WORK/none/ledger.db
last "a ledger in no folder" 7 ".*/none/ledger.db: cannot make the ledger: its folder is not there" \
    enroll run --tenant TN --base-url http://127.0.0.1:9 --auth-url http://127.0.0.1:9 "${FILES[@]}"
LEDGER=$WORK/folder
last "a folder as ledger" 7 ".*/folder: a folder, not a ledger" enroll status

# The folder of the reports: before the files are read in vain.
LEDGER=$WORK/ledger.db
last "a file as folder" 7 ".*/file: a file, not a folder" enroll check --out "$WORK/file" "${FILES[@]}"
assert_eq "nothing was read" "" "$(grep 'file loaded' "$WORK/stderr")"
last "a folder in none" 7 ".*/none/out: cannot make the folder: .*/none is not there, or not to be written into" \
    enroll check --out "$WORK/none/out" "${FILES[@]}"

# With slashes behind its name it is the same folder.
assert_exit 0 enroll check --out "$WORK/made/" "${FILES[@]}"
assert_exit 0 enroll check --out "$WORK//made.too//" "${FILES[@]}"
(cd "$WORK" && enroll check --out made.here/ "${FILES[@]}" >/dev/null 2>&1)
assert_true "they are made" test -s "$WORK/made/summary.json" -a -s "$WORK/made.too/summary.json" -a -s "$WORK/made.here/summary.json"

# A run warns when it begins, and sends.
JOURNAL=$WORK/journal.jsonl OUT=$WORK/file
start_sandbox
last "reports into a file" 7 ".*/file: a file, not a folder" submit "${FILES[@]}"
assert_in "the warning" 'warning +no reports can be written as things are reason=".*/file: a file, not a folder"' <(head -n 1 "$WORK/stderr")
assert_eq "cards are sent" 3 "$(enroll status --json | jq .totals.accepted)"
assert_eq "and the ledger knows of a clean run" 0 "$(enroll status --json | jq .last_run.exit_code)"

# A run of a ledger without cards says so.
OUT=$WORK/out LEDGER=$WORK/empty.db
last "files that are not there" 6 "none.csv: cannot open: No such file or directory" submit --cards none.csv
printf 'no,card\n' >"$WORK/header.csv"
assert_exit 6 submit --cards "$WORK/header.csv"
assert_exit 0 submit
assert_in "an empty ledger" "warning +the ledger holds no card; --cards FILE loads some ledger=$LEDGER\$" "$WORK/stderr"
stop_sandbox

flow_end
