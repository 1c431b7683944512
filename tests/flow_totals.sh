#!/bin/bash
# Control totals: what check, run, status and report say of each file, as a sheet and as JSON, against literal figures
# and sha256sum; the same numbers later; and the limit of refused records, reached and passed by one.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin
cd "$WORK" || die "no $WORK"
IN=$WORK/in
mkdir "$IN"

RULES=(--set enroll.locale=en_US --set enroll.owner_bid=1000052 --set input.skip_status=CLOSED
    --set 'columns.first_name="Ann"' --set 'columns.last_name="Example"'
    --set 'columns.emails="ann@example.com"' --set 'columns.phones="+4930123456"')

# Of ten customers: two invalid (12, and 11 again), one skipped. 17, 18 and 19 have no card; 14 has a refused one only.
cat >"$IN/customers.csv" <<'EOF'
customer_id,country_code,status,billing_address_line1
11,,,1 Main Street
12,XX,,1 Main Street
13,,,1 Main Street
14,,,1 Main Street
15,XX,CLOSED,1 Main Street

11,,,1 Main Street
16,BR,,1 Main Street
17,,,1 Main Street
18,,,1 Main Street
19,,,1 Main Street
EOF
# Of twelve cards: six invalid, one of them with two codes, one with the same code twice; one skipped.
cat >"$IN/cards.csv" <<'EOF'
customer_id,account_id,card_id,status
11,21,501,
11,21,502,
12,21,503,
13,x,504,CLOSED
99,21,505,
99,x,506,
14,21,x,
13,21,501,
x,y,507,
16,21,508,
13,21,509,
16,22,510,
EOF

check() { # options
    "$BUILD/ctp-enroll" check "${RULES[@]}" --out "$OUT" "$@"
}
run() { # options
    submit "${RULES[@]}" "$@"
}

# The sheet: from the first file's name to the empty line behind the codes.
sheet() { # file
    awk '/^(customers|cards) +[^ ]*in\// { on = 1 } on && !NF && ++n == 2 { exit } on' "$1"
}

CUSTOMERS_SUM=$(sha256sum <"$IN/customers.csv" | cut -d' ' -f1)
CARDS_SUM=$(sha256sum <"$IN/cards.csv" | cut -d' ' -f1)
cat >"$WORK/sheet.expected" <<EOF
customers  in/customers.csv
  SHA-256  $CUSTOMERS_SUM
cards      ./in/cards.csv
  SHA-256  $CARDS_SUM

                         customers                     cards
records read                    10                        12
  valid                          7                         5
    new                          7                         5
    re-pointed                   0                         0
    known                        0                         0
  skipped                        1                         1
  invalid                        2                         6
    duplicates                   1                         1
    without customer                                       2
customers without card           3
invalid records by code
  bad_integer                                              3  line 7
  no_customer                                              2  line 6
  bad_country                    1  line 3
  customer_invalid                                         1  line 4
  duplicate_customer             1  line 8
  duplicate_card                                           1  line 9
EOF

# What the JSON must hold of these files; `loaded_at` is of each load.
cat >"$WORK/files.expected" <<EOF
[{"file":"customers.csv","path":"$IN/customers.csv","carries":"customers","sha256":"$CUSTOMERS_SUM","bytes":$(stat -c %s "$IN/customers.csv"),"records":10,"valid":7,"new":7,"repointed":0,"known":0,"skipped":1,"invalid":2,"duplicates":1,"without_card":3,"problems":{"bad_country":1,"duplicate_customer":1},"example_lines":{"bad_country":3,"duplicate_customer":8}},
 {"file":"cards.csv","path":"$IN/cards.csv","carries":"cards","sha256":"$CARDS_SUM","bytes":$(stat -c %s "$IN/cards.csv"),"records":12,"valid":5,"new":5,"repointed":0,"known":0,"skipped":1,"invalid":6,"duplicates":1,"without_customer":2,"problems":{"bad_integer":3,"no_customer":2,"customer_invalid":1,"duplicate_card":1},"example_lines":{"bad_integer":7,"no_customer":6,"customer_invalid":4,"duplicate_card":9}}]
EOF
jq -S . "$WORK/files.expected" >"$WORK/files.json"

check_files() { # what, JSON document
    jq -S '.files[:2] | map(del(.loaded_at))' "$2" >"$WORK/files.found"
    assert_same "$1: files" "$WORK/files.json" "$WORK/files.found"
}

# ---- check ----

assert_exit 3 check --customers in/customers.csv --cards ./in/cards.csv
sheet "$WORK/stdout" >"$WORK/sheet.found"
assert_same "the sheet of check" "$WORK/sheet.expected" "$WORK/sheet.found"
check_files "summary.json of check" "$OUT/summary.json"
assert_eq "lines of the sheet that are too long for 80 columns or end in blanks" "" \
    "$(sheet "$WORK/stdout" | grep -E '.{80}|[[:blank:]]$')"
assert_exit 3 check --customers in/customers.csv --cards in/cards.csv --json
check_files "check --json" "$WORK/stdout"
assert_eq "problems, in all" '{"bad_integer":4,"bad_country":1,"no_customer":2,"customer_invalid":1,"duplicate_customer":1,"duplicate_card":1}' \
    "$(jq -c .problems "$WORK/stdout")"

# ---- run, status, report ----

start_sandbox
assert_exit 3 run --dry-run --customers in/customers.csv --cards ./in/cards.csv
sheet "$WORK/stdout" >"$WORK/sheet.found"
assert_same "the sheet of a dry run" "$WORK/sheet.expected" "$WORK/sheet.found"
assert_exit 3 run --customers in/customers.csv --cards ./in/cards.csv
sheet "$WORK/stdout" >"$WORK/sheet.found"
assert_same "the sheet of run" "$WORK/sheet.expected" "$WORK/sheet.found"
check_files "summary.json of run" "$OUT/summary.json"
assert_exit 3 run --customers in/customers.csv --cards in/cards.csv --json
check_files "run --json" "$WORK/stdout"
assert_exit 3 run --customers in/customers.csv --cards ./in/cards.csv
sheet "$WORK/stdout" | sed 's/  (loaded before; nothing was added)$//' >"$WORK/sheet.found"
assert_same "the sheet of files that were loaded before" "$WORK/sheet.expected" "$WORK/sheet.found"
assert_eq "files that were loaded before" 2 "$(grep -c '  (loaded before; nothing was added)$' "$WORK/stdout")"
assert_exit 3 run
assert_eq "digests that a run without files tells" 0 "$(grep -c SHA-256 "$WORK/stdout")"
assert_exit 0 enroll status
sed 's/  (loaded 20[0-9:.TZ-]*)$//; s#  in/cards#  ./in/cards#' "$WORK/stdout" >"$WORK/status"
sheet "$WORK/status" >"$WORK/sheet.found"
assert_same "the sheet of status" "$WORK/sheet.expected" "$WORK/sheet.found"
assert_exit 0 enroll status --json
check_files "status --json" "$WORK/stdout"

# ---- the next night: what was told of the first one stays ----

sed '2s/,,,/,BR,,/; 12s/^19/99/' "$IN/customers.csv" | grep -v '^17' >"$IN/night.customers.csv"
sed '6s/505/515/; 8s/x,$/514,/' "$IN/cards.csv" >"$IN/night.cards.csv"
assert_exit 3 run --customers in/night.customers.csv --cards in/night.cards.csv
assert_exit 0 enroll report --out "$WORK/later" "${RULES[@]}"
assert_exit 0 enroll status --json
check_files "status --json, the first night" "$WORK/stdout"
assert_eq "the second night's customers" '{"records":9,"valid":6,"new":1,"repointed":5,"known":0,"skipped":1,"invalid":2,"duplicates":1,"without_card":1,"problems":{"bad_country":1,"duplicate_customer":1}}' \
    "$(jq -c '.files[2] | {records,valid,new,repointed,known,skipped,invalid,duplicates,without_card,problems}' "$WORK/stdout")"
assert_eq "the second night's cards" '{"records":12,"valid":8,"new":2,"repointed":2,"known":4,"skipped":0,"invalid":4,"duplicates":1,"without_customer":0,"problems":{"bad_integer":2,"customer_invalid":1,"duplicate_card":1}}' \
    "$(jq -c '.files[3] | {records,valid,new,repointed,known,skipped,invalid,duplicates,without_customer,problems}' "$WORK/stdout")"
jq -S .files "$WORK/stdout" >"$WORK/files.status"
jq -S .files "$WORK/later/summary.json" >"$WORK/files.report"
assert_same "files of status and report" "$WORK/files.status" "$WORK/files.report"
assert_exit 0 enroll status
assert_true "an earlier file's digest" grep -qx "  SHA-256  $CARDS_SUM" "$WORK/stdout"
assert_in "an earlier file's records" '^  12 records = 5 new \+ 0 re-pointed \+ 0 known \+ 1 skipped \+ 6 invalid$' "$WORK/stdout"
stop_sandbox

# ---- input.max_bad: six of twelve cards, two of ten customers ----

rm -f "$JOURNAL"
start_sandbox
over() { # setting, file, words
    LEDGER=$WORK/over.db OUT=$WORK/over
    assert_exit 6 run --customers in/customers.csv --cards in/cards.csv --set input.max_bad="$1"
    assert_in "run over $1" "$2: $3 records are refused, more than input\.max_bad allows" "$WORK/stderr"
    assert_eq "files of a run over $1" 0 "$(sql "$LEDGER" 'SELECT count(*) FROM file')"
    assert_true "no report of a run over $1" test ! -e "$OUT"
    assert_exit 6 check --customers in/customers.csv --cards in/cards.csv --set input.max_bad="$1"
    assert_in "check over $1" "$2: $3 records are refused" "$WORK/stderr"
    check_files "summary.json of a check over $1" "$OUT/summary.json"
    assert_eq "rejects of a check over $1" 8 "$(tail -qn +2 "$OUT"/cards.rejects.csv "$OUT"/customers.rejects.csv | wc -l)"
    rm -rf "$OUT" "$LEDGER"*
}
over 5 in/cards.csv '6 of 12'
over 49.9% in/cards.csv '6 of 12'
over 1 in/customers.csv '2 of 10'
over 19% in/customers.csv '2 of 10'
assert_eq "requests of runs over the limit" 0 "$(journal_lines)"
stop_sandbox
OUT=$WORK/within
for limit in 6 50% none; do
    assert_exit 3 check --customers in/customers.csv --cards in/cards.csv --set input.max_bad="$limit"
done

# The limit of the customers alone, reached.
sed '3d;9q' "$IN/customers.csv" >"$IN/few.csv"
printf 'customer_id,account_id,card_id\n11,21,501\n' >"$IN/one.csv"
assert_exit 3 check --customers in/few.csv --cards in/one.csv --set input.max_bad=1
assert_exit 6 check --customers in/few.csv --cards in/one.csv --set input.max_bad=0

flow_end
