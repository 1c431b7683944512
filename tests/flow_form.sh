#!/bin/bash
# What an input file was read with is stored with it: its rows are read so again, whatever a later run says or leaves
# out; another setting on purpose is told. Files that are new are read as the settings say.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin

HEADER='customer_id;account_id;card_id;first_name;last_name;emails;phones;billing_address_line1;country_code'
{
    printf '%s\n' "$HEADER"
    printf '1%s;21;50%s;Jos\xE9;M\xFCller;a@example.com;5521987654321;Stra\xDFe 1;DEU\n' 1 1 2 2 3 3
} >"$WORK/cards.csv"
RULES=(--set enroll.owner_bid=1000052 --set enroll.locale=pt_BR)
FORM=(--set input.delimiter=auto --set input.encoding=windows-1252)

# Loads and sends nothing: the timetable is closed.
load() { # options of run
    assert_exit 5 submit "${RULES[@]}" --set 'pace.timetable=* 0' --max-duration 100ms "$@"
}

warned() { # what, setting, what it was loaded with, what is set now
    assert_in "$1" "warning $2 is not what this file was loaded with, which holds for it file=[^ ]*\.csv loaded_with=$3 set=$4" \
        "$WORK/stderr"
}

silent() { # what
    assert_eq "$1" 0 "$(grep -c 'is not what this file was loaded with' "$WORK/stderr")"
}

ready() {
    enroll status --json | jq -r '.totals.ready // 0'
}

# ---- the ledger has what was found, not what was asked for ----
start_sandbox
load "${FORM[@]}" --cards "$WORK/cards.csv"
assert_eq "what the file was read with" ';|WINDOWS-1252' "$(sql "$LEDGER" 'SELECT delimiter, encoding FROM file')"
cp "$LEDGER" "$WORK/loaded.db"

# ---- neither is given ----
assert_exit 0 submit "${RULES[@]}"
silent "nothing was set"
assert_eq "accepted without the settings" 3 "$(in_state "$OUT" accepted)"

# ---- the file given again without them is the file that is known ----
cp "$WORK/loaded.db" "$WORK/again.db"
LEDGER=$WORK/again.db OUT=$WORK/again
assert_exit 0 submit "${RULES[@]}" --cards "$WORK/cards.csv"
silent "nothing was set for a file that was given again"
assert_in "the file is known" 'file known; nothing added' "$WORK/stderr"
assert_eq "cards of the file that was given again" 3 "$(in_state "$OUT" already)"

# ---- others are given: what is stored holds, and both are named ----
cp "$WORK/loaded.db" "$WORK/other.db"
LEDGER=$WORK/other.db OUT=$WORK/other
load --set input.delimiter=, --set input.encoding=UTF-8
warned "another delimiter" input.delimiter ';' ','
warned "another encoding" input.encoding WINDOWS-1252 UTF-8
assert_eq "rows left" 3 "$(ready)"
load --set input.delimiter=tab --set input.encoding=ISO-8859-1 --cards "$WORK/cards.csv"
warned "another delimiter for the file that is given" input.delimiter ';' tab
warned "another encoding for the file that is given" input.encoding WINDOWS-1252 ISO-8859-1
assert_eq "warnings about a file that is given and needed" 2 "$(grep -c 'is not what this file was loaded with' "$WORK/stderr")"
assert_eq "what is stored stays" ';|WINDOWS-1252' "$(sql "$LEDGER" 'SELECT delimiter, encoding FROM file')"
load --set 'input.delimiter=;' --set input.encoding=Windows-1252
silent "the same settings"

# ---- a new file is read as the settings say, the one before as it was ----
tr ';' ',' <"$WORK/cards.csv" | LC_ALL=C sed -e '2d' -e 's/,50/,60/' -e 's/^1/9/' | iconv -f WINDOWS-1252 -t UTF-16 >"$WORK/wide.csv"
assert_exit 0 submit "${RULES[@]}" --set input.delimiter=, --set input.encoding=UTF-16 --cards "$WORK/wide.csv"
warned "the file before" input.encoding WINDOWS-1252 UTF-16
assert_eq "accepted of the new file" 2 "$(in_state "$OUT" accepted)"
assert_eq "cards of the file before" 3 "$(in_state "$OUT" already)"
assert_eq "files" ';|WINDOWS-1252 ,|UTF-16LE' "$(sql "$LEDGER" 'SELECT delimiter, encoding FROM file' | paste -sd ' ')"
stop_sandbox
assert_eq "requests that were not as they should be" "" "$(journal_enrols | awk -F'\t' '$7 != "true"')"

# ---- rejects of both, each in its own form ----
LEDGER=$WORK/refused.db OUT=$WORK/refused
sed 's/;50/;x/' "$WORK/cards.csv" >"$WORK/bad.csv"
start_sandbox
assert_exit 3 submit "${RULES[@]}" "${FORM[@]}" --cards "$WORK/bad.csv"
stop_sandbox
cp "$OUT/cards.rejects.csv" "$WORK/rejects"
rm -r "$OUT"
assert_exit 0 enroll report --out "$OUT" "${RULES[@]}"
silent "nothing was set for a report"
assert_same "rejects that a report makes without the settings" "$WORK/rejects" "$OUT/cards.rejects.csv"
rm -r "$OUT"
assert_exit 0 enroll report --out "$OUT" "${RULES[@]}" --set input.delimiter=tab --set input.encoding=ISO-8859-1
warned "another delimiter for a report" input.delimiter ';' tab
warned "another encoding for a report" input.encoding WINDOWS-1252 ISO-8859-1
assert_same "rejects that a report makes with other settings" "$WORK/rejects" "$OUT/cards.rejects.csv"

flow_end
